#include "snapshot/my_trigger.h"

#include "lib/sql/split.h"
#include "snapshot/my_ddl.h"

struct word {
    enum sql_token kind;
    struct span text;
};

struct scan {
    const struct my_trigger_text *trigger;
    struct span rest;
    struct word before, now, next, third; /* `now` is looked at; the others lie around it */
};

static struct word read_word(struct scan *s)
{
    struct word w = {0};

    w.kind = sql_token_under(SQL_MARIADB, s->trigger->no_backslash_escapes, &s->rest, &w.text);
    return w;
}

static struct word after(const struct scan *s)
{
    struct scan peek = *s;

    return read_word(&peek);
}

static bool step(struct scan *s)
{
    s->before = s->now;
    s->now = s->next;
    s->next = s->third;
    s->third = s->third.kind == SQL_END ? s->third : read_word(s);
    return s->now.kind != SQL_END;
}

static bool is_dot(struct word w)
{
    return w.kind == SQL_PUNCT && span_is(w.text, ".");
}

static bool is_row(struct word w)
{
    return w.kind == SQL_WORD && (span_is_nocase(w.text, "new") || span_is_nocase(w.text, "old"));
}

static struct span unquoted(struct span s)
{
    return s.len > 1 && *s.at == '`' ? (struct span){s.at + 1, s.len - 2} : s;
}

static bool is_plain(struct word w)
{
    if (w.kind != SQL_WORD && (w.kind != SQL_QUOTED_NAME || *w.text.at != '`'))
        return false;
    for (size_t i = 0; i < w.text.len; i++)
        if ((unsigned char)w.text.at[i] >= 0x80)
            return false;
    return true;
}

static bool same_name(struct span a, struct span b)
{
    return a.len == b.len && strncasecmp(a.at, b.at, a.len) == 0;
}

static bool has_column(const struct my_ddl *table, struct span name)
{
    const struct my_def *defs = table->defs.at;

    for (size_t i = 0; i < table->defs.count; i++) {
        struct span rest = defs[i].text, first = {0};
        if (defs[i].part == MY_PART_COLUMN &&
            sql_token_next(SQL_MARIADB, &rest, &first) != SQL_END &&
            same_name(unquoted(first), name))
            return true;
    }
    /* WITH SYSTEM VERSIONING alone has two that are not shown. */
    return span_is_nocase(name, "row_start") || span_is_nocase(name, "row_end");
}

/* Left untouched where nothing is lost, or nothing can be said. */
static void find_lost(const struct my_trigger_text *trigger, const struct my_ddl *table,
                      struct span *lost)
{
    struct scan s = {.trigger = trigger, .rest = trigger->create};
    struct span found = {0};

    s.now = (struct word){.kind = SQL_PUNCT};
    s.next = read_word(&s);
    s.third = s.next.kind == SQL_END ? s.next : read_word(&s);
    while (step(&s)) {
        if (!is_row(s.now) || is_dot(s.before))
            continue;
        if (!is_dot(s.next))
            return;
        if (!found.at && is_plain(s.third) && !is_dot(after(&s)) &&
            !has_column(table, unquoted(s.third.text)))
            found = s.third.text;
    }
    *lost = found;
}

bool my_trigger_lost(const struct my_trigger_text *trigger, struct span table, struct span *lost,
                     struct err *err)
{
    AUTO(my_ddl) struct my_ddl ddl = {.defs = VEC(struct my_def)};

    *lost = (struct span){0};
    if (!my_ddl_split(table, &ddl, err))
        return false;
    find_lost(trigger, &ddl, lost);
    return true;
}
