/* A database on a server that is there already: loaded under a name of its own, which it leaves for
 * the one that was asked for when it is whole. */
#include "lib/base/clock.h"
#include "lib/base/cmd.h"
#include "lib/base/log.h"
#include "restore/pg.h"
#include "restore/place.h"

/* The server waits 5 s itself for sessions that were ended to be gone. */
#define SWAP_TRIES   4
#define LOCK_WAIT_NS ((int64_t)15000000000)
#define LOCK_POLL_NS 100000000
/* What a stopped restore takes at most to leave the server as it was, per database. */
#define FINISH_NS ((int64_t)60000000000)

static bool is_there(struct pg_target *t, const char *name, const char *condition, bool *some,
                     struct err *err)
{
    AUTO(buf) struct buf literal = {0}, count = {0};

    db_quote_text(t->admin, name, &literal);
    if (!buf_ok(&literal, err) ||
        !db_value(t->admin, &count, err,
                  "SELECT count(*) FROM pg_catalog.pg_database WHERE datname = %s AND %s",
                  buf_str(&literal), condition))
        return false;
    *some = !span_is(buf_view(&count), "0");
    return true;
}

bool pg_database_exists(struct pg_target *t, const char *name, bool *exists, struct err *err)
{
    return is_there(t, name, "true", exists, err);
}

/* An older bundle, or one of an account that could not ask. What exists is safe as long as nothing is
 * replaced. */
static bool source_unknown(struct pg_target *t, struct err *err)
{
    if (!t->conf.replace) {
        log_warn("the bundle does not tell which server it was taken from: it may be this one",
                 f_str("component", t->conf.component), f_str("server", t->admin->label));
        return true;
    }
    err_set(err, ERR_UNSUPPORTED, "the bundle does not tell which server it was taken from");
    return err_hint(err,
                    "take a new snapshot with an account that may call pg_control_system(), or "
                    "restore without --replace-database");
}

/* By the identity that a server has from its initdb. */
static bool refuse_source(struct pg_target *t, struct err *err)
{
    const char *captured = json_string_value(json_object_get(t->facts, "cluster"));
    AUTO(buf) struct buf here = {0};

    if (!captured || !*captured)
        return source_unknown(t, err);
    if (!db_value(t->admin, &here, err,
                  "SELECT system_identifier FROM pg_catalog.pg_control_system()"))
        return err_add(err, "cannot tell the server from the bundle's own source");
    return !span_is(buf_view(&here), captured) || target_refuse_source(t->admin->label, err);
}

static bool try_lock(struct pg_target *t, bool *got, struct err *err)
{
    AUTO(buf) struct buf name = {0}, answer = {0};

    db_quote_text(t->admin, t->database, &name);
    if (!buf_ok(&name, err) ||
        !db_value(t->admin, &answer, err,
                  "SELECT pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended(%s, 0))",
                  buf_str(&name)))
        return false;
    *got = span_is(buf_view(&answer), "t");
    return true;
}

/* Held by the administrator's session to its end. That of a killed restore may be in the middle of a
 * statement, and ends behind it. */
static bool lock(struct pg_target *t, struct err *err)
{
    int64_t until = clock_mono_ns() + LOCK_WAIT_NS;
    bool got = false;

    do {
        if (!try_lock(t, &got, err) || !cmd_stop_check(err))
            return false;
        if (got)
            return true;
        clock_sleep_until(clock_mono_ns() + LOCK_POLL_NS);
    } while (clock_mono_ns() < until);
    err_set(err, ERR_LOCK, "another restore works on database '%s' at %s", t->conf.final,
            t->admin->label);
    return err_hint(err, "wait for it, or end it");
}

static bool refuse_of_others(struct pg_target *t, const char *database, struct err *err)
{
    bool mine = false;

    if (!is_there(t, database, "pg_catalog.pg_has_role(datdba, 'USAGE')", &mine, err))
        return false;
    if (mine)
        return true;
    err_set(err, ERR_RIGHTS, "database '%s' at %s belongs to somebody else", database,
            t->admin->label);
    return err_hint(err, "restore as its owner, a member of that role, or a superuser");
}

static bool look_at_old(struct pg_target *t, struct err *err)
{
    if (!pg_database_exists(t, t->conf.final, &t->base.replaced, err))
        return false;
    if (!t->base.replaced)
        return true;
    if (!t->conf.replace) {
        err_set(err, ERR_EXISTS, "database '%s' exists at %s", t->conf.final, t->admin->label);
        return err_hint(err, "--replace-database %s puts the new one in its place", t->conf.final);
    }
    return refuse_of_others(t, t->conf.final, err);
}

/* A restore that was ended between the swap and the drop has left it: somebody's only copy, until the
 * new one is known to stand and may be replaced again. */
static bool look_at_set_aside(struct pg_target *t, struct err *err)
{
    char old[PLACE_NAME];
    bool exists = false;

    place_old_name(t->conf.final, old);
    if (!pg_database_exists(t, old, &exists, err))
        return false;
    if (!exists)
        return true;
    if (t->base.replaced)
        return refuse_of_others(t, old, err);
    return target_refuse_aside(old, t->admin->label, t->conf.final, "rename it back", err);
}

/* Every server has them, and tools and people connect through them. */
static bool refuse_lobby(const struct pg_target *t, struct err *err)
{
    static const char *const names[] = {"postgres", "template0", "template1"};

    for (size_t i = 0; i < COUNT(names); i++)
        if (strcmp(names[i], t->conf.final) == 0) {
            err_set(err, ERR_EXISTS,
                    "'%s' is a database that every server has: none is restored "
                    "under that name",
                    names[i]);
            return err_hint(err, "give another name as 'database' in the file of --to");
        }
    return true;
}

bool pg_place_open(struct pg_target *t, struct err *err)
{
    return t->conf.owned || (refuse_lobby(t, err) && refuse_source(t, err) && lock(t, err) &&
                             look_at_old(t, err) && look_at_set_aside(t, err));
}

/* ---- what a killed restore has left ------------------------------------------------------------*/

static bool end_sessions(struct pg_target *t, const char *database, struct err *err)
{
    AUTO(buf) struct buf name = {0};

    db_quote_text(t->admin, database, &name);
    return buf_ok(&name, err) &&
           db_exec(t->admin, err,
                   "SELECT pg_catalog.count(pg_catalog.pg_terminate_backend(pid)) FROM "
                   "pg_catalog.pg_stat_activity WHERE datname = %s AND pid <> "
                   "pg_catalog.pg_backend_pid()",
                   buf_str(&name));
}

static bool drop(struct pg_target *t, const char *database, struct err *err)
{
    AUTO(buf) struct buf name = {0};
    struct err ignored = {0};
    bool template = false;

    db_quote_name(t->admin, database, &name);
    if (!buf_ok(&name, err) || !is_there(t, database, "datistemplate", &template, err) ||
        (template &&
         !db_exec(t->admin, err, "ALTER DATABASE %s WITH IS_TEMPLATE = false", buf_str(&name))))
        return false;
    end_sessions(t, database, &ignored);
    return db_exec(t->admin, err, "DROP DATABASE IF EXISTS %s%s", buf_str(&name),
                   t->admin->version >= 130000 ? " WITH (FORCE)" : "");
}

bool pg_place_sweep(struct pg_target *t, struct err *err)
{
    bool exists = false;

    if (t->conf.owned || t->done)
        return true;
    if (!pg_database_exists(t, t->database, &exists, err))
        return false;
    if (!exists)
        return true;
    log_info("what a restore has left is removed", f_str("database", t->database),
             f_str("server", t->admin->label));
    return drop(t, t->database, err);
}

/* What was replaced before goes only now that a new one is whole: until then it may be what somebody
 * goes back to. */
static bool drop_left(struct pg_target *t, const char *old, struct err *err)
{
    bool exists = false;

    if (!t->base.replaced || !pg_database_exists(t, old, &exists, err))
        return !t->base.replaced;
    if (!exists)
        return true;
    log_warn("what was set aside by an earlier restore is dropped", f_str("database", old),
             f_str("server", t->admin->label));
    return drop(t, old, err);
}

void pg_place_leave(struct pg_target *t)
{
    struct err why = {0};
    char old[PLACE_NAME];

    if (!t->kept) {
        t->admin->finish_by = clock_mono_ns() + FINISH_NS;
        if (!drop(t, t->database, &why))
            log_warn("the half of a database stays, until the next restore",
                     f_str("database", t->database), f_str("why", why.text));
    } else if (t->base.replaced && !t->cleared) {
        place_old_name(t->conf.final, old);
        log_warn("what was replaced stays, until that is replaced again", f_str("database", old),
                 f_str("replaced_by", t->conf.final));
    }
}

/* ---- the swap ----------------------------------------------------------------------------------*/

static bool rename_to(struct pg_target *t, const char *from, const char *to, struct err *err)
{
    AUTO(buf) struct buf left = {0}, right = {0};

    db_quote_name(t->admin, from, &left);
    db_quote_name(t->admin, to, &right);
    return buf_ok(&left, err) && buf_ok(&right, err) &&
           db_exec(t->admin, err, "ALTER DATABASE %s RENAME TO %s", buf_str(&left),
                   buf_str(&right));
}

/* Both names change in one transaction: there is never none, and never a half. The rename's lock
 * keeps new sessions out, while those that were ended go. */
static bool swap_once(struct pg_target *t, const char *old, struct err *err)
{
    struct err ignored = {0};

    if (t->base.replaced && !end_sessions(t, t->conf.final, &ignored))
        log_debug("sessions could not be ended", f_str("why", ignored.text));
    if (!db_exec(t->admin, err, "BEGIN"))
        return false;
    if ((!t->base.replaced || rename_to(t, t->conf.final, old, err)) &&
        rename_to(t, t->database, t->conf.final, err) && db_exec(t->admin, err, "COMMIT"))
        return true;
    db_exec(t->admin, NULL, "ROLLBACK");
    return false;
}

static bool swap(struct pg_target *t, const char *old, struct err *err)
{
    struct err why = {0};

    for (int i = 0; i < SWAP_TRIES; i++) {
        err_clear(&why);
        if (swap_once(t, old, &why))
            return true;
    }
    err_pass(err, &why);
    return t->base.replaced ? err_hint(err, "end the sessions on database '%s'", t->conf.final)
                            : false;
}

bool pg_target_keep(struct target *base, struct err *err)
{
    struct pg_target *t = (struct pg_target *)base;
    char old[PLACE_NAME];

    if (t->conf.owned)
        return true;
    place_old_name(t->conf.final, old);
    /* A stop signal comes too late for this one: half of what is replaced would be worse. */
    t->admin->finish_by = clock_mono_ns() + FINISH_NS;
    if (!pg_database_limit(t, err) || !db_exec(t->admin, err, "SET synchronous_commit = on") ||
        !drop_left(t, old, err) || !swap(t, old, err))
        return false;
    t->kept = true;
    return true;
}

bool pg_target_clear(struct target *base, bool all, struct err *err)
{
    struct pg_target *t = (struct pg_target *)base;
    struct err why = {0};
    char old[PLACE_NAME];

    if (!all)
        return true;
    t->cleared = true;
    if (t->conf.owned || !base->replaced)
        return true;
    place_old_name(t->conf.final, old);
    t->admin->finish_by = clock_mono_ns() + FINISH_NS;
    return drop(t, old, &why) || target_leave(base, t->conf.component, old, why.text, err);
}
