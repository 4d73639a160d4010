/* Runs tasks that depend on each other on a fixed number of threads.
 *
 * Of the tasks whose prerequisites are done, the dearest runs first, so that a large table does
 * not start last and leave the other cores idle. The first failure stops the hand-out of tasks;
 * running ones finish. A stop signal counts as a failure (ERR_STOPPED).
 * A task may add tasks while it runs (a planner), also ones that depend on others.
 * Threads: sched_add and sched_after from any thread; the rest from the owner.
 */
#ifndef LIB_BASE_SCHED_H
#define LIB_BASE_SCHED_H

#include "lib/base/auto.h"
#include "lib/base/err.h"

#include <stdint.h>

struct sched;
typedef uint32_t task_id;

struct task {
    /* worker: 0 .. jobs-1, constant for the thread; each worker owns its connections. */
    bool (*run)(void *ctx, void *arg, unsigned worker, struct err *err);
    void (*free_arg)(void *arg); /* may be NULL; called for every task, run or not */
    void *ctx;
    void *arg;
    uint64_t cost;     /* any unit, the same for all tasks: bytes is a good one */
    bool counted;      /* in the cost of a task before it: it only says how dear this one is */
    const char *name;  /* copied; for errors, progress and the trace log */
    unsigned max_same; /* > 0: at most this many tasks of the same `lane` at once */
    const char *lane;  /* copied; NULL: no limit */
};

bool sched_new(unsigned jobs, struct sched **out, struct err *err);
void sched_free(struct sched *s);
AUTO_PTR(sched, struct sched, sched_free)
/* On failure of memory false, and free_arg was called. */
bool sched_add(struct sched *s, const struct task *task, const task_id *after, size_t after_count,
               task_id *id, struct err *err);
bool sched_run(struct sched *s, struct err *err);
unsigned sched_jobs(const struct sched *s);
/* What was asked for, or one per core where nothing was. */
unsigned jobs_or_cores(uint64_t asked);
/* The sum of the costs of all tasks that were added, but of `counted` ones; for progress. Any thread. */
uint64_t sched_cost(struct sched *s);

#endif
