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

/* A mask of where `c` stands in the next 16 bytes. */
static inline unsigned scan_mask(const char *from, char c)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)from);

    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8(c)));
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

static inline unsigned scan_mask(const char *from, char c)
{
    unsigned mask = 0;

    for (unsigned i = 0; i < SCAN_STEP; i++)
        mask |= (unsigned)(from[i] == c) << i;
    return mask;
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

#endif
