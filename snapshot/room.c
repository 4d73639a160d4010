#include "snapshot/room.h"

#include "lib/bundle/bundle.h"

#include <pthread.h>
#include <stdlib.h>

/* What the columns of a usual segment and their text come to, grown by doubling. */
#define KEEP (8 * SEGMENT_TARGET)

struct rooms {
    pthread_mutex_t lock;
    struct room *idle;
};

bool rooms_new(struct rooms **out, struct err *err)
{
    struct rooms *all = calloc(1, sizeof(*all));

    if (!all)
        return err_memory(err);
    pthread_mutex_init(&all->lock, NULL);
    *out = all;
    return true;
}

static void room_free(struct room *r)
{
    columns_done(&r->cols);
    buf_done(&r->joined);
    free(r);
}

void rooms_free(struct rooms *all)
{
    if (!all)
        return;
    while (all->idle) {
        struct room *r = all->idle;

        all->idle = r->next;
        room_free(r);
    }
    pthread_mutex_destroy(&all->lock);
    free(all);
}

bool rooms_take(struct rooms *all, unsigned columns, struct room **out, struct err *err)
{
    pthread_mutex_lock(&all->lock);
    struct room *r = all->idle;
    if (r)
        all->idle = r->next;
    pthread_mutex_unlock(&all->lock);

    if (!r)
        r = calloc(1, sizeof(*r));
    if (!r || !columns_reshape(&r->cols, columns, err)) {
        rooms_give(all, r);
        return err_memory(err);
    }
    r->joined.max = SEGMENT_RAW_MAX;
    buf_clear(&r->joined);
    *out = r;
    return true;
}

void rooms_give(struct rooms *all, struct room *r)
{
    if (!r)
        return;
    if (columns_memory(&r->cols) + r->joined.cap > KEEP) {
        room_free(r);
        return;
    }
    pthread_mutex_lock(&all->lock);
    r->next = all->idle;
    all->idle = r;
    pthread_mutex_unlock(&all->lock);
}
