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

/* The other way: the eight digits of what is below 100000000, as digits_load() has them. */
static inline uint64_t digits_of(uint32_t value)
{
    uint64_t v = value / 10000 | (uint64_t)(value % 10000) << 32;
    uint64_t hundreds = v * 10486 >> 20 & UINT64_C(0x0000007f0000007f);

    v = hundreds | (v - hundreds * 100) << 16;
    uint64_t tens = v * 103 >> 10 & UINT64_C(0x000f000f000f000f);
    return tens | (v - tens * 10) << 8;
}

/* Zeros in front of what digits_of() made, one less where it is all zeros. */
static inline unsigned digits_zeros(uint64_t v)
{
    return (unsigned)__builtin_ctzll(v | UINT64_C(1) << 56) / 8;
}

/* Eight bytes, of which those from the digit number `from` on are wanted; to the end of these. */
static inline char *digits_write(uint64_t v, unsigned from, char *to)
{
    v = htole64((v ^ UINT64_C(0x3030303030303030)) >> (8 * from));
    memcpy(to, &v, sizeof(v));
    return to + DIGITS_STEP - from;
}

#endif
