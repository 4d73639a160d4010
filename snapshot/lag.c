#include "snapshot/lag.h"

#include "lib/base/clock.h"
#include "lib/base/cmd.h"
#include "lib/base/vec.h"
#include "snapshot/lag_probe.h"

#include <pthread.h>
#include <stdatomic.h>

#define ASK_EVERY_MS 1000
/* How often a held reader looks whether it was told to stop. */
#define LOOK_EVERY_MS 200

struct lag {
    struct lag_conf conf;
    struct vec probes; /* struct lag_probe * */
    pthread_t asker;
    bool asking;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool ending;
    struct err why;        /* of a server that does not answer any more */
    int64_t held_since_ns; /* 0: readers run */
    int64_t held_ns;
    double max_s, now_s;
    const char *slowest; /* component */
};

/* ---- asking ------------------------------------------------------------------------------------*/

/* Waiting would not help: it is the snapshot that recovery waits for. */
static bool refuse_stuck(const struct lag *l, const char *component, double lag_s, struct err *err)
{
    err_set(err, ERR_LOCK,
            "'%s' is %.1f s behind, above --max-lag %.1f s, and its recovery waits "
            "for the sessions that read it",
            component, lag_s, l->conf.max_s);
    return err_hint(err, "set hot_standby_feedback = on there, or raise --max-lag");
}

/* The lag of all, and whose it is. */
static bool ask_all(struct lag *l, double *worst_s, const char **whose, struct err *err)
{
    struct lag_probe **probe = l->probes.at;

    *worst_s = 0;
    for (size_t i = 0; i < l->probes.count; i++) {
        double lag_s = 0;
        bool stuck = false;
        if (!lag_probe_ask(probe[i], &lag_s, &stuck, err))
            return false;
        if (stuck && lag_s > l->conf.max_s)
            return refuse_stuck(l, lag_probe_component(probe[i]), lag_s, err);
        if (lag_s >= *worst_s) {
            *worst_s = lag_s;
            *whose = lag_probe_component(probe[i]);
        }
    }
    return true;
}

/* Under the lock. */
static bool let_go(struct lag *l, struct err *err)
{
    int64_t held_ns = clock_mono_ns() - l->held_since_ns;

    l->held_ns += held_ns;
    l->held_since_ns = 0;
    return JOURNAL(l->conf.journal, err, "snapshot.lag", f_str("component", l->slowest),
                   f_real("max_s", l->conf.max_s), f_real("lag_s", l->now_s),
                   f_real("took_ms", (double)held_ns / 1e6));
}

static void note(struct lag *l, bool ok, double worst_s, const char *whose, const struct err *why)
{
    struct err err = {0};

    pthread_mutex_lock(&l->lock);
    if (!ok) {
        l->why = *why;
    } else if (worst_s > l->conf.max_s) {
        if (!l->held_since_ns) {
            l->held_since_ns = clock_mono_ns();
            l->now_s = 0;
        }
        l->slowest = whose;
        l->now_s = worst_s > l->now_s ? worst_s : l->now_s;
    } else if (l->held_since_ns && !let_go(l, &err)) {
        l->why = err;
    }
    l->max_s = ok && worst_s > l->max_s ? worst_s : l->max_s;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
}

static void wait_ms(struct lag *l, int64_t ms)
{
    struct timespec until;
    int64_t at_ns = clock_mono_ns() + ms * 1000000;

    until.tv_sec = at_ns / 1000000000;
    until.tv_nsec = at_ns % 1000000000;
    pthread_cond_timedwait(&l->changed, &l->lock, &until);
}

static bool rest(struct lag *l)
{
    int64_t until = clock_mono_ns() + (int64_t)ASK_EVERY_MS * 1000000;

    pthread_mutex_lock(&l->lock);
    while (!l->ending && clock_mono_ns() < until)
        wait_ms(l, ASK_EVERY_MS);
    bool more = !l->ending && !l->why.code;
    pthread_mutex_unlock(&l->lock);
    return more;
}

static void *ask_on(void *arg)
{
    struct lag *l = arg;

    do {
        struct err err = {0};
        double worst_s = 0;
        const char *whose = "";
        bool ok = ask_all(l, &worst_s, &whose, &err);
        note(l, ok, worst_s, whose, &err);
    } while (rest(l));
    return NULL;
}

/* ---- life --------------------------------------------------------------------------------------*/

bool lag_open(const struct lag_conf *conf, struct lag **out, struct err *err)
{
    struct lag *l = calloc(1, sizeof(*l));

    if (!l)
        return err_memory(err);
    l->conf = *conf;
    l->probes = (struct vec)VEC(struct lag_probe *);
    pthread_mutex_init(&l->lock, NULL);
    /* By the clock that nobody sets. */
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&l->changed, &attr);
    pthread_condattr_destroy(&attr);
    *out = l;
    return true;
}

void lag_close(struct lag *l)
{
    if (!l)
        return;
    pthread_mutex_lock(&l->lock);
    l->ending = true;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
    if (l->asking)
        pthread_join(l->asker, NULL);
    struct lag_probe **probe = l->probes.at;
    for (size_t i = 0; i < l->probes.count; i++)
        lag_probe_close(probe[i]);
    vec_done(&l->probes);
    pthread_cond_destroy(&l->changed);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

bool lag_watch(struct lag *l, const char *component, const struct db_conf *db, struct err *err)
{
    if (!l)
        return true;
    struct lag_probe **to = vec_add(&l->probes, err);
    if (!to)
        return false;
    if (lag_probe_open(component, db, to, err))
        return true;
    l->probes.count--;
    return false;
}

bool lag_start(struct lag *l, struct err *err)
{
    double worst_s = 0;
    const char *whose = "";

    if (!l || !l->probes.count)
        return true;
    /* Once before the first reader begins. */
    if (!ask_all(l, &worst_s, &whose, err))
        return false;
    note(l, true, worst_s, whose, NULL);
    if (pthread_create(&l->asker, NULL, ask_on, l) != 0)
        return err_set(err, ERR_FAILED, "cannot start the thread that watches replicas");
    l->asking = true;
    return true;
}

/* ---- readers -----------------------------------------------------------------------------------*/

static bool give_up(const struct lag *l, struct err *err)
{
    err_set(err, ERR_LOCK, "'%s' is %.1f s behind, for longer than %.0f s above --max-lag %.1f s",
            l->slowest, l->now_s, l->conf.patience_s, l->conf.max_s);
    return err_hint(err, "let the replica catch up, or raise --max-lag or --lag-timeout");
}

bool lag_wait(struct lag *l, struct err *err)
{
    bool ok = true;

    if (!l)
        return true;
    pthread_mutex_lock(&l->lock);
    while (ok && l->held_since_ns && !l->why.code) {
        double held_s = (double)(clock_mono_ns() - l->held_since_ns) / 1e9;
        ok = held_s <= l->conf.patience_s ? cmd_stop_check(err) : give_up(l, err);
        if (ok)
            wait_ms(l, LOOK_EVERY_MS);
    }
    if (ok && l->why.code)
        ok = err_pass(err, &l->why);
    pthread_mutex_unlock(&l->lock);
    return ok;
}

double lag_max_s(const struct lag *l)
{
    return l ? l->max_s : 0;
}

double lag_paused_ms(const struct lag *l)
{
    return l ? (double)l->held_ns / 1e6 : 0;
}
