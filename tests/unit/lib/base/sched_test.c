#include "tests/test.h"

#include "lib/base/clock.h"
#include "lib/base/queue.h"
#include "lib/base/sched.h"

#include <pthread.h>
#include <stdatomic.h>

static void pause_ms(int64_t ms)
{
    clock_sleep_until(clock_mono_ns() + ms * 1000000);
}

struct trace {
    pthread_mutex_t lock;
    char order[256];
    size_t len;
    atomic_int now, most;
    struct sched *s;
};

#define TRACE                             \
    {                                     \
        .lock = PTHREAD_MUTEX_INITIALIZER \
    }

static bool note(void *ctx, void *arg, unsigned worker, struct err *err)
{
    struct trace *t = ctx;

    (void)worker;
    (void)err;
    pthread_mutex_lock(&t->lock);
    t->order[t->len++] = *(const char *)arg;
    pthread_mutex_unlock(&t->lock);
    return true;
}

static task_id add(struct sched *s, struct trace *t, const char *name, uint64_t cost,
                   const task_id *after, size_t count)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    struct err err = {0};
    task_id id;
    struct task task = {.run = note,
                        .ctx = t,
                        .arg = (void *)(uintptr_t)&letters[*name - 'a'],
                        .cost = cost,
                        .name = name};

    assert_ok(sched_add(s, &task, after, count, &id, &err), &err);
    return id;
}

TEST(dearest_first_and_older_first_among_equals)
{
    AUTO(sched) struct sched *s = NULL;
    struct trace t = TRACE;
    struct err err = {0};

    assert_ok(sched_new(1, &s, &err), &err);
    add(s, &t, "a", 1, NULL, 0);
    add(s, &t, "b", 9, NULL, 0);
    add(s, &t, "c", 5, NULL, 0);
    add(s, &t, "d", 5, NULL, 0);
    add(s, &t, "e", 7, NULL, 0);
    assert_ok(sched_run(s, &err), &err);
    assert_string_equal(t.order, "becda");
}

TEST(waits_for_prerequisites)
{
    AUTO(sched) struct sched *s = NULL;
    struct trace t = TRACE;
    struct err err = {0};

    assert_ok(sched_new(4, &s, &err), &err);
    task_id a = add(s, &t, "a", 1, NULL, 0);
    task_id b = add(s, &t, "b", 1, &a, 1);
    task_id c = add(s, &t, "c", 100, (const task_id[]){a, b, b}, 3);
    add(s, &t, "d", 1000, &c, 1);
    assert_ok(sched_run(s, &err), &err);
    assert_string_equal(t.order, "abcd");
}

TEST(refuses_an_unknown_prerequisite)
{
    AUTO(sched) struct sched *s = NULL;
    struct trace t = TRACE;
    struct err err = {0};

    assert_ok(sched_new(1, &s, &err), &err);
    task_id a = add(s, &t, "a", 1, NULL, 0);
    const struct task task = {.run = note, .ctx = &t, .name = "x"};
    assert_fails(sched_add(s, &task, (const task_id[]){a, a, 77}, 3, NULL, &err), &err, ERR_FAILED);
    assert_ok(sched_run(s, &err), &err);
    assert_string_equal(t.order, "a");
}

static bool crowd(void *ctx, void *arg, unsigned worker, struct err *err)
{
    struct trace *t = ctx;
    int now = atomic_fetch_add(&t->now, 1) + 1, most = atomic_load(&t->most);

    (void)arg;
    (void)worker;
    (void)err;
    while (now > most && !atomic_compare_exchange_weak(&t->most, &most, now))
        ;
    pause_ms(2);
    atomic_fetch_sub(&t->now, 1);
    return true;
}

/* A full lane must not keep the other workers from other work either. */
TEST(keeps_a_lane_narrow)
{
    AUTO(sched) struct sched *s = NULL;
    struct trace lane = TRACE, rest = TRACE;
    struct err err = {0};
    char name[] = "the lane";

    assert_ok(sched_new(6, &s, &err), &err);
    for (int i = 0; i < 20; i++) {
        struct task narrow = {.run = crowd, .ctx = &lane, .cost = 100, .lane = name, .max_same = 2};
        struct task wide = {.run = crowd, .ctx = &rest, .cost = 1};
        assert_ok(sched_add(s, &narrow, NULL, 0, NULL, &err), &err);
        assert_ok(sched_add(s, &wide, NULL, 0, NULL, &err), &err);
    }
    memset(name, 'x', sizeof(name) - 1);
    assert_ok(sched_run(s, &err), &err);
    assert_int_equal(lane.most, 2);
    assert_true(rest.most >= 2);
}

static bool plan(void *ctx, void *arg, unsigned worker, struct err *err)
{
    struct trace *t = ctx;
    task_id first;
    struct task task = {.run = note, .ctx = t, .arg = (void *)(uintptr_t) "x", .name = "x"};

    (void)arg;
    (void)worker;
    if (!sched_add(t->s, &task, NULL, 0, &first, err))
        return false;
    task.arg = (void *)(uintptr_t) "y";
    return sched_add(t->s, &task, &first, 1, NULL, err);
}

TEST(a_task_may_add_tasks)
{
    AUTO(sched) struct sched *s = NULL;
    struct trace t = TRACE;
    struct err err = {0};

    assert_ok(sched_new(3, &s, &err), &err);
    t.s = s;
    const struct task planner = {.run = plan, .ctx = &t, .name = "plan"};
    task_id id;
    assert_ok(sched_add(s, &planner, NULL, 0, &id, &err), &err);
    add(s, &t, "z", 0, &id, 1);
    assert_ok(sched_run(s, &err), &err);
    assert_int_equal(t.len, 3);
    assert_true(strchr(t.order, 'x') < strchr(t.order, 'y'));
}

static bool broken(void *ctx, void *arg, unsigned worker, struct err *err)
{
    (void)ctx;
    (void)arg;
    (void)worker;
    return err_set(err, ERR_SQL, "no such column");
}

static void count_free(void *arg)
{
    ++*(int *)arg;
}

TEST(first_failure_stops_the_rest_and_frees_all)
{
    struct sched *s = NULL;
    struct trace t = TRACE;
    struct err err = {0};
    int freed = 0;

    assert_ok(sched_new(1, &s, &err), &err);
    struct task task = {.run = broken, .free_arg = count_free, .arg = &freed, .cost = 9};
    task.name = "orders";
    task_id id;
    assert_ok(sched_add(s, &task, NULL, 0, &id, &err), &err);
    task.run = note;
    task.ctx = &t;
    task.cost = 1;
    assert_ok(sched_add(s, &task, NULL, 0, NULL, &err), &err);
    assert_ok(sched_add(s, &task, &id, 1, NULL, &err), &err);
    assert_fails(sched_run(s, &err), &err, ERR_SQL);
    assert_string_equal(err.text, "orders: no such column");
    assert_int_equal(t.len, 0);
    sched_free(s);
    assert_int_equal(freed, 3);
}

TEST(refuses_absurd_numbers_of_jobs)
{
    struct sched *s = NULL;
    struct err err = {0};

    assert_fails(sched_new(0, &s, &err), &err, ERR_USAGE);
    assert_fails(sched_new(100000, &s, &err), &err, ERR_USAGE);
    assert_null(s);
}

static bool count(void *ctx, void *arg, unsigned worker, struct err *err)
{
    (void)arg;
    (void)err;
    atomic_fetch_add((atomic_int *)ctx, worker < 4);
    return true;
}

/* Thousands of tasks on a few threads: for ThreadSanitizer, and to see none lost. */
TEST(runs_every_one_of_many)
{
    AUTO(sched) struct sched *s = NULL;
    struct err err = {0};
    atomic_int ran = 0;
    task_id last = 0;

    assert_ok(sched_new(4, &s, &err), &err);
    for (unsigned i = 0; i < 3000; i++) {
        char lane[16];
        snprintf(lane, sizeof(lane), "%u", i % 7);
        const struct task task = {.run = count,
                                  .ctx = &ran,
                                  .cost = i * 7919 % 1000,
                                  .lane = lane,
                                  .max_same = i % 7 ? 1 : 0};
        assert_ok(sched_add(s, &task, &last, i % 3 == 2, &last, &err), &err);
    }
    assert_ok(sched_run(s, &err), &err);
    assert_int_equal(ran, 3000);
    assert_int_equal(sched_jobs(s), 4);
}

/* ---- queue ------------------------------------------------------------------------------------ */

struct pipe {
    struct queue *q;
    atomic_size_t sum, got;
};

static void *consume(void *arg)
{
    struct pipe *p = arg;
    void *item;

    while (queue_get(p->q, &item)) {
        atomic_fetch_add(&p->sum, (size_t)(uintptr_t)item);
        atomic_fetch_add(&p->got, 1);
    }
    return NULL;
}

static void *produce(void *arg)
{
    struct pipe *p = arg;

    for (uintptr_t i = 1; i <= 5000; i++)
        if (!queue_put(p->q, (void *)i))
            break;
    return NULL;
}

TEST(queue_passes_every_item_once)
{
    AUTO(queue) struct queue *q = NULL;
    struct err err = {0};
    pthread_t threads[4];

    assert_ok(queue_new(3, &q, &err), &err);
    struct pipe p = {.q = q};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, i < 2 ? produce : consume, &p), 0);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    queue_close(q);
    pthread_join(threads[2], NULL);
    pthread_join(threads[3], NULL);
    assert_int_equal(p.got, 10000);
    assert_int_equal(p.sum, 2 * (5000 * 5001 / 2));
}

TEST(closed_queue_gives_what_it_holds_and_takes_nothing)
{
    AUTO(queue) struct queue *q = NULL;
    struct err err = {0};
    int a, b;
    void *got = NULL;

    assert_ok(queue_new(2, &q, &err), &err);
    assert_false(queue_try_get(q, &got));
    assert_true(queue_put(q, &a) && queue_put(q, &b));
    assert_int_equal(queue_len(q), 2);
    queue_close(q);
    assert_false(queue_put(q, &a));
    assert_true(queue_get(q, &got) && got == &a);
    assert_true(queue_try_get(q, &got) && got == &b);
    assert_false(queue_get(q, &got));
    struct queue *none = NULL;
    assert_fails(queue_new(0, &none, &err), &err, ERR_FAILED);
    assert_fails(queue_new(SIZE_MAX, &none, &err), &err, ERR_FAILED);
}

TESTS(dearest_first_and_older_first_among_equals, waits_for_prerequisites,
      refuses_an_unknown_prerequisite, keeps_a_lane_narrow, a_task_may_add_tasks,
      first_failure_stops_the_rest_and_frees_all, refuses_absurd_numbers_of_jobs,
      runs_every_one_of_many, queue_passes_every_item_once,
      closed_queue_gives_what_it_holds_and_takes_nothing)
