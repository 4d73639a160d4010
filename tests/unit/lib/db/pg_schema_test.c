/* What a schema archive is known by: all of it but the time of its making. */
#include "tests/test.h"

#include "lib/db/pg_schema.h"

/* The head of a custom archive with integers of 4 bytes, and what stands behind it. */
static void make(struct buf *out, unsigned minor, unsigned format, unsigned day, const char *rest)
{
    const unsigned time[] = {59, 30, 12, day, 10, 126, 0};

    buf_clear(out);
    buf_puts(out, "PGDMP");
    buf_putc(out, 1);
    buf_putc(out, (char)minor);
    buf_add(out, "\0\4\10", 3);
    buf_putc(out, (char)format);
    buf_add(out, "\0\0\0\0\0", minor < 15 ? 5 : 1);
    for (size_t i = 0; i < COUNT(time); i++) {
        const char number[] = {0, (char)time[i], 0, 0, 0};
        buf_add(out, number, sizeof(number));
    }
    buf_puts(out, rest);
}

static bool print(unsigned minor, unsigned format, unsigned day, const char *rest,
                  struct digest *out)
{
    AUTO(buf) struct buf archive = {0};
    struct err err = {0};

    make(&archive, minor, format, day, rest);
    return pg_schema_print(buf_view(&archive), out, &err);
}

TEST(the_time_alone_makes_no_other_archive)
{
    for (unsigned minor = 14; minor <= 16; minor++) {
        struct digest monday, tuesday, other, empty;

        assert_true(print(minor, 1, 21, "table a", &monday));
        assert_true(print(minor, 1, 22, "table a", &tuesday));
        assert_true(print(minor, 1, 21, "table b", &other));
        assert_true(print(minor, 1, 21, "", &empty));
        assert_true(digest_eq(&monday, &tuesday));
        assert_false(digest_eq(&monday, &other));
        assert_false(digest_eq(&monday, &empty));
    }
}

/* Another version may have its head in another order: its time could hide what changed. */
TEST(what_is_not_known_has_no_print)
{
    AUTO(buf) struct buf archive = {0};
    struct digest d;
    struct err err = {0};

    assert_false(print(13, 1, 1, "x", &d));
    assert_false(print(17, 1, 1, "x", &d));
    assert_false(print(14, 3, 1, "x", &d));
    make(&archive, 14, 1, 1, "");
    for (size_t len = 0; len < archive.len; len++)
        assert_false(pg_schema_print((struct span){archive.at, len}, &d, &err));
    assert_ok(pg_schema_print(buf_view(&archive), &d, &err), &err);
    archive.at[0] = 'Q';
    assert_fails(pg_schema_print(buf_view(&archive), &d, &err), &err, ERR_UNSUPPORTED);
}

TESTS(the_time_alone_makes_no_other_archive, what_is_not_known_has_no_print)
