#include "migrate/meter.h"
#include "migrate/walk.h"

static const char tables_sql[] =
#include "migrate/my_tables.sql.h"
    ;
static const char links_sql[] =
#include "migrate/my_links.sql.h"
    ;
static const char columns_sql[] =
#include "migrate/my_columns.sql.h"
    ;

/* From a name to what a change of it leads to. */
struct link {
    char *name, *to; /* to: a table's name, or a body whose words lead on */
    bool followed;
};

struct my_own {
    struct vec links; /* of struct link */
};

static void links_clear(struct my_own *own)
{
    struct link *l = own->links.at;

    for (size_t i = 0; i < own->links.count; i++) {
        free(l[i].name);
        free(l[i].to);
    }
    own->links.count = 0;
}

static void my_close(struct meter *m)
{
    struct my_own *own = m->own;

    if (!own)
        return;
    links_clear(own);
    vec_done(&own->links);
    free(own);
}

/* ---- what there is -----------------------------------------------------------------------------*/

static bool take_table(void *ctx, const struct db_row *row, struct err *err)
{
    struct meter *m = ctx;
    AUTO(buf) struct buf quoted = {0};

    if (row->count < 2 || !m->db->ops->quote(m->db, row->value[1], true, &quoted))
        return err_memory(err);
    return meter_add(m, 0, row->value[1], buf_view(&quoted), err) != NULL;
}

static bool take_link(void *ctx, const struct db_row *row, struct err *err)
{
    struct meter *m = ctx;
    struct my_own *own = m->own;
    struct link *l = row->count >= 3 ? vec_add(&own->links, err) : NULL;

    if (!l)
        return err_memory(err);
    l->name = span_dup(row->value[1]);
    l->to = span_dup(row->value[2].at ? row->value[2] : SPAN(""));
    return (l->name && l->to) || err_memory(err);
}

static bool read_schema(struct meter *m, struct err *err)
{
    struct table *t = m->tables.at;

    for (size_t i = 0; i < m->tables.count; i++)
        t[i].seen = false;
    links_clear(m->own);
    return db_rows(m->db, take_table, m, err, "%s", tables_sql) &&
           db_rows(m->db, take_link, m, err, "%s", links_sql);
}

/* Once: a new session sees the same schema, which only a statement of ours changes. */
static bool my_session(struct meter *m, struct err *err)
{
    if (m->own)
        return true;
    struct my_own *own = calloc(1, sizeof(*own));
    if (!own)
        return err_memory(err);
    own->links = (struct vec)VEC(struct link);
    m->own = own;
    return read_schema(m, err);
}

static bool my_list(struct meter *m, struct err *err)
{
    (void)m, (void)err;
    return true;
}

static bool take_column(void *ctx, const struct db_row *row, struct err *err)
{
    static const struct {
        const char *kind, *before, *after;
    } forms[] = {{"plain", "", ""},
                 {"time", "", ""},
                 {"bit", "", "+0"},
                 /* Bytes, since most collations take 'a' for 'A'. */
                 {"text", "CAST(", " AS BINARY)"},
                 {"big", "MD5(", ")"}};
    void **both = ctx;
    struct meter *m = both[0];
    AUTO(buf) struct buf value = {0};
    AUTO(buf) struct buf quoted = {0};

    if (row->count < 2 || !m->db->ops->quote(m->db, row->value[0], true, &quoted))
        return err_memory(err);
    for (size_t i = 0; i < COUNT(forms); i++) {
        if (span_is(row->value[1], forms[i].kind))
            buf_printf(&value, "%s%s%s", forms[i].before, buf_str(&quoted), forms[i].after);
    }
    struct column *c = buf_ok(&value, err) ? column_add(both[1], 0, row->value[0],
                                                        buf_view(&quoted), buf_str(&value), err)
                                           : NULL;
    if (c)
        c->is_time = span_is(row->value[1], "time");
    return c != NULL;
}

static bool my_columns(struct meter *m, const struct table *t, struct vec *out, struct err *err)
{
    void *both[] = {m, out};
    AUTO(buf) struct buf name = {0};

    return (db_quote_text(m->db, t->name, &name) || err_memory(err)) &&
           db_rows(m->db, take_column, both, err, "%s %s ORDER BY ORDINAL_POSITION", columns_sql,
                   buf_str(&name));
}

static bool my_enter(struct meter *m, struct err *err)
{
    (void)m, (void)err;
    return true;
}

/* ---- what a statement reaches ------------------------------------------------------------------*/

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || (unsigned char)c >= 0x80;
}

static void reach_text(struct meter *m, struct span text, bool strings);

static void reach_name(struct meter *m, struct span name)
{
    struct my_own *own = m->own;
    struct link *l = own->links.at;
    struct table *t = m->tables.at;

    for (size_t i = 0; i < m->tables.count; i++) {
        if (span_is_nocase(name, t[i].name))
            t[i].reached = true;
    }
    for (size_t i = 0; i < own->links.count; i++) {
        if (l[i].followed || !span_is_nocase(name, l[i].name))
            continue;
        l[i].followed = true;
        reach_text(m, span_of(l[i].to), true);
    }
}

/* Any run of name bytes: SQL that a string holds may be run by PREPARE. */
static void reach_words(struct meter *m, struct span text)
{
    for (size_t i = 0; i < text.len;) {
        size_t from = i;
        while (i < text.len && is_name_byte(text.at[i]))
            i++;
        if (i > from)
            reach_name(m, (struct span){text.at + from, i - from});
        else
            i++;
    }
}

static void reach_text(struct meter *m, struct span text, bool strings)
{
    struct span rest = text, token;
    enum sql_token kind;

    while ((kind = sql_token_next(SQL_MARIADB, &rest, &token)) != SQL_END) {
        if (kind == SQL_WORD)
            reach_name(m, token);
        if (kind == SQL_QUOTED_NAME) {
            AUTO(free) char *name = classify_unquote(token);
            if (name)
                reach_name(m, span_of(name));
        }
        if (kind == SQL_STRING && strings)
            reach_words(m, token);
    }
}

static bool starts(const struct meter_step *step, const char *words)
{
    return sql_starts(SQL_MARIADB, step->statement->text, words);
}

static void reach(struct meter *m, const struct meter_step *step)
{
    struct my_own *own = m->own;
    struct link *l = own->links.at;
    struct table *t = m->tables.at;
    bool all = starts(step, "execute");
    bool plain = starts(step, "insert") || starts(step, "update") || starts(step, "delete") ||
                 starts(step, "replace");

    for (size_t i = 0; i < own->links.count; i++)
        l[i].followed = false;
    for (size_t i = 0; i < m->tables.count; i++)
        t[i].reached = all;
    reach_text(m, step->statement->text, !plain);
}

/* ---- after a statement -------------------------------------------------------------------------*/

/* Reads and settings change no rows, and neither does what only makes an object. */
static bool changes_nothing(const struct meter_step *step)
{
    static const char *const quiet[] = {"use",
                                        "show",
                                        "begin work",
                                        "start",
                                        "commit",
                                        "savepoint",
                                        "release",
                                        "create index",
                                        "create unique",
                                        "create view",
                                        "create trigger",
                                        "create procedure",
                                        "create function",
                                        "create or replace view",
                                        "analyze",
                                        "grant",
                                        "revoke",
                                        "lock",
                                        "unlock",
                                        "prepare",
                                        "deallocate"};

    for (size_t i = 0; i < COUNT(quiet); i++) {
        if (starts(step, quiet[i]))
            return true;
    }
    return false;
}

static bool is_insert(const struct meter_step *step)
{
    struct span rest = step->statement->text, token, last = {0};
    enum sql_token kind;

    if (!starts(step, "insert") && !starts(step, "load"))
        return false;
    while ((kind = sql_token_next(SQL_MARIADB, &rest, &token)) != SQL_END) {
        bool update = kind == SQL_WORD && span_is_nocase(token, "update");
        if (update && span_is_nocase(last, "key"))
            return false;
        if (kind == SQL_WORD && span_is_nocase(token, "replace"))
            return false;
        last = token;
    }
    return true;
}

static bool touch_reached(struct meter *m, const struct meter_step *step, struct err *err)
{
    AUTO(free) char *target = classify_unquote(classify_target(SQL_MARIADB, step->statement->text));
    struct table *t = m->tables.at;
    bool insert = is_insert(step);
    /* Without a target of its own nobody knows how many rows: look at once. */
    bool known = target && *target && !starts(step, "truncate");

    for (size_t i = 0; i < m->tables.count; i++) {
        if (!t[i].reached)
            continue;
        bool direct = known && strcasecmp(t[i].name, target) == 0;
        uint64_t rows = step->result.rows;
        struct touch touch = {.changed = direct ? rows : 0,
                              .rows = direct && insert ? (int64_t)rows : 0,
                              .look = !direct || !insert,
                              .now = !known,
                              .guess = !direct && rows > 0};
        if (direct && !rows)
            continue;
        if (!meter_touch(m, &t[i], step, &touch, err))
            return false;
    }
    return true;
}

/* RENAME a TO b: what was known of a is known of b. */
static bool renamed(struct meter *m, const struct table *old, const struct meter_step *step)
{
    struct walk w = walk_start(SQL_MARIADB, step->statement->text);
    bool found = false;

    if (!walk_finds(SQL_MARIADB, step->statement->text, "rename"))
        return false;
    while (walk_next(&w)) {
        AUTO(free) char *name = classify_unquote(w.token);
        struct table *t = name && found ? meter_table(m, 0, span_of(name)) : NULL;
        if (t && t->seen && !t->profiled) {
            struct vec columns = t->columns;
            t->columns = old->columns;
            t->rows = old->rows;
            t->profiled = true;
            return columns_free(&columns), true;
        }
        found = found || (name && strcasecmp(name, old->name) == 0);
    }
    return false;
}

static bool my_gone(struct meter *m, size_t at, const struct meter_step *step, struct err *err)
{
    struct table *t = m->tables.at;

    if (!renamed(m, &t[at], step))
        return meter_dropped(m, at, step, err);
    t[at].columns = (struct vec)VEC(struct column);
    return meter_dropped(m, at, NULL, err);
}

static bool my_after(struct meter *m, const struct meter_step *step, json_t *locks, struct err *err)
{
    (void)locks;
    if (step->statement->tx == TX_IMPLICIT && !read_schema(m, err))
        return false;
    for (size_t i = 0; i < m->tables.count;) {
        const struct table *t = m->tables.at;
        if (t[i].seen)
            i++;
        else if (!my_gone(m, i, step, err))
            return false;
    }
    if (changes_nothing(step) || classify_is_setting(SQL_MARIADB, step->statement->text))
        return true;
    reach(m, step);
    return touch_reached(m, step, err);
}

const struct meter_ops meter_mariadb = {.recent_before = "SELECT MAX(",
                                        .recent_after = ") > NOW() - INTERVAL 25 HOUR FROM ",
                                        .session = my_session,
                                        .list = my_list,
                                        .columns = my_columns,
                                        .after = my_after,
                                        .enter = my_enter,
                                        .leave = my_enter,
                                        .close = my_close};
