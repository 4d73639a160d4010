/* The sessions that the databases of one server share. */
#include "lib/box/client.h"
#include "lib/db/room.h"
#include "snapshot/my.h"

static unsigned lock_wait_s(const struct source_conf *conf)
{
    return (unsigned)(conf->lock_timeout_s < 1 ? 1 : conf->lock_timeout_s);
}

/* ---- sessions ----------------------------------------------------------------------------------*/

static bool open_worker(const struct my_server *v, const struct source_conf *conf, struct db **out,
                        struct err *err)
{
    AUTO(db) struct db *db = NULL;

    /* Values in the bytes in which they are stored: no charset can lose any. */
    if (!db_open(&v->conf, &db, err) ||
        !db_exec(db, err, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ") ||
        !db_exec(db, err, "SET SESSION lock_wait_timeout = %u, character_set_results = NULL",
                 lock_wait_s(conf)))
        return false;
    /* With a binlog the server gives metadata locks back at a savepoint only to sessions that do
     * not write it. Without the right to say so, DDL on tables read already waits for the end. */
    db_exec(db, NULL, "SET SESSION sql_log_bin = 0");
    *out = TAKE(db);
    return true;
}

/* One for each worker, one for tables without transactions, and one that watches replicas. */
static bool fit(struct my_server *v, const struct source_conf *conf, struct err *err)
{
    uint64_t needed = (uint64_t)v->jobs + 1 + (conf->lag != NULL);
    struct db_room room = {0};
    char what[64];

    snprintf(what, sizeof(what), "a snapshot with %u jobs", v->jobs);
    return db_room_read(v->main, &room, err) && db_room_check(&room, v->main, needed, what, err);
}

static bool open_sessions(struct my_server *v, const struct source_conf *conf, struct err *err)
{
    v->worker = calloc(v->jobs, sizeof(struct db *));
    v->at = calloc(v->jobs, sizeof(struct my_source *));
    if (!v->worker || !v->at)
        return err_memory(err);
    if (!db_open(&v->conf, &v->main, err) || !fit(v, conf, err) ||
        !db_exec(v->main, err, "SET SESSION lock_wait_timeout = %u", lock_wait_s(conf)))
        return false;
    for (unsigned i = 0; i < v->jobs; i++)
        if (!open_worker(v, conf, &v->worker[i], err))
            return false;
    return true;
}

bool my_server_begin(struct my_server *v, struct err *err)
{
    for (unsigned i = 0; i < v->jobs; i++)
        if (!db_exec(v->worker[i], err, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"))
            return false;
    return true;
}

/* ---- whose database ----------------------------------------------------------------------------*/

static bool turn(struct db *db, const struct my_source *s, struct err *err)
{
    AUTO(buf) struct buf name = {0};

    db_quote_name(db, s->from->database, &name);
    return buf_ok(&name, err) && db_exec(db, err, "USE %s", buf_str(&name));
}

bool my_main(struct my_source *s, struct err *err)
{
    return turn(s->main, s, err);
}

bool my_session(struct my_source *s, unsigned worker, struct db **out, struct err *err)
{
    struct my_server *v = s->server;

    if (v->at[worker] != s && !turn(v->worker[worker], s, err))
        return false;
    v->at[worker] = s;
    *out = v->worker[worker];
    return true;
}

/* ---- life --------------------------------------------------------------------------------------*/

static void server_free(struct my_server *v)
{
    db_close(v->locker);
    db_close(v->main);
    for (unsigned i = 0; v->worker && i < v->jobs; i++)
        db_close(v->worker[i]);
    free(v->worker);
    free(v->at);
    vec_done(&v->sources);
    free(v->position.gtid);
    free(v->position.replica_gtid);
    free(v->position.file);
    json_decref(v->position.replicates);
    free(v);
}

static struct my_server *find(const struct my_source *s)
{
    struct source **all = s->conf.opened->at;

    for (size_t i = 0; i < s->conf.opened->count; i++) {
        struct my_source *other = (struct my_source *)all[i];
        if (all[i]->ops == &source_mariadb && env_same_account(other->from, s->from))
            return other->server;
    }
    return NULL;
}

static struct my_server *server_new(const struct my_source *s, struct err *err)
{
    struct my_server *v = calloc(1, sizeof(*v));

    if (!v) {
        err_memory(err);
        return NULL;
    }
    v->jobs = s->conf.jobs;
    v->sources = (struct vec)VEC(struct my_source *);
    if (!client_conf(s->from, &v->conf, err)) {
        server_free(v);
        return NULL;
    }
    v->conf.database = NULL;
    return v;
}

bool my_server_join(struct my_source *s, struct err *err)
{
    struct my_server *known = find(s);

    s->server = known ? known : server_new(s, err);
    if (!s->server)
        return false;
    s->server->uses++;
    if (!known && !open_sessions(s->server, &s->conf, err))
        return false;
    struct my_source **to = vec_add(&s->server->sources, err);
    if (!to)
        return false;
    *to = s;
    s->main = s->server->main;
    return true;
}

void my_server_leave(struct my_source *s)
{
    struct my_server *v = TAKE(s->server);

    if (v && --v->uses == 0)
        server_free(v);
}
