#include "lib/wire/hist.h"

#include <math.h>
#include <stddef.h>

/* Below HIST_STEPS a bucket is one value; above, each power of two has HIST_STEPS buckets. */
static size_t bucket_of(uint64_t us)
{
    if (us < HIST_STEPS)
        return us;
    unsigned top = 63 - (unsigned)__builtin_clzll(us); /* at least 5 */

    return (size_t)(top - 4) * HIST_STEPS + ((us >> (top - 5)) & (HIST_STEPS - 1));
}

/* The largest value that falls into the bucket. */
static uint64_t bucket_top(size_t bucket)
{
    if (bucket < HIST_STEPS)
        return bucket;
    unsigned shift = (unsigned)(bucket / HIST_STEPS) - 1;
    uint64_t first = (HIST_STEPS + bucket % HIST_STEPS) << shift;

    return first + (UINT64_C(1) << shift) - 1;
}

void hist_add(struct hist *h, uint64_t us)
{
    us = us < HIST_MAX_US ? us : HIST_MAX_US;
    h->count++;
    h->max_us = us > h->max_us ? us : h->max_us;
    h->bucket[bucket_of(us)]++;
}

void hist_merge(struct hist *into, const struct hist *from)
{
    into->count += from->count;
    into->max_us = from->max_us > into->max_us ? from->max_us : into->max_us;
    for (size_t i = 0; i < HIST_BUCKETS; i++)
        into->bucket[i] += from->bucket[i];
}

uint64_t hist_percentile(const struct hist *h, double share)
{
    uint64_t want = (uint64_t)ceil(share * (double)h->count), seen = 0;

    for (size_t i = 0; i < HIST_BUCKETS && h->count; i++) {
        seen += h->bucket[i];
        if (seen >= want && seen) {
            uint64_t top = bucket_top(i);
            return top < h->max_us ? top : h->max_us;
        }
    }
    return 0;
}
