/* What rows become segments in. */
#include "lib/bundle/bundle.h"
#include "snapshot/room.h"
#include "tests/test.h"

static struct room *take(struct rooms *all, unsigned columns)
{
    struct room *r = NULL;
    struct err err = {0};

    assert_ok(rooms_take(all, columns, &r, &err), &err);
    assert_int_equal(r->cols.count, columns);
    assert_int_equal(r->cols.rows, 0);
    assert_int_equal(r->joined.len, 0);
    return r;
}

static struct rooms *make(void)
{
    struct rooms *all = NULL;
    struct err err = {0};

    assert_ok(rooms_new(&all, &err), &err);
    return all;
}

TEST(is_empty_whatever_was_left_in_it)
{
    struct rooms *all = make();
    struct room *first = take(all, 2), *second = take(all, 2);
    struct err err = {0};

    assert_ptr_not_equal(first, second);
    assert_ok(columns_add_rows(&first->cols, SPAN("1\t2\n"), &err), &err);
    assert_fails(columns_add_rows(&first->cols, SPAN("1\n"), &err), &err, ERR_DAMAGED);
    buf_puts(&first->joined, "half a segment");
    rooms_give(all, first);
    struct room *again = take(all, 3);
    assert_ptr_equal(again, first);
    assert_true(again->joined.cap > 0);
    assert_ok(columns_add_rows(&again->cols, SPAN("1\t2\t3\n"), &err), &err);
    assert_int_equal(again->cols.rows, 1);
    rooms_give(all, again);
    rooms_give(all, second);
    rooms_give(all, NULL);
    rooms_free(all);
    rooms_free(NULL);
}

/* One large row must not be held for the rest of a snapshot. */
TEST(is_not_kept_when_it_is_large)
{
    struct rooms *all = make();
    struct room *r = take(all, 1);

    assert_true(buf_reserve(&r->joined, 9 * SEGMENT_TARGET));
    rooms_give(all, r);
    r = take(all, 1);
    assert_true(r->joined.cap < 9 * SEGMENT_TARGET);
    rooms_give(all, r);
    rooms_free(all);
}

TESTS(is_empty_whatever_was_left_in_it, is_not_kept_when_it_is_large)
