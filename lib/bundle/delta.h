/* Deltas: frames whose prefix is the raw content of another frame, their base.
 *
 * Depth is exactly one: a base is a full frame, so a segment never needs more than two frames.
 * Writing: a segment that the parent has with the same key range is stored as a delta when that is
 *          small enough (DELTA_SHARE_MAX); else as a full frame, which later ones are based on.
 * Reading: decoded bases are kept in a small cache (BASES_BYTES), since two segments that were one
 *          share their base and are read one behind the other.
 * Trust:   a base is compared with the checksum of its frame (the low 32 bits of its XXH64, which is all
 *          that zstd keeps), not with its SHA-256, which would cost as much as its decoding. What is
 *          altered by chance shows so, but for one in 2^32.
 *          Readers: what was altered on purpose, or lies elsewhere than the index should say, cannot
 *          pass for another: a delta's content has a SHA-256 of its own, which is always compared, and
 *          a base that gives it is good enough.
 *          Writers: one may build on a base that was altered on purpose. What it makes reads back right
 *          from that base, not from the true one; `bundle verify`, which compares the SHA-256 of
 *          bases, tells.
 *          Frames without a checksum, and those of the cache of an
 *          encrypted bundle, which the reader will not decode, are compared by SHA-256.
 * Threads: bases_take() and base_give() from any thread.
 * Source:  zstd, `--patch-from`; RFC 8878 calls the prefix a raw content dictionary.
 */
#ifndef LIB_BUNDLE_DELTA_H
#define LIB_BUNDLE_DELTA_H

#include "lib/bundle/index.h"

#include <pthread.h>

/* Raw bytes of base and segment together: no frame needs a window above 2^27 bytes, which is what
 * `zstd -d` grants without being asked. */
#define DELTA_RAW_MAX ((uint64_t)128 << 20)
/* Of the size that the segment would have as a full frame, in percent. Beyond it a new full frame
 * pays for itself: the next days' deltas start from it. */
#define DELTA_SHARE_MAX 30

#define BASES_SLOTS 4
#define BASES_BYTES ((size_t)16 << 20)
/* Memory of bases that went, for those that come: fresh pages cost a fifth of the decoding. */
#define BASES_SPARE 2

struct bundle;
struct base;

struct bases {
    pthread_mutex_t lock;
    struct base *slot[BASES_SLOTS]; /* the newest first */
    struct buf spare[BASES_SPARE];
};

static inline bool segment_is_delta(const struct segment *s)
{
    return s->base.raw_bytes > 0;
}

/* The base of a delta as a segment of its own, under the delta's name; records are not known. */
struct segment delta_base(const struct segment *delta);
/* What `seg` is to be based on when it is a base's heir: itself, or the base it has. */
struct segment_base delta_root(const struct segment *seg);
/* The largest delta that is worth keeping, for raw_bytes that replace what `base` holds. */
uint64_t delta_limit(const struct segment_base *base, uint64_t raw_bytes);

/* No base of a delta is itself listed as a delta: ERR_DAMAGED. */
bool delta_check_depth(const struct index *ix, struct err *err);

void bases_init(struct bases *all);
void bases_done(struct bases *all);
/* The decoded base of a delta of this bundle; to be given back. */
bool bases_take(struct bases *all, struct bundle *b, const struct segment *delta, struct base **out,
                struct err *err);
struct span base_bytes(const struct base *base);
/* Whether it has the SHA-256 that the index says, for a delta that gives another content than its own:
 * ERR_DAMAGED where it has not. */
bool base_check(const struct base *base, const struct segment *delta, struct err *err);
void base_give(struct bases *all, struct base *base); /* NULL is fine */

#endif
