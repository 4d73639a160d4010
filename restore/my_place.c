/* A database on a server that is there already: loaded under a name of its own, which its tables leave
 * for the one that was asked for when all of it is whole (my_keep.c). */
#include "restore/my_progress.h"

#include "lib/base/clock.h"
#include "lib/base/cmd.h"
#include "lib/base/json.h"
#include "lib/base/log.h"
#include "restore/only.h"

#define LOCK_WAIT_NS ((int64_t)15000000000)
#define LOCK_POLL_NS 100000000

/* ---- the source --------------------------------------------------------------------------------*/

/* What SHOW GLOBAL VARIABLES said when it was captured. */
static bool read_settings(struct my_target *t, json_t **out, struct err *err)
{
    AUTO(free) char *name = stream_name("facts", NULL, t->conf.component);
    AUTO(buf) struct buf text = {0};

    if (!name)
        return err_memory(err);
    return !bundle_find(t->conf.bundle, name) ||
           (bundle_read_text(t->conf.bundle, name, &text, err) &&
            json_parse(buf_view(&text), name, out, err));
}

static bool add_setting(void *ctx, const struct db_row *row, struct err *err)
{
    json_t *to = ctx;
    AUTO(free) char *name = span_dup(row->value[0]);

    return (name && json_object_set_new_nocheck(to, name, json_bytes(row->value[1])) == 0) ||
           err_memory(err);
}

/* An older bundle, or a part of one. What exists is safe as long as nothing is replaced. */
static bool source_unknown(struct my_target *t, struct err *err)
{
    if (!t->conf.replace) {
        log_warn("the bundle does not tell which server it was taken from: it may be this one",
                 f_str("component", t->conf.component), f_str("server", t->main->label));
        return true;
    }
    err_set(err, ERR_UNSUPPORTED, "the bundle does not tell which server it was taken from");
    return err_hint(err, "take a new snapshot, or restore without --replace-database");
}

/* Hosts that were cloned have one name, and servers of one host other folders. A server that has an
 * identity of its own (MySQL, and MariaDB from 10.5.26, 10.6.19, 10.11.9 on) is another one when that
 * differs, whatever else is the same. */
static bool is_source(const json_t *was, const json_t *is)
{
    static const char *const place[] = {"hostname", "datadir"};
    static const char *const identity[] = {"server_uuid", "server_uid"};

    for (size_t i = 0; i < COUNT(place); i++)
        if (!json_equal(json_object_get(was, place[i]), json_object_get(is, place[i])))
            return false;
    for (size_t i = 0; i < COUNT(identity); i++) {
        const json_t *a = json_object_get(was, identity[i]), *b = json_object_get(is, identity[i]);
        if (a && b && !json_equal(a, b))
            return false;
    }
    return true;
}

static bool refuse_source(struct my_target *t, struct err *err)
{
    AUTO(json) json_t *was = NULL, *is = json_object();

    if (!is)
        return err_memory(err);
    if (!read_settings(t, &was, err))
        return false;
    if (!json_object_get(was, "hostname") || !json_object_get(was, "datadir"))
        return source_unknown(t, err);
    if (!db_rows(t->main, add_setting, is, err,
                 "SHOW GLOBAL VARIABLES WHERE variable_name IN ('hostname', 'datadir', "
                 "'server_uuid', 'server_uid')"))
        return err_add(err, "cannot tell the server from the bundle's own source");
    return !is_source(was, is) || target_refuse_source(t->main->label, err);
}

/* ---- who has the names -------------------------------------------------------------------------*/

/* Held by the main session to its end. */
static bool lock(struct my_target *t, struct err *err)
{
    int64_t until = clock_mono_ns() + LOCK_WAIT_NS;
    AUTO(buf) struct buf got = {0};

    do {
        if (!db_value(t->main, &got, err, "SELECT GET_LOCK('%s', 0)", t->conf.db->database) ||
            !cmd_stop_check(err))
            return false;
        if (strcmp(buf_str(&got), "1") == 0)
            return true;
        clock_sleep_until(clock_mono_ns() + LOCK_POLL_NS);
    } while (clock_mono_ns() < until);
    err_set(err, ERR_LOCK, "another restore works on database '%s' at %s", t->conf.final,
            t->main->label);
    return err_hint(err, "wait for it, or end it");
}

static bool count(struct my_target *t, const char *database, const char *what, bool *some,
                  struct err *err)
{
    AUTO(buf) struct buf text = {0}, number = {0};

    db_quote_text(t->main, database, &text);
    if (!buf_ok(&text, err) ||
        !db_value(t->main, &number, err, "SELECT count(*) FROM information_schema.%s = %s", what,
                  buf_str(&text)))
        return false;
    *some = strcmp(buf_str(&number), "0") != 0;
    return true;
}

bool my_database_exists(struct my_target *t, const char *database, bool *exists, struct err *err)
{
    return count(t, database, "schemata WHERE schema_name", exists, err);
}

bool my_is_filled(struct my_target *t, const char *database, bool *filled, struct err *err)
{
    static const char *const what[] = {"tables WHERE table_schema", "routines WHERE routine_schema",
                                       "events WHERE event_schema"};

    *filled = false;
    for (size_t i = 0; !*filled && i < COUNT(what); i++)
        if (!count(t, database, what[i], filled, err))
            return false;
    return true;
}

static bool look_at_old(struct my_target *t, struct err *err)
{
    if (t->base.placed)
        return true;
    if (!my_is_filled(t, t->conf.final, &t->base.replaced, err))
        return false;
    if (!t->base.replaced || t->conf.replace)
        return true;
    err_set(err, ERR_EXISTS, "database '%s' exists at %s", t->conf.final, t->main->label);
    return t->moving ? err_hint(err, "--resume goes on with the restore that made it")
                     : err_hint(err, "--replace-database %s puts the new one in its place",
                                t->conf.final);
}

/* Tables of a restore that was ended before it dropped them: somebody's only copy, until the new ones
 * are known to stand and may be replaced again. */
static bool look_at_set_aside(struct my_target *t, struct err *err)
{
    char old[PLACE_NAME];
    bool filled = false;

    place_old_name(t->conf.final, old);
    if (t->base.replaced || t->base.placed)
        return true;
    if (!my_is_filled(t, old, &filled, err))
        return false;
    return !filled || target_refuse_aside(old, t->main->label, t->conf.final,
                                          "move its tables back with RENAME TABLE", err);
}

/* Every server has them. */
static bool refuse_lobby(const struct my_target *t, struct err *err)
{
    static const char *const names[] = {"mysql", "information_schema", "performance_schema", "sys"};

    for (size_t i = 0; i < COUNT(names); i++)
        if (strcasecmp(names[i], t->conf.final) == 0) {
            err_set(err, ERR_EXISTS,
                    "'%s' is a database that every server has: none is restored under that name",
                    names[i]);
            return err_hint(err, "give another name as 'database' in the file of --to");
        }
    return true;
}

/* ---- foreign keys of others --------------------------------------------------------------------*/

struct inbound {
    struct my_target *target;
    char *table; /* NULL: none */
    char *database;
};

/* The name of the file's database `i`, when that is restored to this server, too; else NULL. */
static const char *beside(const struct my_target *t, unsigned i)
{
    const struct env *env = t->conf.place->env;
    const struct env_database *db = &env->databases[i];
    const struct env_database *own = env_find_database(env, strchr(t->conf.component, '.') + 1);
    AUTO(buf) struct buf component = {0};

    buf_printf(&component, "%s.%s", db->engine, db->name);
    return own && env_same_server(own, db) &&
                   only_component(t->conf.what.only, buf_view(&component))
               ? db->database
               : NULL;
}

static bool is_replaced_too(const struct my_target *t, struct span database)
{
    for (unsigned i = 0; i < t->conf.place->env->databases_count; i++) {
        const char *name = beside(t, i);
        if (name && span_is(database, name))
            return true;
    }
    return false;
}

static bool add_inbound(void *ctx, const struct db_row *row, struct err *err)
{
    struct inbound *in = ctx;

    if (in->table || is_replaced_too(in->target, row->value[0]))
        return true;
    in->database = span_dup(row->value[0]);
    in->table = span_dup(row->value[1]);
    return (in->database && in->table) || err_memory(err);
}

/* They would follow the old tables out of the database. */
static bool refuse_inbound(struct my_target *t, struct err *err)
{
    struct inbound in = {.target = t};
    AUTO(buf) struct buf name = {0};

    if (!t->base.replaced)
        return true;
    db_quote_text(t->main, t->conf.final, &name);
    bool ok = buf_ok(&name, err) &&
              db_rows(t->main, add_inbound, &in, err,
                      "SELECT constraint_schema, table_name FROM "
                      "information_schema.referential_constraints WHERE unique_constraint_schema = "
                      "%s AND constraint_schema <> %s",
                      buf_str(&name), buf_str(&name));
    if (ok && in.table) {
        err_set(err, ERR_EXISTS, "table '%s' of database '%s' has a foreign key into '%s'",
                in.table, in.database, t->conf.final);
        ok = err_hint(err, "drop the key before, and make it again after the restore");
    }
    free(in.table);
    free(in.database);
    return ok;
}

struct inner {
    struct db *db;
    const char *database;
};

static bool drop_key(void *ctx, const struct db_row *row, struct err *err)
{
    const struct inner *in = ctx;
    AUTO(free) char *table = span_dup(row->value[0]), *key = span_dup(row->value[1]);
    AUTO(buf) struct buf sql = {0};

    if (!table || !key)
        return err_memory(err);
    buf_puts(&sql, "ALTER TABLE ");
    db_quote_qualified(in->db, in->database, table, &sql);
    buf_puts(&sql, " DROP FOREIGN KEY ");
    db_quote_name(in->db, key, &sql);
    return buf_ok(&sql, err) && db_exec(in->db, err, "%s", buf_str(&sql));
}

bool my_place_drop_old(struct my_target *t, struct db *db, const char *old, struct err *err)
{
    char other[PLACE_NAME];
    struct inner in = {db, other};

    for (unsigned i = 0; i < t->conf.place->env->databases_count; i++) {
        const char *name = beside(t, i);
        if (!name || strcmp(name, t->conf.final) == 0)
            continue;
        place_old_name(name, other);
        if (!db_rows(t->main, drop_key, &in, err,
                     "SELECT table_name, constraint_name FROM "
                     "information_schema.referential_constraints WHERE constraint_schema = '%s' "
                     "AND unique_constraint_schema = '%s'",
                     other, old))
            return false;
    }
    return db_exec(t->main, err, "SET SESSION foreign_key_checks = 1") &&
           my_database_drop(t, old, err);
}

/* ---- open --------------------------------------------------------------------------------------*/

bool my_count_tables(struct my_target *t, const char *database, uint64_t *tables, struct err *err)
{
    AUTO(buf) struct buf text = {0}, number = {0};

    db_quote_text(t->main, database, &text);
    return buf_ok(&text, err) &&
           db_value(t->main, &number, err,
                    "SELECT count(*) FROM information_schema.tables WHERE table_schema = %s AND "
                    "table_name <> '" MY_NOTES "' AND table_type <> 'VIEW'",
                    buf_str(&text)) &&
           (span_u64(buf_view(&number), tables) ||
            err_set(err, ERR_UNSUPPORTED, "cannot count the tables of '%s'", database));
}

/* A server that cannot move them at once, or was lost meanwhile, has moved some: what is in the place
 * and in what was set aside may be the only copy, which nobody but a person can put together. */
static bool are_all_there(const struct my_target *t, uint64_t left, struct err *err)
{
    char number[24];

    snprintf(number, sizeof(number), "%llu", (unsigned long long)left);
    if (my_progress_noted(t, "tables", number))
        return true;
    err_set(err, ERR_EXISTS, "only some tables of '%s' at %s have moved", t->conf.final,
            t->main->label);
    return err_hint(err,
                    "look at it, at '%.100s' and at what was set aside; RENAME TABLE moves tables",
                    t->conf.db->database);
}

/* All tables move at once, so that none here means all there. */
static bool find_placed(struct my_target *t, struct err *err)
{
    uint64_t left = 0;
    bool begun, moving;

    if (!my_progress_find(t, &begun, &moving, err))
        return false;
    t->moving = moving;
    t->created = begun && t->conf.resume;
    if (!moving)
        return true;
    if (!my_count_tables(t, t->conf.db->database, &left, err) ||
        (left > 0 && !are_all_there(t, left, err)))
        return false;
    t->base.placed = t->created && left == 0;
    if (!t->base.placed)
        return true;
    free(t->database);
    t->kept = true;
    t->database = strdup(t->conf.final);
    return t->database || err_memory(err);
}

bool my_place_open(struct my_target *t, struct err *err)
{
    return t->conf.owned ||
           (refuse_lobby(t, err) && refuse_source(t, err) &&
            db_exec(t->main, err, "SET SESSION foreign_key_checks = 0, lock_wait_timeout = %u",
                    MY_LOCK_WAIT_S) &&
            lock(t, err) && find_placed(t, err) && look_at_old(t, err) &&
            look_at_set_aside(t, err) && refuse_inbound(t, err));
}

/* ---- the database that is loaded ---------------------------------------------------------------*/

bool my_database_drop(struct my_target *t, const char *database, struct err *err)
{
    AUTO(buf) struct buf name = {0};

    db_quote_name(t->main, database, &name);
    return buf_ok(&name, err) &&
           db_exec(t->main, err, "DROP DATABASE IF EXISTS %s", buf_str(&name));
}

bool my_place_make(struct my_target *t, struct err *err)
{
    const char *load = t->conf.db->database;
    bool exists = false;

    if (t->created)
        return true;
    if (!my_database_exists(t, load, &exists, err))
        return false;
    if (exists)
        log_info("what a restore has left is removed", f_str("database", load),
                 f_str("server", t->main->label));
    if (exists && !my_database_drop(t, load, err))
        return false;
    t->created = t->touched = true;
    return my_database_make(t, load, err);
}

void my_place_drop(struct my_target *t)
{
    struct err why = {0};

    if (t->main && !my_database_drop(t, t->conf.db->database, &why))
        log_warn("the half of a database stays, until the next restore",
                 f_str("database", t->conf.db->database), f_str("why", why.text));
}
