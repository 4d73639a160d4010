/* Whether two multisets hold the same things, without keeping them or caring about their order.
 *
 * Method:  each thing is hashed under a random key that is drawn for the comparison, and the hashes
 *          are added up modulo 2^256. Sums do not depend on the order, so parts are hashed by any
 *          thread and merged. A thing that is there twice counts twice: nothing cancels as it would
 *          with exclusive or. (Bellare and Micciancio, "A New Paradigm for Collision-free Hashing",
 *          1997: AdHash; here with a secret key.)
 * Chance:  two different multisets have equal sums only when sum(d[i] * hash(x[i])) is 0, where d is
 *          how often x[i] is there more on one side. For hashes that cannot be told from random ones
 *          and |d| < 2^64 that is at most 2^-192, whoever made the things: the key came later. Counts
 *          are compared beside it.
 * Buckets: a bag has 2^bits sums, chosen by bits of the hash. Where two bags differ, only things of
 *          the buckets that differ need to be looked at again.
 * Ownership: the holder; bag_done() releases. Threads: one at a time for a bag and a hasher; a key
 *          is shared. Errors: memory, and no random numbers.
 */
#ifndef LIB_BASE_BAG_H
#define LIB_BASE_BAG_H

#include "lib/base/hash.h"

#define BAG_BITS_MAX 12u

struct bag_key {
    unsigned char at[HASH_BYTES];
};
struct bag_sum {
    uint64_t part[4]; /* least significant first */
};
struct bag {
    unsigned bits;
    uint64_t count;
    struct bag_sum *sums; /* 1 << bits */
};

bool bag_key_draw(struct bag_key *out, struct err *err);
struct digest bag_hash(struct hash *h, const struct bag_key *key, struct span thing);

/* So that a bucket of `count` things has some hundred, within BAG_BITS_MAX. */
unsigned bag_bits(uint64_t count);
bool bag_init(struct bag *b, unsigned bits, struct err *err);
void bag_done(struct bag *b);
static inline void auto_bag(struct bag *b)
{
    bag_done(b);
}
void bag_add(struct bag *b, const struct digest *d);
/* Both with as many bits, as for the next two. */
void bag_merge(struct bag *into, const struct bag *from);
bool bag_eq(const struct bag *a, const struct bag *b);
bool bag_eq_bucket(const struct bag *a, const struct bag *b, unsigned bucket);
unsigned bag_bucket(unsigned bits, const struct digest *d);

#endif
