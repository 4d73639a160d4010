/* Things that wait to be used again; what was given last, and is still warm, is taken first.
 *
 * Ownership: what lies here belongs to the list, whose holder takes and frees all before idle_done().
 * Threads: idle_take() and idle_give() from any.
 */
#ifndef LIB_BASE_IDLE_H
#define LIB_BASE_IDLE_H

#include <pthread.h>

struct idle_item { /* things embed it first */
    struct idle_item *next;
};

struct idle {
    pthread_mutex_t lock;
    struct idle_item *first;
};

void idle_init(struct idle *all);
void idle_done(struct idle *all);
void *idle_take(struct idle *all); /* NULL: there is none */
void idle_give(struct idle *all, struct idle_item *item);

#endif
