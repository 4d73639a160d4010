#include "tests/test.h"

#include "lib/base/buf.h"
#include "lib/base/vec.h"

TEST(grows_and_stays_terminated)
{
    AUTO(buf) struct buf b = {0};

    assert_string_equal(buf_str(&b), "");
    for (int i = 0; i < 1000; i++)
        assert_true(buf_printf(&b, "%d,", i));
    assert_int_equal(b.len, 10 + 90 * 2 + 900 * 3 + 1000);
    assert_int_equal(strlen(b.at), b.len);
}

TEST(stops_at_its_maximum_and_remembers)
{
    AUTO(buf) struct buf b = {0};
    struct err err = {0};

    buf_init(&b, 10);
    assert_true(buf_puts(&b, "0123456789"));
    assert_false(buf_putc(&b, 'x'));
    assert_false(buf_add(&b, "", 0));
    assert_string_equal(b.at, "0123456789");
    assert_fails(buf_ok(&b, &err), &err, ERR_FAILED);
    buf_clear(&b);
    assert_ok(buf_ok(&b, &err), &err);
    assert_true(buf_puts(&b, "again"));
    assert_false(buf_reserve(&b, SIZE_MAX));
}

TEST(gives_its_text_away)
{
    struct buf b = {0};

    AUTO(free) char *empty = buf_take(&b);
    assert_string_equal(empty, "");
    buf_puts(&b, "text");
    AUTO(free) char *text = buf_take(&b);
    assert_string_equal(text, "text");
    assert_null(b.at);
    b.failed = true;
    assert_null(buf_take(&b));
}

struct thing {
    uint64_t a;
    char b;
};

TEST(adds_zeroed_items)
{
    AUTO(vec) struct vec v = VEC(struct thing);

    for (size_t i = 0; i < 100; i++) {
        struct thing *t = vec_add(&v, NULL);
        assert_non_null(t);
        assert_true(t->a == 0 && t->b == 0);
        *t = (struct thing){i, 'x'};
    }
    const struct thing *all = v.at;
    assert_int_equal(all[99].a, 99);
    assert_int_equal(v.count, 100);
}

TESTS(grows_and_stays_terminated, stops_at_its_maximum_and_remembers, gives_its_text_away,
      adds_zeroed_items)
