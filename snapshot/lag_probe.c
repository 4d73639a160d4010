/* PostgreSQL: a standby knows when the last change that it has applied was made. A primary knows up
 * to where each standby has applied its log, not when it wrote that: so where its log stood is kept
 * second by second. MariaDB: a replica says it; a primary cannot. */
#include "snapshot/lag_probe.h"

#include "lib/base/clock.h"
#include "lib/base/vec.h"

#include <stdlib.h>

struct past {
    int64_t at_ns;
    uint64_t lsn;
};

struct lag_probe {
    char *component;
    bool mariadb;
    struct db *db;
    struct vec past;  /* struct past, oldest first: not applied everywhere yet */
    int64_t known_ns; /* when a replica last said how far it is behind; 0: never */
    double known_s;
};

static const char pg_sql[] =
#include "snapshot/lag_pg.sql.h"
    ;

static double number(struct span text)
{
    char copy[64];

    if (!text.at || text.len >= sizeof(copy))
        return 0;
    memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    return strtod(copy, NULL);
}

/* ---- PostgreSQL --------------------------------------------------------------------------------*/

struct pg_answer {
    bool standby, stuck, pinned;
    double own_s, said_s;
    uint64_t lsn, applied, hidden;
    bool replicas;
};

static bool take_pg(void *ctx, const struct db_row *row, struct err *err)
{
    struct pg_answer *a = ctx;
    const struct span *v = row->value;

    (void)err;
    a->standby = span_is(v[0], "t");
    a->own_s = number(v[1]);
    a->lsn = (uint64_t)number(v[2]);
    a->replicas = v[3].at != NULL;
    a->applied = (uint64_t)number(v[3]);
    a->said_s = number(v[4]);
    a->hidden = (uint64_t)number(v[5]);
    a->stuck = span_is(v[6], "t");
    a->pinned = span_is(v[7], "t");
    return true;
}

/* Since when there is something that the slowest replica has not applied. */
static bool behind(struct lag_probe *p, const struct pg_answer *a, double *lag_s, struct err *err)
{
    int64_t now = clock_mono_ns();
    struct past *past = p->past.at;
    size_t gone = 0;

    /* A replica that is gone has not caught up. */
    while (a->replicas && gone < p->past.count && past[gone].lsn <= a->applied)
        gone++;
    if (gone) { /* with none there may be no list */
        memmove(past, past + gone, (p->past.count - gone) * sizeof(*past));
        p->past.count -= gone;
    }
    if (a->replicas && a->lsn > a->applied &&
        (!p->past.count || past[p->past.count - 1].lsn < a->lsn)) {
        struct past *to = vec_add(&p->past, err);
        if (!to)
            return false;
        *to = (struct past){now, a->lsn};
    }
    past = p->past.at;
    *lag_s = p->past.count ? (double)(now - past[0].at_ns) / 1e9 : 0;
    if (p->past.count && a->said_s > *lag_s)
        *lag_s = a->said_s;
    return true;
}

static bool ask_pg(struct lag_probe *p, double *lag_s, bool *stuck, struct err *err)
{
    struct pg_answer a = {0};

    if (!db_rows(p->db, take_pg, &a, err, "%s", pg_sql))
        return false;
    if (a.hidden) {
        err_set(err, ERR_RIGHTS, "no right to see how far the replicas of %s are behind",
                p->db->label);
        return err_hint(err, "GRANT pg_monitor TO this user, or leave --max-lag out");
    }
    /* A reader that is held keeps its page pinned. When recovery waits for a page, holding readers is
     * what it waits for. */
    *lag_s = a.pinned ? 0 : a.own_s;
    *stuck = a.stuck;
    return a.standby || behind(p, &a, lag_s, err);
}

/* ---- MariaDB -----------------------------------------------------------------------------------*/

struct my_answer {
    unsigned replicas, sources;
    bool unknown; /* one of its threads does not run */
    double lag_s;
};

static bool take_behind(void *ctx, const struct db_row *row, struct err *err)
{
    struct my_answer *a = ctx;
    struct span said = db_named(row, "Seconds_Behind_Master");

    (void)err;
    if (!said.at)
        said = db_named(row, "Seconds_Behind_Source");
    double lag_s = number(said);
    a->sources++;
    a->unknown = a->unknown || !said.at;
    if (lag_s > a->lag_s)
        a->lag_s = lag_s;
    return true;
}

static bool take_dumpers(void *ctx, const struct db_row *row, struct err *err)
{
    struct my_answer *a = ctx;

    (void)err;
    a->replicas = (unsigned)number(row->value[0]);
    return true;
}

const char *lag_replica_sql(const struct db *db)
{
    if (!db->is_mysql)
        return "SHOW ALL SLAVES STATUS";
    return db->version >= 80022 ? "SHOW REPLICA STATUS" : "SHOW SLAVE STATUS";
}

/* Who does not say how far behind it is falls further behind with every second. */
static bool replica_behind(struct lag_probe *p, const struct my_answer *a, double *lag_s,
                           struct err *err)
{
    int64_t now = clock_mono_ns();

    if (a->unknown && !p->known_ns) {
        err_set(err, ERR_SERVICE, "the replica %s does not replicate", p->db->label);
        return err_hint(err, "START %s, or leave --max-lag out",
                        p->db->is_mysql ? "REPLICA" : "SLAVE");
    }
    if (!a->unknown) {
        p->known_ns = now;
        p->known_s = a->lag_s;
    }
    *lag_s = p->known_s + (double)(now - p->known_ns) / 1e9;
    return true;
}

static bool ask_mariadb(struct lag_probe *p, double *lag_s, struct err *err)
{
    struct my_answer a = {0};

    if (!db_rows(p->db, take_behind, &a, err, "%s", lag_replica_sql(p->db))) {
        if (err && err->code == ERR_RIGHTS)
            err_hint(err, "GRANT %s ON *.* TO this user, or leave --max-lag out",
                     p->db->is_mysql ? "REPLICATION CLIENT" : "SLAVE MONITOR");
        return false;
    }
    if (a.sources)
        return replica_behind(p, &a, lag_s, err);
    *lag_s = 0;
    if (!db_rows(p->db, take_dumpers, &a, err,
                 "SELECT count(*) FROM information_schema.processlist "
                 "WHERE command LIKE 'Binlog Dump%%'"))
        return false;
    if (!a.replicas)
        return true;
    err_set(err, ERR_UNSUPPORTED, "%s cannot say how far its %u replicas are behind", p->db->label,
            a.replicas);
    return err_hint(err, "capture one of the replicas, or leave --max-lag out and set --rate");
}

/* ---- life --------------------------------------------------------------------------------------*/

bool lag_probe_ask(struct lag_probe *p, double *lag_s, bool *stuck, struct err *err)
{
    *stuck = false;
    return (p->mariadb ? ask_mariadb(p, lag_s, err) : ask_pg(p, lag_s, stuck, err)) ||
           err_add(err, "cannot watch the replicas of '%s'", p->component);
}

void lag_probe_close(struct lag_probe *p)
{
    if (!p)
        return;
    db_close(p->db);
    vec_done(&p->past);
    free(p->component);
    free(p);
}
AUTO_PTR(lag_probe, struct lag_probe, lag_probe_close)

const char *lag_probe_component(const struct lag_probe *p)
{
    return p->component;
}

bool lag_probe_open(const char *component, const struct db_conf *conf, struct lag_probe **out,
                    struct err *err)
{
    AUTO(lag_probe) struct lag_probe *p = calloc(1, sizeof(*p));
    double lag_s;
    bool stuck;

    if (!p)
        return err_memory(err);
    p->past = (struct vec)VEC(struct past);
    p->component = strdup(component);
    p->mariadb = conf->engine == DB_MARIADB;
    if (!p->component)
        return err_memory(err);
    if (!db_open(conf, &p->db, err) || !lag_probe_ask(p, &lag_s, &stuck, err))
        return false;
    *out = TAKE(p);
    return true;
}
