#include "tests/shop/server/pool.h"

#include "tests/shop/server/conf.h"

#include <pthread.h>

struct pool {
    const struct pool_ops *ops;
    const struct conf *conf;
    pthread_mutex_t lock;
    pthread_cond_t freed;
    void **idle; /* a stack: the one used last is warmest */
    size_t idle_count;
    size_t open_count;
};

bool pool_new(const struct pool_ops *ops, const struct conf *conf, struct pool **out,
              struct err *err)
{
    AUTO(free) struct pool *p = calloc(1, sizeof(*p));
    if (!p)
        return err_memory(err);
    p->idle = calloc(conf->connections, sizeof(*p->idle));
    if (!p->idle)
        return err_memory(err);
    p->ops = ops;
    p->conf = conf;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->freed, NULL);
    *out = TAKE(p);
    return true;
}

void pool_free(struct pool *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->idle_count; i++)
        p->ops->close(p->idle[i]);
    free(p->idle);
    pthread_cond_destroy(&p->freed);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

static void forget_one(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    p->open_count--;
    pthread_cond_signal(&p->freed);
    pthread_mutex_unlock(&p->lock);
}

bool pool_get(struct pool *p, void **out, struct err *err)
{
    void *held = NULL;

    pthread_mutex_lock(&p->lock);
    while (p->idle_count == 0 && p->open_count == p->conf->connections)
        pthread_cond_wait(&p->freed, &p->lock);
    if (p->idle_count > 0)
        held = p->idle[--p->idle_count];
    else
        p->open_count++;
    pthread_mutex_unlock(&p->lock);

    if (!held && !p->ops->open(p->conf, &held, err)) {
        forget_one(p);
        return false;
    }
    *out = held;
    return true;
}

void pool_put(struct pool *p, void *connection, bool broken)
{
    if (broken) {
        p->ops->close(connection);
        forget_one(p);
        return;
    }
    pthread_mutex_lock(&p->lock);
    p->idle[p->idle_count++] = connection;
    pthread_cond_signal(&p->freed);
    pthread_mutex_unlock(&p->lock);
}
