/* Dates and times as differences.
 *
 * The form says how they are written: 'd' is a date, '0' to '6' a time with so many digits behind the
 * second, with '*' behind it one with up to so many and no zero at the end; then what stands behind
 * each, as "+00".
 */
#include "lib/bundle/codes.h"

#include "lib/base/calendar.h"

#include <endian.h>

#define DATE_BYTES 10
#define TIME_BYTES 19 /* with the date */
#define DAY        86400
#define DIGITS     6

static const int64_t units[DIGITS + 1] = {1, 10, 100, 1000, 10000, 100000, 1000000};

static bool digits(const char *p, unsigned count, unsigned *out)
{
    unsigned v = 0;

    for (unsigned i = 0; i < count; i++) {
        unsigned digit = (unsigned)p[i] - '0';

        if (digit > 9)
            return false;
        v = v * 10 + digit;
    }
    *out = v;
    return true;
}

/* Times of one column are often of one day. */
static bool read_day(struct coder *c, const char *p)
{
    unsigned year, month, day;

    if (c->day_text[0] && memcmp(c->day_text, p, DATE_BYTES) == 0)
        return true;
    if (!digits(p, 4, &year) || p[4] != '-' || !digits(p + 5, 2, &month) || p[7] != '-' ||
        !digits(p + 8, 2, &day) || month < 1 || month > 12 || day < 1)
        return false;
    int64_t days = calendar_days(year, month, day);
    struct calendar_date back = calendar_date(days);
    if (back.day != day || back.month != month)
        return false;
    c->day = days;
    memcpy(c->day_text, p, DATE_BYTES);
    return true;
}

/* " HH:MM:SS": the pairs of digits stand in the bytes 0, 3 and 6 of what is behind the blank. */
static bool read_clock(const char *p, unsigned *seconds)
{
    const uint64_t colons = UINT64_C(0x0000ff0000ff0000);
    uint64_t v = digits_load(p + 1), pairs = v & ~colons;

    if (p[0] != ' ' || (v & colons) != (UINT64_C(0x00000a00000a0000)) || !digits_are(pairs))
        return false;
    pairs = pairs * 10 + (pairs >> 8);
    unsigned hour = pairs & 0xff, minute = pairs >> 24 & 0xff, second = pairs >> 48 & 0xff;
    *seconds = hour * 3600 + minute * 60 + second;
    return hour < 24 && minute < 60 && second < 60;
}

static unsigned precision(const struct coder *c)
{
    return (unsigned)(c->form[0] - '0');
}

static bool is_trimmed(const struct coder *c)
{
    return c->form[1] == '*';
}

static const char *behind(const struct coder *c)
{
    return c->form + 1 + is_trimmed(c);
}

/* The digits behind the second, as the form wants them. */
static bool read_fraction(const struct coder *c, struct span s, unsigned *out)
{
    bool trimmed = is_trimmed(c);
    unsigned most = precision(c);

    *out = 0;
    if (s.len == 0)
        return trimmed || most == 0;
    unsigned have = (unsigned)s.len - 1;
    if (*s.at != '.' || s.len - 1 > most || have == 0 || (!trimmed && have != most) ||
        (trimmed && s.at[have] == '0') || !digits(s.at + 1, have, out))
        return false;
    *out *= (unsigned)units[most - have];
    return true;
}

static uint64_t last_bytes(const char *end)
{
    uint64_t v;

    memcpy(&v, end - sizeof(v), sizeof(v));
    return le64toh(v);
}

static void know_tail(struct coder *c)
{
    char room[2 * sizeof(c->tail)] = {0};

    c->tail_bytes = (unsigned)strlen(behind(c));
    memcpy(room + sizeof(c->tail) - c->tail_bytes, behind(c), c->tail_bytes);
    c->tail = last_bytes(room + sizeof(c->tail));
}

/* It has more than eight bytes. */
static bool has_tail(const struct coder *c, struct span value)
{
    unsigned before = 64 - 8 * c->tail_bytes;

    return c->tail_bytes == 0 || last_bytes(value.at + value.len) >> before == c->tail >> before;
}

static char *put_time(struct coder *c, struct span value, char *to)
{
    struct span fraction;
    unsigned seconds = 0, part = 0;

    if (value.len < DATE_BYTES || !read_day(c, value.at))
        return NULL;
    if (c->form[0] == 'd')
        return value.len == DATE_BYTES ? code_put_step(c, c->day, value.len, to) : NULL;
    if (value.len < TIME_BYTES + c->tail_bytes || !has_tail(c, value) ||
        !read_clock(value.at + DATE_BYTES, &seconds))
        return NULL;
    fraction = (struct span){value.at + TIME_BYTES, value.len - TIME_BYTES - c->tail_bytes};
    if (!read_fraction(c, fraction, &part))
        return NULL;
    return code_put_step(c, (c->day * DAY + seconds) * units[precision(c)] + part, value.len, to);
}

static char *two(unsigned v, char *to)
{
    to[0] = (char)('0' + v / 10);
    to[1] = (char)('0' + v % 10);
    return to + 2;
}

static bool write_day(struct coder *c, int64_t day, char *to)
{
    if (day != c->day || !c->day_text[0]) {
        struct calendar_date date = calendar_date(day);
        char *p = c->day_text;

        if (date.year < 0 || date.year > 9999)
            return false;
        p = two((unsigned)date.year % 100, two((unsigned)date.year / 100, p));
        *p++ = '-';
        p = two(date.month, p);
        *p++ = '-';
        two(date.day, p);
        c->day = day;
    }
    memcpy(to, c->day_text, DATE_BYTES);
    return true;
}

static char *write_fraction(const struct coder *c, unsigned part, char *to)
{
    unsigned most = precision(c);
    bool trimmed = is_trimmed(c);

    if (most == 0 || (trimmed && part == 0))
        return to;
    *to = '.';
    to = digits_write(digits_of(part), (unsigned)DIGITS_STEP - most, to + 1);
    while (trimmed && to[-1] == '0')
        to--;
    return to;
}

/* HH:MM:SS */
static char *write_clock(unsigned seconds, char *to)
{
    to = two(seconds / 3600, to);
    *to++ = ':';
    to = two(seconds / 60 % 60, to);
    *to++ = ':';
    return two(seconds % 60, to);
}

static char *get_time(struct coder *c, struct span line, char *to, const char *end)
{
    (void)end;
    if (!code_get_step(c, line))
        return NULL;
    if (c->form[0] == 'd')
        return write_day(c, c->last, to) ? to + DATE_BYTES : NULL;

    int64_t unit = units[precision(c)], day = c->day, rest = c->last - day * DAY * unit;
    if (rest < 0 || rest >= DAY * unit) {
        day = c->last / (DAY * unit);
        rest = c->last - day * DAY * unit;
    }
    if (rest < 0) {
        rest += DAY * unit;
        day--;
    }
    int64_t seconds = rest / unit;
    if (!write_day(c, day, to))
        return NULL;
    to[DATE_BYTES] = ' ';
    to = write_clock((unsigned)seconds, to + DATE_BYTES + 1);
    to = write_fraction(c, (unsigned)(rest - seconds * unit), to);
    for (const char *p = behind(c); *p; p++)
        *to++ = *p;
    return to;
}

static bool is_form(const struct coder *c)
{
    if (c->form[0] == 'd')
        return c->form[1] == '\0';
    return c->form[0] >= '0' && c->form[0] <= '0' + DIGITS &&
           behind(c)[strspn(behind(c), "+-:0123456789")] == '\0';
}

/* As the first one is written, or with as many digits as `how` says when it says any. */
static bool suits(struct coder *c, struct span first, const char *how)
{
    char room[CODE_SLACK];
    size_t have = 0, behind_at = TIME_BYTES, how_bytes = strlen(how);

    if (first.len == DATE_BYTES || first.len < TIME_BYTES) {
        memcpy(c->form, "d", 2);
        return !*how && first.len == DATE_BYTES && put_time(c, first, room) != NULL;
    }
    if (behind_at < first.len && first.at[behind_at] == '.') {
        behind_at++;
        while (behind_at < first.len && (unsigned)first.at[behind_at] - '0' <= 9) {
            behind_at++;
            have++;
        }
    }
    size_t tail = first.len - behind_at;
    if (have > DIGITS || tail + 3 > CODE_FORM)
        return false;
    c->form[0] = (char)('0' + have);
    memcpy(c->form, how, how_bytes);
    char *end = (char *)memcpy(c->form + (how_bytes ? how_bytes : 1), first.at + behind_at, tail);
    end[tail] = '\0';
    know_tail(c);
    return is_form(c) && put_time(c, first, room) != NULL;
}

static bool suits_exact(struct coder *c, struct span first)
{
    return suits(c, first, "");
}

static bool suits_thousandths(struct coder *c, struct span first)
{
    return suits(c, first, "3*");
}

static bool suits_millionths(struct coder *c, struct span first)
{
    return suits(c, first, "6*");
}

static char *put_times(struct coder *c, const struct code_lines *l, char *to, const char *limit)
{
    know_tail(c);
    return code_put_lines(c, l, to, limit, put_time, code_keep_nothing);
}

static char *get_times(struct coder *c, struct code_lines *l, char *to, const char *end)
{
    return code_get_lines(c, l, to, end, get_time, code_keep_nothing);
}

const struct code code_time = {'t', false, suits_exact, is_form, put_times, get_times};
const struct code code_time_3 = {'t', false, suits_thousandths, is_form, put_times, get_times};
const struct code code_time_6 = {'t', false, suits_millionths, is_form, put_times, get_times};
