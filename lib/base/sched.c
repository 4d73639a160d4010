#include "lib/base/sched.h"

#include "lib/base/clock.h"
#include "lib/base/cmd.h"
#include "lib/base/log.h"
#include "lib/base/sched_heap.h"
#include "lib/base/vec.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define JOBS_MAX 256

struct sched {
    unsigned jobs;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct vec nodes; /* struct node *, by id; NULL: it has ended */
    struct vec lanes; /* struct lane *; the first is the one without a limit */
    unsigned running;
    size_t open; /* tasks that have not ended */
    uint64_t cost;
    bool failed;
    struct err first;
};

struct worker {
    struct sched *s;
    unsigned number;
    pthread_t thread;
};

/* ---- life ------------------------------------------------------------------------------------- */

static void node_release(struct node *n)
{
    if (n->task.free_arg && !n->released)
        n->task.free_arg(n->task.arg);
    n->released = true;
}

static void node_free(struct node *n)
{
    if (!n)
        return;
    node_release(n);
    vec_done(&n->next);
    free(n->name);
    free(n);
}

static void lane_free(struct lane *l)
{
    vec_done(&l->ready);
    free(l->name);
    free(l);
}

AUTO_PTR(node, struct node, node_free)

static struct lane *lane_new(struct sched *s, const char *name, struct err *err)
{
    struct lane *lane = calloc(1, sizeof(*lane));
    struct lane **slot = lane ? vec_add(&s->lanes, err) : NULL;

    if (lane)
        lane->name = name ? strdup(name) : NULL;
    if (!slot || (name && !lane->name)) {
        if (slot)
            s->lanes.count--;
        free(lane);
        err_memory(err);
        return NULL;
    }
    lane->ready = (struct vec)VEC(struct node *);
    *slot = lane;
    return lane;
}

bool sched_new(unsigned jobs, struct sched **out, struct err *err)
{
    if (jobs < 1 || jobs > JOBS_MAX)
        return err_set(err, ERR_USAGE, "cannot work with %u jobs: 1 to %d are possible", jobs,
                       JOBS_MAX);
    AUTO(sched) struct sched *s = calloc(1, sizeof(*s));
    if (!s)
        return err_memory(err);
    s->jobs = jobs;
    s->nodes = (struct vec)VEC(struct node *);
    s->lanes = (struct vec)VEC(struct lane *);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    if (!lane_new(s, NULL, err))
        return false;
    *out = TAKE(s);
    return true;
}

void sched_free(struct sched *s)
{
    if (!s)
        return;
    struct node **nodes = s->nodes.at;
    struct lane **lanes = s->lanes.at;

    for (size_t i = 0; i < s->nodes.count; i++)
        node_free(nodes[i]);
    for (size_t i = 0; i < s->lanes.count; i++)
        lane_free(lanes[i]);
    vec_done(&s->nodes);
    vec_done(&s->lanes);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

unsigned jobs_or_cores(uint64_t asked)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    return asked ? (unsigned)asked : cores > 0 ? (unsigned)cores : 1;
}

unsigned sched_jobs(const struct sched *s)
{
    return s->jobs;
}

/* ---- adding ----------------------------------------------------------------------------------- */

static struct lane *lane_of(struct sched *s, const struct task *task, struct err *err)
{
    struct lane **lanes = s->lanes.at;

    if (!task->lane || !task->max_same)
        return lanes[0];
    for (size_t i = 1; i < s->lanes.count; i++)
        if (strcmp(lanes[i]->name, task->lane) == 0) {
            lanes[i]->max = task->max_same < lanes[i]->max ? task->max_same : lanes[i]->max;
            return lanes[i];
        }
    struct lane *made = lane_new(s, task->lane, err);
    if (made)
        made->max = task->max_same;
    return made;
}

/* Those that have ended already are not waited for. Room for one more is made in every heap and list
 * before anything is changed, so that nothing can fail half way. */
static bool node_wait(struct sched *s, struct node *n, const task_id *after, size_t count,
                      struct err *err)
{
    struct node **nodes = s->nodes.at;

    for (size_t i = 0; i < count; i++) {
        if (after[i] >= s->nodes.count)
            return err_set(err, ERR_FAILED, "task '%s' waits for task %u, which does not exist",
                           n->name ? n->name : "", after[i]);
        if (!nodes[after[i]])
            continue;
        struct node **slot = vec_add(&nodes[after[i]]->next, err);
        if (!slot)
            return false;
        *slot = n;
        n->waiting++;
    }
    return true;
}

static void node_unwait(struct sched *s, const struct node *n, const task_id *after, size_t count)
{
    struct node **nodes = s->nodes.at;

    for (size_t i = 0; i < count && after[i] < s->nodes.count; i++) {
        struct vec *next = nodes[after[i]] ? &nodes[after[i]]->next : NULL;
        struct node **list = next ? next->at : NULL;
        while (next && next->count && list[next->count - 1] == n)
            next->count--;
    }
}

static bool add_locked(struct sched *s, struct node *n, const task_id *after, size_t after_count,
                       task_id *id, struct err *err)
{
    n->lane = lane_of(s, &n->task, err);
    if (!n->lane || !heap_reserve(&n->lane->ready, ++n->lane->members, err))
        return false;
    if (!node_wait(s, n, after, after_count, err)) {
        node_unwait(s, n, after, after_count);
        return false;
    }
    struct node **slot = vec_add(&s->nodes, err);
    if (!slot) {
        node_unwait(s, n, after, after_count);
        return false;
    }
    *slot = n;
    n->id = (task_id)(s->nodes.count - 1);
    s->open++;
    s->cost += n->task.counted ? 0 : n->task.cost;
    if (!n->waiting)
        heap_push(&n->lane->ready, n);
    if (id)
        *id = n->id;
    pthread_cond_signal(&s->changed);
    return true;
}

bool sched_add(struct sched *s, const struct task *task, const task_id *after, size_t after_count,
               task_id *id, struct err *err)
{
    AUTO(node) struct node *n = calloc(1, sizeof(*n));
    if (!n) {
        if (task->free_arg)
            task->free_arg(task->arg);
        return err_memory(err);
    }
    n->task = *task;
    n->next = (struct vec)VEC(struct node *);
    n->name = task->name ? strdup(task->name) : NULL;
    if (task->name && !n->name)
        return err_memory(err);

    pthread_mutex_lock(&s->lock);
    bool added = add_locked(s, n, after, after_count, id, err);
    if (added)
        n = NULL;
    pthread_mutex_unlock(&s->lock);
    return added;
}

/* ---- running ---------------------------------------------------------------------------------- */

/* The dearest ready task whose lane has room, or NULL. */
static struct node *pick(struct sched *s)
{
    struct lane **lanes = s->lanes.at, *best = NULL;

    for (size_t i = 0; i < s->lanes.count; i++) {
        struct lane *l = lanes[i];
        if (!l->ready.count || (l->max && l->running >= l->max))
            continue;
        if (!best || node_before(heap_top(&l->ready), heap_top(&best->ready)))
            best = l;
    }
    return best ? heap_pop(&best->ready) : NULL;
}

static void fail_first(struct sched *s, const struct node *n, const struct err *why)
{
    if (s->failed)
        return;
    s->failed = true;
    s->first = *why;
    if (s->first.code == ERR_NONE)
        err_set(&s->first, ERR_FAILED, "failed without a reason");
    if (n && n->name && !strstr(s->first.text, n->name))
        err_add(&s->first, "%s", n->name);
}

static void finish(struct sched *s, struct node *n, bool ok, const struct err *why)
{
    struct node **next = n->next.at;

    n->lane->running--;
    s->running--;
    s->open--;
    if (!ok)
        fail_first(s, n, why);
    for (size_t i = 0; ok && i < n->next.count; i++)
        if (--next[i]->waiting == 0)
            heap_push(&next[i]->lane->ready, next[i]);
    /* A long run has millions of them. */
    ((struct node **)s->nodes.at)[n->id] = NULL;
    n->lane->members--;
    node_free(n);
    pthread_cond_broadcast(&s->changed);
}

static void run_one(struct sched *s, struct node *n, unsigned worker)
{
    struct err err = {0};
    int64_t start = clock_mono_ns();

    bool ok = n->task.run(n->task.ctx, n->task.arg, worker, &err);
    log_debug("task", f_str("name", n->name), f_bool("ok", ok), f_num("worker", worker),
              f_num("took_us", (clock_mono_ns() - start) / 1000));
    node_release(n);
    pthread_mutex_lock(&s->lock);
    finish(s, n, ok, &err);
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    struct sched *s = w->s;

    pthread_mutex_lock(&s->lock);
    while (!s->failed) {
        struct err stopped = {0};
        if (!cmd_stop_check(&stopped)) {
            fail_first(s, NULL, &stopped);
            break;
        }
        struct node *n = pick(s);
        if (!n && !s->running)
            break;
        if (!n) {
            pthread_cond_wait(&s->changed, &s->lock);
            continue;
        }
        n->lane->running++;
        s->running++;
        pthread_mutex_unlock(&s->lock);
        run_one(s, n, w->number);
    }
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

bool sched_run(struct sched *s, struct err *err)
{
    AUTO(free) struct worker *workers = calloc(s->jobs, sizeof(*workers));
    unsigned started = 0;

    if (!workers)
        return err_memory(err);
    for (; started < s->jobs; started++) {
        workers[started] = (struct worker){.s = s, .number = started};
        if (pthread_create(&workers[started].thread, NULL, worker_main, &workers[started]) != 0)
            break;
    }
    for (unsigned i = 0; i < started; i++)
        pthread_join(workers[i].thread, NULL);
    if (!started)
        return err_set(err, ERR_FAILED, "cannot start a thread");
    if (s->failed && err)
        *err = s->first;
    return !s->failed;
}

uint64_t sched_cost(struct sched *s)
{
    pthread_mutex_lock(&s->lock);
    uint64_t cost = s->cost;
    pthread_mutex_unlock(&s->lock);
    return cost;
}
