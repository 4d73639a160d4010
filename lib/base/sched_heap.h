/* The ready tasks of one lane, dearest on top: for sched.c alone. Of equal ones the older goes
 * first, so that a run with one job is the same every time. */
#ifndef LIB_BASE_SCHED_HEAP_H
#define LIB_BASE_SCHED_HEAP_H

#include "lib/base/sched.h"
#include "lib/base/vec.h"

struct lane {
    char *name;
    unsigned max, running; /* max 0: no limit */
    size_t members;
    struct vec ready; /* struct node *, a binary heap */
};

struct node {
    struct task task; /* its name and lane are not to be used: they were the caller's */
    task_id id;
    char *name;
    struct lane *lane;
    struct vec next; /* struct node *: those that wait for this one */
    size_t waiting;
    bool released;
};

bool node_before(const struct node *a, const struct node *b);
/* Room for `count` in all, so that heap_push() cannot fail. */
bool heap_reserve(struct vec *heap, size_t count, struct err *err);
void heap_push(struct vec *heap, struct node *n);
struct node *heap_top(const struct vec *heap);
struct node *heap_pop(struct vec *heap);

#endif
