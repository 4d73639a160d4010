/* A base in its heir's order: what is taken, in which order, and what a list may not ask for. */
#include "lib/bundle/columns.h"
#include "lib/bundle/rows.h"
#include "tests/test.h"

#define ROWS 3000u

/* Three columns: a number, one of few words, random digits. */
static void add_row(struct buf cols[3], unsigned id)
{
    static const char *const words[] = {"new", "paid", "\\N", ""};

    buf_printf(&cols[0], "%u\n", id);
    buf_printf(&cols[1], "%s\n", words[id % COUNT(words)]);
    buf_printf(&cols[2], "%016llx\n", (unsigned long long)(id * 0x9E3779B97F4A7C15u));
}

static void join(struct buf cols[3], struct buf *out)
{
    buf_clear(out);
    for (unsigned i = 0; i < 3; i++) {
        buf_span(out, buf_view(&cols[i]));
        buf_done(&cols[i]);
    }
}

/* Rows 0 .. ROWS-1; without those for which but says so. */
static void make(bool (*but)(unsigned), struct buf *out)
{
    struct buf cols[3] = {{0}, {0}, {0}};

    for (unsigned i = 0; i < ROWS; i++)
        if (!but || !but(i))
            add_row(cols, i);
    join(cols, out);
}

static void same(const struct buf *a, const struct buf *b)
{
    assert_int_equal(a->len, b->len);
    assert_memory_equal(a->at, b->at, a->len);
}

static uint64_t lines(const struct buf *segment)
{
    return columns_lines(buf_view(segment));
}

/* How many rows the base has not; whether each is where `is` says. */
static unsigned fresh_rows(const struct rows_order *order, bool (*is)(unsigned))
{
    const struct rows_run *r = order->runs.at;
    unsigned fresh = 0, row = 0;

    for (size_t i = 0; i < order->runs.count; row += r[i++].count) {
        if (r[i].from != ROWS_FRESH)
            continue;
        fresh += r[i].count;
        for (unsigned k = 0; is && k < r[i].count; k++)
            assert_true(is(row + k));
    }
    return fresh;
}

static void arranged(const struct buf *base, const struct buf *heir, const struct buf *want)
{
    AUTO(rows_order) struct rows_order order = {0};
    AUTO(buf) struct buf got = {0};
    struct err err = {0};

    assert_ok(rows_match(buf_view(base), buf_view(heir), 3, lines(heir) / 3, &order, &err), &err);
    assert_true(order.list.len > 0 && order.alike);
    assert_int_equal(fresh_rows(&order, NULL), 0);
    assert_ok(rows_arrange(buf_view(base), buf_view(&order.list), 3, &got, &err), &err);
    same(&got, want);
}

static bool some(unsigned i)
{
    return i % 67 == 5 || i == ROWS - 1 || i == 0;
}

TEST(rows_that_are_gone_are_taken_out)
{
    AUTO(buf) struct buf base = {0};
    AUTO(buf) struct buf heir = {0};

    make(NULL, &base);
    make(some, &heir);
    arranged(&base, &heir, &heir);
}

TEST(rows_that_moved_are_put_where_they_stand_now)
{
    AUTO(buf) struct buf base = {0};
    AUTO(buf) struct buf heir = {0};
    struct buf cols[3] = {{0}, {0}, {0}};

    make(NULL, &base);
    for (unsigned i = 0; i < ROWS; i++)
        if (i % 100 != 7)
            add_row(cols, i);
    for (unsigned i = 7; i < ROWS; i += 100)
        add_row(cols, i);
    join(cols, &heir);
    arranged(&base, &heir, &heir);
}

/* Behind row 2, 42 ... and those added before. */
static bool is_added(unsigned row)
{
    return row % 41 == 3;
}

/* New ones are the delta's matter; changed ones are known by their key. */
TEST(new_and_changed_rows_leave_the_base_alone)
{
    AUTO(buf) struct buf base = {0};
    AUTO(buf) struct buf heir = {0};
    AUTO(rows_order) struct rows_order order = {0};
    struct buf cols[3] = {{0}, {0}, {0}};
    struct err err = {0};

    make(NULL, &base);
    for (unsigned i = 0; i < ROWS; i++) {
        if (i % 50 == 3) { /* changed */
            buf_printf(&cols[0], "%u\n", i);
            buf_puts(&cols[1], "other\n");
            buf_puts(&cols[2], "value\n");
        } else {
            add_row(cols, i);
        }
        if (i % 40 == 2)
            add_row(cols, ROWS + i);
    }
    join(cols, &heir);
    assert_ok(rows_match(buf_view(&base), buf_view(&heir), 3, lines(&heir) / 3, &order, &err),
              &err);
    assert_int_equal(order.list.len, 0);
    assert_true(order.alike);
    assert_int_equal(fresh_rows(&order, is_added), ROWS / 40);
}

/* A segment of other columns, of no rows, or of rows that all look the same has no order. */
static void no_list(struct span base, struct span heir, unsigned columns, bool alike)
{
    AUTO(rows_order) struct rows_order order = {0};
    struct err err = {0};

    assert_ok(rows_match(base, heir, columns, columns_lines(heir) / 3, &order, &err), &err);
    assert_int_equal(order.list.len, 0);
    assert_int_equal(order.alike, alike);
}

/* One row of the base, long, stands several times in the heir: taken each time it would outgrow it. */
TEST(a_row_is_taken_once)
{
    AUTO(rows_order) struct rows_order order = {0};
    AUTO(buf) struct buf base = {0}, heir = {0}, got = {0};
    struct err err = {0};

    for (unsigned i = 0; i < 40; i++)
        buf_printf(&base, "%u%s\n", i, i == 7 ? "-a-long-value-a-long-value-a-long-value" : "");
    for (unsigned i = 0; i < 40; i++)
        buf_printf(&heir, "%u%s\n", i < 20 ? i : 7,
                   i >= 20 || i == 7 ? "-a-long-value-a-long-value-a-long-value" : "");
    assert_ok(rows_match(buf_view(&base), buf_view(&heir), 1, lines(&heir), &order, &err), &err);
    assert_true(order.alike);
    assert_int_equal(fresh_rows(&order, NULL), 20);
    assert_string_equal(buf_str(&order.list), "0 20\n");
    assert_ok(rows_arrange(buf_view(&base), buf_view(&order.list), 1, &got, &err), &err);
}

TEST(what_has_no_order_is_left_as_it_is)
{
    static const char *const odd[] = {"", "a", "a\nb\n", "a\nb\nc\nd\n", "x\nx\nx\nx\nx\nx\n"};
    AUTO(buf) struct buf base = {0};

    make(NULL, &base);
    for (size_t i = 0; i < COUNT(odd); i++) {
        no_list(span_of(odd[i]), buf_view(&base), 3, false);
        no_list(buf_view(&base), span_of(odd[i]), 3, false);
    }
    no_list(buf_view(&base), buf_view(&base), 3, true);
    no_list(buf_view(&base), buf_view(&base), 0, false);
}

static bool word(unsigned i)
{
    return i == ROWS / 2;
}

/* The guess: right where nothing moved, and no more than a guess where the base has more rows. */
TEST(what_keeps_its_place_is_alike_at_a_glance)
{
    AUTO(buf) struct buf base = {0};
    AUTO(buf) struct buf heir = {0};

    make(NULL, &base);
    assert_true(rows_alike(buf_view(&base), buf_view(&base), 3, ROWS));
    assert_false(rows_alike(buf_view(&base), buf_view(&base), 0, ROWS));
    assert_false(rows_alike(buf_view(&base), buf_view(&base), 3, 0));
    assert_false(rows_alike(buf_view(&base), buf_view(&base), 3, (uint64_t)1 << 40));
    assert_false(rows_alike(buf_view(&base), buf_view(&base), 3, 3 * ROWS + 1));
    make(word, &heir);
    assert_false(rows_alike(buf_view(&base), buf_view(&heir), 3, ROWS - 1));
    assert_false(rows_alike(span_of("0\n"), buf_view(&heir), 3, ROWS - 1));
    assert_false(rows_alike(span_of(""), span_of(""), 1, 0));
}

TEST(a_list_that_does_not_fit_is_damage)
{
    /* Two columns of three rows: a b c, 1 2 3333. */
    static const char base[] = "a\nb\nc\n1\n2\n3333\n";
    static const char *const lists[] = {"x\n",
                                        "1\n",
                                        "1 x\n",
                                        "0 4\n",
                                        "3 1\n",
                                        "-1 1\n",
                                        "0 0\n",
                                        "0 2\n-3 1\n",
                                        "0 3\n-3 1\n",
                                        "0 1 1\n",
                                        "\n",
                                        "2 1\n-1 1\n-1 1\n",
                                        "9223372036854775807 1\n",
                                        "1 18446744073709551615\n",
                                        "-9223372036854775808 1\n",
                                        "0 1\n\n"};
    AUTO(buf) struct buf out = {0};

    for (size_t i = 0; i < COUNT(lists); i++) {
        struct err err = {0};
        assert_fails(rows_arrange(span_of(base), span_of(lists[i]), 2, &out, &err), &err,
                     ERR_DAMAGED);
    }
    struct err err = {0};
    assert_ok(rows_arrange(span_of(base), span_of("2 1\n-3 1\n"), 2, &out, &err), &err);
    assert_string_equal(buf_str(&out), "c\na\n3333\n1\n");
    assert_fails(rows_arrange(span_of(base), span_of("0 1\n"), 4, &out, &err), &err, ERR_DAMAGED);
    assert_fails(rows_arrange(span_of("a"), span_of("0 1\n"), 1, &out, &err), &err, ERR_DAMAGED);
    assert_fails(rows_arrange(span_of(base), span_of("0 1\n"), 0, &out, &err), &err, ERR_DAMAGED);
}

TEST(the_list_stands_in_front_of_the_delta)
{
    AUTO(buf) struct buf head = {0};
    AUTO(buf) struct buf list = {0};
    struct codecs all;
    struct codec *c = NULL;
    struct err err = {0};

    codecs_init(&all);
    assert_ok(codecs_take(&all, &c, &err), &err);
    assert_ok(rows_head(c, span_of("0 1\n5 7\n"), &head, &err), &err);
    buf_puts(&head, "delta");
    struct span delta = buf_view(&head);
    assert_ok(rows_read_head(c, &delta, 100, &list, &err), &err);
    assert_string_equal(buf_str(&list), "0 1\n5 7\n");
    assert_true(span_eq(delta, span_of("delta")));

    delta = span_of("no list at all");
    assert_ok(rows_read_head(c, &delta, 100, &list, &err), &err);
    assert_int_equal(list.len, 0);
    assert_true(span_eq(delta, span_of("no list at all")));

    for (size_t cut = 8; cut < head.len - 5; cut++) {
        delta = (struct span){head.at, cut};
        assert_fails(rows_read_head(c, &delta, 100, &list, &err), &err, ERR_DAMAGED);
    }
    codecs_give(&all, c);
    codecs_done(&all);
}

TESTS(rows_that_are_gone_are_taken_out, rows_that_moved_are_put_where_they_stand_now,
      new_and_changed_rows_leave_the_base_alone, a_row_is_taken_once,
      what_has_no_order_is_left_as_it_is, what_keeps_its_place_is_alike_at_a_glance,
      a_list_that_does_not_fit_is_damage, the_list_stands_in_front_of_the_delta)
