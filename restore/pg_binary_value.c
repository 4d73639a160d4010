#include "restore/pg_binary_value.h"

#include "lib/base/auto.h"
#include "lib/base/calendar.h"
#include "lib/base/span.h"

#include <endian.h>
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

/* At most `max`, or one more when it is negative. */
static bool whole(const char *p, size_t len, uint64_t max, int64_t *out)
{
    bool negative = len && *p == '-';
    uint64_t v = 0;

    if (len - negative == 0 || len - negative > 19)
        return false;
    for (size_t i = negative; i < len; i++) {
        if (!is_digit(p[i]))
            return false;
        v = v * 10 + (uint64_t)(p[i] - '0');
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

char *pg_put_float8(const char *from, size_t len, char *to)
{
    char text[FLOAT_CHARS], *end = text;
    uint64_t bits;

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

static char *numeric_head(char *to, unsigned groups, int weight, unsigned sign, unsigned scale)
{
    to = put16(to, (uint16_t)groups);
    to = put16(to, (uint16_t)weight);
    to = put16(to, (uint16_t)sign);
    return put16(to, (uint16_t)scale);
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

char *pg_put_numeric(const char *from, size_t len, char *to)
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
                 (unsigned)part_len);
    return done;
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

    for (;;) {
        const char *slash = memchr(from, '\\', (size_t)(end - from));
        size_t plain = (size_t)((slash ? slash : end) - from);

        memcpy(to, from, plain);
        to += plain;
        if (!slash)
            return to;
        int c = slash + 1 < end ? unescaped(slash[1]) : -1;
        if (c < 0)
            return NULL;
        *to++ = (char)c;
        from = slash + 2;
    }
}

/* A version, and the text. */
char *pg_put_jsonb(const char *from, size_t len, char *to)
{
    *to = 1;
    return pg_put_text(from, len, to + 1);
}

static int nibble(char c)
{
    if (is_digit(c))
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Two hex digits per byte; from and to may be of any alignment. */
static char *hex(const char *from, size_t digits, char *to)
{
    for (size_t i = 0; i + 1 < digits; i += 2) {
        int high = nibble(from[i]), low = nibble(from[i + 1]);
        if (high < 0 || low < 0)
            return NULL;
        *to++ = (char)(high << 4 | low);
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
    static const struct {
        unsigned char at, digits;
    } parts[] = {{0, 8}, {9, 4}, {14, 4}, {19, 4}, {24, 12}};

    if (len != 36 || from[8] != '-' || from[13] != '-' || from[18] != '-' || from[23] != '-')
        return NULL;
    for (size_t i = 0; i < COUNT(parts) && to; i++)
        to = hex(from + parts[i].at, parts[i].digits, to);
    return to;
}

/* ---- dates and times ---------------------------------------------------------------------------*/

#define EPOCH_DAYS 10957 /* 2000-01-01, counted from 1970-01-01 */
#define DAY_US     ((int64_t)86400 * 1000000)

struct moment {
    int64_t days; /* since 2000-01-01 */
    int64_t us;   /* of the day */
};

/* Exactly `digits` of them; when it is 0, a year's: four to six. */
static bool number(const char **p, const char *end, unsigned digits, unsigned *out)
{
    size_t have = digits_at(*p, end);

    if (digits ? have < digits : have < 4 || have > 6)
        return false;
    *out = 0;
    for (size_t i = 0; i < (digits ? digits : have); i++)
        *out = *out * 10 + (unsigned)(*(*p)++ - '0');
    return true;
}

static bool sign(const char **p, const char *end, char c)
{
    return *p < end && *(*p)++ == c;
}

static bool read_time(const char **p, const char *end, int64_t *us)
{
    unsigned hour, minute, second, fraction = 0, scale = 1000000;

    if (!number(p, end, 2, &hour) || !sign(p, end, ':') || !number(p, end, 2, &minute) ||
        !sign(p, end, ':') || !number(p, end, 2, &second) || hour > 23 || minute > 59 ||
        second > 59)
        return false;
    if (*p < end && **p == '.') {
        for (++*p; *p < end && is_digit(**p) && scale > 1; scale /= 10)
            fraction = fraction * 10 + (unsigned)(*(*p)++ - '0');
    }
    *us = (int64_t)(hour * 3600 + minute * 60 + second) * 1000000 + (int64_t)fraction * scale;
    return true;
}

static bool read_day(const char **p, const char *end, unsigned *year, unsigned *month,
                     unsigned *day)
{
    return number(p, end, 0, year) && sign(p, end, '-') && number(p, end, 2, month) &&
           sign(p, end, '-') && number(p, end, 2, day) && *year >= 1 && *month >= 1 &&
           *month <= 12 && *day >= 1 && *day <= 31;
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
