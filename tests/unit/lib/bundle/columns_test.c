#include "tests/test.h"

#include "lib/bundle/columns.h"

static void splits(const char *rows, unsigned count, const char *want)
{
    struct columns c;
    AUTO(buf) struct buf segment = {0};
    AUTO(buf) struct buf back = {0};
    struct err err = {0};

    assert_ok(columns_init(&c, count, &err), &err);
    assert_ok(columns_add_rows(&c, span_of(rows), &err), &err);
    assert_ok(columns_join(&c, &segment, &err), &err);
    assert_int_equal(segment.len, strlen(want));
    assert_memory_equal(buf_str(&segment), want, segment.len);
    assert_int_equal(c.bytes, segment.len);
    assert_ok(columns_to_rows(buf_view(&segment), count, c.rows, &back, &err), &err);
    assert_string_equal(buf_str(&back), rows);
    columns_done(&c);
}

TEST(puts_columns_one_behind_the_other)
{
    splits("1\ta\n2\tb\n3\tc\n", 2, "1\n2\n3\na\nb\nc\n");
    splits("1\n2\n", 1, "1\n2\n");
    splits("\t\t\n", 3, "\n\n\n");
    splits("a\\tb\t\\N\nc\\\\\t\\n\n", 2, "a\\tb\nc\\\\\n\\N\n\\n\n");
}

TEST(takes_nothing_and_tables_without_columns)
{
    splits("", 3, "");
    splits("", 0, "");
    splits("\n\n\n", 0, "\n\n\n");
}

/* Values around the step of the inner loop, at every offset. */
TEST(takes_values_of_every_length)
{
    struct err err = {0};

    for (unsigned count = 1; count <= 5; count++) {
        AUTO(buf) struct buf rows = {0};
        AUTO(buf) struct buf segment = {0};
        AUTO(buf) struct buf at_once = {0};
        AUTO(buf) struct buf back = {0};
        struct columns c;

        for (unsigned len = 0; len < 70; len++)
            for (unsigned i = 0; i < count; i++)
                buf_printf(&rows, "%.*s%c", (int)((len + i * 17) % 70),
                           "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-+*/~^",
                           i + 1 == count ? '\n' : '\t');
        assert_ok(columns_init(&c, count, &err), &err);
        /* In pieces of whole rows, as a driver gives them. */
        struct span rest = buf_view(&rows), row;
        while (span_split(&rest, '\n', &row) && rest.at)
            assert_ok(columns_add_rows(&c, (struct span){row.at, row.len + 1}, &err), &err);
        assert_int_equal(c.rows, 70);
        assert_ok(columns_join(&c, &segment, &err), &err);
        assert_int_equal(columns_lines(buf_view(&segment)), 70 * count);
        assert_ok(columns_to_rows(buf_view(&segment), count, 70, &back, &err), &err);
        assert_int_equal(back.len, rows.len);
        assert_memory_equal(back.at, rows.at, rows.len);
        columns_clear(&c);
        assert_ok(columns_add_rows(&c, buf_view(&rows), &err), &err);
        assert_int_equal(c.rows, 70);
        assert_ok(columns_join(&c, &at_once, &err), &err);
        assert_int_equal(at_once.len, segment.len);
        assert_memory_equal(at_once.at, segment.at, segment.len);
        columns_done(&c);
    }
}

TEST(takes_a_huge_row)
{
    size_t len = (size_t)20 << 20;
    AUTO(free) char *row = malloc(len);
    AUTO(buf) struct buf segment = {0};
    AUTO(buf) struct buf back = {0};
    struct columns c;
    struct err err = {0};

    memset(row, 'x', len);
    row[0] = '1';
    row[1] = '\t';
    row[len - 1] = '\n';
    assert_ok(columns_init(&c, 2, &err), &err);
    assert_ok(columns_add_rows(&c, (struct span){row, len}, &err), &err);
    assert_ok(columns_join(&c, &segment, &err), &err);
    assert_ok(columns_to_rows(buf_view(&segment), 2, 1, &back, &err), &err);
    assert_int_equal(back.len, len);
    assert_memory_equal(back.at, row, len);
    columns_clear(&c);
    assert_int_equal(c.rows, 0);
    columns_done(&c);
}

/* Tables of more columns, of fewer, of none, and of more again. */
TEST(serves_other_tables_in_the_same_memory)
{
    static const struct {
        unsigned count;
        const char *rows, *want;
    } tables[] = {{2, "1\ta\n2\tb\n", "1\n2\na\nb\n"},
                  {5, "a\tb\tc\td\te\n", "a\nb\nc\nd\ne\n"},
                  {1, "one\n", "one\n"},
                  {0, "\n\n", "\n\n"},
                  {6, "1\t2\t3\t4\t5\t6\n", "1\n2\n3\n4\n5\n6\n"}};
    AUTO(buf) struct buf segment = {0};
    struct columns c = {0};
    struct err err = {0};

    for (size_t i = 0; i < COUNT(tables); i++) {
        assert_ok(columns_reshape(&c, tables[i].count, &err), &err);
        assert_int_equal(c.rows, 0);
        assert_int_equal(c.bytes, 0);
        assert_ok(columns_add_rows(&c, span_of(tables[i].rows), &err), &err);
        assert_ok(columns_join(&c, &segment, &err), &err);
        assert_string_equal(buf_str(&segment), tables[i].want);
    }
    assert_true(columns_memory(&c) >= 6 * 2);
    columns_done(&c);
    assert_int_equal(columns_memory(&c), 0);
}

TEST(refuses_rows_of_another_width)
{
    static const char *const bad[] = {"1\n",
                                      "1\t2\t3\n",
                                      "1\t2",
                                      "1",
                                      "\n",
                                      "1\t2\n3\n",
                                      "a value of some length that has no end at all",
                                      "a value that is longer than what is looked at at once is\t"
                                      "followed by another\tand by one too many\n"};

    for (size_t i = 0; i < COUNT(bad); i++) {
        struct columns c;
        struct err err = {0};

        assert_ok(columns_init(&c, 2, &err), &err);
        assert_fails(columns_add_rows(&c, span_of(bad[i]), &err), &err, ERR_DAMAGED);
        columns_done(&c);
    }
    struct columns none;
    struct err err = {0};
    assert_ok(columns_init(&none, 0, &err), &err);
    assert_fails(columns_add_rows(&none, SPAN("x\n"), &err), &err, ERR_DAMAGED);
    columns_done(&none);
}

TEST(refuses_segments_of_another_shape)
{
    static const struct {
        const char *segment;
        unsigned count;
        uint64_t rows;
    } bad[] = {{"1\n2\n", 2, 2},
               {"1\n2\n3\n", 2, 1},
               {"1\n2", 2, 1},
               {"", 2, 1},
               {"1\n", 2, 0},
               {"x\n", 0, 1},
               {"\n\n", 0, 1},
               {"1\n2\n", 2, UINT64_MAX},
               {"\n\n\n\n", 3, 1},
               {"1\n2\nx", 2, 1},
               {"1\n2\n", 1, UINT64_MAX}};
    AUTO(buf) struct buf out = {0};

    for (size_t i = 0; i < COUNT(bad); i++) {
        struct err err = {0};
        assert_fails(
            columns_to_rows(span_of(bad[i].segment), bad[i].count, bad[i].rows, &out, &err), &err,
            ERR_DAMAGED);
    }
}

TESTS(serves_other_tables_in_the_same_memory, puts_columns_one_behind_the_other,
      takes_nothing_and_tables_without_columns, takes_values_of_every_length, takes_a_huge_row,
      refuses_rows_of_another_width, refuses_segments_of_another_shape)
