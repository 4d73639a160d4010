/* zstd frames, with contexts that are used again: making one costs more than a small segment.
 *
 * Threads: codecs_take() and codecs_give() from any thread; a codec belongs to its taker.
 * Source:  RFC 8878.
 */
#ifndef LIB_BUNDLE_CODEC_H
#define LIB_BUNDLE_CODEC_H

#include "lib/base/buf.h"
#include "lib/base/idle.h"
#include "lib/base/vec.h"

struct codec;
struct codecs {
    struct idle idle;
};

void codecs_init(struct codecs *all);
void codecs_done(struct codecs *all);
bool codecs_take(struct codecs *all, struct codec **out, struct err *err);
void codecs_give(struct codecs *all, struct codec *c); /* NULL is fine */

/* One frame with its content size and checksum; *frame is valid until the codec is used again. */
bool codec_compress(struct codec *c, int level, struct span raw, struct span *frame,
                    struct err *err);
/* The same of a segment, at the level that was measured to be best when it is 0. Columns are encoded
 * first where that makes them smaller (lib/bundle/encode.h): the frame then says that its content is
 * less than they are. */
struct codec_segment {
    struct span bytes;
    unsigned columns; /* 0: it has none */
    uint64_t rows;
};
bool codec_compress_segment(struct codec *c, int level, const struct codec_segment *from,
                            struct span *frame, struct err *err);
/* The same with `base` as prefix: a delta, `head` in front of it. Made fast and by long matches: see
 * codec.c. */
bool codec_compress_from(struct codec *c, struct span base, struct span head, struct span raw,
                         struct span *frame, struct err *err);
/* The same by edits (lib/bundle/edits.h): they make `raw` of the base. */
bool codec_compress_edits(struct codec *c, const struct vec *edits, struct span head,
                          struct span raw, struct span *frame, struct err *err);
/* Memory of the codec for `len` bytes that are about to be read; NULL without memory. */
char *codec_room(struct codec *c, size_t len);
/* Exactly one frame of exactly raw_bytes; anything else is ERR_DAMAGED. No more than raw_bytes is
 * ever allocated or written, whatever the frame says. */
bool codec_decode(struct codec *c, struct span frame, size_t raw_bytes, struct buf *out,
                  struct err *err);
/* The same of columns, which may be encoded; as much again is taken for what they are encoded to. */
bool codec_decode_columns(struct codec *c, struct span frame, size_t raw_bytes, struct buf *out,
                          struct err *err);
/* The same of a frame whose prefix is `base`. */
bool codec_decode_from(struct codec *c, struct span base, struct span frame, size_t raw_bytes,
                       struct buf *out, struct err *err);
/* What a frame says of its content; false when it does not say. */
bool codec_raw_bytes(struct span frame, uint64_t *out);
/* The bytes of the first frame of those that lie here; 0: there is no whole one. */
size_t codec_frame_bytes(struct span frames);
/* Whether its decoding compares a checksum. */
bool codec_has_checksum(struct span frame);
/* The largest frame that raw_bytes can become. */
uint64_t codec_bound(uint64_t raw_bytes);

#endif
