/* Values by the number of one that stood before: the same one, or one that differs in its decimal
 * numbers alone, which then follow, each behind a blank. */
#include "lib/bundle/codes.h"
#include "lib/bundle/scan.h"
#include "lib/bundle/words.h"

#define HASH_FACTOR   UINT64_C(0x9e3779b97f4a7c15)
#define NUMBER_DIGITS 5 /* of what is below WORDS_MAX */

static uint32_t fold(uint64_t h)
{
    h *= HASH_FACTOR;
    return (uint32_t)(h ^ h >> 32);
}

static uint64_t load(const char *p, size_t bytes)
{
    uint64_t v = 0;

    memcpy(&v, p, bytes);
    return v;
}

/* The last bytes, 1 to 8 of them; loads of a fixed size are one instruction each. */
static uint64_t load_last(const char *p, size_t bytes)
{
    if (bytes == 8)
        return load(p, 8);
    if (bytes >= 4)
        return load(p, 4) << 32 | load(p + bytes - 4, 4);
    if (bytes >= 2)
        return load(p, 2) << 32 | load(p + bytes - 2, 2);
    return (unsigned char)*p;
}

static uint32_t hash_value(struct span v)
{
    uint64_t h = v.len;

    for (; v.len > sizeof(h); v.at += sizeof(h), v.len -= sizeof(h)) {
        h = (h ^ load(v.at, sizeof(h))) * HASH_FACTOR;
        h ^= h >> 32;
    }
    return fold(v.len ? h ^ load_last(v.at, v.len) : h);
}

static inline bool same_value(const struct coder *c, struct span a, struct span b)
{
    if (a.len != b.len)
        return false;
    if (a.len < SCAN_STEP && (size_t)(c->end - a.at) >= SCAN_STEP &&
        (size_t)(c->end - b.at) >= SCAN_STEP)
        return (~scan_same(a.at, b.at) & ((1u << a.len) - 1)) == 0;
    return memcmp(a.at, b.at, a.len) == 0;
}

static char *put_word(struct coder *c, struct span value, char *to)
{
    uint32_t number, at = 0;

    c->hash = hash_value(value);
    do {
        number = words_next(c->words, c->hash, &at);
        if (number == UINT32_MAX)
            return NULL;
    } while (!same_value(c, c->words->all[number], value));
    char *end = code_write(number, to);
    return (size_t)(end - to) <= value.len + 1 ? end : NULL;
}

/* Most have a digit or two, which are read faster one by one than together. */
static inline bool number_of(const struct coder *c, struct span digits, struct span *out)
{
    uint32_t number = 0;

    if (digits.len == 0 || digits.len > NUMBER_DIGITS || (*digits.at == '0' && digits.len > 1))
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        unsigned digit = (unsigned)digits.at[i] - '0';

        if (digit > 9)
            return false;
        number = number * 10 + digit;
    }
    if (number >= c->words->count)
        return false;
    *out = c->words->all[number];
    return true;
}

static char *get_word(struct coder *c, struct span line, char *to, const char *end)
{
    struct span value;

    if (!number_of(c, line, &value) || value.len > (size_t)(end - to))
        return NULL;
    return code_copy(c, to, value.at, value.len);
}

static void keep_word(struct coder *c, struct span value)
{
    if (c->reading)
        words_append(c->words, value);
    else
        words_add(c->words, value, c->hash);
}

/* Whether values come again shows only later. */
static bool suits_any(struct coder *c, struct span first)
{
    (void)c;
    (void)first;
    return true;
}

static char *put_words(struct coder *c, const struct code_lines *l, char *to, const char *limit)
{
    return code_put_lines(c, l, to, limit, put_word, keep_word);
}

static char *get_words(struct coder *c, struct code_lines *l, char *to, const char *end)
{
    return code_get_lines(c, l, to, end, get_word, keep_word);
}

const struct code code_word = {'d', true, suits_any, code_has_no_form, put_words, get_words};

/* ---- texts and the numbers in them -------------------------------------------------------------*/

/* A piece of up to SCAN_STEP bytes of a value; what lies behind it may be anything. */
struct piece {
    const char *at;
    unsigned all, digits; /* masks */
    char room[SCAN_STEP];
};

static inline void take_piece(const struct coder *c, const char *p, const char *end,
                              struct piece *out)
{
    size_t left = (size_t)(end - p);

    out->at = p;
    out->all = left < SCAN_STEP ? (1u << left) - 1 : SCAN_ALL;
    if ((size_t)(c->end - p) < SCAN_STEP) {
        memcpy(out->room, p, left);
        out->at = out->room;
    }
    out->digits = scan_digits(out->at) & out->all;
}

/* Where digits stand in a piece. */
static inline unsigned digits_in(const struct coder *c, const char *p, const char *end)
{
    struct piece piece;

    if ((size_t)(end - p) >= SCAN_STEP)
        return scan_digits(p);
    if ((size_t)(c->end - p) >= SCAN_STEP)
        return scan_digits(p) & ((1u << (end - p)) - 1);
    take_piece(c, p, end, &piece);
    return piece.digits;
}

static size_t digits_at(const struct coder *c, const char *p, const char *end)
{
    const char *from = p;

    for (; p < end; p += SCAN_STEP) {
        unsigned digits = digits_in(c, p, end);

        if (digits != SCAN_ALL)
            return (size_t)(p - from) + scan_first(~digits);
    }
    return (size_t)(end - from);
}

/* Where the next digit stands, or the end. */
static const char *next_digit(const struct coder *c, const char *p, const char *end)
{
    for (; p < end; p += SCAN_STEP) {
        unsigned digits = digits_in(c, p, end);

        if (digits)
            return p + scan_first(digits);
    }
    return end;
}

/* Of all but the digits, in any order: their places differ. */
static uint32_t hash_shape(const struct coder *c, struct span v)
{
    const char *end = v.at + v.len;
    struct piece piece = {0};
    uint64_t sum = 0;

    for (const char *p = v.at; p < end; p += SCAN_STEP) {
        take_piece(c, p, end, &piece);
        sum += scan_sum(piece.at, piece.all & ~piece.digits);
    }
    return fold(sum);
}

/* How many bytes are the same and no digits. */
static size_t same_text(const struct coder *c, struct span a, struct span b)
{
    size_t most = a.len < b.len ? a.len : b.len, n = 0;
    struct piece in_a = {0}, in_b = {0};

    for (; n < most; n += SCAN_STEP) {
        take_piece(c, a.at + n, a.at + most, &in_a);
        take_piece(c, b.at + n, b.at + most, &in_b);
        unsigned other = ~scan_same(in_a.at, in_b.at) | in_a.digits;
        if (other & in_a.all)
            return n + scan_first(other & in_a.all);
    }
    return most;
}

static struct span behind(struct span s, size_t bytes)
{
    return (struct span){s.at + bytes, s.len - bytes};
}

static bool same_shape(const struct coder *c, struct span a, struct span b)
{
    for (;;) {
        size_t same = same_text(c, a, b);

        a = behind(a, same);
        b = behind(b, same);
        if (!a.len || !b.len)
            return !a.len && !b.len;
        size_t in_a = digits_at(c, a.at, a.at + a.len), in_b = digits_at(c, b.at, b.at + b.len);
        if (!in_a || !in_b)
            return false;
        a = behind(a, in_a);
        b = behind(b, in_b);
    }
}

static char *put_shape(struct coder *c, struct span value, char *to)
{
    const char *end = value.at + value.len;
    uint32_t number, at = 0;

    if (value.len > CODE_SHAPE)
        return NULL;
    c->hash = hash_shape(c, value);
    do {
        number = words_next(c->words, c->hash, &at);
        if (number == UINT32_MAX)
            return NULL;
    } while (!same_shape(c, c->words->all[number], value));
    char *from = to;
    to = code_write(number, to);
    for (const char *p = next_digit(c, value.at, end); p < end; p = next_digit(c, p, end)) {
        size_t digits = digits_at(c, p, end);

        *to++ = ' ';
        to = code_copy(c, to, p, digits);
        p += digits;
    }
    return (size_t)(to - from) <= value.len + 1 ? to : NULL;
}

/* The digits behind the next blank; false when there is neither. */
static bool next_number(const struct coder *c, struct span *line, struct span *out)
{
    const char *p = line->at + 1, *end = line->at + line->len;

    if (line->len < 2 || *line->at != ' ')
        return false;
    *out = (struct span){p, digits_at(c, p, end)};
    *line = (struct span){p + out->len, (size_t)(end - p) - out->len};
    return out->len > 0;
}

static char *copy(const struct coder *c, char *to, const char *end, const char *from, size_t bytes)
{
    return bytes <= (size_t)(end - to) ? code_copy(c, to, from, bytes) : NULL;
}

static char *get_shape(struct coder *c, struct span line, char *to, const char *end)
{
    struct span shape, number = {line.at, digits_at(c, line.at, line.at + line.len)};

    if (!number_of(c, number, &shape) || shape.len > CODE_SHAPE)
        return NULL;
    line = (struct span){line.at + number.len, line.len - number.len};
    const char *p = shape.at, *shape_end = shape.at + shape.len;
    while (p < shape_end && to) {
        const char *at = next_digit(c, p, shape_end);

        to = copy(c, to, end, p, (size_t)(at - p));
        p = at + digits_at(c, at, shape_end);
        if (to && at < shape_end)
            to = next_number(c, &line, &number) ? copy(c, to, end, number.at, number.len) : NULL;
    }
    return line.len == 0 ? to : NULL;
}

static void keep_shape(struct coder *c, struct span value)
{
    if (c->reading || value.len > CODE_SHAPE)
        words_append(c->words, value);
    else
        words_add(c->words, value, c->hash);
}

static char *put_shapes(struct coder *c, const struct code_lines *l, char *to, const char *limit)
{
    return code_put_lines(c, l, to, limit, put_shape, keep_shape);
}

static char *get_shapes(struct coder *c, struct code_lines *l, char *to, const char *end)
{
    return code_get_lines(c, l, to, end, get_shape, keep_shape);
}

/* Without numbers they would be words. */
static bool suits_shape(struct coder *c, struct span first)
{
    return next_digit(c, first.at, first.at + first.len) < first.at + first.len;
}

const struct code code_shape = {'s', true, suits_shape, code_has_no_form, put_shapes, get_shapes};
