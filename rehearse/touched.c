#include "lib/base/json.h"
#include "rehearse/run.h"

static const char *const count_reads[] = {
    [DB_POSTGRESQL] = "SELECT schemaname || '.' || relname, "
                      "coalesce(seq_scan, 0) + coalesce(idx_scan, 0) FROM pg_stat_user_tables",
    [DB_MARIADB] = "SELECT TABLE_NAME, ROWS_READ FROM information_schema.TABLE_STATISTICS "
                   "WHERE TABLE_SCHEMA = DATABASE()",
};

static bool take_reads(void *ctx, const struct db_row *row, struct err *err)
{
    json_t *reads = ctx;
    AUTO(free) char *name = span_dup(row->value[0]);
    uint64_t n = 0;

    if (!name)
        return err_memory(err);
    if (!span_u64(row->value[1], &n))
        n = 0;
    json_object_set_new(reads, name, json_integer((json_int_t)n));
    return true;
}

static bool reads_of(struct run *r, const char *database, json_t *reads, struct err *err)
{
    AUTO(db) struct db *db = NULL;
    struct db_conf conf;

    if (!box_db_conf(r->box, database, &conf, err) || !db_open(&conf, &db, err))
        return false;
    /* MariaDB counts reads per table only when it is told to; PostgreSQL always does. */
    if (conf.engine == DB_MARIADB && !db->is_mysql && !db_exec(db, err, "SET GLOBAL userstat = 1"))
        return false;
    if (conf.engine == DB_MARIADB && db->is_mysql)
        return true;
    return db_rows(db, take_reads, reads, err, "%s", count_reads[conf.engine]);
}

static bool reads_now(struct run *r, json_t **out, struct err *err)
{
    AUTO(json) json_t *all = json_object();

    for (unsigned i = 0; i < r->env->databases_count; i++) {
        json_t *one = json_object();
        const char *name = r->env->databases[i].name;

        if (json_object_set_new(all, name, one) < 0)
            return err_memory(err);
        if (!reads_of(r, name, one, err))
            return err_add(err, "cannot count the reads of '%s'", name);
    }
    *out = TAKE(all);
    return true;
}

bool touched_begin(struct run *r, json_t **before, struct err *err)
{
    return reads_now(r, before, err);
}

bool touched_end(struct run *r, const json_t *before, struct err *err)
{
    AUTO(json) json_t *after = NULL;
    const char *database, *table;
    json_t *tables, *count;

    if (!reads_now(r, &after, err))
        return false;
    json_object_foreach(after, database, tables)
    {
        const json_t *old = json_object_get(before, database);
        json_object_foreach(tables, table, count)
        {
            json_int_t reads =
                json_integer_value(count) - json_integer_value(json_object_get(old, table));
            if (!JOURNAL(r->journal, err, "replay.touched", f_str("database", database),
                         f_str("table", table), f_num("reads", reads)))
                return false;
        }
    }
    return true;
}
