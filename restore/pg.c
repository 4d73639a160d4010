#include "restore/pg.h"

#include "lib/base/json.h"
#include "lib/db/pg_session.h"
#include "lib/db/room.h"
#include "restore/pg_progress.h"
#include "restore/version.h"

/* Databases that every server has and that are nobody's. */
static const char *const lobby[] = {"postgres", "template1"};

/* In a box the half of one stays, to be gone on with. */
static void put_away(struct pg_target *t)
{
    if (!t->conf.owned && t->created)
        pg_place_leave(t);
}

static void pg_target_close(struct target *base)
{
    struct pg_target *t = (struct pg_target *)base;

    if (!t)
        return;
    seats_leave(t->conf.seats, t);
    put_away(t);
    db_close(t->admin);
    for (size_t i = 0; i < t->table_count; i++) {
        free(t->tables[i].qualified);
        pg_binary_free(t->tables[i].binary);
        vec_done(&t->tables[i].builds);
    }
    free(t->tables);
    struct pg_step *step = t->steps.at;
    for (size_t i = 0; i < t->steps.count; i++) {
        free(step[i].index);
        free(step[i].constraint);
    }
    vec_done(&t->steps);
    pg_part_done(&t->part);
    json_decref(t->done);
    json_decref(t->tablespaces);
    target_forget(&t->base);
    free(t->database);
    free(t);
}
AUTO_PTR(pg_target, struct target, pg_target_close)

bool pg_target_text(struct pg_target *t, const char *name, struct buf *out, struct err *err)
{
    AUTO(free) char *stream = stream_name(t->conf.component, NULL, name);

    return stream ? bundle_read_text(t->conf.bundle, stream, out, err) : err_memory(err);
}

/* ---- sessions ----------------------------------------------------------------------------------*/

static bool is_made(const struct pg_target *t, const char *database)
{
    return strcmp(database, t->database) == 0 ||
           (t->conf.final && strcmp(database, t->conf.final) == 0);
}

/* Through one of them that is not the one to be made. */
static bool open_admin(struct pg_target *t, struct err *err)
{
    for (size_t i = 0; i < COUNT(lobby) && !t->admin; i++) {
        if (is_made(t, lobby[i]))
            continue;
        t->admin_conf.database = lobby[i];
        if (db_open(&t->admin_conf, &t->admin, err))
            break;
        if (err && err->code != ERR_MISSING)
            return false;
    }
    if (!t->admin)
        return false;
    err_clear(err);
    return pg_session_fix(t->admin, err);
}

/* Durability is not needed before the end, and every core has an index of its own to build. */
bool pg_target_session(void *target, unsigned worker, struct db **out, struct err *err)
{
    struct pg_target *t = target;
    AUTO(db) struct db *db = NULL;

    (void)worker;
    if (!db_open(&t->db_conf, &db, err) || !pg_session_fix(db, err) ||
        !db_exec(db, err,
                 "SET check_function_bodies = off; SET synchronous_commit = off; "
                 "SET jit = off; SET client_min_messages = error"))
        return false;
    if (t->conf.jobs > 1 && !db_exec(db, err, "SET max_parallel_maintenance_workers = 0"))
        return false;
    *out = TAKE(db);
    return true;
}

bool pg_worker(struct pg_target *t, unsigned worker, struct db **out, struct err *err)
{
    return seats_take(t->conf.seats, worker, t, pg_target_session, out, err);
}

/* A server of our own lets in as many as it takes. Of others: an administrator's session for each
 * database, one that settles it, the workers', and the pg_dumps of a proof. */
static bool check_room(struct pg_target *t, struct err *err)
{
    unsigned jobs = t->conf.jobs, databases = t->conf.later + 1;
    uint64_t beside = (uint64_t)t->conf.later + 1;
    uint64_t dumps = !t->conf.verify ? 0 : databases < jobs ? databases : jobs;
    struct db_room room = {0};
    char what[64];

    if (t->conf.owned)
        return true;
    snprintf(what, sizeof(what), "a restore with %u jobs%s", jobs,
             t->conf.verify ? " and its proof" : "");
    if (!db_room_read(t->admin, &room, err) ||
        !db_room_check(&room, t->admin, beside + jobs + (dumps ? 2 : 0), what, err))
        return false;
    if (room.free < beside + (uint64_t)jobs * SEATS_KEEP + dumps)
        seats_keep(t->conf.seats, 1);
    return true;
}

/* ---- the bundle --------------------------------------------------------------------------------*/

static bool add_table(struct pg_target *t, const struct stream *s, struct err *err)
{
    struct pg_target_table *table = &t->tables[t->table_count];
    AUTO(buf) struct buf quoted = {0};
    json_t *columns = NULL;

    *table = (struct pg_target_table){.stream = s, .builds = VEC(task_id)};
    if (!json_want_str(s->meta, "schema", &table->schema, err) ||
        !json_want_str(s->meta, "table", &table->name, err) ||
        !json_want_str(s->meta, "copy", &table->copy, err) ||
        !json_want_arr(s->meta, "columns", &columns, err))
        return err_add(err, "stream '%s'", s->name);
    table->columns = (unsigned)json_array_size(columns);
    table->config = json_is_true(json_object_get(s->meta, "config"));
    table->large_objects = strcmp(table->schema, "pg_catalog") == 0;
    /* A table of an extension may have other columns in a newer version of it. */
    if (!table->config && !table->large_objects &&
        !pg_binary_new(json_object_get(s->meta, "types"), &table->binary, err))
        return false;
    db_quote_qualified(t->admin, table->schema, table->name, &quoted);
    table->qualified = buf_take(&quoted);
    if (!table->qualified) {
        pg_binary_free(TAKE(table->binary));
        return err_memory(err);
    }
    t->table_count++;
    return true;
}

static bool read_tables(struct pg_target *t, struct err *err)
{
    size_t count = 0;
    const struct stream *s = bundle_streams(t->conf.bundle, &count);

    t->tables = calloc(count + 1, sizeof(*t->tables));
    if (!t->tables)
        return err_memory(err);
    for (size_t i = 0; i < count; i++) {
        if (s[i].kind != STREAM_COLUMNS || strcmp(s[i].component, t->conf.component) != 0 ||
            !pg_part_has(&t->part, &s[i]))
            continue;
        if (!add_table(t, &s[i], err))
            return false;
        t->base.rows += s[i].records;
        t->base.bytes += s[i].raw_bytes;
    }
    t->base.partial = t->part.select != NULL;
    return true;
}

static bool tell_part(struct pg_target *t, struct err *err)
{
    if (!target_leave_all(&t->base, t->conf.component, t->part.owner.left_out, err))
        return false;
    if (!t->part.select)
        return true;
    AUTO(json) json_t *report = pg_select_report(t->part.select);
    return selection_tell(t->conf.component, report, t->conf.journal, err);
}

/* What pg_dump wrote for a version is understood by that one and by newer ones. */
static bool check_version(struct pg_target *t, struct err *err)
{
    const char *version = NULL;

    if (!json_want_str(t->facts, "version", &version, err))
        return false;
    return version_check(DB_POSTGRESQL, version, t->admin->version, false, t->admin->label, err);
}

static bool read_facts(struct pg_target *t, struct err *err)
{
    json_t *all = NULL, *facts = NULL;
    const char *name = NULL;

    if (!json_want_obj(bundle_config(t->conf.bundle), "components", &all, err) ||
        !json_want_obj(all, t->conf.component, &facts, err) ||
        !json_want_obj(facts, "database", &t->facts, err) ||
        !json_want_str(t->facts, "name", &name, err))
        return err_add(err, "bundle.json");
    t->database = strdup(t->conf.db->database ? t->conf.db->database : name);
    t->db_conf.database = t->database;
    return t->database || err_memory(err);
}

/* ---- life --------------------------------------------------------------------------------------*/

/* What is to be there, without a look at what is. */
static bool open_wanted(const struct target_conf *conf, struct target **out, struct err *err)
{
    struct pg_target *t = calloc(1, sizeof(*t));
    if (!t)
        return err_memory(err);
    AUTO(pg_target) struct target *base = &t->base;

    base->ops = &target_postgresql;
    t->conf = *conf;
    t->conf.jobs = conf->jobs ? conf->jobs : 1;
    t->admin_conf = t->db_conf = *conf->db;
    if (!read_facts(t, err) || !open_admin(t, err) || !check_version(t, err) ||
        !check_room(t, err) || !pg_place_open(t, err) ||
        !pg_part_open(conf->bundle, conf->component, &t->conf.what, t->admin, &t->part, err) ||
        !read_tables(t, err))
        return false;
    *out = TAKE(base);
    return true;
}

static bool pg_target_whole(const struct target_conf *conf, bool *whole, struct err *err)
{
    AUTO(pg_target) struct target *base = NULL;

    return open_wanted(conf, &base, err) && pg_progress_whole((struct pg_target *)base, whole, err);
}

/* Until here nothing was made or changed. */
static bool make_room(struct pg_target *t, struct err *err)
{
    if (!pg_roles_restore(t, err) || !pg_tablespaces_make(t, err) ||
        (t->conf.resume && !pg_progress_find(t, err)) || !pg_place_sweep(t, err))
        return false;
    t->created = t->done != NULL;
    return t->created || pg_database_create(t, err);
}

static bool pg_target_open(const struct target_conf *conf, struct target **out, struct err *err)
{
    AUTO(pg_target) struct target *base = NULL;

    if (!open_wanted(conf, &base, err))
        return false;
    struct pg_target *t = (struct pg_target *)base;
    if (!tell_part(t, err) || !pg_missing_check(t, err) || !make_room(t, err))
        return false;
    *out = TAKE(base);
    return true;
}

static bool pg_target_plan(struct target *base, struct sched *sched, task_id *ready,
                           struct err *err)
{
    struct pg_target *t = (struct pg_target *)base;

    (void)ready;
    return pg_steps_sort(t, err) && pg_tasks_plan(t, sched, err);
}

/* What stands above the tables was not analysed with them. */
static bool analyze_parents(struct db *db, struct err *err)
{
    AUTO(buf) struct buf names = {0};

    if (!db_value(
            db, &names, err,
            "SELECT pg_catalog.string_agg(pg_catalog.format('%%I.%%I', n.nspname, c.relname), "
            "', ') FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = "
            "c.relnamespace WHERE (c.relkind = 'p' AND NOT c.relispartition) OR (c.relkind = "
            "'m' AND c.relispopulated)"))
        return false;
    return !names.len || db_exec(db, err, "ANALYZE %s", buf_str(&names));
}

static bool pg_target_finish(struct target *base, struct err *err)
{
    struct pg_target *t = (struct pg_target *)base;
    uint64_t expected = t->rows_expected, found = t->rows_found;
    struct db *db = NULL;

    if (!pg_worker(t, 0, &db, err) || !pg_config_check(t, db, err) || !analyze_parents(db, err) ||
        !pg_database_settle(t, err) || !pg_progress_end(t, db, err))
        return false;
    t->finished = true;
    /* A proof opens as many sessions, and the account or the server may have few. */
    seats_leave(t->conf.seats, t);
    return JOURNAL(t->conf.journal, err, "restore.check", f_str("component", t->conf.component),
                   f_num("rows_expected", (int64_t)expected), f_num("rows_found", (int64_t)found),
                   f_bool("ok", expected == found));
}

const struct target_ops target_postgresql = {
    .name = "postgresql",
    .open = pg_target_open,
    .plan = pg_target_plan,
    .finish = pg_target_finish,
    .keep = pg_target_keep,
    .clear = pg_target_clear,
    .close = pg_target_close,
    .whole = pg_target_whole,
};
