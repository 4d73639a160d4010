/* Threads that work ahead for one that uses their results in order, or takes their bytes. */
#include "tests/test.h"

#include "lib/bundle/ordered.h"
#include "lib/bundle/relay.h"

#include <stdatomic.h>
#include <stdint.h>
#include <unistd.h>

#define ITEMS 500

struct ledger {
    size_t slots[8];
    size_t used;
    atomic_size_t made;
    size_t bad_make, bad_use;
};

static bool make(void *ctx, size_t item, unsigned slot, struct err *err)
{
    struct ledger *l = ctx;

    if (item % 7 == 0)
        usleep(200);
    if (item == l->bad_make)
        return err_set(err, ERR_DAMAGED, "item %zu", item);
    l->slots[slot] = item * 3;
    atomic_fetch_add(&l->made, 1);
    return true;
}

static bool use(void *ctx, size_t item, unsigned slot, struct err *err)
{
    struct ledger *l = ctx;

    assert_int_equal(item, l->used);
    assert_int_equal(l->slots[slot], item * 3);
    /* Nobody is further ahead than there are slots. */
    assert_in_range(atomic_load(&l->made), item + 1, item + COUNT(l->slots));
    l->used++;
    return item != l->bad_use || err_set(err, ERR_SPACE, "no room");
}

static bool work(struct ledger *l, unsigned jobs, struct err *err)
{
    struct ordered w = {
        .jobs = jobs, .slots = COUNT(l->slots), .count = ITEMS, .make = make, .use = use, .ctx = l};

    return ordered_run(&w, err);
}

TEST(results_are_used_in_order)
{
    for (unsigned jobs = 1; jobs <= 8; jobs++) {
        struct ledger l = {.bad_make = SIZE_MAX, .bad_use = SIZE_MAX};
        struct err err = {0};

        assert_ok(work(&l, jobs, &err), &err);
        assert_int_equal(l.used, ITEMS);
    }
}

TEST(the_first_failure_ends_it)
{
    for (unsigned jobs = 1; jobs <= 4; jobs++) {
        struct ledger made = {.bad_make = 100, .bad_use = SIZE_MAX};
        struct ledger used = {.bad_make = SIZE_MAX, .bad_use = 100};
        struct err err = {0};

        assert_fails(work(&made, jobs, &err), &err, ERR_DAMAGED);
        assert_in_range(made.used, 0, 100);
        err = (struct err){0};
        assert_fails(work(&used, jobs, &err), &err, ERR_SPACE);
        assert_int_equal(used.used, 101);
    }
}

struct sending {
    size_t pieces, fail_at;
};

static bool produce(void *ctx, struct relay *r, struct err *err)
{
    struct sending *s = ctx;

    for (size_t i = 0; i < s->pieces; i++) {
        struct piece *p = relay_empty(r);

        if (!p)
            return false;
        if (i == s->fail_at)
            return err_set(err, ERR_DAMAGED, "piece %zu", i);
        p->at[0] = (char)i;
        p->len = 1;
        p->what = (int)i;
        relay_send(r, p);
    }
    return true;
}

static size_t consume(struct relay *r, size_t most)
{
    struct piece *p;
    size_t got = 0;

    while (got < most && (p = relay_next(r))) {
        assert_int_equal(p->what, got);
        assert_int_equal(p->at[0], (char)got);
        relay_back(r, p);
        got++;
    }
    return got;
}

TEST(pieces_arrive_in_order)
{
    struct sending s = {1000, SIZE_MAX};
    AUTO(relay) struct relay *r = NULL;
    struct err err = {0};

    assert_ok(relay_open(produce, &s, &r, &err), &err);
    assert_int_equal(consume(r, SIZE_MAX), 1000);
    assert_ok(relay_join(r, &err), &err);
}

TEST(either_side_may_fail)
{
    struct sending bad = {1000, 500}, good = {1000, SIZE_MAX};
    AUTO(relay) struct relay *r = NULL;
    AUTO(relay) struct relay *stopped = NULL;
    AUTO(relay) struct relay *left = NULL;
    struct err err = {0};

    assert_ok(relay_open(produce, &bad, &r, &err), &err);
    assert_in_range(consume(r, SIZE_MAX), 500 - RELAY_PIECES, 500);
    assert_fails(relay_join(r, &err), &err, ERR_DAMAGED);

    /* The consumer gives up: the producer ends without an error of its own. */
    err = (struct err){0};
    assert_ok(relay_open(produce, &good, &stopped, &err), &err);
    assert_int_equal(consume(stopped, 10), 10);
    relay_stop(stopped);
    assert_false(relay_join(stopped, &err));
    assert_int_equal(err.code, ERR_NONE);

    assert_ok(relay_open(produce, &good, &left, &err), &err); /* closed as it is */
}

TESTS(results_are_used_in_order, the_first_failure_ends_it, pieces_arrive_in_order,
      either_side_may_fail)
