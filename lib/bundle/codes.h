/* The codes in which columns are written: see encode.h.
 *
 * A code turns a value into a line and back. A coder is a code at work on one column: the lines refer
 * to what stood before them, so it sees all values in their order. What goes through all lines of a
 * column is here, to be compiled into each code: it is called for each value of a database.
 */
#ifndef LIB_BUNDLE_CODES_H
#define LIB_BUNDLE_CODES_H

#include "lib/base/digits.h"
#include "lib/base/span.h"
#include "lib/bundle/scan.h"

#include <stdbool.h>

#define CODE_FORM    8   /* bytes behind a code's letter in the first line, with the NUL */
#define CODE_SLACK   64  /* bytes that may be written without a look at the end */
#define CODE_LITERAL '=' /* in front of a value that does not fit */
#define CODE_SHAPE   512 /* bytes of a text that is taken apart: what a line may cost is bounded */
/* Sums of what is written must be exact in awk's numbers, too. */
#define CODE_NUMBER_MAX INT64_C(9000000000000000)

struct words; /* lib/bundle/words.h */
struct code;

struct coder {
    const struct code *code;
    struct words *words;  /* of the codes that know them; borrowed */
    bool reading;         /* words are not looked for */
    uint32_t hash;        /* of the last value that was looked for */
    const char *end;      /* bytes up to here may be read behind a value, or a line */
    char form[CODE_FORM]; /* of the codes that have several */
    int64_t last;         /* number, time */
    int64_t day;          /* its text is in day_text, when that is not empty */
    char day_text[11];
    uint64_t tail; /* time: what stands behind each, as the last bytes of eight */
    unsigned tail_bytes;
};

/* A column, or the beginning of one; each line ends with a newline. */
struct code_lines {
    const char *from, *end;
    uint64_t count;
};

struct code {
    char letter;
    bool of_words;
    /* Whether a column that begins with this value may be written so, and in which form. */
    bool (*suits)(struct coder *c, struct span first);
    /* Whether there is such a form. */
    bool (*opens)(const struct coder *c);
    /* What stands for the lines; returns its end, NULL as soon as that could be beyond `limit`, behind
     * which CODE_SHAPE bytes may be written. */
    char *(*put)(struct coder *c, const struct code_lines *l, char *to, const char *limit);
    /* The values that the lines stand for, up to `end` at most, behind which CODE_SLACK bytes may be
     * written; NULL: they stand for nothing, or for more. There may be fewer lines, and more behind
     * them: the last byte before l->end is a newline, and l->from goes behind those that were read. */
    char *(*get)(struct coder *c, struct code_lines *l, char *to, const char *end);
};

extern const struct code code_number, code_time, code_time_3, code_time_6, code_uuid, code_uuid_of,
    code_word, code_shape;

/* ---- pieces of text ------------------------------------------------------------------------------*/

/* A newline stands before c->end. */
static inline const char *code_line_end(const struct coder *c, const char *p)
{
    while ((size_t)(c->end - p) >= SCAN_STEP) {
        unsigned mask = scan_mask(p, '\n');

        if (mask)
            return p + scan_first(mask);
        p += SCAN_STEP;
    }
    while (*p != '\n')
        p++;
    return p;
}

static inline bool code_is_null(struct span s)
{
    return s.len == 2 && s.at[0] == '\\' && s.at[1] == 'N';
}

/* Copies what is often short; as many bytes as a step has may be written behind it. */
static inline char *code_copy(const struct coder *c, char *to, const char *from, size_t bytes)
{
    if (bytes <= SCAN_STEP && (size_t)(c->end - from) >= SCAN_STEP)
        memcpy(to, from, SCAN_STEP);
    else
        memcpy(to, from, bytes);
    return to + bytes;
}

/* Decimal digits of what is at most CODE_NUMBER_MAX; to the end of them. Eight bytes may be written
 * behind it. */
static inline char *code_write(int64_t v, char *to)
{
    const uint64_t step = 100000000;
    uint64_t rest = v < 0 ? -(uint64_t)v : (uint64_t)v;

    *to = '-';
    to += v < 0;
    if (rest < 10) { /* most are */
        *to = (char)('0' + rest);
        return to + 1;
    }
    if (rest >= step) {
        uint64_t first = digits_of((uint32_t)(rest / step));

        to = digits_write(first, digits_zeros(first), to);
        return digits_write(digits_of((uint32_t)(rest % step)), 0, to);
    }
    uint64_t digits = digits_of((uint32_t)rest);
    return digits_write(digits, digits_zeros(digits), to);
}

/* -?(0|[1-9][0-9]*), at most CODE_NUMBER_MAX. */
static inline bool code_read(struct span s, int64_t *out)
{
    bool negative = s.len && *s.at == '-';
    const char *p = s.at + negative, *end = s.at + s.len;
    int64_t v = 0;

    if (p == end || end - p > 16 || (*p == '0' && (end - p > 1 || negative)))
        return false;
    for (; p < end; p++) {
        unsigned digit = (unsigned)*p - '0';

        if (digit > 9)
            return false;
        v = v * 10 + digit;
    }
    *out = negative ? -v : v;
    return v <= CODE_NUMBER_MAX;
}

/* The same of a value, or a line, before c->end. */
static inline bool code_read_of(const struct coder *c, struct span s, int64_t *out)
{
    bool negative = s.len && *s.at == '-';
    const char *p = s.at + negative;
    size_t digits = s.len - negative;
    uint32_t v = 0;

    if (digits - 1 >= DIGITS_STEP || (size_t)(c->end - p) < DIGITS_STEP)
        return code_read(s, out);
    if ((*p == '0' && s.len > 1) || !digits_read(p, digits, &v))
        return false;
    *out = negative ? -(int64_t)v : (int64_t)v;
    return true;
}

/* ---- numbers, each against the one before --------------------------------------------------------*/

static inline char *code_put_step(struct coder *c, int64_t v, size_t value_bytes, char *to)
{
    int64_t step = v - c->last;

    if (v > CODE_NUMBER_MAX || v < -CODE_NUMBER_MAX || step > CODE_NUMBER_MAX ||
        step < -CODE_NUMBER_MAX)
        return NULL;
    char *end = code_write(step, to);
    if ((size_t)(end - to) > value_bytes + 1)
        return NULL;
    c->last = v;
    return end;
}

static inline bool code_get_step(struct coder *c, struct span line)
{
    int64_t step = 0;

    if (!code_read_of(c, line, &step))
        return false;
    c->last += step;
    return c->last <= CODE_NUMBER_MAX && c->last >= -CODE_NUMBER_MAX;
}

/* ---- all lines ------------------------------------------------------------------------------------*/

/* What stands for a value, no longer than it and one more; returns its end. NULL: it does not fit. */
typedef char *code_put_value(struct coder *c, struct span value, char *to);
/* The value that a line stands for; NULL: none. */
typedef char *code_get_value(struct coder *c, struct span line, char *to, const char *end);
/* Sees each value that stands as it is, behind the attempt to put it when it is written. */
typedef void code_keep_value(struct coder *c, struct span value);

static inline void code_keep_nothing(struct coder *c, struct span value)
{
    (void)c;
    (void)value;
}

static inline bool code_has_no_form(const struct coder *c)
{
    return c->form[0] == '\0';
}

static inline __attribute__((always_inline)) char *code_put_lines(struct coder *c,
                                                                  const struct code_lines *l,
                                                                  char *to, const char *limit,
                                                                  code_put_value *put,
                                                                  code_keep_value *keep)
{
    const char *p = l->from;

    for (uint64_t i = 0; i < l->count; i++) {
        const char *at = code_line_end(c, p);
        struct span value = {p, (size_t)(at - p)};
        bool null = code_is_null(value);

        /* As it is it takes two bytes more, for what stands before and behind it. */
        if ((size_t)(limit - to) < value.len + 2)
            return NULL;
        char *end = null ? NULL : put(c, value, to);
        if (!end) {
            if (!null) {
                *to++ = CODE_LITERAL;
                keep(c, value);
            }
            end = code_copy(c, to, value.at, value.len);
        }
        *end = '\n';
        to = end + 1;
        p = at + 1;
    }
    return to;
}

static inline __attribute__((always_inline)) char *code_get_lines(struct coder *c,
                                                                  struct code_lines *l, char *to,
                                                                  const char *end,
                                                                  code_get_value *get,
                                                                  code_keep_value *keep)
{
    const char *p = l->from;

    for (uint64_t i = 0; i < l->count; i++) {
        if (p == l->end)
            return NULL;
        const char *at = code_line_end(c, p);
        struct span line = {p, (size_t)(at - p)};

        if (line.len && *p == CODE_LITERAL) {
            line = (struct span){p + 1, line.len - 1};
            keep(c, line);
            to = line.len < (size_t)(end - to) ? code_copy(c, to, line.at, line.len) : NULL;
        } else if (code_is_null(line)) {
            to = code_copy(c, to, line.at, line.len);
        } else {
            to = get(c, line, to, end);
        }
        if (!to || to >= end)
            return NULL;
        *to++ = '\n';
        p = at + 1;
    }
    l->from = p;
    return to;
}

#endif
