/* pg_dump beside us: its archive of the schema, at our snapshot. */
#include "lib/base/clock.h"
#include "lib/base/cmd.h"
#include "lib/db/pg_schema.h"
#include "snapshot/pg.h"

#define POLL_NS 5000000

static const char waits_sql[] =
#include "snapshot/pg_dump_waits.sql.h"
    ;

struct pg_dumping {
    pthread_t thread;
    struct pg_source *source;
    struct db_tool_env env;
    char application[48]; /* by which its session is found */
    struct buf encoding;  /* the leader's: the texts must be read by sessions like it */
    struct buf archive;
    struct err err;
    bool ok;
    atomic_bool ended;
};

static void *dump(void *arg)
{
    struct pg_dumping *d = arg;
    struct pg_schema_conf conf = {.env = (const char *const *)d->env.env,
                                  .snapshot = d->source->snapshot,
                                  .encoding = buf_str(&d->encoding),
                                  .lock_timeout_s = d->source->conf.lock_timeout_s};

    d->ok = pg_schema_archive(&conf, &d->archive, &d->err);
    atomic_fetch_sub(&d->source->conf.dumps->running, 1);
    d->ended = true;
    return NULL;
}

static void dumping_free(struct pg_dumping *d)
{
    db_tool_env_done(&d->env);
    buf_done(&d->archive);
    buf_done(&d->encoding);
    free(d);
}

bool pg_dump_join(struct pg_source *s, struct buf *archive, struct err *err)
{
    struct pg_dumping *d = TAKE(s->dumping);

    if (!d)
        return false;
    pthread_join(d->thread, NULL);
    bool ok = d->ok;
    if (!ok && err)
        *err = d->err;
    if (ok && archive) {
        *archive = d->archive;
        d->archive = (struct buf){0};
    }
    dumping_free(d);
    return ok;
}

/* ---- its locks ---------------------------------------------------------------------------------*/

struct seen {
    char pid[16];
    bool has_locks, waits;
};

static bool take_seen(void *ctx, const struct db_row *row, struct err *err)
{
    struct seen *seen = ctx;

    (void)err;
    snprintf(seen->pid, sizeof(seen->pid), "%.*s", (int)row->value[0].len, row->value[0].at);
    seen->has_locks |= span_is(row->value[1], "t");
    seen->waits |= span_is(row->value[2], "t");
    return true;
}

static bool look(struct pg_source *s, struct seen *seen, struct err *err)
{
    AUTO(buf) struct buf name = {0}, sql = {0};

    /* A transaction sees the sessions as they were when it first looked, unless it is told. */
    if (!db_exec(s->leader, err, "SELECT pg_catalog.pg_stat_clear_snapshot()"))
        return false;
    db_quote_text(s->leader, s->dumping->application, &name);
    const char *place = strstr(waits_sql, "%s");
    buf_add(&sql, waits_sql, (size_t)(place - waits_sql));
    buf_span(&sql, buf_view(&name));
    buf_puts(&sql, place + 2);
    return buf_ok(&sql, err) &&
           s->leader->ops->query(s->leader, buf_view(&sql), take_seen, seen, NULL, err);
}

/* Until it has its locks, has ended, or waits for somebody who waits for us. */
static bool wait_for_locks(struct pg_source *s, bool *again, struct err *err)
{
    while (!s->dumping->ended) {
        struct seen seen = {0};

        if (!look(s, &seen, err) || !cmd_stop_check(err))
            return false;
        if (seen.has_locks)
            return true;
        if (seen.waits) {
            db_exec(s->leader, NULL, "SELECT pg_catalog.pg_terminate_backend(%s)", seen.pid);
            pg_dump_join(s, NULL, NULL);
            *again = true;
            return false;
        }
        clock_sleep_until(clock_mono_ns() + POLL_NS);
    }
    return s->dumping->ok || pg_dump_join(s, NULL, err);
}

static bool prepare(struct pg_source *s, struct pg_dumping *d, struct err *err)
{
    struct db_conf conf = s->db_conf;

    d->source = s;
    snprintf(d->application, sizeof(d->application), "rehearse schema %s", s->snapshot);
    conf.application = d->application;
    return db_value(s->leader, &d->encoding, err, "SHOW client_encoding") &&
           db_tool_env(&conf, &d->env, err);
}

bool pg_dump_room(struct pg_source *s, struct err *err)
{
    const struct dump_slots *slots = s->conf.dumps;

    while (atomic_load(&slots->running) >= slots->most) {
        if (!cmd_stop_check(err))
            return false;
        clock_sleep_until(clock_mono_ns() + POLL_NS);
    }
    return true;
}

bool pg_dump_start(struct pg_source *s, bool *again, struct err *err)
{
    struct pg_dumping *d = calloc(1, sizeof(*d));

    if (!d)
        return err_memory(err);
    if (!prepare(s, d, err)) {
        dumping_free(d);
        return false;
    }
    atomic_fetch_add(&s->conf.dumps->running, 1);
    if (pthread_create(&d->thread, NULL, dump, d) != 0) {
        atomic_fetch_sub(&s->conf.dumps->running, 1);
        dumping_free(d);
        return err_set(err, ERR_FAILED, "cannot start a thread for pg_dump");
    }
    s->dumping = d;
    return wait_for_locks(s, again, err);
}
