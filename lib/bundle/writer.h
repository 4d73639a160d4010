/* What the two halves of the writer share: writer.c takes segments, finish.c makes the bundle. */
#ifndef LIB_BUNDLE_WRITER_H
#define LIB_BUNDLE_WRITER_H

#include "lib/bundle/codec.h"
#include "lib/bundle/index.h"
#include "lib/bundle/lease.h"
#include "lib/bundle/lookup.h"
#include "lib/bundle/manifest.h"
#include "lib/bundle/pack.h"
#include "lib/bundle/parent.h"
#include "lib/seal/wrap.h"

#include <stdatomic.h>

struct writer_component {
    pthread_mutex_t lock; /* guards pack, pack_id and new_bytes; taken before the writer's */
    char *name;           /* encoded */
    json_t *facts;
    struct pack_writer *pack; /* the open one; NULL: none */
    uint32_t pack_id;
    uint64_t new_bytes;
    uint64_t deltas, delta_bytes; /* stored by this bundle; under this lock */
    uint64_t references;          /* to the parent's segments; under the writer's lock */
    uint64_t segments, streams, records, raw_bytes, stored_bytes; /* counted by finish */
};

struct writer_stream {
    enum stream_kind kind;
    char *name;
    json_t *meta;
    struct writer_component *component;
};

struct bundle_writer {
    struct store *store;
    char *environment, *tag;
    bool production;
    int level;
    int64_t created_ns;
    uint64_t rate_bytes;
    struct codecs codecs;
    atomic_bool failed;
    const struct key_secret *sign_with; /* NULL: not signed */
    struct cache *cache;                /* of an encrypted one; NULL: none */
    struct lease *lease;                /* keeps gc away from the parent and from what is written */

    pthread_mutex_t lock; /* guards everything below */
    int64_t rate_next_ns;
    struct parent *parent;         /* NULL: none, or finish has begun */
    char parent_text[DIGEST_TEXT]; /* its digest, once it is closed; "": none */
    struct wrap *wrap;             /* keys of what is sealed; NULL: not encrypted */
    struct vec streams;            /* struct writer_stream */
    struct index all;              /* segments in the order that they came in, and their keys */
    struct lookup same;            /* numbers of segments, by their content */
    struct vec packs;              /* struct index_pack; zero until it is done */
    struct vec components;         /* struct writer_component * */
    json_t *config;                /* set by finish */
};

/* Makes a pack durable and notes it as number `id`. Frees it either way. */
bool writer_finish_pack(struct bundle_writer *w, struct pack_writer *pack, uint32_t id,
                        struct err *err);

/* A copy of what is known of a stream; false: none of that number. */
bool writer_stream_of(struct bundle_writer *w, uint32_t id, struct writer_stream *out);
/* 0 unless it is a STREAM_COLUMNS. */
unsigned writer_columns(const struct writer_stream *s);
/* Notes a stored segment and a copy of its keys. `repeated`: writer_repeat() has found its bytes, and
 * need not find them here, too. */
bool writer_record(struct bundle_writer *w, const struct segment *seg,
                   const struct segment_raw *raw, bool repeated, struct err *err);

/* Bytes that this bundle has stored already, in the same component, are referenced there; a delta
 * only by a stream of as many columns, by which its list of rows is read. */
bool writer_repeat(struct bundle_writer *w, const struct writer_stream *s, struct segment *seg);
/* The same of the bytes that the parent holds; false: they are not there, or not any more. */
bool writer_refer(struct bundle_writer *w, const struct writer_stream *s, struct segment *seg);
/* A frame against the parent's frame of the same segment, and seg->base; false: there is none, or it
 * is too large to be worth it. *frame lives as that of codec_compress(). */
bool writer_delta(struct bundle_writer *w, const struct writer_stream *s,
                  const struct segment_raw *raw, struct codec *codec, struct span *frame,
                  struct segment *seg);

#endif
