#include "tests/test.h"

#include "lib/base/feed.h"

#include <stdatomic.h>
#include <stdlib.h>

struct source {
    unsigned next, count, fail_at;
    atomic_uint made, freed, sum, most_open;
    bool gone;
};

static bool next(void *ctx, unsigned worker, void **item, struct err *err)
{
    struct source *s = ctx;

    (void)worker;
    if (s->next == s->count)
        return true;
    if (s->fail_at && s->next == s->fail_at)
        return err_set(err, ERR_FAILED, "no more of it");
    unsigned *made = malloc(sizeof(*made));
    assert_non_null(made);
    *made = ++s->next;
    unsigned open = ++s->made - s->freed;
    if (open > s->most_open)
        s->most_open = open;
    *item = made;
    return true;
}

static bool add_up(void *ctx, void *item, unsigned worker, struct err *err)
{
    struct source *s = ctx;

    (void)worker;
    (void)err;
    s->sum += *(unsigned *)item;
    return true;
}

static void free_source(void *ctx)
{
    ((struct source *)ctx)->gone = true;
}

static void add(struct sched *sched, struct source *s)
{
    const struct feed_conf conf = {next, add_up, free, free_source, s, s->count, "a feed"};
    struct err err = {0};

    assert_ok(feed_add(sched, &conf, &err), &err);
}

/* Each item once, and never more of them than jobs. */
static bool free_and_count(void *ctx, void *item, unsigned worker, struct err *err)
{
    struct source *s = ctx;
    bool ok = add_up(ctx, item, worker, err);

    s->freed++;
    return ok;
}

TEST(every_item_of_a_feed_is_done_once)
{
    struct err err = {0};

    for (unsigned jobs = 1; jobs <= 8; jobs *= 2) {
        struct source one = {.count = 1000}, none = {0};
        const struct feed_conf conf = {next, free_and_count, free, free_source, &one, 1000, "one"};
        struct sched *sched = NULL;

        assert_ok(sched_new(jobs, &sched, &err), &err);
        assert_ok(feed_add(sched, &conf, &err), &err);
        add(sched, &none);
        assert_int_equal(sched_cost(sched), 1000);
        assert_ok(sched_run(sched, &err), &err);
        assert_int_equal(sched_cost(sched), 1000);
        assert_int_equal(one.sum, 1000 * 1001 / 2);
        assert_true(one.most_open <= jobs);
        sched_free(sched);
        assert_true(one.gone && none.gone);
    }
}

TEST(a_feed_that_fails_or_never_ran_is_freed)
{
    struct source bad = {.count = 100, .fail_at = 50}, idle = {.count = 5};
    struct sched *sched = NULL;
    struct err err = {0};

    assert_ok(sched_new(2, &sched, &err), &err);
    add(sched, &bad);
    assert_false(sched_run(sched, &err));
    assert_non_null(strstr(err.text, "no more of it"));
    sched_free(sched);
    assert_true(bad.gone);

    assert_ok(sched_new(2, &sched, &err), &err);
    add(sched, &idle);
    sched_free(sched);
    assert_true(idle.gone);
}

TESTS(every_item_of_a_feed_is_done_once, a_feed_that_fails_or_never_ran_is_freed)
