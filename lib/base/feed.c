#include "lib/base/feed.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct feed {
    struct feed_conf conf;
    struct sched *sched;
    char *name;
    pthread_mutex_t lock; /* guards what is below, and next() */
    unsigned users;       /* tasks that are there */
    bool over;
};

/* What a task is freed with. */
static void leave(void *arg)
{
    struct feed *f = arg;

    pthread_mutex_lock(&f->lock);
    bool last = --f->users == 0;
    pthread_mutex_unlock(&f->lock);
    if (!last)
        return;
    f->conf.free_ctx(f->conf.ctx);
    pthread_mutex_destroy(&f->lock);
    free(f->name);
    free(f);
}

AUTO_PTR(feed, struct feed, leave)

static bool stand_in_line(struct feed *f, bool counted, struct err *err);

static bool take(struct feed *f, unsigned worker, void **item, struct err *err)
{
    pthread_mutex_lock(&f->lock);
    bool ok = f->over || f->conf.next(f->conf.ctx, worker, item, err);
    if (!*item)
        f->over = true;
    pthread_mutex_unlock(&f->lock);
    return ok;
}

static bool run(void *ctx, void *arg, unsigned worker, struct err *err)
{
    struct feed *f = arg;
    void *item = NULL;

    (void)ctx;
    if (!take(f, worker, &item, err))
        return false;
    if (!item)
        return true;
    bool ok = stand_in_line(f, true, err) && f->conf.run(f->conf.ctx, item, worker, err);
    f->conf.free_item(item);
    return ok;
}

static bool stand_in_line(struct feed *f, bool counted, struct err *err)
{
    pthread_mutex_lock(&f->lock);
    f->users++;
    struct task task = {.run = run,
                        .free_arg = leave,
                        .arg = f,
                        .cost = f->conf.cost,
                        .counted = counted,
                        .name = f->name};
    pthread_mutex_unlock(&f->lock);
    return sched_add(f->sched, &task, NULL, 0, NULL, err);
}

bool feed_add(struct sched *s, const struct feed_conf *conf, struct err *err)
{
    struct feed *made = calloc(1, sizeof(*made));

    if (!made) {
        conf->free_ctx(conf->ctx);
        return err_memory(err);
    }
    *made = (struct feed){.conf = *conf,
                          .sched = s,
                          .name = conf->name ? strdup(conf->name) : NULL,
                          .users = 1}; /* this function */
    pthread_mutex_init(&made->lock, NULL);
    AUTO(feed) struct feed *f = made;
    if (conf->name && !f->name)
        return err_memory(err);
    for (unsigned i = 0; i < sched_jobs(s); i++)
        if (!stand_in_line(f, i > 0, err))
            return false;
    return true;
}
