/* Repeatable random numbers: splitmix64 (Steele, Lea, Flood 2014), one stream per (seed, what, n).
 *
 * Each row of each table has its own stream, so a row does not change when a table before it grows.
 */
#ifndef TESTS_SHOP_COMMON_RANDOM_H
#define TESTS_SHOP_COMMON_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct dice {
    uint64_t state;
};

static inline uint64_t dice_next(struct dice *d)
{
    uint64_t z = d->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static inline struct dice dice_of(uint64_t seed, uint64_t what, uint64_t n)
{
    struct dice d = {seed};

    d.state = dice_next(&d) ^ what * UINT64_C(0xd1342543de82ef95);
    d.state = dice_next(&d) ^ n;
    dice_next(&d);
    return d;
}

/* 0 .. below-1; the bias of the remainder is far below what anybody looks at here. */
static inline uint64_t dice_below(struct dice *d, uint64_t below)
{
    return dice_next(d) % below;
}

static inline bool dice_percent(struct dice *d, unsigned percent)
{
    return dice_below(d, 100) < percent;
}

/* Small numbers are more likely, as the popular articles of a shop are few. */
static inline uint64_t dice_skewed(struct dice *d, uint64_t below)
{
    double share = (double)(dice_next(d) >> 11) * 0x1.0p-53;
    return (uint64_t)(share * share * (double)below);
}

#endif
