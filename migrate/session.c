#include "migrate/session.h"

#include "lib/base/clock.h"
#include "lib/base/cmd.h"

#include <inttypes.h>
#include <math.h>

#define LOCK_WAIT_S  5.0
#define LOCK_POLL_NS 200000000

/* PostgreSQL's advisory locks are per database already; MariaDB's need its name. The number is
 * "rehearse" in ASCII. */
#define MY_LOCK_NAME "LEFT(SHA2(DATABASE(), 256), 32)"
static const struct {
    const char *take, *holder;
} locks[][2] = {
    [SQL_POSTGRESQL] =
        {[SESSION_GATE] = {"SELECT pg_catalog.pg_try_advisory_lock(8243109477607437157)::int",
                           "8243109477607437157"},
         [SESSION_WORK] = {"SELECT pg_catalog.pg_try_advisory_lock(8243109477607437158)::int",
                           "8243109477607437158"}},
    [SQL_MARIADB] =
        {[SESSION_GATE] = {"SELECT COALESCE(GET_LOCK(CONCAT('rehearse.', " MY_LOCK_NAME "), 0), 0)",
                           "'rehearse.'"},
         [SESSION_WORK] = {"SELECT COALESCE(GET_LOCK(CONCAT('rehearse-work.', " MY_LOCK_NAME
                           "), 0), 0)",
                           "'rehearse-work.'"}},
};

void session_close(struct session *s)
{
    db_close(s->db);
    s->db = NULL;
}

static bool value_u64(struct session *s, const char *sql, uint64_t *out, struct err *err)
{
    AUTO(buf) struct buf v = {0};

    if (!db_value(s->db, &v, err, "%s", sql))
        return false;
    return span_u64(buf_view(&v), out) ||
           err_set(err, ERR_UNSUPPORTED, "the server answered '%s' to '%s'", buf_str(&v), sql);
}

/* ---- the lock ----------------------------------------------------------------------------------*/

static bool lock_holder(struct session *s, enum session_lock lock, struct buf *out, struct err *err)
{
    const char *holder = locks[s->dialect][lock].holder;

    if (s->dialect == SQL_POSTGRESQL)
        return db_value(
            s->db, out, err,
            "SELECT pid FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND granted "
            "AND (classid::bigint << 32 | objid::bigint) = %s AND database = (SELECT oid "
            "FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())",
            holder);
    return db_value(s->db, out, err, "SELECT IS_USED_LOCK(CONCAT(%s, " MY_LOCK_NAME "))", holder);
}

static bool lock_held(struct session *s, enum session_lock lock, struct err *err)
{
    AUTO(buf) struct buf pid = {0};
    struct err ignored = {0};

    lock_holder(s, lock, &pid, &ignored);
    err_set(err, ERR_LOCK, "another migration works on %s (server session %s)", s->db->label,
            pid.len ? buf_str(&pid) : "unknown");
    return err_hint(err, "wait for it, or end that session");
}

static bool take_lock(struct session *s, enum session_lock lock, struct err *err)
{
    int64_t until = clock_mono_ns() + (int64_t)(LOCK_WAIT_S * 1e9);
    uint64_t got = 0;

    for (;;) {
        if (!value_u64(s, locks[s->dialect][lock].take, &got, err))
            return false;
        if (got == 1)
            return true;
        if (clock_mono_ns() > until)
            return lock_held(s, lock, err);
        if (!clock_sleep_until(clock_mono_ns() + LOCK_POLL_NS))
            return cmd_stop_check(err);
    }
}

/* ---- what server it is -------------------------------------------------------------------------*/

static bool pg_settings(struct session *s, double lock_timeout_s, struct err *err)
{
    AUTO(buf) struct buf id = {0};

    /* A script is run as psql would: under the settings of server, database and role. */
    if (!db_exec(s->db, err, "RESET ALL"))
        return false;
    if (lock_timeout_s > 0 &&
        !db_exec(s->db, err, "SET lock_timeout = %.0f", ceil(lock_timeout_s * 1000)))
        return false;
    if (!db_value(s->db, &id, err,
                  "SELECT 'postgresql ' || system_identifier || ' ' || (SELECT oid FROM "
                  "pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) FROM "
                  "pg_catalog.pg_control_system()"))
        return false;
    snprintf(s->identity, sizeof(s->identity), "%s", buf_str(&id));
    return true;
}

/* MariaDB has no system identifier: the birth of a table that its installation made and nobody
 * alters stands for it. Whoever may not see that table gives none. */
static bool my_settings(struct session *s, double lock_timeout_s, struct err *err)
{
    AUTO(buf) struct buf v = {0};

    if (!db_exec(s->db, err,
                 "SET SESSION sql_mode = @@GLOBAL.sql_mode, time_zone = @@GLOBAL.time_zone, "
                 "sql_safe_updates = 0, sql_big_selects = 1") ||
        !db_exec(s->db, err, "SET NAMES utf8mb4"))
        return false;
    if (lock_timeout_s > 0 &&
        !db_exec(s->db, err,
                 "SET SESSION lock_wait_timeout = %.0f, innodb_lock_wait_timeout = %.0f",
                 ceil(lock_timeout_s), ceil(lock_timeout_s)))
        return false;
    if (!db_value(s->db, &v, err, "SELECT DATABASE()"))
        return false;
    if (!v.len) {
        err_set(err, ERR_CONFIG, "no database is named for %s", s->db->label);
        return err_hint(err, "set 'database:' in the environment file");
    }
    if (!db_value(s->db, &v, err,
                  "SELECT COALESCE(MAX(CONCAT('mariadb ', CREATE_TIME, ' ', DATABASE())), '') FROM "
                  "information_schema.TABLES WHERE TABLE_SCHEMA = 'mysql' AND TABLE_NAME = "
                  "'time_zone_leap_second'"))
        return false;
    snprintf(s->identity, sizeof(s->identity), "%s", buf_str(&v));
    if (!db_value(s->db, &v, err, "SELECT @@SESSION.sql_mode"))
        return false;
    s->modes.ansi_quotes = strstr(buf_str(&v), "ANSI_QUOTES");
    s->modes.no_backslash_escapes = strstr(buf_str(&v), "NO_BACKSLASH_ESCAPES");
    return true;
}

bool session_open(const struct migrate_item *item, enum session_lock lock, double lock_timeout_s,
                  struct session *out, struct err *err)
{
    AUTO(session)
    struct session s = {.dialect =
                            item->db->engine == DB_POSTGRESQL ? SQL_POSTGRESQL : SQL_MARIADB};
    struct db_conf conf = *item->db;

    conf.application = "rehearse migrate";
    conf.show_values = true; /* who writes a migration has to see what stands in its way */
    if (!db_open(&conf, &s.db, err))
        return false;
    bool ok = s.dialect == SQL_POSTGRESQL ? pg_settings(&s, lock_timeout_s, err)
                                          : my_settings(&s, lock_timeout_s, err);
    if (!ok || !take_lock(&s, lock, err))
        return false;
    *out = s;
    s.db = NULL;
    return true;
}

bool session_position(struct session *s, uint64_t *out, struct err *err)
{
    static const char *const ask[] = {
        [SQL_POSTGRESQL] = "SELECT (pg_catalog.pg_current_wal_insert_lsn() - '0/0')::bigint",
        [SQL_MARIADB] = "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE "
                        "VARIABLE_NAME = 'INNODB_LSN_CURRENT'",
    };

    if (s->dialect == SQL_MARIADB && s->db->is_mysql) /* it has no such table; nothing to compare */
        return *out = 0, true;
    return value_u64(s, ask[s->dialect], out, err);
}

bool session_xid(struct session *s, char out[24], struct err *err)
{
    uint64_t xid;

    if (!value_u64(s, "SELECT pg_catalog.txid_current()", &xid, err))
        return false;
    snprintf(out, 24, "%" PRIu64, xid);
    return true;
}

bool session_xid_state(struct session *s, const char *xid, enum xid_state *out, struct err *err)
{
    AUTO(buf) struct buf v = {0};

    if (!db_value(s->db, &v, err, "SELECT coalesce(pg_catalog.txid_status(%s), 'unknown')", xid))
        return false;
    *out = strcmp(buf_str(&v), "committed") == 0     ? XID_COMMITTED
           : strcmp(buf_str(&v), "aborted") == 0     ? XID_ABORTED
           : strcmp(buf_str(&v), "in progress") == 0 ? XID_RUNNING
                                                     : XID_UNKNOWN;
    return true;
}
