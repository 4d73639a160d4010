#include "snapshot/my.h"

static void my_close(struct source *base)
{
    struct my_source *s = (struct my_source *)base;

    if (!s)
        return;
    db_close(s->locker);
    db_close(s->main);
    for (unsigned i = 0; s->worker && i < s->conf.jobs; i++)
        db_close(s->worker[i]);
    free(s->worker);
    my_catalog_done(&s->catalog);
    free(s->position.gtid);
    free(s->position.replica_gtid);
    free(s->position.file);
    json_decref(s->position.replicates);
    json_decref(s->left_out);
    free(s->component);
    free(s);
}
AUTO_PTR(my_source, struct source, my_close)

static bool fill(struct my_source *s, const struct source_conf *conf, unsigned index,
                 struct err *err)
{
    const struct env_database *from = &conf->env->databases[index];
    AUTO(buf) struct buf component = {0};

    s->conf = *conf;
    s->from = from;
    s->db_conf = (struct db_conf){.engine = DB_MARIADB,
                                  .host = from->host,
                                  .port = from->port,
                                  .socket = from->socket,
                                  .user = from->user,
                                  .database = from->database,
                                  .password_env = from->password_env,
                                  .password_file = from->password_file};
    buf_printf(&component, "mariadb.%s", from->name);
    s->component = buf_take(&component);
    s->left_out = json_array();
    s->worker = calloc(conf->jobs ? conf->jobs : 1, sizeof(struct db *));
    if (!s->component || !s->left_out || !s->worker)
        return err_memory(err);
    if (!from->database || !*from->database) {
        err_set(err, ERR_CONFIG, "database '%s' names no database on its server", from->name);
        return err_hint(err, "set 'database'");
    }
    return true;
}

static bool open_worker(struct my_source *s, struct db **out, struct err *err)
{
    AUTO(db) struct db *db = NULL;

    /* Values in the bytes in which they are stored: no charset can lose any. */
    if (!db_open(&s->db_conf, &db, err) ||
        !db_exec(db, err, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ") ||
        !db_exec(db, err, "SET SESSION lock_wait_timeout = %u, character_set_results = NULL",
                 (unsigned)(s->conf.lock_timeout_s < 1 ? 1 : s->conf.lock_timeout_s)))
        return false;
    /* With a binlog the server gives metadata locks back at a savepoint only to sessions that do
     * not write it. Without the right to say so, DDL on tables read already waits for the end. */
    db_exec(db, NULL, "SET SESSION sql_log_bin = 0");
    *out = TAKE(db);
    return true;
}

static bool open_sessions(struct my_source *s, struct err *err)
{
    if (!db_open(&s->db_conf, &s->main, err))
        return false;
    for (unsigned i = 0; i < s->conf.jobs; i++) {
        if (!open_worker(s, &s->worker[i], err))
            return false;
    }
    return true;
}

static bool my_open(const struct source_conf *conf, unsigned index, struct source **out,
                    struct err *err)
{
    struct my_source *s = calloc(1, sizeof(*s));
    if (!s)
        return err_memory(err);
    AUTO(my_source) struct source *base = &s->base;

    s->base.ops = &source_mariadb;
    /* The catalog is read before the lock, to keep that short, and compared after the rows. */
    if (!fill(s, conf, index, err) || !open_sessions(s, err) || !my_rights_check(s, err) ||
        !lag_watch(conf->lag, s->component, &s->db_conf, err) ||
        !my_catalog_read(s, &s->catalog, err) || !my_lock_point(s, err))
        return false;
    *out = TAKE(base);
    return true;
}

static bool my_plan(struct source *base, struct sched *sched, struct err *err)
{
    struct my_source *s = (struct my_source *)base;
    struct my_table *t = s->catalog.tables.at;

    if (!my_write_streams(s, err))
        return false;
    for (size_t i = 0; i < s->catalog.tables.count; i++) {
        if (!my_plan_table(s, &t[i], sched, err))
            return false;
    }
    return true;
}

static bool my_finish(struct source *base, struct err *err)
{
    struct my_source *s = (struct my_source *)base;
    struct my_catalog after = {0};

    if (!my_catalog_read(s, &after, err))
        return false;
    bool same = my_catalog_compare(s, &s->catalog, &after, err);
    my_catalog_done(&after);
    return same && my_write_schema(s, err) && my_write_facts(s, err);
}

const struct source_ops source_mariadb = {
    .name = "mariadb", .open = my_open, .plan = my_plan, .finish = my_finish, .close = my_close};
