/* Numbers by a digest, for as many segments as there are: in little memory (lib/base/spill.h).
 *
 * Open addressing; a slot is a number and 32 bits of the digest, so that of the numbers that are given
 * for a digest hardly one is of another: the caller compares. No more than LOOKUP_STEPS slots are looked
 * at: digests that somebody made alike, or a million equal ones, take no more time. What finds no
 * place within them is not kept, and counted.
 * Threads: one puts; any look while nobody puts. Errors: of memory and of a full disk.
 */
#ifndef LIB_BUNDLE_LOOKUP_H
#define LIB_BUNDLE_LOOKUP_H

#include "lib/base/hash.h"
#include "lib/base/spill.h"

#include <stdint.h>

#define LOOKUP_MAX   (UINT32_MAX - 1) /* the largest number */
#define LOOKUP_STEPS 1024

struct lookup {
    struct spill slots; /* uint64_t; 0: free */
    size_t size;        /* slots; a power of two */
    size_t count;
    size_t dropped; /* that were put and are not kept */
};

/* With room for `count`; it grows. `{0}` is an empty one, too. */
bool lookup_open(struct lookup *l, size_t count, struct err *err);
bool lookup_put(struct lookup *l, const struct digest *d, size_t number, struct err *err);
/* The numbers that may be of this digest, one by one; *step starts at 0. False: no more. */
bool lookup_next(const struct lookup *l, const struct digest *d, size_t *step, size_t *number);
void lookup_done(struct lookup *l);
static inline void auto_lookup(struct lookup *l)
{
    lookup_done(l);
}

#endif
