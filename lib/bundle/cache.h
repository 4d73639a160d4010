/* What a host that encrypts keeps of its last bundle, so that the next one can build on it.
 *
 * Such a host holds public keys only: it cannot read what it stored yesterday. The cache is a folder
 * of its own, DIR/ENVIRONMENT, with the segment index and the details of the last bundle and the
 * frames of its segments, all as they were before they were sealed. With the index unchanged segments
 * become references, with the frames changed ones become deltas.
 *   index-HEX, details-HEX   of the bundle whose sealed index is the blob HEX; a line with the
 *                            SHA-256 of what follows it
 *   full-RAW                 a complete frame, by the SHA-256 of its raw content
 *   delta-RAW-BASE           a delta, by its raw content and its base's
 * Rights:  DIR and DIR/ENVIRONMENT belong to the caller, mode 0700; anything else is ERR_RIGHTS.
 * Trust:   nothing is used before its hash was compared: index and details by their line, frames
 *          as those of a pack are. What is damaged, missing or of another bundle is no error of a
 *          snapshot: segments are stored whole then, and cache_account tells.
 * Size:    frames that would take it beyond max_bytes are not kept; index and details always are,
 *          since no frame is found without them. Nothing is made durable: after a crash what is torn
 *          is found by its hash.
 * Threads: cache_frame() and cache_add() any; the rest the owner's. One snapshot at a time: open
 *          gives ERR_LOCK to the second one.
 */
#ifndef LIB_BUNDLE_CACHE_H
#define LIB_BUNDLE_CACHE_H

#include "lib/bundle/index.h"

struct cache;

/* Made when it does not exist. */
bool cache_open(const char *dir, const char *environment, uint64_t max_bytes, struct cache **out,
                struct err *err);
void cache_close(struct cache *c);
AUTO_PTR(cache, struct cache, cache_close)

/* ---- reading ---------------------------------------------------------------------------------*/

enum cache_part { CACHE_INDEX, CACHE_DETAILS };
/* Of the bundle with that sealed index: the frames of the index, or the text of bundle.json. *out is
 * opened here. */
bool cache_part(struct cache *c, enum cache_part part, const struct digest *sealed, size_t max,
                struct spill *out, struct err *err);
/* The frame of a segment, in the memory of `codec`. */
bool cache_frame(struct cache *c, const struct segment *seg, struct codec *codec,
                 struct span *frame, struct err *err);
/* It did not decode to what it should: away with it. */
void cache_drop(struct cache *c, const struct segment *seg);

/* ---- writing ---------------------------------------------------------------------------------*/

/* All three do what they can: a full disk is no reason to lose a snapshot. */
void cache_add(struct cache *c, const struct segment *seg, struct span frame);
void cache_set_part(struct cache *c, enum cache_part part, const struct digest *sealed,
                    const struct spill *bytes);
/* The bundle with that sealed index is published: what the segments in `ix` do not need is removed. */
void cache_settle(struct cache *c, const struct digest *sealed, const struct index *ix);

struct cache_account {
    uint64_t bytes;   /* that it holds */
    uint64_t missed;  /* frames that were asked for and not there, or damaged */
    uint64_t refused; /* that were not kept: frames without room, or any for the reason in `why` */
    struct err why;
};
struct cache_account cache_account(struct cache *c);

#endif
