#include "lib/bundle/ordered.h"

#include "lib/base/auto.h"
#include "lib/base/cmd.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>

struct running {
    const struct ordered *work;
    pthread_mutex_t lock; /* guards everything below */
    pthread_cond_t made, freed;
    size_t next, used; /* items: the first that nobody makes, and how many were used */
    bool *ready;       /* by slot */
    bool stopped;
    struct err why; /* the first error */
};

/* Under the lock. */
static void stop(struct running *r, const struct err *why)
{
    if (!r->stopped && why)
        r->why = *why;
    r->stopped = true;
    pthread_cond_broadcast(&r->made);
    pthread_cond_broadcast(&r->freed);
}

/* SIZE_MAX: there is nothing more to do. Under the lock. */
static size_t claim(struct running *r)
{
    while (!r->stopped && r->next < r->work->count && r->next >= r->used + r->work->slots)
        pthread_cond_wait(&r->freed, &r->lock);
    return r->stopped || r->next == r->work->count ? SIZE_MAX : r->next++;
}

static void *run(void *arg)
{
    struct running *r = arg;
    size_t item;

    pthread_mutex_lock(&r->lock);
    while ((item = claim(r)) != SIZE_MAX) {
        unsigned slot = (unsigned)(item % r->work->slots);
        struct err err = {0};

        pthread_mutex_unlock(&r->lock);
        bool ok = cmd_stop_check(&err) && r->work->make(r->work->ctx, item, slot, &err);
        pthread_mutex_lock(&r->lock);
        r->ready[slot] = true;
        if (!ok)
            stop(r, &err);
        pthread_cond_broadcast(&r->made);
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

/* Under the lock. */
static bool use_next(struct running *r)
{
    unsigned slot = (unsigned)(r->used % r->work->slots);
    struct err err = {0};

    while (!r->stopped && !r->ready[slot])
        pthread_cond_wait(&r->made, &r->lock);
    if (r->stopped)
        return false;
    pthread_mutex_unlock(&r->lock);
    bool ok = r->work->use(r->work->ctx, r->used, slot, &err);
    pthread_mutex_lock(&r->lock);
    if (!ok) {
        stop(r, &err);
        return false;
    }
    r->ready[slot] = false;
    r->used++;
    pthread_cond_broadcast(&r->freed);
    return true;
}

static void use_all(struct running *r)
{
    pthread_mutex_lock(&r->lock);
    while (r->used < r->work->count && use_next(r))
        continue;
    pthread_mutex_unlock(&r->lock);
}

static void start_and_use(struct running *r, pthread_t *threads)
{
    unsigned started = 0;

    while (started < r->work->jobs && pthread_create(&threads[started], NULL, run, r) == 0)
        started++;
    if (started)
        use_all(r);
    else
        err_set(&r->why, ERR_FAILED, "cannot start a thread");
    for (unsigned i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
}

bool ordered_run(const struct ordered *work, struct err *err)
{
    AUTO(free) bool *ready = calloc(work->slots, sizeof(*ready));
    AUTO(free) pthread_t *threads = calloc(work->jobs, sizeof(*threads));
    struct running r = {.work = work, .ready = ready};

    if (!ready || !threads)
        return err_memory(err);
    pthread_mutex_init(&r.lock, NULL);
    pthread_cond_init(&r.made, NULL);
    pthread_cond_init(&r.freed, NULL);
    start_and_use(&r, threads);
    pthread_cond_destroy(&r.freed);
    pthread_cond_destroy(&r.made);
    pthread_mutex_destroy(&r.lock);
    return r.why.code == ERR_NONE || err_pass(err, &r.why);
}
