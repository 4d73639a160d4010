#include "lib/base/idle.h"

#include <stddef.h>

void idle_init(struct idle *all)
{
    all->first = NULL;
    pthread_mutex_init(&all->lock, NULL);
}

void idle_done(struct idle *all)
{
    pthread_mutex_destroy(&all->lock);
}

void *idle_take(struct idle *all)
{
    pthread_mutex_lock(&all->lock);
    struct idle_item *item = all->first;
    if (item)
        all->first = item->next;
    pthread_mutex_unlock(&all->lock);
    return item;
}

void idle_give(struct idle *all, struct idle_item *item)
{
    pthread_mutex_lock(&all->lock);
    item->next = all->first;
    all->first = item;
    pthread_mutex_unlock(&all->lock);
}
