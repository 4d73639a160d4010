/* A long list of work whose items are made only when somebody is free to do them.
 *
 * The tasks of a table of a terabyte would fill the memory before the first one ran: a feed is as
 * many tasks as there are jobs. Each, when it runs, takes the next item, waits in line again, as dear
 * as all items are, and does it: the longest list is through before the next one begins.
 * Threads: next() by one at a time, with the worker's number; run() by as many as there are jobs.
 * Errors:  the first failure of next() or run() ends the schedule, as that of any task does.
 */
#ifndef LIB_BASE_FEED_H
#define LIB_BASE_FEED_H

#include "lib/base/sched.h"

struct feed_conf {
    /* *item stays NULL when there are no more. */
    bool (*next)(void *ctx, unsigned worker, void **item, struct err *err);
    bool (*run)(void *ctx, void *item, unsigned worker, struct err *err);
    void (*free_item)(void *item);
    void (*free_ctx)(void *ctx); /* when nobody needs it any more; also when feed_add() fails */
    void *ctx;
    uint64_t cost;    /* of all items */
    const char *name; /* as a task's */
};

bool feed_add(struct sched *s, const struct feed_conf *conf, struct err *err);

#endif
