/* Bundles: versioned captures of an environment, as manifests in an OCI image layout.
 *
 * Everything captured is a stream: an ordered sequence of records with keys, cut into segments of
 * about SEGMENT_TARGET raw bytes. A segment is one independent zstd frame inside a pack (a blob of
 * up to PACK_TARGET bytes that ends in a zstd seek table); the segment index, a blob of its own,
 * says where each lies. docs/bundle-format.md is the specification; this header is the C view.
 *
 * Stream names:  COMPONENT/NAME, percent-encoded outside [A-Za-z0-9._-] by stream_name().
 *   files/code             STREAM_TAR   pax entries; all segments in order are a tar without the
 *                                       two closing zero blocks
 *   postgresql.shop/public.orders  STREAM_COLUMNS  COPY text, column-wise (lib/bundle/columns.h)
 *   postgresql.shop/pre-data.sql   STREAM_TEXT     any bytes as they are
 *   mariadb.catalog/articles       STREAM_COLUMNS  LOAD DATA text, column-wise
 *   facts/packages                 STREAM_TEXT     JSON
 * A component is "files", "facts" or ENGINE.NAME with NAME as in the environment file.
 */
#ifndef LIB_BUNDLE_BUNDLE_H
#define LIB_BUNDLE_BUNDLE_H

#include "lib/base/auto.h"
#include "lib/base/buf.h"
#include "lib/base/hash.h"
#include "lib/store/store.h"

#include <jansson.h>

#define BUNDLE_FORMAT   1
#define SEGMENT_TARGET  ((size_t)4 << 20)
#define SEGMENT_RAW_MAX ((size_t)1 << 30) /* one row is never cut; a reader refuses more */
#define PACK_TARGET     ((uint64_t)128 << 20)

struct bundle_access; /* lib/bundle/access.h */
struct key_public;    /* lib/seal/key.h */
struct key_secret;

enum stream_kind { STREAM_TAR, STREAM_COLUMNS, STREAM_TEXT };
const char *stream_kind_name(enum stream_kind kind); /* "tar", "columns", "text" */

/* Percent-encodes `name` behind `component` and a slash; heap. Tables pass schema and table apart
 * and are joined with an unencoded dot: ("postgresql.shop", "public", "a.b") gives
 * "postgresql.shop/public.a%2Eb". schema may be NULL. */
char *stream_name(const char *component, const char *schema, const char *name);

/* ---- writing ---------------------------------------------------------------------------------*/

struct bundle_writer;

struct bundle_conf {
    const char *environment; /* its name */
    bool production;
    int level;              /* zstd level; 0: the default */
    const char *tag;        /* set when done; NULL: none but the dated one */
    const char *parent;     /* tag or digest in the same store; NULL: none */
    uint64_t rate_bytes;    /* raw bytes per second over all threads; 0: unlimited */
    struct err *parent_why; /* not NULL: a parent that is no good is left out, and this says why */
    /* Who may read it; none: not encrypted. With them the parent is of use with a cache only. */
    const struct key_public *encrypt_to;
    size_t encrypt_count;
    struct cache *cache; /* lib/bundle/cache.h; NULL: none. Borrowed until the writer is closed */
    const struct key_secret *sign_with; /* NULL: not signed; borrowed until bundle_finish() */
};

struct bundle_ref {
    struct digest manifest;
    char tag[128]; /* the dated tag: NAME-20260131T120000Z */
};

/* Threads: everything below but open, finish and close may be called from any worker. */
bool bundle_create(struct store *store, const struct bundle_conf *conf, struct bundle_writer **out,
                   struct err *err);
/* Declares a stream. `meta`: what a restorer must know (columns, types, statements); borrowed. Of a
 * STREAM_COLUMNS it has the array "columns", one element per column, in the order of the values. */
bool bundle_stream(struct bundle_writer *w, enum stream_kind kind, const char *name,
                   const json_t *meta, uint32_t *id, struct err *err);

struct segment_raw {
    uint32_t stream;
    uint64_t seq;         /* order in the stream; gaps are allowed, repeats are not */
    uint64_t records;     /* rows, or tar entries that begin here */
    struct span bytes;    /* raw content */
    struct span key_from; /* first key, inclusive; what it is depends on the kind */
    struct span key_to;
    /* The parent's segment that it descends from, of the stream that bundle_parent_stream() gave;
     * NULL: the one with its seq and first key, if there is one. */
    const struct segment *like;
};
/* Compresses in the calling thread and appends to the current pack of the component. */
bool bundle_segment(struct bundle_writer *w, const struct segment_raw *seg, struct err *err);
/* The segment `seg->like` as it is, without its bytes: who calls knows that they did not change. */
bool bundle_keep(struct bundle_writer *w, const struct segment_raw *seg, struct err *err);
/* The stream of that name in the parent, whose segments say where it was cut; NULL: none. Lives until
 * bundle_finish(). */
const struct stream *bundle_parent_stream(const struct bundle_writer *w, const char *name);
/* What was read of its streams' segments goes out of memory until it is read again: for who goes
 * through many of them. Any thread. */
void bundle_parent_forget(const struct bundle_writer *w);
/* Whether what the parent says may be believed: false when this bundle is signed and the parent was
 * not, with the same key. Its bytes need no belief, they are checked. */
bool bundle_parent_trusted(const struct bundle_writer *w);
/* The content of one of its segments. */
bool bundle_parent_read(const struct bundle_writer *w, const struct segment *seg, struct buf *out,
                        struct err *err);
/* A whole STREAM_TEXT in one call. */
bool bundle_text(struct bundle_writer *w, const char *name, const json_t *meta, struct span text,
                 struct err *err);
/* What bundle.json says of a component: position, version, counts, what was left out. Stolen. Said
 * twice of one component, objects are merged, arrays joined, and other values replaced. The counts
 * of the writer itself ("streams", "records", "raw_bytes", "stored_bytes", ...) are added. */
bool bundle_component(struct bundle_writer *w, const char *component, json_t *facts,
                      struct err *err);
/* Packs, index, config, manifest, then the tags. Only now the bundle exists. */
bool bundle_finish(struct bundle_writer *w, struct bundle_ref *out, struct err *err);
/* bundle.json as it was written, after bundle_finish(); NULL before. Borrowed. */
const json_t *bundle_result(const struct bundle_writer *w);
/* Without finish: nothing visible is left but blobs for gc; temporary files are removed. */
void bundle_abandon(struct bundle_writer *w);
AUTO_PTR(bundle_writer, struct bundle_writer, bundle_abandon)

/* ---- reading ---------------------------------------------------------------------------------*/

struct bundle;

/* The full frame that a delta is made against; raw_bytes is 0 where there is none. */
struct segment_base {
    uint32_t pack;
    uint64_t offset, stored_bytes, raw_bytes;
    struct digest raw;
};

struct segment {
    uint32_t stream;
    uint32_t pack;
    uint64_t seq, offset, stored_bytes, raw_bytes, records;
    struct digest raw; /* SHA-256 of the raw content */
    struct span key_from, key_to;
    struct segment_base base;
};

struct stream {
    uint32_t id;
    enum stream_kind kind;
    const char *name;      /* whole */
    const char *component; /* before the slash */
    const json_t *meta;
    const struct segment *segments; /* ordered by seq */
    size_t segment_count;
    uint64_t raw_bytes, records;
};

/* ref: a tag, "latest", a manifest digest, or a unique prefix of one (6 or more hex digits). */
bool bundle_open(struct store *store, const char *ref, struct bundle **out, struct err *err);
/* The same with keys (lib/bundle/access.h); without them an encrypted bundle is ERR_AUTH. NULL: none.*/
bool bundle_open_as(struct store *store, const char *ref, const struct bundle_access *access,
                    struct bundle **out, struct err *err);
/* Whether it is signed as `access` asks, which bundle_open_as() has checked already; for rules that
 * are only known once it is open. */
bool bundle_trusted(const struct bundle *b, const struct bundle_access *access, struct err *err);
/* Keeps gc away from it until it is closed, for who reads on; by name of what is done. ERR_DAMAGED when
 * it was taken away before. In a store that may not be written only gc's grace period protects it. */
bool bundle_hold(struct bundle *b, const char *what, struct err *err);
void bundle_close(struct bundle *b);
AUTO_PTR(bundle, struct bundle, bundle_close)
const struct digest *bundle_digest(const struct bundle *b);
const json_t *bundle_config(const struct bundle *b);                        /* bundle.json */
const struct stream *bundle_streams(const struct bundle *b, size_t *count); /* ordered by name */
const struct stream *bundle_find(const struct bundle *b, const char *name); /* NULL: none */
/* The number of columns of a STREAM_COLUMNS. */
unsigned bundle_columns(const struct stream *s);
/* Decoded and checked against the raw hash: wrong bytes are never given. Any thread. The buffer is
 * cleared first; reuse one per worker. */
bool bundle_read(struct bundle *b, const struct segment *seg, struct buf *out, struct err *err);
/* A whole STREAM_TEXT. ERR_MISSING when there is none of that name. */
bool bundle_read_text(struct bundle *b, const char *name, struct buf *out, struct err *err);

/* ---- what a store holds ----------------------------------------------------------------------*/

struct bundle_info {
    struct digest manifest;
    const char *const *tags;
    size_t tag_count;
    const char *created; /* ISO 8601; "" when the manifest cannot be read */
    const char *environment;
    bool pinned;
    const json_t *config; /* NULL when it cannot be read; then why says so */
    const char *why;
};

/* Newest first. A bundle that cannot be read is given too. */
bool bundle_list(struct store *store,
                 bool (*each)(void *ctx, const struct bundle_info *info, struct err *err),
                 void *ctx, struct err *err);
/* The newest bundle of an environment; ERR_MISSING when there is none. */
bool bundle_newest(struct store *store, const char *environment, struct digest *out,
                   struct err *err);

#endif
