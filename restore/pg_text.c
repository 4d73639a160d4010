#include "restore/pg_text.h"

#include "lib/base/auto.h"
#include "lib/sql/split.h"

void pg_text_blank(struct span sql, struct buf *out)
{
    for (size_t i = 0; i < sql.len; i++)
        if (sql.at[i] == '\n')
            buf_putc(out, '\n');
}

/* SET name TO value; SET name = value; COMMENT ON ... IS text. */
struct span pg_text_head(struct span sql)
{
    bool comment = sql_starts(SQL_POSTGRESQL, sql, "comment on");
    struct span rest = sql, token, before = {0}, second = {0};

    if (!comment && !sql_starts(SQL_POSTGRESQL, sql, "alter"))
        return sql;
    while (sql_token_next(SQL_POSTGRESQL, &rest, &token) != SQL_END) {
        bool to = span_is_nocase(token, "to") || span_is(token, "=");
        if (comment ? span_is_nocase(token, "is") : to && span_is_nocase(second, "set"))
            return (struct span){sql.at, (size_t)(before.at + before.len - sql.at)};
        second = before;
        before = token;
    }
    return sql;
}

/* The token at that place, from 0. */
static struct span token_at(struct span sql, unsigned place)
{
    struct span token = {0};

    for (unsigned i = 0; i <= place; i++)
        if (sql_token_next(SQL_POSTGRESQL, &sql, &token) == SQL_END)
            return (struct span){0};
    return token;
}

/* SET SESSION AUTHORIZATION name; RESET SESSION AUTHORIZATION. */
bool pg_text_grantor(struct span sql, struct span *grantor)
{
    if (sql_starts(SQL_POSTGRESQL, sql, "reset session authorization")) {
        *grantor = SPAN("");
        return true;
    }
    if (!sql_starts(SQL_POSTGRESQL, sql, "set session authorization"))
        return false;
    *grantor = token_at(sql, 3);
    return grantor->at != NULL;
}

struct span pg_text_tablespace(struct span sql)
{
    return sql_starts(SQL_POSTGRESQL, sql, "set default_tablespace") ? token_at(sql, 3)
                                                                     : (struct span){0};
}

struct span pg_text_database_space(struct span sql)
{
    bool is = sql_starts(SQL_POSTGRESQL, sql, "alter database") &&
              span_is_nocase(token_at(sql, 3), "set") &&
              span_is_nocase(token_at(sql, 4), "tablespace");

    return is ? token_at(sql, 5) : (struct span){0};
}

bool pg_text_is_of_space(struct span sql)
{
    return sql_starts(SQL_POSTGRESQL, sql, "alter tablespace") ||
           sql_starts(SQL_POSTGRESQL, sql, "comment on tablespace") ||
           sql_starts(SQL_POSTGRESQL, sql, "grant create on tablespace");
}

/* Behind the semicolon of a statement. */
static const char *behind(struct span sql, const char *end)
{
    const char *at = sql.at + sql.len;
    const char *semicolon = memchr(at, ';', (size_t)(end - at));

    return semicolon ? semicolon + 1 : end;
}

/* One statement into `out`; *at is where the text goes on. */
static void put(struct span sql, const struct buf *changed, enum pg_fate fate, const char **at,
                const char *end, struct buf *out)
{
    buf_add(out, *at, (size_t)(sql.at - *at));
    *at = sql.at + sql.len;
    if (fate == PG_CHANGE) {
        buf_span(out, buf_view(changed));
    } else {
        *at = behind(sql, end);
        pg_text_blank((struct span){sql.at, (size_t)(*at - sql.at)}, out);
    }
}

bool pg_text_filter(struct buf *text, const char *what, pg_text_each each, void *ctx,
                    struct err *err)
{
    struct sql_splitter split;
    struct sql_statement st;
    AUTO(buf) struct buf out = {0};
    const char *at = text->at, *end = at ? at + text->len : NULL;
    bool more = true;

    buf_init(&out, text->max);
    buf_puts(&out, "");
    sql_split_init(&split, SQL_POSTGRESQL, buf_view(text));
    for (;;) {
        AUTO(buf) struct buf changed = {0};
        enum pg_fate fate = PG_KEEP;

        if (!sql_split_next(&split, &st, &more, err))
            return err_add(err, "%s", what);
        if (!more)
            break;
        if (!each(ctx, st.text, &changed, &fate, err) || !buf_ok(&changed, err))
            return false;
        if (fate != PG_KEEP)
            put(st.text, &changed, fate, &at, end, &out);
    }
    if (at)
        buf_add(&out, at, (size_t)(end - at));
    if (!buf_ok(&out, err))
        return false;
    buf_done(text);
    *text = out;
    out = (struct buf){0};
    return true;
}
