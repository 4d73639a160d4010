#include "lib/base/span.h"

#include <stdlib.h>

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* memcmp and friends may not be given NULL, even with length 0. */
static int bytes_cmp(const char *a, const char *b, size_t len)
{
    return len ? memcmp(a, b, len) : 0;
}

bool span_eq(struct span a, struct span b)
{
    return a.len == b.len && bytes_cmp(a.at, b.at, a.len) == 0;
}

bool span_is(struct span a, const char *s)
{
    return a.at && span_eq(a, span_of(s));
}

bool span_is_nocase(struct span a, const char *s)
{
    if (!a.at || a.len != strlen(s))
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.at[i]) != lower(s[i]))
            return false;
    return true;
}

bool span_starts(struct span a, const char *prefix)
{
    size_t len = strlen(prefix);
    return a.len >= len && bytes_cmp(a.at, prefix, len) == 0;
}

bool span_ends(struct span a, const char *suffix)
{
    size_t len = strlen(suffix);
    return len == 0 || (a.len >= len && memcmp(a.at + a.len - len, suffix, len) == 0);
}

int span_cmp(struct span a, struct span b)
{
    int order = bytes_cmp(a.at, b.at, a.len < b.len ? a.len : b.len);
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

struct span span_trim(struct span a)
{
    while (a.len && is_space(a.at[0])) {
        a.at++;
        a.len--;
    }
    while (a.len && is_space(a.at[a.len - 1]))
        a.len--;
    return a;
}

bool span_split(struct span *rest, char sep, struct span *field)
{
    if (!rest->at)
        return false;

    const char *end = rest->len ? memchr(rest->at, sep, rest->len) : NULL;
    if (!end) {
        *field = *rest;
        *rest = (struct span){0};
        return true;
    }
    size_t len = (size_t)(end - rest->at);
    *field = (struct span){rest->at, len};
    *rest = (struct span){end + 1, rest->len - len - 1};
    return true;
}

bool span_u64(struct span a, uint64_t *out)
{
    uint64_t n = 0;

    if (!a.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        unsigned digit = (unsigned)(unsigned char)a.at[i] - '0';
        if (digit > 9 || n > (UINT64_MAX - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    *out = n;
    return true;
}

bool span_i64(struct span a, int64_t *out)
{
    bool minus = a.len && a.at[0] == '-';
    struct span digits = minus ? (struct span){a.at + 1, a.len - 1} : a;
    uint64_t n;

    if (!span_u64(digits, &n) || n > (uint64_t)INT64_MAX + minus)
        return false;
    *out = minus ? (int64_t)(0 - n) : (int64_t)n;
    return true;
}

char *span_dup(struct span a)
{
    char *s = malloc(a.len + 1);
    if (!s)
        return NULL;
    if (a.len)
        memcpy(s, a.at, a.len);
    s[a.len] = 0;
    return s;
}

/* RFC 3629, table of well-formed sequences: no overlong forms, no surrogates, nothing above
 * U+10FFFF. */
size_t span_utf8(struct span a)
{
    static const struct {
        unsigned char first, last, low, high;
        unsigned char len;
    } forms[] = {
        {0x00, 0x7f, 0x00, 0x00, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    const unsigned char *s = (const unsigned char *)a.at;

    if (!a.len)
        return 0;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (s[0] < forms[i].first || s[0] > forms[i].last)
            continue;
        if (forms[i].len > a.len)
            return 0;
        if (forms[i].len > 1 && (s[1] < forms[i].low || s[1] > forms[i].high))
            return 0;
        for (size_t k = 2; k < forms[i].len; k++)
            if ((s[k] & 0xc0) != 0x80)
                return 0;
        return forms[i].len;
    }
    return 0;
}
