/* Whole numbers as differences, and UUIDs without their dashes and version. */
#include "lib/bundle/codes.h"

static bool suits_number(struct coder *c, struct span first)
{
    int64_t v;

    (void)c;
    return code_read(first, &v);
}

static char *put_number(struct coder *c, struct span value, char *to)
{
    int64_t v = 0;

    return code_read_of(c, value, &v) ? code_put_step(c, v, value.len, to) : NULL;
}

static char *get_number(struct coder *c, struct span line, char *to, const char *end)
{
    (void)end;
    return code_get_step(c, line) ? code_write(c->last, to) : NULL;
}

/* One that is far from all others must not be what they are all compared with. */
static void keep_number(struct coder *c, struct span value)
{
    int64_t v = 0;

    if (code_read_of(c, value, &v))
        c->last = v;
}

static char *put_numbers(struct coder *c, const struct code_lines *l, char *to, const char *limit)
{
    return code_put_lines(c, l, to, limit, put_number, keep_number);
}

static char *get_numbers(struct coder *c, struct code_lines *l, char *to, const char *end)
{
    return code_get_lines(c, l, to, end, get_number, keep_number);
}

const struct code code_number = {'n',         false,      suits_number, code_has_no_form,
                                 put_numbers, get_numbers};

/* ---- UUIDs: the form is the version, which then is in no line -----------------------------------*/

#define UUID_TEXT    36
#define UUID_DIGITS  32
#define UUID_VERSION 14 /* where it stands in the text */

static char *put_uuid(struct coder *c, struct span value, char *to)
{
    const char *v = value.at;
    size_t kept = c->form[0] ? 0 : 1;

    if (value.len != UUID_TEXT || v[8] != '-' || v[13] != '-' || v[18] != '-' || v[23] != '-' ||
        (!kept && v[UUID_VERSION] != c->form[0]))
        return NULL;
    memcpy(to, v, 8);
    memcpy(to + 8, v + 9, 4);
    to[12] = v[UUID_VERSION];
    memcpy(to + 12 + kept, v + UUID_VERSION + 1, 3);
    memcpy(to + 15 + kept, v + 19, 4);
    memcpy(to + 19 + kept, v + 24, 12);
    return (scan_hex(to) & scan_hex(to + 15 + kept)) == SCAN_ALL ? to + UUID_DIGITS - 1 + kept
                                                                 : NULL;
}

static char *get_uuid(struct coder *c, struct span line, char *to, const char *end)
{
    size_t kept = c->form[0] ? 0 : 1;
    const char *from = line.at;

    (void)end;
    if (line.len != UUID_DIGITS - 1 + kept)
        return NULL;
    memcpy(to, from, 8);
    memcpy(to + 9, from + 8, 4);
    to[UUID_VERSION] = kept ? from[12] : c->form[0];
    memcpy(to + UUID_VERSION + 1, from + 12 + kept, 3);
    memcpy(to + 19, from + 15 + kept, 4);
    memcpy(to + 24, from + 19 + kept, 12);
    to[8] = to[13] = to[18] = to[23] = '-';
    return to + UUID_TEXT;
}

static bool is_version(const struct coder *c)
{
    return c->form[0] == '\0' || (strchr("0123456789abcdef", c->form[0]) && c->form[1] == '\0');
}

static bool suits_uuid(struct coder *c, struct span first)
{
    char room[CODE_SLACK];

    return put_uuid(c, first, room) != NULL;
}

static bool suits_version(struct coder *c, struct span first)
{
    if (first.len == UUID_TEXT)
        c->form[0] = first.at[UUID_VERSION];
    return is_version(c) && c->form[0] && suits_uuid(c, first);
}

static char *put_uuids(struct coder *c, const struct code_lines *l, char *to, const char *limit)
{
    return code_put_lines(c, l, to, limit, put_uuid, code_keep_nothing);
}

static char *get_uuids(struct coder *c, struct code_lines *l, char *to, const char *end)
{
    return code_get_lines(c, l, to, end, get_uuid, code_keep_nothing);
}

const struct code code_uuid = {'u', false, suits_uuid, is_version, put_uuids, get_uuids};
const struct code code_uuid_of = {'u', false, suits_version, is_version, put_uuids, get_uuids};
