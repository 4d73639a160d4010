#include "restore/my.h"

#include "lib/base/json.h"
#include "lib/base/log.h"
#include "restore/my_accounts.h"
#include "restore/my_progress.h"
#include "restore/version.h"

/* While rows are loaded into a server of our own, a crash costs nothing: the restore is repeated.
 * The event scheduler stays off until somebody switches it on. */
static const struct {
    const char *name, *value;
    bool stays;
} load_settings[] = {
    {"event_scheduler", "OFF", true},
    {"local_infile", "ON", true},
    {"max_allowed_packet", "1073741824", false},
    {"innodb_flush_log_at_trx_commit", "0", false},
    {"sync_binlog", "0", false},
    {"innodb_change_buffering", "none", false},
    {"innodb_adaptive_hash_index", "OFF", false},
    {"slow_query_log", "OFF", false},
    {"general_log", "OFF", false},
};

/* unique_checks stays on: with both checks off InnoDB 10.6 and later load an empty table by a bulk
 * insert, which sorts rows that are sorted already and locks the table for a single stream. Measured
 * on 10.11: twice the server's processor time of ordinary inserts. */
static const char session_sql[] =
    "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES,NO_ENGINE_SUBSTITUTION', "
    "foreign_key_checks = 0, unique_checks = 1, innodb_strict_mode = 0, "
    "myisam_sort_buffer_size = 67108864, bulk_insert_buffer_size = 67108864";

static void my_close(struct target *base);
AUTO_PTR(my_target, struct target, my_close)

/* ---- settings of a server of our own ---------------------------------------------------------*/

/* A variable that this version does not have is no loss. */
static bool change_setting(struct my_target *t, const char *name, const char *value, bool stays,
                           struct err *err)
{
    struct err refused = {0};
    AUTO(buf) struct buf before = {0};

    if (!db_value(t->main, &before, &refused, "SELECT @@global.%s", name) ||
        !db_exec(t->main, &refused, "SET GLOBAL %s = %s", name, value)) {
        log_debug("setting not changed", f_str("name", name), f_str("why", refused.text));
        return true;
    }
    if (stays)
        return true;
    struct my_setting *s = vec_add(&t->settings, err);
    if (!s)
        return false;
    *s = (struct my_setting){name, buf_take(&before)};
    return s->before || err_memory(err);
}

static bool settings_for_load(struct my_target *t, struct err *err)
{
    for (size_t i = 0; i < COUNT(load_settings); i++) {
        if (!change_setting(t, load_settings[i].name, load_settings[i].value,
                            load_settings[i].stays, err))
            return false;
    }
    return true;
}

static void settings_back(struct my_target *t)
{
    struct my_setting *s = t->settings.at;

    for (size_t i = 0; i < t->settings.count; i++) {
        uint64_t number;
        bool bare = span_u64(span_of(s[i].before), &number);
        AUTO(buf) struct buf value = {0};
        if (bare)
            buf_puts(&value, s[i].before);
        else
            db_quote_text(t->main, s[i].before, &value);
        if (t->main)
            db_exec(t->main, NULL, "SET GLOBAL %s = %s", s[i].name, buf_str(&value));
        free(s[i].before);
    }
    vec_done(&t->settings);
}

/* ---- open ------------------------------------------------------------------------------------*/

bool my_target_session(struct my_target *t, struct db **out, struct err *err)
{
    AUTO(db) struct db *db = NULL;

    if (!db_open(&t->db_conf, &db, err) || !my_run(db, session_sql, sizeof(session_sql) - 1, err))
        return false;
    if (!db->is_mysql && !db_exec(db, err, "SET SESSION check_constraint_checks = 0"))
        return false;
    /* A server of others has replicas that must follow. In a box the load is written to the binlog
     * when the right to leave that is missing: slower, not wrong. */
    if (t->conf.owned)
        db_exec(db, NULL, "SET SESSION sql_log_bin = 0");
    else if (!db_exec(db, err, "SET SESSION lock_wait_timeout = %u", MY_LOCK_WAIT_S))
        return false;
    *out = TAKE(db);
    return true;
}

static bool read_facts(struct my_target *t, struct err *err)
{
    const json_t *components = json_object_get(bundle_config(t->conf.bundle), "components");
    const char *name = NULL;

    t->facts = json_object_get(components, t->conf.component);
    if (!t->facts)
        return err_set(err, ERR_MISSING, "the bundle has no component '%s'", t->conf.component);
    if (!json_want_str(t->facts, "database", &name, err))
        return err_add(err, "component '%s'", t->conf.component);
    if (t->conf.db->database)
        name = t->conf.db->database;
    t->database = strdup(name);
    return t->database || err_memory(err);
}

bool my_database_make(struct my_target *t, const char *database, struct err *err)
{
    const char *charset = NULL, *collation = NULL;
    AUTO(buf) struct buf name = {0};

    db_quote_name(t->main, database, &name);
    return json_want_str(t->facts, "charset", &charset, err) &&
           json_want_str(t->facts, "collation", &collation, err) && buf_ok(&name, err) &&
           db_exec(t->main, err, "CREATE DATABASE IF NOT EXISTS %s", buf_str(&name)) &&
           db_exec(t->main, err, "ALTER DATABASE %s CHARACTER SET = %s COLLATE = %s",
                   buf_str(&name), charset, collation);
}

/* Made when it is not there; one that holds tables is never loaded into. */
static bool make_database(struct my_target *t, struct err *err)
{
    AUTO(buf) struct buf text = {0};
    AUTO(buf) struct buf tables = {0};

    if (!t->conf.owned)
        return my_place_make(t, err);
    db_quote_text(t->main, t->database, &text);
    if (!buf_ok(&text, err) ||
        !db_value(t->main, &tables, err,
                  "SELECT count(*) FROM information_schema.tables WHERE table_schema = %s",
                  buf_str(&text)))
        return false;
    /* On resume they are the half of ours. */
    if (strcmp(buf_str(&tables), "0") != 0 && !t->conf.resume) {
        err_set(err, ERR_EXISTS, "database '%s' holds tables already", t->database);
        return err_hint(err, "drop it first, or restore into another one");
    }
    return my_database_make(t, t->database, err);
}

static bool find_tables(struct my_target *t, struct err *err)
{
    size_t count = 0;
    const struct stream *s = bundle_streams(t->conf.bundle, &count);

    t->tables = calloc(count ? count : 1, sizeof(*t->tables));
    if (!t->tables)
        return err_memory(err);
    for (size_t i = 0; i < count; i++) {
        if (s[i].kind != STREAM_COLUMNS || strcmp(s[i].component, t->conf.component) != 0 ||
            !my_select_table(t->select, &s[i]))
            continue;
        struct my_target_table *table = &t->tables[t->table_count++];
        if (!my_table_init(table, &s[i], err))
            return false;
        t->versioned = t->versioned || table->versioned;
        t->history = t->history || table->history;
        t->base.rows += s[i].records;
        t->base.bytes += s[i].raw_bytes;
    }
    t->base.partial = t->select != NULL;
    return true;
}

static bool find_part(struct my_target *t, struct err *err)
{
    if (!my_select_new(t->conf.bundle, t->conf.component, &t->conf.what, &t->select, err))
        return false;
    if (!t->select)
        return true;
    AUTO(json) json_t *report = my_select_report(t->select);
    return selection_tell(t->conf.component, report, t->conf.journal, err);
}

/* What this server cannot hold is said before anything is loaded. */
static bool check_server(struct my_target *t, struct err *err)
{
    AUTO(buf) struct buf on = {0};
    AUTO(buf) struct buf mode = {0};
    const struct db *db = t->main;
    const char *captured = NULL;

    if (!json_want_str(t->facts, "version", &captured, err) ||
        !version_check(DB_MARIADB, captured, db->version, db->is_mysql, db->label, err) ||
        !db_value(t->main, &on, err, "SELECT @@global.local_infile") ||
        !db_value(t->main, &mode, err, "SELECT @@global.innodb_autoinc_lock_mode"))
        return false;
    t->interleaved = !strcmp(buf_str(&mode), "2");
    if (!strcmp(buf_str(&on), "0")) {
        err_set(err, ERR_UNSUPPORTED, "%s: local_infile is off", db->label);
        return err_hint(err, "SET GLOBAL local_infile = 1");
    }
    for (size_t i = 0; i < t->table_count; i++) {
        if (t->tables[i].history && (db->is_mysql || db->version < 101100)) {
            err_set(err, ERR_UNSUPPORTED,
                    "table '%s' has history, which this server cannot take in", t->tables[i].name);
            return err_hint(err, "MariaDB 10.11 or newer can");
        }
    }
    return true;
}

static bool versions_for_load(const struct my_target *t, struct db *db, struct err *err)
{
    return (!t->versioned ||
            db_exec(db, err, "SET SESSION system_versioning_alter_history = KEEP")) &&
           (!t->history || db_exec(db, err, "SET SESSION system_versioning_insert_history = 1"));
}

static bool open_worker(void *of, unsigned worker, struct db **out, struct err *err)
{
    struct my_target *t = of;
    AUTO(db) struct db *db = NULL;

    (void)worker;
    if (!my_target_session(t, &db, err) || !versions_for_load(t, db, err))
        return false;
    *out = TAKE(db);
    return true;
}

bool my_worker(struct my_target *t, unsigned worker, struct db **out, struct err *err)
{
    return seats_take(t->conf.seats, worker, t, open_worker, out, err);
}

static bool find_here(struct my_target *t, struct err *err)
{
    struct my_here_conf conf = {.bundle = t->conf.bundle,
                                .place = t->conf.place,
                                .component = t->conf.component,
                                .database = t->database,
                                .what = &t->conf.what};

    my_here_done(&t->here);
    return my_here_open(&conf, t->main, &t->here, err);
}

/* Until here nothing was made or changed. */
static bool make_room(struct my_target *t, struct err *err)
{
    if (!make_database(t, err))
        return false;
    t->db_conf.database = t->database;
    return my_progress_open(t, err) && (t->conf.owned || my_target_rights(t, err));
}

static bool my_open(const struct target_conf *conf, struct target **out, struct err *err)
{
    struct my_target *t = calloc(1, sizeof(*t));
    if (!t)
        return err_memory(err);
    AUTO(my_target) struct target *base = &t->base;

    t->base.ops = &target_mariadb;
    t->conf = *conf;
    t->db_conf = *conf->db;
    t->db_conf.database = NULL;
    t->settings = (struct vec)VEC(struct my_setting);
    if (!read_facts(t, err) || !find_part(t, err) || !find_tables(t, err) ||
        !db_open(&t->db_conf, &t->main, err))
        return false;
    if (conf->owned && !settings_for_load(t, err))
        return false;
    if (!check_server(t, err) || !my_place_open(t, err) || !find_here(t, err) ||
        !my_missing_check(t, err) || !make_room(t, err))
        return false;
    *out = TAKE(base);
    return true;
}

static void my_close(struct target *base)
{
    struct my_target *t = (struct my_target *)base;

    if (!t)
        return;
    settings_back(t);
    seats_leave(t->conf.seats, t);
    if (!t->conf.owned && t->touched && !t->kept)
        my_place_drop(t);
    db_close(t->main);
    my_here_done(&t->here);
    target_forget(&t->base);
    for (size_t i = 0; i < t->table_count; i++)
        my_table_done(&t->tables[i]);
    free(t->tables);
    my_select_free(t->select);
    json_decref(t->done);
    json_decref(t->lacking);
    json_decref(t->unresolved);
    free(t->database);
    free(t);
}

/* ---- plan and finish -------------------------------------------------------------------------*/

static bool first_things(void *ctx, void *arg, unsigned worker, struct err *err)
{
    struct my_target *t = ctx;
    struct db *db = NULL;

    (void)arg;
    /* Who objects run as is there before them. */
    return my_worker(t, worker, &db, err) && my_accounts_restore(t, db, err);
}

/* Defaults of columns may draw from sequences, those of other databases too: they are made while all
 * targets are planned, before the first table. */
static bool make_sequences(struct my_target *t, struct err *err)
{
    AUTO(db) struct db *db = NULL;

    return my_target_session(t, &db, err) && my_sequences(t, db, err);
}

/* What only its own database can want. */
static bool own_things(void *ctx, void *arg, unsigned worker, struct err *err)
{
    struct my_target *t = ctx;
    AUTO(db) struct db *db = NULL;

    (void)arg;
    (void)worker;
    /* A session of its own: what each object needs is set in it. */
    return my_target_session(t, &db, err) && (!t->base.placed || my_keep_clear(t, db, err)) &&
           (!t->conf.resume || my_objects_drop(db, err)) && my_objects(t, db, MY_ROUTINES, err) &&
           my_stand_ins(t, db, err);
}

static bool last_things(void *ctx, void *arg, unsigned worker, struct err *err)
{
    struct my_target *t = ctx;
    AUTO(db) struct db *db = NULL;

    (void)arg;
    (void)worker;
    return my_target_session(t, &db, err) && my_views_sorted(t, db, err) &&
           my_objects(t, db, MY_TRIGGERS, err) && my_objects(t, db, MY_EVENTS, err) &&
           (!t->conf.owned || my_grants_restore(t, db, t->database, err));
}

static bool plan_tables(struct my_target *t, struct sched *sched, task_id *done, struct err *err)
{
    struct task first = {.run = first_things, .ctx = t, .cost = UINT64_MAX / 2, .name = "accounts"};
    task_id started;

    return make_sequences(t, err) && sched_add(sched, &first, NULL, 0, &started, err) &&
           my_plan_tables(t, sched, started, done, err);
}

static bool my_plan(struct target *base, struct sched *sched, task_id *ready, struct err *err)
{
    struct my_target *t = (struct my_target *)base;
    struct task own = {.run = own_things, .ctx = t, .cost = 1, .name = "routines"};
    task_id done;

    t->touched = true;
    /* Now it is known which of the others have their names already. */
    if (!find_here(t, err))
        return false;
    if (t->base.placed)
        return sched_add(sched, &own, NULL, 0, ready, err);
    return plan_tables(t, sched, &done, err) && sched_add(sched, &own, &done, 1, ready, err);
}

static bool my_plan_last(struct target *base, struct sched *sched, const struct vec *ready,
                         struct err *err)
{
    struct my_target *t = (struct my_target *)base;
    struct task last = {.run = last_things, .ctx = t, .cost = 1, .name = "views"};

    return sched_add(sched, &last, ready->at, ready->count, NULL, err);
}

/* Of the loads of this restore, and of the one that it goes on with. A proof compares every value. */
static bool tell_unseen(struct my_target *t, struct err *err)
{
    static const char box[] =
        "there were more than the server keeps of a load, and none of those was "
        "a changed value: 'box verify' compares all values";
    static const char server[] =
        "there were more than the server keeps of a load, and none of those "
        "was a changed value: --verify compares all values";

    for (size_t i = 0; i < t->table_count && !t->conf.verify; i++) {
        const struct my_target_table *table = &t->tables[i];
        AUTO(buf) struct buf what = {0};
        if (!atomic_load(&table->unseen) && !my_progress_has(t, "unseen", table->name))
            continue;
        buf_printf(&what, "warnings of loading table %s", table->name);
        if (!buf_ok(&what, err) || !target_leave(&t->base, t->conf.component, buf_str(&what),
                                                 t->conf.owned ? box : server, err))
            return false;
    }
    return true;
}

static bool my_finish(struct target *base, struct err *err)
{
    struct my_target *t = (struct my_target *)base;
    uint64_t expected = atomic_load(&t->rows_expected), found = atomic_load(&t->rows_found);

    if (!my_definers_restore(t, err) || !tell_unseen(t, err) || !my_progress_end(t, err))
        return false;

    return JOURNAL(t->conf.journal, err, "restore.check", f_str("component", t->conf.component),
                   f_num("rows_expected", (int64_t)expected), f_num("rows_found", (int64_t)found),
                   f_bool("ok", expected == found));
}

const struct target_ops target_mariadb = {.name = "mariadb",
                                          .open = my_open,
                                          .plan = my_plan,
                                          .plan_last = my_plan_last,
                                          .finish = my_finish,
                                          .keep = my_target_keep,
                                          .clear = my_target_clear,
                                          .close = my_close};
