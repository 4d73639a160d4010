#include "lib/db/db.h"

#include <stdarg.h>

/* By enum db_engine. */
static const struct db_ops *const drivers[] = {
    [DB_POSTGRESQL] = &db_postgresql,
    [DB_MARIADB] = &db_mariadb,
};

const struct db_ops *db_driver(enum db_engine engine)
{
    return drivers[engine];
}

bool db_engine_parse(const char *name, enum db_engine *out)
{
    static const struct {
        const char *name;
        enum db_engine engine;
    } names[] = {
        {"postgresql", DB_POSTGRESQL},
        {"postgres", DB_POSTGRESQL},
        {"mariadb", DB_MARIADB},
        {"mysql", DB_MARIADB},
    };

    for (size_t i = 0; name && i < COUNT(names); i++) {
        if (strcmp(name, names[i].name) == 0) {
            *out = names[i].engine;
            return true;
        }
    }
    return false;
}

bool db_open(const struct db_conf *conf, struct db **out, struct err *err)
{
    struct db *db = NULL;

    if (!db_driver(conf->engine)->open(conf, &db, err))
        return false;
    db->show_values = conf->show_values;
    *out = db;
    return true;
}

void db_close(struct db *db)
{
    if (db)
        db->ops->close(db);
}

/* ---- formatted statements ----------------------------------------------------------------------*/

__attribute__((format(printf, 2, 0))) static bool format(struct buf *sql, const char *fmt,
                                                         va_list ap, struct err *err)
{
    buf_vprintf(sql, fmt, ap);
    return buf_ok(sql, err);
}

bool db_exec(struct db *db, struct err *err, const char *fmt, ...)
{
    AUTO(buf) struct buf sql = {0};
    va_list ap;

    va_start(ap, fmt);
    bool made = format(&sql, fmt, ap, err);
    va_end(ap);
    return made && db->ops->query(db, buf_view(&sql), NULL, NULL, NULL, err);
}

struct first_value {
    struct buf *out;
    bool found;
};

static bool take_first(void *ctx, const struct db_row *row, struct err *err)
{
    struct first_value *v = ctx;

    if (!v->found && row->count && row->value[0].at)
        buf_span(v->out, row->value[0]);
    v->found = true;
    return buf_ok(v->out, err);
}

bool db_value(struct db *db, struct buf *out, struct err *err, const char *fmt, ...)
{
    AUTO(buf) struct buf sql = {0};
    struct first_value v = {.out = out};
    va_list ap;

    va_start(ap, fmt);
    bool made = format(&sql, fmt, ap, err);
    va_end(ap);
    buf_clear(out);
    if (!made || !db->ops->query(db, buf_view(&sql), take_first, &v, NULL, err))
        return false;
    return v.found || err_set(err, ERR_MISSING, "no row from %s: %.200s", db->label, buf_str(&sql));
}

struct span db_named(const struct db_row *row, const char *name)
{
    for (unsigned i = 0; row->name && i < row->count; i++)
        if (span_is(row->name[i], name))
            return row->value[i];
    return (struct span){0};
}

bool db_rows(struct db *db, db_each each, void *ctx, struct err *err, const char *fmt, ...)
{
    AUTO(buf) struct buf sql = {0};
    va_list ap;

    va_start(ap, fmt);
    bool made = format(&sql, fmt, ap, err);
    va_end(ap);
    return made && db->ops->query(db, buf_view(&sql), each, ctx, NULL, err);
}

static bool add_key(void *ctx, const struct db_row *row, struct err *err)
{
    json_t *to = ctx;
    AUTO(free) char *name = span_dup(row->value[0]);

    return !row->value[0].at || (name && json_object_set_new_nocheck(to, name, json_true()) == 0) ||
           err_memory(err);
}

bool db_names(struct db *db, json_t **out, struct err *err, const char *sql)
{
    if (!*out)
        *out = json_object();
    return *out ? db_rows(db, add_key, *out, err, "%s", sql) : err_memory(err);
}

/* ---- quoting -----------------------------------------------------------------------------------*/

bool db_quote_name(struct db *db, const char *name, struct buf *out)
{
    return db->ops->quote(db, span_of(name), true, out);
}

bool db_quote_text(struct db *db, const char *text, struct buf *out)
{
    return db->ops->quote(db, span_of(text), false, out);
}

bool db_quote_qualified(struct db *db, const char *schema, const char *name, struct buf *out)
{
    if (schema && (!db_quote_name(db, schema, out) || !buf_putc(out, '.')))
        return false;
    return db_quote_name(db, name, out);
}
