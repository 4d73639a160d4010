/* The segment index: which streams a bundle has and where each segment lies.
 *
 * Text, one record per line, fields split by tabs and escaped as in COPY text; stored as zstd frames
 * of about INDEX_FRAME bytes of whole lines. docs/bundle-format.md ("Segment index") is the
 * specification.
 * Memory: the segments and their keys lie in spills (lib/base/spill.h): what is read of them comes into
 *         memory, and index_forget() lets it go. Names and metas of streams, and packs, are in memory.
 * Limits: INDEX_MAX bytes of text. Everything is checked against everything when it is decoded:
 *         a struct index that was read to its end is sound, whoever wrote the bytes.
 * Errors: ERR_DAMAGED with the line; ERR_UNSUPPORTED for a later format; ERR_SPACE of a spill.
 */
#ifndef LIB_BUNDLE_INDEX_H
#define LIB_BUNDLE_INDEX_H

#include "lib/base/spill.h"
#include "lib/base/vec.h"
#include "lib/bundle/bundle.h"
#include "lib/bundle/codec.h"

#define INDEX_SEALED    "1" /* the seal of a pack, as in lib/seal/sealed.h */
#define INDEX_MAX       ((size_t)1 << 30)
#define INDEX_FRAME     ((size_t)1 << 20)
#define INDEX_FRAME_MAX ((size_t)256 << 20)
#define INDEX_HEAD_MAX  ((size_t)256 << 20) /* of it packs and streams */

struct index_pack {
    struct digest digest;
    uint64_t bytes;
    bool sealed;
};

struct index_stream {
    enum stream_kind kind;
    const char *name;
    const json_t *meta;
};

struct index {
    struct vec packs;      /* struct index_pack */
    struct vec streams;    /* struct index_stream, by name */
    struct spill segments; /* struct segment, by stream and seq */
    size_t segment_count;
    struct spill keys;  /* of the segments, which point into it */
    struct vec owned;   /* json_t *: the metas of one that was read */
    struct vec strings; /* char *: and the names */
};

void index_init(struct index *ix);
void index_done(struct index *ix);
static inline void auto_index(struct index *ix)
{
    index_done(ix);
}

static inline const struct segment *index_segments(const struct index *ix)
{
    return (const struct segment *)(void *)ix->segments.at;
}
/* Room for the segments of a text of so many bytes; without it, for those of any. */
bool index_reserve(struct index *ix, size_t text_bytes, struct err *err);
/* A copy behind the others; its keys are the caller's. NULL with err. */
struct segment *index_add(struct index *ix, const struct segment *seg, struct err *err);
/* Copies of both keys, one behind the other. */
bool index_keep_keys(struct index *ix, struct segment *seg, struct err *err);
/* None of it needs to be in memory; who goes through all of them says so every INDEX_RELAX segments. */
void index_forget(const struct index *ix);
#define INDEX_RELAX ((size_t)4096)

/* ---- writing ---------------------------------------------------------------------------------*/

struct index_parts {
    const struct vec *packs;   /* struct index_pack */
    const struct vec *streams; /* struct index_stream, by name */
    size_t segment_count;
    /* Segment number `i`, for i = 0, 1, ...: by stream and seq. NULL with err. */
    const struct segment *(*segment)(void *ctx, size_t i, struct err *err);
    void *ctx;
};

/* Appends the frames; *out was opened here. */
bool index_encode(const struct index_parts *parts, struct codec *c, struct spill *out,
                  struct err *err);

/* ---- reading ---------------------------------------------------------------------------------*/

/* Of frames that lie one behind the other. `ix` was initialised. */
bool index_decode(const struct spill *frames, struct codec *c, struct index *ix, struct err *err);

/* The same of the text, piece by piece, each of whole lines; it is written into. */
struct index_reader {
    struct index *ix; /* the rest starts at 0 */
    size_t lines;
    size_t head_bytes; /* of packs and streams, which are held in memory */
    bool ended;
};
bool index_read_text(struct index_reader *r, struct span text, struct err *err);
bool index_read_end(struct index_reader *r, struct err *err);

#endif
