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

/* Where the next `count` bytes of a value stand, at most 16, and may be read as if they were 16. */
static inline const char *whole_step(const struct coder *c, const char *p, size_t count, char *room)
{
    return (size_t)(c->end - p) >= SCAN_STEP ? p : memcpy(room, p, count);
}

/* Where digits stand in the next step of a value. */
static inline unsigned digits_in(const struct coder *c, const char *p, const char *end)
{
    size_t left = (size_t)(end - p);

    if (left >= SCAN_STEP)
        return scan_digits(p);
    char room[SCAN_STEP] = {0};
    return scan_digits(whole_step(c, p, left, room)) & ((1u << left) - 1);
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

/* Where the digits stand in a text of up to CODE_SHAPE bytes; none behind its end. */
struct digits {
    uint64_t words[CODE_SHAPE / 64];
};

static inline void keep_digits(struct digits *d, size_t at, size_t count, unsigned mask)
{
    if (at % 64 == 0)
        d->words[at / 64] = 0;
    if (count < SCAN_STEP)
        mask &= (1u << count) - 1;
    d->words[at / 64] |= (uint64_t)mask << at % 64;
}

/* Also of all but the digits, in any order: their places differ. */
static uint32_t hash_shape(const struct coder *c, struct span v, struct digits *digits)
{
    struct scan_sum sum;
    char room[SCAN_STEP] = {0};

    scan_sum_begin(&sum);
    for (size_t at = 0; at < v.len; at += SCAN_STEP) {
        size_t count = v.len - at < SCAN_STEP ? v.len - at : SCAN_STEP;
        const char *p = whole_step(c, v.at + at, count, room);

        keep_digits(digits, at, count, scan_add_text(p, count, &sum));
    }
    return fold(scan_sum_end(&sum));
}

static void find_digits(const struct coder *c, struct span v, struct digits *digits)
{
    char room[SCAN_STEP] = {0};

    for (size_t at = 0; at < v.len; at += SCAN_STEP) {
        size_t count = v.len - at < SCAN_STEP ? v.len - at : SCAN_STEP;

        keep_digits(digits, at, count, scan_digits(whole_step(c, v.at + at, count, room)));
    }
}

/* Whether two values of one length have their digits at the same places, and the same text between. */
static bool same_places(const struct coder *c, struct span a, struct span b,
                        const struct digits *of_b)
{
    size_t at = 0;

    for (; at < b.len; at += SCAN_STEP) {
        size_t left = b.len - at;
        unsigned all = left < SCAN_STEP ? (1u << left) - 1 : SCAN_ALL;
        unsigned digits = (unsigned)(of_b->words[at / 64] >> at % 64) & SCAN_ALL;

        if ((size_t)(c->end - (a.at + at)) < SCAN_STEP ||
            (size_t)(c->end - (b.at + at)) < SCAN_STEP)
            return false;
        if ((scan_digits(a.at + at) & all) != digits ||
            (~scan_same(a.at + at, b.at + at) & ~digits & all))
            return false;
    }
    return true;
}

/* Whether all but the digits is the same in `old`, run by run. */
static bool same_shape(const struct coder *c, struct span old, struct span value,
                       const struct digits *digits)
{
    struct digits old_digits;
    size_t at = 0, old_at = 0;

    if (old.len == value.len && same_places(c, old, value, digits))
        return true;
    find_digits(c, old, &old_digits);
    for (;;) {
        size_t text = scan_bit(digits->words, at, value.len, 0);
        size_t old_text = scan_bit(old_digits.words, old_at, old.len, 0);

        if (!same_value(c, (struct span){value.at + at, text - at},
                        (struct span){old.at + old_at, old_text - old_at}))
            return false;
        if (text == value.len || old_text == old.len)
            return text == value.len && old_text == old.len;
        at = scan_bit(digits->words, text, value.len, UINT64_MAX);
        old_at = scan_bit(old_digits.words, old_text, old.len, UINT64_MAX);
    }
}

static char *put_shape(struct coder *c, struct span value, char *to)
{
    struct digits digits;
    uint32_t number, at = 0;

    if (value.len > CODE_SHAPE)
        return NULL;
    c->hash = hash_shape(c, value, &digits);
    do {
        number = words_next(c->words, c->hash, &at);
        if (number == UINT32_MAX)
            return NULL;
    } while (!same_shape(c, c->words->all[number], value, &digits));
    char *from = to;
    to = code_write(number, to);
    for (size_t p = scan_bit(digits.words, 0, value.len, 0), end; p < value.len;
         p = scan_bit(digits.words, end, value.len, 0)) {
        end = scan_bit(digits.words, p, value.len, UINT64_MAX);
        *to++ = ' ';
        to = code_copy(c, to, value.at + p, end - p);
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
