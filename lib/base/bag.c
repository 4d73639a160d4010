#include "lib/base/bag.h"

#include <errno.h>
#include <sys/random.h>

#define BUCKET_THINGS 256u

bool bag_key_draw(struct bag_key *out, struct err *err)
{
    struct bag_key key;

    /* Up to 256 bytes come whole or not at all. */
    while (getrandom(key.at, sizeof(key.at), 0) != (ssize_t)sizeof(key.at))
        if (errno != EINTR)
            return err_sys(err, ERR_IO, "cannot draw random numbers");
    *out = key;
    return true;
}

/* The key is of fixed length and in front; what it gives is only added up, so that there is nothing
 * to extend. */
struct digest bag_hash(struct hash *h, const struct bag_key *key, struct span thing)
{
    hash_add(h, key->at, sizeof(key->at));
    hash_add(h, thing.at, thing.len);
    return hash_end(h);
}

unsigned bag_bits(uint64_t count)
{
    unsigned bits = 0;

    while (bits < BAG_BITS_MAX && (count >> bits) > BUCKET_THINGS)
        bits++;
    return bits;
}

bool bag_init(struct bag *b, unsigned bits, struct err *err)
{
    struct bag_sum *sums = calloc((size_t)1 << bits, sizeof(*sums));

    if (!sums)
        return err_memory(err);
    *b = (struct bag){.bits = bits, .sums = sums};
    return true;
}

void bag_done(struct bag *b)
{
    free(b->sums);
    *b = (struct bag){0};
}

static void sum_add(struct bag_sum *into, const struct bag_sum *from)
{
    uint64_t carry = 0;

    for (unsigned i = 0; i < COUNT(into->part); i++) {
        uint64_t with = from->part[i] + carry;
        carry = with < carry;
        into->part[i] += with;
        carry += into->part[i] < with;
    }
}

unsigned bag_bucket(unsigned bits, const struct digest *d)
{
    unsigned low = (unsigned)d->at[0] | (unsigned)d->at[1] << 8;

    return low & ((1u << bits) - 1);
}

void bag_add(struct bag *b, const struct digest *d)
{
    struct bag_sum one;

    memcpy(one.part, d->at, sizeof(one.part));
    sum_add(&b->sums[bag_bucket(b->bits, d)], &one);
    b->count++;
}

void bag_merge(struct bag *into, const struct bag *from)
{
    for (size_t i = 0; i < (size_t)1 << into->bits; i++)
        sum_add(&into->sums[i], &from->sums[i]);
    into->count += from->count;
}

bool bag_eq_bucket(const struct bag *a, const struct bag *b, unsigned bucket)
{
    return memcmp(&a->sums[bucket], &b->sums[bucket], sizeof(struct bag_sum)) == 0;
}

bool bag_eq(const struct bag *a, const struct bag *b)
{
    for (unsigned i = 0; i < 1u << a->bits; i++)
        if (!bag_eq_bucket(a, b, i))
            return false;
    return a->count == b->count;
}
