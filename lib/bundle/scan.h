/* Sixteen bytes at a time: copy them and find a byte among them.
 *
 * The inner loops of columns.c spend their time here. SSE2 is in every x86-64; elsewhere the
 * compiler makes what it can of the plain loop.
 */
#ifndef LIB_BUNDLE_SCAN_H
#define LIB_BUNDLE_SCAN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SCAN_STEP ((size_t)16)
#define SCAN_ALL  0xffffu /* a mask of all of them */
#define SCAN_WIDE 64u     /* a mask of so many in one word */
#define SCAN_FAR  256u    /* more of them at once, only counted */

#ifdef __SSE2__
#include <emmintrin.h>

/* Copies 16 bytes and returns a mask with bit i set where byte i is `a` or `b`. */
static inline unsigned scan_copy(char *to, const char *from, char a, char b)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)from);
    __m128i hit =
        _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8(a)), _mm_cmpeq_epi8(v, _mm_set1_epi8(b)));

    _mm_storeu_si128((__m128i *)(void *)to, v);
    return (unsigned)_mm_movemask_epi8(hit);
}

/* A mask of where `a` or `b` stands in the next 16 bytes. */
static inline unsigned scan_either(const char *from, char a, char b)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)from);

    return (unsigned)_mm_movemask_epi8(
        _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8(a)), _mm_cmpeq_epi8(v, _mm_set1_epi8(b))));
}

/* A mask of where `c` stands in the next 16 bytes. */
static inline unsigned scan_mask(const char *from, char c)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)from);

    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8(c)));
}

static inline __m128i scan_in_range(__m128i v, char first, char last)
{
    __m128i above = _mm_sub_epi8(v, _mm_set1_epi8(first));

    return _mm_cmpeq_epi8(_mm_min_epu8(above, _mm_set1_epi8((char)(last - first))), above);
}

/* A mask of where a decimal digit stands in the next 16 bytes. */
static inline unsigned scan_digits(const char *from)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)from);

    return (unsigned)_mm_movemask_epi8(scan_in_range(v, '0', '9'));
}

/* The same of hexadecimal ones in lower case. */
static inline unsigned scan_hex(const char *from)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)from);

    return (unsigned)_mm_movemask_epi8(
        _mm_or_si128(scan_in_range(v, '0', '9'), scan_in_range(v, 'a', 'f')));
}

/* Makes eight bytes of the next 16, which are hexadecimal digits in lower case. */
static inline void scan_unhex(const char *from, char *to)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)from);
    __m128i letter = _mm_cmpgt_epi8(v, _mm_set1_epi8('9'));
    __m128i half = _mm_add_epi8(_mm_and_si128(v, _mm_set1_epi8(0x0f)),
                                _mm_and_si128(letter, _mm_set1_epi8(9)));
    __m128i byte = _mm_or_si128(_mm_slli_epi16(half, 4), _mm_srli_epi16(half, 8));

    byte = _mm_and_si128(byte, _mm_set1_epi16(0xff));
    _mm_storel_epi64((__m128i *)(void *)to, _mm_packus_epi16(byte, byte));
}

/* A sum over bytes that depends on no order. */
struct scan_sum {
    __m128i sums, squares;
};

static inline void scan_sum_begin(struct scan_sum *s)
{
    s->sums = s->squares = _mm_setzero_si128();
}

/* Of the next 16 bytes the first `count` that are no decimal digits are added; a mask of the digits
 * among all 16. */
static inline unsigned scan_add_text(const char *from, size_t count, struct scan_sum *s)
{
    static const unsigned char first[2 * SCAN_STEP] = {255, 255, 255, 255, 255, 255, 255, 255,
                                                       255, 255, 255, 255, 255, 255, 255, 255};
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)from), zero = _mm_setzero_si128();
    __m128i keep = _mm_loadu_si128((const __m128i *)(const void *)(first + SCAN_STEP - count));
    __m128i digits = scan_in_range(v, '0', '9');

    v = _mm_and_si128(_mm_andnot_si128(digits, v), keep);
    __m128i low = _mm_unpacklo_epi8(v, zero), high = _mm_unpackhi_epi8(v, zero);
    s->squares = _mm_add_epi32(s->squares, _mm_madd_epi16(low, low));
    s->squares = _mm_add_epi32(s->squares, _mm_madd_epi16(high, high));
    s->sums = _mm_add_epi32(s->sums, _mm_sad_epu8(v, zero));
    return (unsigned)_mm_movemask_epi8(digits);
}

static inline uint64_t scan_sum_end(const struct scan_sum *s)
{
    __m128i squares = _mm_add_epi32(s->squares, _mm_shuffle_epi32(s->squares, 0x4e));
    __m128i sums = _mm_add_epi32(s->sums, _mm_shuffle_epi32(s->sums, 0x4e));

    squares = _mm_add_epi32(squares, _mm_shuffle_epi32(squares, 0xb1));
    return (uint64_t)(uint32_t)_mm_cvtsi128_si32(squares) << 32 | (uint32_t)_mm_cvtsi128_si32(sums);
}

/* A mask of where the next 16 bytes of both are the same. */
static inline unsigned scan_same(const char *a, const char *b)
{
    __m128i x = _mm_loadu_si128((const __m128i *)(const void *)a);
    __m128i y = _mm_loadu_si128((const __m128i *)(const void *)b);

    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(x, y));
}

/* How often `c` stands in the next SCAN_FAR bytes. */
static inline unsigned scan_far(const char *from, char c)
{
    __m128i found = _mm_setzero_si128(), wanted = _mm_set1_epi8(c);

    for (unsigned i = 0; i < SCAN_FAR; i += (unsigned)SCAN_STEP) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(from + i));
        found = _mm_sub_epi8(found, _mm_cmpeq_epi8(v, wanted));
    }
    found = _mm_sad_epu8(found, _mm_setzero_si128());
    return (unsigned)_mm_cvtsi128_si32(found) + (unsigned)_mm_extract_epi16(found, 4);
}
#else
static inline unsigned scan_copy(char *to, const char *from, char a, char b)
{
    unsigned mask = 0;

    memcpy(to, from, SCAN_STEP);
    for (unsigned i = 0; i < SCAN_STEP; i++)
        mask |= (unsigned)(from[i] == a || from[i] == b) << i;
    return mask;
}

static inline unsigned scan_either(const char *from, char a, char b)
{
    unsigned mask = 0;

    for (unsigned i = 0; i < SCAN_STEP; i++)
        mask |= (unsigned)(from[i] == a || from[i] == b) << i;
    return mask;
}

static inline unsigned scan_mask(const char *from, char c)
{
    unsigned mask = 0;

    for (unsigned i = 0; i < SCAN_STEP; i++)
        mask |= (unsigned)(from[i] == c) << i;
    return mask;
}

static inline unsigned scan_digits(const char *from)
{
    unsigned mask = 0;

    for (unsigned i = 0; i < SCAN_STEP; i++)
        mask |= (unsigned)(from[i] >= '0' && from[i] <= '9') << i;
    return mask;
}

static inline unsigned scan_hex(const char *from)
{
    unsigned mask = scan_digits(from);

    for (unsigned i = 0; i < SCAN_STEP; i++)
        mask |= (unsigned)(from[i] >= 'a' && from[i] <= 'f') << i;
    return mask;
}

static inline void scan_unhex(const char *from, char *to)
{
    for (unsigned i = 0; i < SCAN_STEP; i += 2) {
        unsigned high = from[i] & 0x0f, low = from[i + 1] & 0x0f;

        high += from[i] > '9' ? 9 : 0;
        low += from[i + 1] > '9' ? 9 : 0;
        *to++ = (char)(high << 4 | low);
    }
}

struct scan_sum {
    uint32_t sum, squares;
};

static inline void scan_sum_begin(struct scan_sum *s)
{
    *s = (struct scan_sum){0};
}

static inline unsigned scan_add_text(const char *from, size_t count, struct scan_sum *s)
{
    unsigned digits = scan_digits(from);

    for (unsigned i = 0; i < count; i++) {
        uint32_t v = digits >> i & 1 ? 0 : (unsigned char)from[i];

        s->sum += v;
        s->squares += v * v;
    }
    return digits;
}

static inline uint64_t scan_sum_end(const struct scan_sum *s)
{
    return (uint64_t)s->squares << 32 | s->sum;
}

static inline unsigned scan_same(const char *a, const char *b)
{
    unsigned mask = 0;

    for (unsigned i = 0; i < SCAN_STEP; i++)
        mask |= (unsigned)(a[i] == b[i]) << i;
    return mask;
}

static inline unsigned scan_far(const char *from, char c)
{
    unsigned found = 0;

    for (unsigned i = 0; i < SCAN_FAR; i++)
        found += from[i] == c;
    return found;
}
#endif

/* Index of the lowest set bit; mask is not 0. */
static inline unsigned scan_first(unsigned mask)
{
    return (unsigned)__builtin_ctz(mask);
}

static inline unsigned scan_count(unsigned mask)
{
    return (unsigned)__builtin_popcount(mask);
}

/* A mask of where `a` or `b` stands in the next SCAN_WIDE bytes. */
static inline uint64_t scan_wide(const char *from, char a, char b)
{
    uint64_t mask = 0;

    for (unsigned i = 0; i < SCAN_WIDE; i += (unsigned)SCAN_STEP)
        mask |= (uint64_t)scan_either(from + i, a, b) << i;
    return mask;
}

/* The first bit from `at` on that is set, or, with `flip` of all bits, that is not; `end` when there is
 * none before. No bit behind `end` is set. */
static inline size_t scan_bit(const uint64_t *words, size_t at, size_t end, uint64_t flip)
{
    for (; at < end; at = (at | 63) + 1) {
        uint64_t rest = (words[at / 64] ^ flip) >> at % 64;

        if (rest)
            return at + (unsigned)__builtin_ctzll(rest);
    }
    return end;
}

#endif
