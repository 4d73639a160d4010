#include "snapshot/pg.h"

#include "lib/base/json.h"
#include "lib/box/client.h"
#include "lib/db/pg_session.h"

#define VERSION_MIN 120000u

static void pg_source_close(struct source *base)
{
    struct pg_source *s = (struct pg_source *)base;

    if (!s)
        return;
    seats_leave(s->conf.seats, s);
    for (unsigned i = 0; s->locked && i < s->conf.jobs; i++)
        free(s->locked[i]);
    free(s->locked);
    pg_dump_join(s, NULL, NULL);
    db_close(s->leader);
    pthread_mutex_destroy(&s->leader_lock);
    pg_tables_done(&s->tables);
    spill_done(&s->kept);
    free(s->component);
    free(s->snapshot);
    free(s->lsn);
    free(s->xids);
    free(s->taken_at);
    free(s->timeline);
    free(s->cluster);
    json_decref(s->left_out);
    free(s);
}
AUTO_PTR(pg_source, struct source, pg_source_close)

static bool fill(struct pg_source *s, const struct source_conf *conf, unsigned index,
                 struct err *err)
{
    const struct env_database *from = &conf->env->databases[index];

    s->conf = *conf;
    s->conf.jobs = conf->jobs ? conf->jobs : 1;
    s->from = from;
    pthread_mutex_init(&s->leader_lock, NULL);
    s->left_out = json_array();
    if (asprintf(&s->component, "postgresql.%s", from->name) < 0)
        s->component = NULL;
    return (s->component && s->left_out) ? client_conf(from, &s->db_conf, err) : err_memory(err);
}

static bool check_version(const struct pg_source *s, struct err *err)
{
    if (s->leader->version >= VERSION_MIN)
        return true;
    err_set(err, ERR_UNSUPPORTED, "%s is version %u", s->leader->label, s->leader->version / 10000);
    return err_hint(err, "PostgreSQL %u or newer is needed", VERSION_MIN / 10000);
}

/* Who may not ask for them does without: the LSN alone is of use too, and a restore then cannot
 * tell that a server is the one that was captured. */
static void read_control(struct pg_source *s)
{
    AUTO(buf) struct buf value = {0}, cluster = {0};

    if (db_value(s->leader, &cluster, NULL,
                 "SELECT system_identifier FROM pg_catalog.pg_control_system()"))
        s->cluster = buf_take(&cluster);

    if (db_value(s->leader, &value, NULL,
                 "SELECT timeline_id FROM pg_catalog.pg_control_checkpoint()"))
        s->timeline = buf_take(&value);
}

static bool pg_source_open(const struct source_conf *conf, unsigned index, struct source **out,
                           struct err *err)
{
    struct pg_source *s = calloc(1, sizeof(*s));
    if (!s)
        return err_memory(err);
    AUTO(pg_source) struct source *base = &s->base;

    base->ops = &source_postgresql;
    if (!fill(s, conf, index, err) || !db_open(&s->db_conf, &s->leader, err) ||
        !check_version(s, err) || !pg_sessions_fit(s, index, err) ||
        !pg_session_fix(s->leader, err))
        return false;
    read_control(s);
    if (s->first && !lag_watch(conf->lag, s->component, &s->db_conf, err))
        return false;
    *out = TAKE(base);
    return true;
}

static bool pg_source_point(struct source *base, struct err *err)
{
    struct pg_source *s = (struct pg_source *)base;

    if (!pg_point_take(s, err) || !pg_workers_init(s, err))
        return err_add(err, "cannot capture '%s'", s->from->name);
    return JOURNAL(s->conf.journal, err, "snapshot.lock", f_str("component", s->component),
                   f_str("kind", "ACCESS SHARE on all tables"),
                   f_real("took_ms", (double)s->lock_ns / 1e6));
}

static bool pg_source_plan(struct source *base, struct sched *sched, struct err *err)
{
    struct pg_source *s = (struct pg_source *)base;

    return pg_schema_plan(s, sched, err) && pg_data_plan(s, sched, err);
}

/* ---- facts -------------------------------------------------------------------------------------*/

static json_t *position(const struct pg_source *s)
{
    return json_pack("{s:s, s:s, s:s, s:s*, s:b, s:s}", "lsn", s->lsn, "snapshot", s->snapshot,
                     "xids", s->xids, "timeline", s->timeline, "standby", s->standby, "taken_at",
                     s->taken_at);
}

static bool write_component(struct pg_source *s, json_t *identity, json_t *where, struct err *err)
{
    json_t *facts =
        json_pack("{s:s, s:O, s:O, s:O, s:I, s:I, s:i, s:i, s:f, s:O}", "engine", "postgresql",
                  "version", json_object_get(identity, "version"), "position", where, "database",
                  identity, "rows", (json_int_t)s->rows, "bytes", (json_int_t)s->bytes, "tables",
                  (int)s->table_count, "sequences", (int)s->sequence_count, "locked_ms",
                  (double)s->lock_ns / 1e6, "left_out", s->left_out);

    return facts ? bundle_component(s->conf.writer, s->component, facts, err) : err_memory(err);
}

static bool write_facts(struct pg_source *s, struct err *err)
{
    AUTO(json) json_t *identity = NULL;
    AUTO(json) json_t *where = position(s);

    if (!where)
        return err_memory(err);
    return pg_identity_read(s, &identity, err) && pg_left_out_read(s, err) &&
           write_component(s, identity, where, err);
}

static bool pg_source_finish(struct source *base, struct err *err)
{
    struct pg_source *s = (struct pg_source *)base;

    if (!pg_globals_write(s, err) || !pg_settings_write(s, err) || !pg_sequences_write(s, err) ||
        !write_facts(s, err))
        return pg_conflict(s, err) || err_add(err, "cannot capture '%s'", s->from->name);
    /* The locks go now, not when the bundle is done. */
    return db_exec(s->leader, err, "COMMIT");
}

const struct source_ops source_postgresql = {
    .name = "postgresql",
    .open = pg_source_open,
    .point = pg_source_point,
    .plan = pg_source_plan,
    .finish = pg_source_finish,
    .close = pg_source_close,
};
