#include "migrate/meter.h"

#include "lib/base/json.h"

static const char tables_sql[] =
#include "migrate/pg_tables.sql.h"
    ;
static const char columns_sql[] =
#include "migrate/pg_columns.sql.h"
    ;
static const char locks_sql[] =
#include "migrate/pg_locks.sql.h"
    ;

/* ---- reads of our own --------------------------------------------------------------------------*/

/* In a transaction a savepoint: rolling back to it takes our settings and locks away again, and
 * heals a reading that failed. */
static bool pg_enter(struct meter *m, struct err *err)
{
    if (!db_exec(m->db, err, "%s", m->in_transaction ? "SAVEPOINT rehearse_measure" : "BEGIN"))
        return false;
    return db_exec(m->db, err, "SET LOCAL search_path = pg_catalog") &&
           db_exec(m->db, err, "SET LOCAL statement_timeout = 0") &&
           db_exec(m->db, err, "SET LOCAL ROLE NONE");
}

static bool pg_leave(struct meter *m, struct err *err)
{
    if (!m->in_transaction)
        return db_exec(m->db, err, "ROLLBACK");
    return db_exec(m->db, err, "ROLLBACK TO SAVEPOINT rehearse_measure") &&
           db_exec(m->db, err, "RELEASE SAVEPOINT rehearse_measure");
}

/* ---- locks -------------------------------------------------------------------------------------*/

struct lock_reading {
    struct meter *m;
    json_t *list;
};

/* All that are held, also by earlier statements of the transaction: whoever waits for a table waits
 * for the statement that runs now. */
static bool take_lock_row(void *ctx, const struct db_row *row, struct err *err)
{
    struct lock_reading *r = ctx;
    uint64_t id = 0;

    if (row->count < 3 || !span_u64(row->value[0], &id))
        return true;
    const struct table *t = meter_table(r->m, id, row->value[1]);
    struct span name = row->value[1].len || !t ? row->value[1] : span_of(t->name);
    AUTO(free) char *mode = span_dup(row->value[2]);
    AUTO(free) char *table = span_dup(name);
    if (!mode || !table)
        return err_memory(err);
    if (name.len)
        json_array_append_new(r->list, json_pack("{s:s, s:s}", "table", table, "mode", mode));
    return true;
}

/* ---- tables ------------------------------------------------------------------------------------*/

/* No statement can be sent while rows stream in: the figures wait in the table. */
static bool take_table(void *ctx, const struct db_row *row, struct err *err)
{
    struct meter *m = ctx;
    uint64_t id, now[4];

    if (row->count < 7 || !span_u64(row->value[0], &id))
        return err_set(err, ERR_UNSUPPORTED, "the server lists its tables in an unknown way");
    for (unsigned i = 0; i < 4; i++) {
        if (!span_u64(row->value[3 + i], &now[i]))
            now[i] = 0;
    }
    struct table *t = meter_add(m, id, row->value[1], row->value[2], err);
    if (!t)
        return false;
    t->fresh = (struct table_figures){now[0], now[1], now[2], now[3]};
    return true;
}

static bool read_tables(struct meter *m, struct err *err)
{
    struct table *t = m->tables.at;

    for (size_t i = 0; i < m->tables.count; i++)
        t[i].seen = false;
    return db_rows(m->db, take_table, m, err, "%s", tables_sql);
}

/* Of each session anew: a server may have been told not to count. */
static bool pg_session(struct meter *m, struct err *err)
{
    AUTO(buf) struct buf v = {0};

    if (!db_value(m->db, &v, err, "SHOW track_counts"))
        return false;
    return strcmp(buf_str(&v), "on") == 0 || db_exec(m->db, err, "SET track_counts = on");
}

/* The counters may still hold what an earlier transaction did, so they are read at the start of
 * each: only the difference counts. */
static bool pg_list(struct meter *m, struct err *err)
{
    if (!read_tables(m, err))
        return false;
    struct table *t = m->tables.at;
    for (size_t i = 0; i < m->tables.count; i++)
        t[i].figures = t[i].fresh;
    return true;
}

static uint64_t sum(const struct table_figures *f)
{
    return f->inserted + f->updated + f->deleted;
}

static bool step_table(struct meter *m, struct table *t, const struct meter_step *step, bool unseen,
                       struct err *err)
{
    const struct table_figures was = t->figures, is = t->fresh;
    bool is_new = was.node == 0;
    /* TRUNCATE changes the file; of a table made in this transaction it resets the counters. */
    bool rewritten = (was.node && was.node != is.node) || sum(&is) < sum(&was);
    struct touch touch = {.changed = rewritten ? 0 : sum(&is) - sum(&was),
                          .rows = (int64_t)(is.inserted - was.inserted) -
                                  (int64_t)(is.deleted - was.deleted),
                          .look = rewritten || unseen || is_new || is.updated > was.updated ||
                                  is.deleted > was.deleted,
                          .now = rewritten || unseen};

    t->figures = is;
    return (!touch.changed && !touch.now) || meter_touch(m, t, step, &touch, err);
}

/* Procedures that commit leave no counters behind: then every table is looked at. */
static bool commits_itself(const struct meter *m, const struct meter_step *step)
{
    return !m->in_transaction && (sql_starts(SQL_POSTGRESQL, step->statement->text, "call") ||
                                  sql_starts(SQL_POSTGRESQL, step->statement->text, "do"));
}

static bool pg_after(struct meter *m, const struct meter_step *step, json_t *locks, struct err *err)
{
    struct lock_reading reading = {m, locks};
    bool unseen = commits_itself(m, step);

    if (m->in_transaction && !db_rows(m->db, take_lock_row, &reading, err, "%s", locks_sql))
        return false;
    if (!read_tables(m, err))
        return false;
    for (size_t i = 0; i < m->tables.count;) {
        struct table *t = m->tables.at;
        if (!t[i].seen) {
            if (!meter_dropped(m, i, step, err))
                return false;
            continue;
        }
        if (!step_table(m, &t[i], step, unseen, err))
            return false;
        i++;
    }
    return true;
}

/* ---- columns -----------------------------------------------------------------------------------*/

static bool take_column(void *ctx, const struct db_row *row, struct err *err)
{
    static const struct {
        const char *kind, *before, *after;
    } forms[] = {{"int", "", "::pg_catalog.int4"},
                 {"bytes", "pg_catalog.md5(", ") COLLATE \"C\""},
                 {"plain", "", ""},
                 {"time", "", ""},
                 {"text", "", "::pg_catalog.text COLLATE \"C\""}};
    struct vec *out = ctx;
    uint64_t key;
    AUTO(buf) struct buf value = {0};

    if (row->count < 4 || !span_u64(row->value[0], &key))
        return err_set(err, ERR_UNSUPPORTED, "the server lists its columns in an unknown way");
    for (size_t i = 0; i < COUNT(forms); i++) {
        if (!span_is(row->value[3], forms[i].kind))
            continue;
        buf_puts(&value, forms[i].before);
        buf_span(&value, row->value[2]);
        buf_puts(&value, forms[i].after);
    }
    struct column *c = buf_ok(&value, err) ? column_add(out, key, row->value[1], row->value[2],
                                                        buf_str(&value), err)
                                           : NULL;
    if (c)
        c->is_time = span_is(row->value[3], "time");
    return c != NULL;
}

static bool pg_columns(struct meter *m, const struct table *t, struct vec *out, struct err *err)
{
    return db_rows(m->db, take_column, out, err, "%s %llu ORDER BY 1", columns_sql,
                   (unsigned long long)t->id);
}

const struct meter_ops meter_postgresql = {
    .recent_before = "SELECT (max(",
    .recent_after = ") > pg_catalog.now() - interval '25 hours')::int FROM ",
    .session = pg_session,
    .list = pg_list,
    .columns = pg_columns,
    .after = pg_after,
    .enter = pg_enter,
    .leave = pg_leave};
