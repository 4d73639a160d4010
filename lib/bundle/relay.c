#include "lib/bundle/relay.h"

#include "lib/base/queue.h"

#include <pthread.h>
#include <string.h>

struct relay {
    bool (*work)(void *ctx, struct relay *r, struct err *err);
    void *ctx;
    struct queue *empty, *full;
    struct piece pieces[RELAY_PIECES];
    char *memory;
    pthread_t thread;
    bool running, failed;
    struct err why; /* the worker's; read once it is joined */
};

static void *run(void *arg)
{
    struct relay *r = arg;

    r->failed = !r->work(r->ctx, r, &r->why);
    if (r->failed)
        relay_stop(r);
    relay_end(r);
    return NULL;
}

static bool fill(struct relay *r, struct err *err)
{
    r->memory = malloc(RELAY_PIECES * RELAY_BYTES);
    if (!r->memory)
        return err_memory(err);
    if (!queue_new(RELAY_PIECES, &r->empty, err) || !queue_new(RELAY_PIECES, &r->full, err))
        return false;
    for (size_t i = 0; i < RELAY_PIECES; i++) {
        r->pieces[i].at = r->memory + i * RELAY_BYTES;
        queue_put(r->empty, &r->pieces[i]);
    }
    int failed = pthread_create(&r->thread, NULL, run, r);
    r->running = !failed;
    return r->running ||
           err_set(err, ERR_FAILED, "cannot start a thread: %s", strerrordesc_np(failed));
}

bool relay_open(bool (*work)(void *ctx, struct relay *r, struct err *err), void *ctx,
                struct relay **out, struct err *err)
{
    AUTO(relay) struct relay *r = calloc(1, sizeof(*r));

    if (!r)
        return err_memory(err);
    r->work = work;
    r->ctx = ctx;
    if (!fill(r, err))
        return false;
    *out = TAKE(r);
    return true;
}

static struct piece *take(struct queue *q)
{
    void *piece = NULL;

    return queue_get(q, &piece) ? piece : NULL;
}

struct piece *relay_empty(struct relay *r)
{
    struct piece *p = take(r->empty);

    if (p)
        p->len = 0;
    return p;
}

void relay_send(struct relay *r, struct piece *p)
{
    queue_put(r->full, p);
}

void relay_end(struct relay *r)
{
    queue_close(r->full);
}

struct piece *relay_next(struct relay *r)
{
    return take(r->full);
}

void relay_back(struct relay *r, struct piece *p)
{
    queue_put(r->empty, p);
}

/* What is on its way is not used any more either. */
void relay_stop(struct relay *r)
{
    void *left = NULL;

    queue_close(r->empty);
    queue_close(r->full);
    while (queue_try_get(r->empty, &left) || queue_try_get(r->full, &left))
        continue;
}

bool relay_join(struct relay *r, struct err *err)
{
    if (r->running)
        pthread_join(r->thread, NULL);
    r->running = false;
    return !r->failed || err_pass(err, &r->why);
}

void relay_close(struct relay *r)
{
    if (!r)
        return;
    if (r->running) {
        relay_stop(r);
        relay_join(r, NULL);
    }
    queue_free(r->empty);
    queue_free(r->full);
    free(r->memory);
    free(r);
}
