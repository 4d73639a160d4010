/* The consistent point. */
#include "lib/base/clock.h"
#include "lib/base/cmd.h"
#include "snapshot/pg.h"

/* One LOCK TABLE names at most about this much: a statement of megabytes helps nobody. */
#define LOCK_TEXT_MAX ((size_t)64 << 10)
/* Tables that appear or vanish between the list and the locks make it begin again. */
#define ATTEMPTS 5

static const char blockers_sql[] =
#include "snapshot/pg_blockers.sql.h"
    ;
static const char point_sql[] =
#include "snapshot/pg_point.sql.h"
    ;
static const char begin_sql[] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

static bool is_locked_kind(const struct pg_table *t)
{
    return t->kind == 'r' || t->kind == 'p';
}

/* ---- who is in the way -------------------------------------------------------------------------*/

static bool add_blocker(void *ctx, const struct db_row *row, struct err *err)
{
    struct buf *who = ctx;
    const struct span *v = row->value;

    buf_printf(who, "%spid %.*s (%.*s, %.*s, for %.*s) on %.*s", who->len ? "; " : "",
               (int)v[0].len, v[0].at, (int)v[1].len, v[1].at, (int)v[2].len, v[2].at,
               (int)v[4].len, v[4].at, (int)v[3].len, v[3].at);
    return buf_ok(who, err);
}

/* Asked while it is still in the way; the transaction that waited is over already. */
static bool name_blockers(struct pg_source *s, struct err *err)
{
    AUTO(buf) struct buf who = {0};
    struct err lock = *err;

    db_exec(s->leader, NULL, "ROLLBACK");
    if (!db_rows(s->leader, add_blocker, &who, NULL, "%s", blockers_sql) || !who.len)
        buf_puts(&who, "unknown");
    err_set(err, ERR_LOCK, "no lock on the tables of '%s' within %.0f s, held by %.600s",
            s->from->name, s->conf.lock_timeout_s, buf_str(&who));
    return lock.code == ERR_LOCK
               ? err_hint(err, "wait until it has finished, or raise --lock-timeout")
               : false;
}

/* ---- locks -------------------------------------------------------------------------------------*/

static bool send_lock(struct pg_source *s, struct buf *list, struct err *err)
{
    if (!list->len)
        return true;
    if (!buf_ok(list, err) ||
        !db_exec(s->leader, err, "LOCK TABLE %s IN ACCESS SHARE MODE", buf_str(list)))
        return false;
    buf_clear(list);
    return true;
}

static bool lock_tables(struct pg_source *s, const struct pg_tables *tables, struct err *err)
{
    AUTO(buf) struct buf list = {0};
    const struct pg_table *t = tables->at.at;

    for (size_t i = 0; i < tables->at.count; i++) {
        if (!is_locked_kind(&t[i]))
            continue;
        buf_printf(&list, "%sONLY %s", list.len ? ", " : "", t[i].qualified);
        if (list.len > LOCK_TEXT_MAX && !send_lock(s, &list, err))
            return false;
    }
    return send_lock(s, &list, err);
}

/* Every right that reading needs, before anybody's table is locked. */
static bool check_rights(const struct pg_tables *tables, struct err *err)
{
    const struct pg_table *t = tables->at.at;

    for (size_t i = 0; i < tables->at.count; i++) {
        if (!is_locked_kind(&t[i]))
            continue;
        if (!t[i].readable) {
            err_set(err, ERR_RIGHTS, "no right to read table %s", t[i].qualified);
            return err_hint(err, "GRANT pg_read_all_data TO this user, or GRANT SELECT on it");
        }
        if (t[i].hidden_rows) {
            err_set(err, ERR_RIGHTS, "row-level security would hide rows of table %s",
                    t[i].qualified);
            return err_hint(err, "connect as a role with BYPASSRLS");
        }
    }
    return true;
}

/* True when every table that is seen under the snapshot was locked before it. */
static bool all_locked(const struct pg_tables *before, const struct pg_tables *now)
{
    const struct pg_table *t = now->at.at;

    for (size_t i = 0; i < now->at.count; i++)
        if (is_locked_kind(&t[i]) && !pg_tables_find(before, t[i].oid))
            return false;
    return true;
}

/* ---- the point ---------------------------------------------------------------------------------*/

static bool take_point(void *ctx, const struct db_row *row, struct err *err)
{
    struct pg_source *s = ctx;
    const struct span *v = row->value;

    s->snapshot = span_dup(v[0]);
    s->lsn = span_dup(v[1].at ? v[1] : SPAN("0/0"));
    s->xids = span_dup(v[2]);
    s->standby = span_is(v[3], "t");
    s->taken_at = span_dup(v[4]);
    return (s->snapshot && s->lsn && s->xids && s->taken_at) || err_memory(err);
}

static void forget_point(struct pg_source *s)
{
    free(TAKE(s->snapshot));
    free(TAKE(s->lsn));
    free(TAKE(s->xids));
    free(TAKE(s->taken_at));
}

/* *again: a table came or went meanwhile. */
static bool try_point(struct pg_source *s, const struct pg_tables *before, bool *again,
                      struct err *err)
{
    *again = false;
    if (!db_exec(s->leader, err, "%s", begin_sql))
        return false;
    if (!lock_tables(s, before, err)) {
        *again = err && strstr(err->text, "SQLSTATE 42P01") != NULL;
        return err && err->code == ERR_LOCK ? name_blockers(s, err) : false;
    }
    if (!db_rows(s->leader, take_point, s, err, "%s", point_sql))
        return err_add(err, "cannot export a snapshot");
    if (!pg_tables_read(s->leader, &s->tables, err) ||
        !pg_tables_measure(s->leader, &s->tables, err))
        return false;
    *again = !all_locked(before, &s->tables);
    return !*again && pg_dump_start(s, again, err);
}

/* Asking for a table's size waits for its lock too, so the timeout holds from here on. */
static bool list_tables(struct pg_source *s, struct pg_tables *out, struct err *err)
{
    unsigned timeout_ms = (unsigned)(s->conf.lock_timeout_s * 1000);

    if (!db_exec(s->leader, err, "SET lock_timeout = %u", timeout_ms))
        return false;
    if (pg_tables_read(s->leader, out, err))
        return true;
    return err && err->code == ERR_LOCK ? name_blockers(s, err) : false;
}

bool pg_point_take(struct pg_source *s, struct err *err)
{
    if (!pg_dump_room(s, err))
        return false;
    int64_t from = clock_mono_ns();

    for (unsigned attempt = 1;; attempt++) {
        struct pg_tables before = {0};
        bool again = false;
        bool ok = list_tables(s, &before, err) && check_rights(&before, err) &&
                  try_point(s, &before, &again, err);

        pg_tables_done(&before);
        if (ok)
            break;
        pg_tables_done(&s->tables);
        forget_point(s);
        if (!again || !cmd_stop_check(err))
            return false;
        if (attempt == ATTEMPTS) {
            err_set(err, ERR_LOCK, "tables of '%s' come and go while they are being locked",
                    s->from->name);
            return err_hint(err, "try again when no migration runs");
        }
        if (!db_exec(s->leader, err, "ROLLBACK"))
            return false;
    }
    s->lock_ns = clock_mono_ns() - from;
    err_clear(err);
    return true;
}

/* A session that was idle when recovery ended it learns of it as a connection that broke: the
 * server is still there then. */
static bool is_conflict(const struct pg_source *s, const struct err *err)
{
    AUTO(db) struct db *again = NULL;

    if (!s->standby || !err)
        return false;
    if (strstr(err->text, "40001"))
        return true;
    return err->code == ERR_UNREACHABLE && db_open(&s->db_conf, &again, NULL);
}

bool pg_conflict(const struct pg_source *s, struct err *err)
{
    if (is_conflict(s, err)) {
        err->code = ERR_LOCK;
        err_hint(err, "the standby has to apply what the snapshot is in the way of: raise its "
                      "max_standby_streaming_delay, or set hot_standby_feedback = on");
    }
    return false;
}
