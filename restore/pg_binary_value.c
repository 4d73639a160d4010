#include "restore/pg_binary_value.h"

#include "lib/base/auto.h"
#include "lib/base/calendar.h"
#include "lib/base/digits.h"
#include "lib/base/span.h"
#include "lib/bundle/scan.h"

#include <endian.h>
#include <float.h>
#include <stdlib.h>

static char *put16(char *to, uint16_t v)
{
    v = htobe16(v);
    memcpy(to, &v, sizeof(v));
    return to + sizeof(v);
}

static char *put32(char *to, uint32_t v)
{
    v = htobe32(v);
    memcpy(to, &v, sizeof(v));
    return to + sizeof(v);
}

static char *put64(char *to, uint64_t v)
{
    v = htobe64(v);
    memcpy(to, &v, sizeof(v));
    return to + sizeof(v);
}

static bool is(const char *from, size_t len, const char *word)
{
    return len == strlen(word) && memcmp(from, word, len) == 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* ---- whole numbers -----------------------------------------------------------------------------*/

/* More than eight digits. */
static bool read_long(const char *p, size_t digits, uint64_t *out)
{
    uint64_t v = 0;
    uint32_t part = 0;

    if (digits > 19)
        return false;
    for (size_t step = (digits - 1) % DIGITS_STEP + 1; digits; step = DIGITS_STEP) {
        if (!digits_read(p, step, &part))
            return false;
        v = v * 100000000 + part;
        p += step;
        digits -= step;
    }
    *out = v;
    return true;
}

/* At most `max`, or one more when it is negative. */
static inline bool whole(const char *p, size_t len, uint64_t max, int64_t *out)
{
    bool negative = len && *p == '-';
    size_t digits = len - negative;
    uint32_t few = 0;
    uint64_t v;

    if (digits - 1 < DIGITS_STEP) {
        if (!digits_read(p + negative, digits, &few))
            return false;
        v = few;
    } else if (!digits || !read_long(p + negative, digits, &v)) {
        return false;
    }
    if (v > max + negative)
        return false;
    *out = (int64_t)(negative ? -v : v);
    return true;
}

char *pg_put_int2(const char *from, size_t len, char *to)
{
    int64_t v;

    return whole(from, len, INT16_MAX, &v) ? put16(to, (uint16_t)v) : NULL;
}

char *pg_put_int4(const char *from, size_t len, char *to)
{
    int64_t v;

    return whole(from, len, INT32_MAX, &v) ? put32(to, (uint32_t)v) : NULL;
}

char *pg_put_int8(const char *from, size_t len, char *to)
{
    int64_t v;

    return whole(from, len, INT64_MAX, &v) ? put64(to, (uint64_t)v) : NULL;
}

char *pg_put_bool(const char *from, size_t len, char *to)
{
    if (len != 1 || (*from != 't' && *from != 'f'))
        return NULL;
    *to = *from == 't';
    return to + 1;
}

/* ---- numbers with a point ------------------------------------------------------------------------*/

/* Up to eight digits on either side of it, as nearly all have. */
struct decimal {
    bool negative;
    size_t behind; /* digits */
    uint32_t left; /* of the point */
    uint64_t part; /* digits_load() of those behind it, and of what follows */
};

static inline bool read_short(const char *p, size_t len, struct decimal *out)
{
    out->negative = len && *p == '-';
    p += out->negative;
    len -= out->negative;
    if (len == 0 || len > 2 * DIGITS_STEP)
        return false;
    unsigned all = (1u << len) - 1, others = ~scan_digits(p) & all;
    size_t front = others ? scan_first(others) : len;
    size_t behind = others ? len - front - 1 : 0;
    if (front == 0 || front > DIGITS_STEP || behind > DIGITS_STEP || (others & (others - 1)) ||
        (others && p[front] != '.'))
        return false;
    out->behind = behind;
    out->left = digits_value(digits_last(digits_load(p), front));
    out->part = digits_load(p + len - behind);
    return true;
}

/* ---- floating point ----------------------------------------------------------------------------*/

/* The shortest digits that give the same bits, which is what the server has written, or a word of its
 * own. Every NaN is written alike, and read as the quiet one. */
#define FLOAT_NAN   "NaN"
#define FLOAT_MORE  "Infinity"
#define FLOAT_LESS  "-Infinity"
#define FLOAT_CHARS 32

static bool float_text(const char *from, size_t len, char out[FLOAT_CHARS])
{
    if (len == 0 || len >= FLOAT_CHARS)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!is_digit(from[i]) && !memchr("+-.e", from[i], 4))
            return false;
    memcpy(out, from, len);
    out[len] = '\0';
    return true;
}

/* Digits and a power of ten that both are exact, so that their quotient is rounded as strtod() does it
 * (W. Clinger, "How to read floating point numbers accurately"). */
static bool short_float(const char *from, size_t len, uint64_t most, double *digits, double *by)
{
    static const uint32_t powers[] = {1,      10,      100,      1000,     10000,
                                      100000, 1000000, 10000000, 100000000};
    struct decimal d;

    if (FLT_EVAL_METHOD != 0 || !read_short(from, len, &d))
        return false;
    uint64_t v = (uint64_t)d.left * powers[d.behind];
    if (d.behind)
        v += digits_value(digits_last(d.part, d.behind));
    *digits = d.negative ? -(double)v : (double)v;
    *by = powers[d.behind];
    return v <= most;
}

char *pg_put_float8(const char *from, size_t len, char *to)
{
    char text[FLOAT_CHARS], *end = text;
    uint64_t bits;
    double digits, by;

    if (short_float(from, len, UINT64_C(1) << DBL_MANT_DIG, &digits, &by)) {
        digits /= by;
        memcpy(&bits, &digits, sizeof(bits));
        return put64(to, bits);
    }
    if (is(from, len, FLOAT_NAN))
        return put64(to, 0x7ff8000000000000u);
    if (is(from, len, FLOAT_MORE) || is(from, len, FLOAT_LESS))
        return put64(to, *from == '-' ? 0xfff0000000000000u : 0x7ff0000000000000u);
    if (!float_text(from, len, text))
        return NULL;
    double v = strtod(text, &end);
    memcpy(&bits, &v, sizeof(bits));
    return *end || (bits & 0x7ff0000000000000u) == 0x7ff0000000000000u ? NULL : put64(to, bits);
}

char *pg_put_float4(const char *from, size_t len, char *to)
{
    char text[FLOAT_CHARS], *end = text;
    uint32_t bits;
    double digits, by;

    if (short_float(from, len, UINT64_C(1) << FLT_MANT_DIG, &digits, &by)) {
        float quotient = (float)digits / (float)by;

        memcpy(&bits, &quotient, sizeof(bits));
        return put32(to, bits);
    }
    if (is(from, len, FLOAT_NAN))
        return put32(to, 0x7fc00000u);
    if (is(from, len, FLOAT_MORE) || is(from, len, FLOAT_LESS))
        return put32(to, *from == '-' ? 0xff800000u : 0x7f800000u);
    if (!float_text(from, len, text))
        return NULL;
    float v = strtof(text, &end);
    memcpy(&bits, &v, sizeof(bits));
    return *end || (bits & 0x7f800000u) == 0x7f800000u ? NULL : put32(to, bits);
}

/* ---- numeric -----------------------------------------------------------------------------------*/

/* Digits in base 10000; groups of four that begin at the decimal point. src/backend/utils/adt/
 * numeric.c, numeric_recv(). */
#define NUMERIC_NEGATIVE 0x4000
#define NUMERIC_NAN      0xC000
#define NUMERIC_MORE     0xD000
#define NUMERIC_LESS     0xF000
#define NUMERIC_ENDLESS  0x20  /* what the server sends as its scale, and does not read */
#define NUMERIC_DIGITS   16383 /* of either side here: far less than the type holds */

static char *numeric_head(char *to, unsigned groups, int weight, unsigned sign, size_t scale)
{
    return put64(to, (uint64_t)groups << 48 | (uint64_t)(uint16_t)weight << 32 |
                         (uint64_t)sign << 16 | scale);
}

static char *numeric_word(const char *from, size_t len, char *to)
{
    if (is(from, len, FLOAT_NAN))
        return numeric_head(to, 0, 0, NUMERIC_NAN, 0);
    if (is(from, len, FLOAT_MORE))
        return numeric_head(to, 0, 0, NUMERIC_MORE, NUMERIC_ENDLESS);
    return is(from, len, FLOAT_LESS) ? numeric_head(to, 0, 0, NUMERIC_LESS, NUMERIC_ENDLESS) : NULL;
}

static size_t digits_at(const char *p, const char *end)
{
    const char *from = p;

    while (p < end && is_digit(*p))
        p++;
    return (size_t)(p - from);
}

/* Up to four digits as one group; those that are missing behind are zeros. */
static uint16_t group(const char *p, size_t have, size_t of)
{
    unsigned v = 0;

    for (size_t i = 0; i < of; i++)
        v = v * 10 + (i < have ? (unsigned)(p[i] - '0') : 0);
    return (uint16_t)v;
}

/* Groups of what stands before and behind the point; those in front that are zero are left out. */
static char *numeric_groups(const char *whole_at, size_t whole_len, const char *part,
                            size_t part_len, char *to, int *weight)
{
    char *start = to;

    *weight = (int)((whole_len + 3) / 4) - 1;
    for (size_t i = 0, step = whole_len % 4 ? whole_len % 4 : 4; i < whole_len; i += step, step = 4)
        to = put16(to, group(whole_at + i, step, step));
    for (size_t i = 0; i < part_len; i += 4) {
        uint16_t v = group(part + i, part_len - i < 4 ? part_len - i : 4, 4);
        if (v == 0 && to == start)
            (*weight)--;
        else
            to = put16(to, v);
    }
    while (to > start && to[-1] == 0 && to[-2] == 0)
        to -= 2;
    return to;
}

/* Two groups on either side of the point; zeros at both ends are left out. */
static char *numeric_short(const struct decimal *d, char *to)
{
    uint32_t part = digits_value(digits_first(d->part, d->behind));
    uint64_t groups = (uint64_t)(d->left / 10000) << 48 | (uint64_t)(d->left % 10000) << 32 |
                      (uint64_t)(part / 10000) << 16 | part % 10000;

    if (!groups)
        return numeric_head(to, 0, 0, 0, d->behind);
    int front = __builtin_clzll(groups) / 16, behind = __builtin_ctzll(groups) / 16;
    unsigned count = (unsigned)(4 - front - behind);
    put64(to + 8, groups << 16 * front);
    return numeric_head(to, count, 1 - front, d->negative ? NUMERIC_NEGATIVE : 0, d->behind) +
           2 * (size_t)count;
}

/* Apart from the short ones, whose registers it would take. */
static __attribute__((noinline)) char *numeric_long(const char *from, size_t len, char *to)
{
    const char *end = from + len, *p = from;
    bool negative = p < end && *p == '-';
    int weight = 0;

    p += negative;
    const char *whole_at = p;
    size_t whole_len = digits_at(p, end), part_len = 0;
    p += whole_len;
    const char *part = p;
    if (p < end && *p == '.') {
        part = p + 1;
        part_len = digits_at(part, end);
        p = part + part_len;
    }
    if (p != end || whole_len == 0 || whole_len > NUMERIC_DIGITS || part_len > NUMERIC_DIGITS)
        return numeric_word(from, len, to);
    while (whole_len && *whole_at == '0') {
        whole_at++;
        whole_len--;
    }
    char *done = numeric_groups(whole_at, whole_len, part, part_len, to + 8, &weight);
    unsigned groups = (unsigned)(done - to - 8) / 2;
    numeric_head(to, groups, groups ? weight : 0, negative && groups ? NUMERIC_NEGATIVE : 0,
                 part_len);
    return done;
}

char *pg_put_numeric(const char *from, size_t len, char *to)
{
    struct decimal d;

    return read_short(from, len, &d) ? numeric_short(&d, to) : numeric_long(from, len, to);
}

/* ---- text and bytes ----------------------------------------------------------------------------*/

/* Behind a backslash, as COPY TO writes it. */
static int unescaped(char c)
{
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'v':
        return '\v';
    case '\\':
        return '\\';
    default:
        return -1;
    }
}

char *pg_put_text(const char *from, size_t len, char *to)
{
    const char *end = from + len;

    while (from < end) {
        size_t left = (size_t)(end - from);
        unsigned mask = scan_copy(to, from, '\\', '\\');

        if (left < SCAN_STEP)
            mask &= (1u << left) - 1;
        if (!mask && left <= SCAN_STEP)
            return to + left;
        size_t plain = mask ? scan_first(mask) : SCAN_STEP;
        from += plain;
        to += plain;
        if (!mask)
            continue;
        int c = unescaped(from[1]);
        if (c < 0)
            return NULL;
        *to++ = (char)c;
        from += 2;
    }
    return to;
}

/* A version, and the text. */
char *pg_put_jsonb(const char *from, size_t len, char *to)
{
    *to = 1;
    return pg_put_text(from, len, to + 1);
}

/* Two hex digits per byte; a whole step is written. */
static char *hex(const char *from, size_t digits, char *to)
{
    while (digits > 0) {
        size_t step = digits < SCAN_STEP ? digits : SCAN_STEP;

        if (~scan_hex(from) & ((1u << step) - 1))
            return NULL;
        scan_unhex(from, to);
        from += step;
        digits -= step;
        to += step / 2;
    }
    return to;
}

/* \\x and hex, the backslash doubled by COPY. */
char *pg_put_bytea(const char *from, size_t len, char *to)
{
    if (len < 3 || len % 2 == 0 || memcmp(from, "\\\\x", 3) != 0)
        return NULL;
    return hex(from + 3, len - 3, to);
}

char *pg_put_uuid(const char *from, size_t len, char *to)
{
    char digits[2 * SCAN_STEP];

    if (len != 36 || from[8] != '-' || from[13] != '-' || from[18] != '-' || from[23] != '-')
        return NULL;
    memcpy(digits, from, 8);
    memcpy(digits + 8, from + 9, 4);
    memcpy(digits + 12, from + 14, 4);
    memcpy(digits + 16, from + 19, 4);
    memcpy(digits + 20, from + 24, 12);
    return hex(digits, sizeof(digits), to);
}

/* ---- dates and times ---------------------------------------------------------------------------*/

#define EPOCH_DAYS 10957 /* 2000-01-01, counted from 1970-01-01 */
#define DAY_US     ((int64_t)86400 * 1000000)

struct moment {
    int64_t days; /* since 2000-01-01 */
    int64_t us;   /* of the day */
};

/* Two digits, which are known to be some. */
static unsigned two(const char *p)
{
    return (unsigned)(p[0] - '0') * 10 + (unsigned)(p[1] - '0');
}

static bool sign(const char **p, const char *end, char c)
{
    return *p < end && *(*p)++ == c;
}

/* Of HH:MM:SS. */
#define TIME_BYTES  8
#define TIME_DIGITS 0xdbu

static bool read_time(const char **p, const char *end, int64_t *us)
{
    const char *t = *p;
    uint32_t fraction = 0;

    if (end - t < TIME_BYTES || (scan_digits(t) & 0xff) != TIME_DIGITS || t[2] != ':' ||
        t[5] != ':')
        return false;
    unsigned hour = two(t), minute = two(t + 3), second = two(t + 6);
    t += TIME_BYTES;
    if (t < end && *t == '.') {
        /* There are six at most, and what stands behind is looked at by who asked. */
        size_t digits = scan_first(~scan_digits(++t) | 1u << 6);

        fraction = digits_value(digits_first(digits_load(t), digits)) / 100;
        t += digits;
    }
    *p = t;
    *us = (int64_t)(hour * 3600 + minute * 60 + second) * 1000000 + fraction;
    return hour <= 23 && minute <= 59 && second <= 59;
}

/* A year of four to six digits, -MM-DD behind it. */
#define DAY_BYTES  6
#define DAY_DIGITS 0x36u

static bool read_day(const char **p, const char *end, unsigned *year, unsigned *month,
                     unsigned *day)
{
    unsigned digits = scan_digits(*p), have = scan_first(~digits);
    const char *d = *p + have;

    if (have < 4 || have > 6 || end - d < DAY_BYTES || (digits >> have & 0x3f) != DAY_DIGITS ||
        d[0] != '-' || d[3] != '-')
        return false;
    *year = digits_value(digits_last(digits_load(*p), have));
    *month = two(d + 1);
    *day = two(d + 4);
    *p = d + DAY_BYTES;
    return *year >= 1 && *month >= 1 && *month <= 12 && *day >= 1 && *day <= 31;
}

/* YYYY-MM-DD[ HH:MM:SS[.f][+00]][ BC] */
static bool read_moment(const char *p, const char *end, bool has_time, bool zone,
                        struct moment *out)
{
    unsigned year, month, day;

    *out = (struct moment){0};
    if (!read_day(&p, end, &year, &month, &day))
        return false;
    if (has_time && (!sign(&p, end, ' ') || !read_time(&p, end, &out->us)))
        return false;
    if (zone && (!sign(&p, end, '+') || !sign(&p, end, '0') || !sign(&p, end, '0')))
        return false;
    bool before = is(p, (size_t)(end - p), " BC");
    out->days = calendar_days(before ? 1 - (int64_t)year : (int64_t)year, month, day) - EPOCH_DAYS;
    return before || p == end;
}

/* Infinity is the last value of the type, minus infinity the first. */
static bool is_endless(const char *from, size_t len, bool *less)
{
    *less = len && *from == '-';
    return is(from, len, "infinity") || is(from, len, "-infinity");
}

char *pg_put_date(const char *from, size_t len, char *to)
{
    struct moment at;
    bool less;

    if (is_endless(from, len, &less))
        return put32(to, less ? (uint32_t)INT32_MIN : INT32_MAX);
    return read_moment(from, from + len, false, false, &at) ? put32(to, (uint32_t)at.days) : NULL;
}

static char *put_moment(const char *from, size_t len, bool zone, char *to)
{
    struct moment at;
    bool less;

    if (is_endless(from, len, &less))
        return put64(to, less ? (uint64_t)INT64_MIN : INT64_MAX);
    int64_t us;
    if (!read_moment(from, from + len, true, zone, &at) ||
        __builtin_mul_overflow(at.days, DAY_US, &us) || __builtin_add_overflow(us, at.us, &us))
        return NULL;
    return put64(to, (uint64_t)us);
}

char *pg_put_timestamp(const char *from, size_t len, char *to)
{
    return put_moment(from, len, false, to);
}

char *pg_put_timestamptz(const char *from, size_t len, char *to)
{
    return put_moment(from, len, true, to);
}
