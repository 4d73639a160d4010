/* Refuses an account that would silently see less than there is: information_schema hides what an
 * account has no right to, so that triggers or routines would be lost without a word. */
#include "snapshot/my.h"

/* LIKE with % and _ and backslash, as database names in grants are. */
static bool like(struct span pattern, const char *text)
{
    while (pattern.len) {
        char c = *pattern.at;
        pattern.at++;
        pattern.len--;
        if (c == '%') {
            for (; *text; text++) {
                if (like(pattern, text))
                    return true;
            }
            return !pattern.len;
        }
        if (c == '\\' && pattern.len) {
            c = *pattern.at++;
            pattern.len--;
        } else if (c == '_' && *text) {
            c = *text;
        }
        if (*text != c)
            return false;
        text++;
    }
    return !*text;
}

/* "*.*" or "`pattern`.*"; backticks in names are doubled. */
static bool covers(struct span object, const char *database)
{
    AUTO(buf) struct buf pattern = {0};

    if (span_is(object, "*.*"))
        return true;
    if (!span_starts(object, "`") || !span_ends(object, "`.*"))
        return false;
    for (size_t i = 1; i + 3 < object.len; i++) {
        buf_putc(&pattern, object.at[i]);
        i += object.at[i] == '`';
    }
    return !pattern.failed && like(buf_view(&pattern), database);
}

bool my_grant_gives(struct span line, const char *privilege, const char *database)
{
    const char *on = line.at ? memmem(line.at, line.len, " ON ", 4) : NULL;
    const char *end = line.at + line.len;
    struct span list, one;

    if (!on || !span_starts(line, "GRANT "))
        return false;
    list = (struct span){line.at + 6, (size_t)(on - line.at) - 6};
    const char *to = memmem(on + 4, (size_t)(end - on) - 4, " TO ", 4);
    if (!to || !covers((struct span){on + 4, (size_t)(to - on) - 4}, database))
        return false;
    while (span_split(&list, ',', &one)) {
        one = span_trim(one);
        if (span_is(one, "ALL PRIVILEGES") || span_is(one, privilege))
            return true;
    }
    return false;
}

struct rights {
    const char *const *wanted;
    const char *database;
    bool *has;
    size_t count;
};

static bool take_grant(void *ctx, const struct db_row *row, struct err *err)
{
    struct rights *r = ctx;

    (void)err;
    for (size_t i = 0; i < r->count; i++)
        r->has[i] = r->has[i] || my_grant_gives(row->value[0], r->wanted[i], r->database);
    return true;
}

/* Routines of others show only to those who may read where the server keeps them. */
static bool check_routines(struct my_source *s, struct err *err)
{
    struct err refused = {0};

    if (s->main->is_mysql || db_exec(s->main, &refused, "SELECT 1 FROM mysql.proc LIMIT 1"))
        return true;
    if (refused.code != ERR_RIGHTS)
        return err_pass(err, &refused);
    err_set(err, ERR_RIGHTS, "'%s' may not see the routines of database '%s'", s->from->user,
            s->from->database);
    return err_hint(err, "GRANT SELECT ON mysql.proc to it");
}

bool my_rights_check(struct my_source *s, struct err *err)
{
    static const char *const wanted[] = {"SELECT", "SHOW VIEW", "TRIGGER", "EVENT"};
    bool has[COUNT(wanted)] = {false};
    struct rights r = {wanted, s->from->database, has, COUNT(wanted)};

    /* Without FOR it lists the grants of the roles in force as well. */
    if (!db_rows(s->main, take_grant, &r, err, "SHOW GRANTS"))
        return false;
    for (size_t i = 0; i < COUNT(wanted); i++) {
        if (has[i])
            continue;
        err_set(err, ERR_RIGHTS, "'%s' lacks %s on database '%s'", s->from->user, wanted[i],
                s->from->database);
        return err_hint(err,
                        "GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES ON `%s`.* and "
                        "RELOAD, BINLOG MONITOR ON *.* to it",
                        s->from->database);
    }
    return check_routines(s, err);
}
