/* Decimal digits, eight at a time in one register.
 *
 * In the header because they are used for each value of a database. Bytes behind the digits are read,
 * and do not matter.
 * Source: W. Muła, "Parsing series of integers"; the three multiplications are J. Lamb's.
 */
#ifndef LIB_BASE_DIGITS_H
#define LIB_BASE_DIGITS_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define DIGITS_STEP ((size_t)8)

/* What digits_load() makes of eight bytes: each digit's number, the first in the lowest byte. */
static inline uint64_t digits_load(const char *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof(v));
    return le64toh(v) ^ UINT64_C(0x3030303030303030);
}

/* The first `n` of them, 1 to 8, with zeros in front. */
static inline uint64_t digits_last(uint64_t v, size_t n)
{
    return v << (8 * (DIGITS_STEP - n));
}

/* The first `n` of them, 0 to 8, with zeros behind. */
static inline uint64_t digits_first(uint64_t v, size_t n)
{
    return n ? v & UINT64_MAX >> (8 * (DIGITS_STEP - n)) : 0;
}

/* Whether none is above 9. */
static inline bool digits_are(uint64_t v)
{
    return !((v | (v + UINT64_C(0x7676767676767676))) & UINT64_C(0x8080808080808080));
}

/* The number that all eight are: pairs, then fours, then all. */
static inline uint32_t digits_value(uint64_t v)
{
    const uint64_t pair = UINT64_C(0x000000ff000000ff);

    v = v * 10 + (v >> 8);
    v = (v & pair) * (100 + (UINT64_C(1000000) << 32)) +
        (v >> 16 & pair) * (1 + (UINT64_C(10000) << 32));
    return (uint32_t)(v >> 32);
}

/* 1 to 8 digits; false when one of the bytes is none. */
static inline bool digits_read(const char *p, size_t n, uint32_t *out)
{
    uint64_t v = digits_last(digits_load(p), n);

    *out = digits_value(v);
    return digits_are(v);
}

#endif
