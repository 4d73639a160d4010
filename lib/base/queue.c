#include "lib/base/queue.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t filled, drained;
    size_t capacity, first, count;
    bool closed;
    void *items[];
};

bool queue_new(size_t capacity, struct queue **out, struct err *err)
{
    struct queue *q = NULL;

    if (!capacity)
        return err_set(err, ERR_FAILED, "a queue of capacity 0 cannot hold anything");
    if (capacity <= (SIZE_MAX - sizeof(*q)) / sizeof(void *))
        q = calloc(1, sizeof(*q) + capacity * sizeof(void *));
    if (!q)
        return err_memory(err);
    q->capacity = capacity;
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->filled, NULL);
    pthread_cond_init(&q->drained, NULL);
    *out = q;
    return true;
}

void queue_free(struct queue *q)
{
    if (!q)
        return;
    pthread_cond_destroy(&q->drained);
    pthread_cond_destroy(&q->filled);
    pthread_mutex_destroy(&q->lock);
    free(q);
}

bool queue_put(struct queue *q, void *item)
{
    pthread_mutex_lock(&q->lock);
    while (!q->closed && q->count == q->capacity)
        pthread_cond_wait(&q->drained, &q->lock);
    bool open = !q->closed;
    if (open) {
        q->items[(q->first + q->count++) % q->capacity] = item;
        pthread_cond_signal(&q->filled);
    }
    pthread_mutex_unlock(&q->lock);
    return open;
}

static bool take_locked(struct queue *q, void **item)
{
    if (!q->count)
        return false;
    *item = q->items[q->first];
    q->first = (q->first + 1) % q->capacity;
    q->count--;
    pthread_cond_signal(&q->drained);
    return true;
}

bool queue_get(struct queue *q, void **item)
{
    pthread_mutex_lock(&q->lock);
    while (!q->closed && !q->count)
        pthread_cond_wait(&q->filled, &q->lock);
    bool got = take_locked(q, item);
    pthread_mutex_unlock(&q->lock);
    return got;
}

bool queue_try_get(struct queue *q, void **item)
{
    pthread_mutex_lock(&q->lock);
    bool got = take_locked(q, item);
    pthread_mutex_unlock(&q->lock);
    return got;
}

void queue_close(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->closed = true;
    pthread_cond_broadcast(&q->filled);
    pthread_cond_broadcast(&q->drained);
    pthread_mutex_unlock(&q->lock);
}

size_t queue_len(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    size_t count = q->count;
    pthread_mutex_unlock(&q->lock);
    return count;
}
