/* The consistent point: every worker sees the same instant, and its position is known.
 *
 * MariaDB 10.5 and later: BACKUP STAGE blocks commits only while the workers begin. Elsewhere FLUSH
 * TABLES WITH READ LOCK does the same for all writes. Tables without transactions are not covered by
 * a consistent read: they alone stay locked against writing until they are read.
 * Source: MariaDB manual, BACKUP STAGE; mariadb-backup does the same.
 */
#include "snapshot/my.h"

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "snapshot/lag_probe.h"

static const char blocker_sql[] =
#include "snapshot/my_blocker.sql.h"
    ;

/* ---- the lock --------------------------------------------------------------------------------*/

/* Puts the session that is most likely in the way into the error. */
static bool name_blocker(struct my_server *v, struct err *err)
{
    AUTO(buf) struct buf who = {0};

    if (err && err->code == ERR_LOCK && db_value(v->worker[0], &who, NULL, "%s", blocker_sql))
        err_hint(err, "in the way: %.200s", buf_str(&who));
    return false;
}

static bool step(struct my_server *v, struct db *db, const char *sql, struct err *err)
{
    if (db_exec(db, err, "%s", sql))
        return true;
    name_blocker(v, err);
    return err_add(err, "%.200s", sql);
}

static void name_unsafe(const struct my_source *s, struct buf *sql)
{
    const struct my_table *t = s->catalog.tables.at;

    for (size_t i = 0; i < s->catalog.tables.count; i++) {
        if (t[i].transactional || !t[i].has_data)
            continue;
        buf_puts(sql, sql->len ? ", " : "LOCK TABLES ");
        db_quote_qualified(s->main, s->from->database, t[i].name, sql);
        buf_puts(sql, " READ");
    }
}

/* LOCK TABLES for those without transactions; the number of tasks that need it is counted when
 * they are planned. */
static bool lock_tables(struct my_server *v, const struct my_source *first, struct err *err)
{
    AUTO(buf) struct buf sql = {0};
    struct my_source **all = v->sources.at;

    for (size_t i = 0; i < v->sources.count; i++)
        name_unsafe(all[i], &sql);
    if (!sql.len)
        return true;
    if (!buf_ok(&sql, err) || !db_open(&v->conf, &v->locker, err) ||
        !db_exec(v->locker, err, "SET SESSION lock_wait_timeout = %u",
                 (unsigned)(first->conf.lock_timeout_s < 1 ? 1 : first->conf.lock_timeout_s)))
        return false;
    v->locked_since_ns = clock_mono_ns();
    return step(v, v->locker, buf_str(&sql), err);
}

#define MYSQL_GTID 50605u /* has gtid_executed */

/* ---- the position ----------------------------------------------------------------------------*/

static bool take_binlog(void *ctx, const struct db_row *row, struct err *err)
{
    struct my_position *p = ctx;
    bool ok = true;

    if (row->count < 2)
        return true;
    free(p->file);
    p->file = my_dup(row->value[0], &ok);
    span_u64(row->value[1], &p->offset);
    return ok || err_memory(err);
}

static bool read_variable(struct db *db, const char *name, char **out, struct err *err)
{
    AUTO(buf) struct buf value = {0};

    if (!db_value(db, &value, err, "SELECT @@global.%s", name))
        return false;
    *out = buf_take(&value);
    return *out || err_memory(err);
}

/* Which of the names a server has depends on its age and product; "" when it has none. */
static struct span either(const struct db_row *row, const char *name, const char *other)
{
    struct span value = db_named(row, name);

    if (!value.at)
        value = db_named(row, other);
    return value.at ? value : span_of("");
}

/* {connection, host, file, pos}: where the replica's own reading of its source's log stands. */
static bool take_source(void *ctx, const struct db_row *row, struct err *err)
{
    json_t *all = ctx;
    uint64_t offset = 0;
    struct span host = either(row, "Master_Host", "Source_Host");
    struct span port = either(row, "Master_Port", "Source_Port");
    AUTO(buf) struct buf where = {0};

    buf_printf(&where, "%.*s:%.*s", (int)host.len, host.at ? host.at : "", (int)port.len,
               port.at ? port.at : "");
    span_u64(either(row, "Exec_Master_Log_Pos", "Exec_Source_Log_Pos"), &offset);
    json_t *one =
        json_pack("{s:o, s:o, s:o, s:I}", "connection",
                  json_bytes(either(row, "Connection_name", "Channel_Name")), "source",
                  json_bytes(buf_view(&where)), "file",
                  json_bytes(either(row, "Relay_Master_Log_File", "Relay_Source_Log_File")), "pos",
                  (json_int_t)offset);
    return (one && json_array_append_new(all, one) == 0) || err_memory(err);
}

static bool read_position(struct my_server *v, struct err *err)
{
    struct my_position *p = &v->position;
    struct db *db = v->main;
    struct err refused = {0};

    /* Without BINLOG MONITOR the GTID, which everybody may read, has to do. */
    const char *status =
        db->is_mysql && db->version >= 80400 ? "SHOW BINARY LOG STATUS" : "SHOW MASTER STATUS";
    if (!db_rows(db, take_binlog, p, &refused, "%s", status) && refused.code != ERR_RIGHTS)
        return err_pass(err, &refused);
    p->replicates = json_array();
    if (!p->replicates ||
        (!db_rows(db, take_source, p->replicates, &refused, "%s", lag_replica_sql(db)) &&
         refused.code != ERR_RIGHTS))
        return p->replicates ? err_pass(err, &refused) : err_memory(err);
    if (db->is_mysql)
        return db->version < MYSQL_GTID || read_variable(db, "gtid_executed", &p->gtid, err);
    return read_variable(db, "gtid_binlog_pos", &p->gtid, err) &&
           read_variable(db, "gtid_slave_pos", &p->replica_gtid, err);
}

/* ---- together --------------------------------------------------------------------------------*/

static bool journal_lock(struct my_server *v, const char *kind, int64_t from_ns, struct err *err)
{
    struct my_source **all = v->sources.at;
    double took_ms = (double)(clock_mono_ns() - from_ns) / 1e6;

    for (size_t i = 0; i < v->sources.count; i++)
        if (!JOURNAL(all[i]->conf.journal, err, "snapshot.lock",
                     f_str("component", all[i]->component), f_str("kind", kind),
                     f_real("took_ms", took_ms)))
            return false;
    return true;
}

static bool inside_lock(struct my_server *v, const struct my_source *first, struct err *err)
{
    clock_iso(clock_wall_ns(), v->taken_at);
    return lock_tables(v, first, err) && my_server_begin(v, err) && read_position(v, err);
}

bool my_lock_point(struct my_source *s, struct err *err)
{
    struct my_server *v = s->server;
    struct db *db = v->main;
    bool stages = !db->is_mysql && db->version >= 100500;
    const char *kind = stages ? "BACKUP STAGE BLOCK_COMMIT" : "FLUSH TABLES WITH READ LOCK";
    const char *unlock = stages ? "BACKUP STAGE END" : "UNLOCK TABLES";

    if (v->taken)
        return true;
    if (stages &&
        (!step(v, db, "BACKUP STAGE START", err) || !step(v, db, "BACKUP STAGE BLOCK_DDL", err)))
        return false;
    int64_t from = clock_mono_ns();
    bool ok = step(v, db, kind, err) && inside_lock(v, s, err);
    /* What is still held after a failure ends with the session. */
    if (!ok || !db_exec(db, err, "%s", unlock))
        return false;
    v->taken = true;
    v->lock_ns = clock_mono_ns() - from;
    return journal_lock(v, kind, from, err);
}

bool my_lock_release(struct my_source *s, struct err *err)
{
    struct my_server *v = s->server;

    if (!v->locker || atomic_fetch_sub(&v->locked, 1) != 1)
        return true;
    db_close(TAKE(v->locker));
    return journal_lock(v, "LOCK TABLES READ", v->locked_since_ns, err);
}
