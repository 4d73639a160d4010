/* PostgreSQL: in which tablespaces things lie. pg_dump says it by a setting before them, which is no
 * part of the schema's statements. */
#include "restore/proof_pg.h"

#include "lib/sql/split.h"
#include "restore/pg.h"
#include "restore/pg_text.h"

struct placing {
    struct proof_part *part; /* NULL: nothing is told */
    json_t *told;            /* names that the server lacks, as keys */
    struct buf *out;
    struct span space;     /* as it was set; "''": the default one */
    const json_t *offered; /* names, as keys; NULL: all */
};

/* Once for all that lies in it. */
static bool tell_missing(struct placing *p, const char *name, struct err *err)
{
    AUTO(buf) struct buf what = {0};

    if (!p->part || json_object_get(p->told, name))
        return true;
    buf_printf(&what, "tablespace %s: the server has none of that name", name);
    return buf_ok(&what, err) &&
           (json_object_set_new_nocheck(p->told, name, json_true()) == 0 || err_memory(err)) &&
           proof_skip(p->part, buf_str(&what), err);
}

/* Those that have a file of their own: for others pg_dump leaves the setting as it was. */
static bool lies_somewhere(struct span sql)
{
    static const char *const heads[] = {"create table", "create unlogged table",
                                        "create materialized view", "create index",
                                        "create unique index"};
    static const char *const keys[] = {"PRIMARY", "UNIQUE", "EXCLUDE"};
    struct span rest = sql, token;

    for (size_t i = 0; i < COUNT(heads); i++)
        if (sql_starts(SQL_POSTGRESQL, sql, heads[i]))
            return true;
    if (!sql_starts(SQL_POSTGRESQL, sql, "alter table"))
        return false;
    while (sql_token_next(SQL_POSTGRESQL, &rest, &token) != SQL_END) {
        if (!span_is(token, "CONSTRAINT"))
            continue;
        sql_token_next(SQL_POSTGRESQL, &rest, &token);
        sql_token_next(SQL_POSTGRESQL, &rest, &token);
        for (size_t i = 0; i < COUNT(keys); i++)
            if (span_is(token, keys[i]))
                return true;
        return false;
    }
    return false;
}

static bool take(void *ctx, const struct sql_statement *st, struct err *err)
{
    struct placing *p = ctx;
    struct span set = pg_text_tablespace(st->text);
    AUTO(buf) struct buf name = {0};

    if (set.at) {
        p->space = set;
        return true;
    }
    if (!p->space.len || *p->space.at == '\'' || !lies_somewhere(st->text))
        return true;
    if (!pg_name(p->space, &name))
        return err_memory(err);
    if (p->offered && !json_object_get(p->offered, buf_str(&name)))
        return tell_missing(p, buf_str(&name), err);
    buf_printf(p->out, "%s of ", buf_str(&name));
    buf_span(p->out, st->text);
    buf_puts(p->out, ";\n");
    return buf_ok(p->out, err);
}

bool proof_pg_tablespaces(struct proof_part *p, const json_t *offered, struct span bundle,
                          struct span box, struct err *err)
{
    AUTO(buf) struct buf was = {0}, is = {0};
    AUTO(json) json_t *told = json_object();
    struct placing left = {.part = p, .told = told, .out = &was, .offered = offered};
    struct placing right = {.out = &is, .offered = offered};

    if (!told)
        return err_memory(err);
    buf_puts(&was, "");
    buf_puts(&is, "");
    return sql_each(SQL_POSTGRESQL, bundle, take, &left, err) &&
           sql_each(SQL_POSTGRESQL, box, take, &right, err) &&
           proof_statements(p, "tablespace", buf_view(&was), buf_view(&is), err);
}
