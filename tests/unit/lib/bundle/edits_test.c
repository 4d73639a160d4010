/* Deltas by edits: whatever changed, the delta gives the heir, and costs what changed. */
#include "lib/bundle/codec.h"
#include "lib/bundle/columns.h"
#include "lib/bundle/edits.h"
#include "tests/test.h"

#define COLUMNS 3u

struct table {
    unsigned rows;
    unsigned (*id)(unsigned i);
    unsigned changed; /* every so manieth row has another word; 0: none */
};

static unsigned mix(unsigned x)
{
    x *= 0x9E3779B1u;
    x ^= x >> 15;
    x *= 0x85EBCA77u;
    return x ^ x >> 13;
}

static void make(const struct table *t, struct buf *out)
{
    static const char *const words[] = {"new", "paid", "\\N", "", "a longer word"};
    unsigned id;

    buf_clear(out);
    for (unsigned c = 0; c < COLUMNS; c++) {
        for (unsigned i = 0; i < t->rows; i++) {
            id = t->id(i);
            if (c == 0)
                buf_printf(out, "%u\n", id);
            else if (c == 1)
                buf_printf(out, "%s\n",
                           words[(id + (t->changed && id % t->changed == 0)) % COUNT(words)]);
            else
                buf_printf(out, "%08x%08x%08x\n", mix(id), mix(id + 1), mix(id + 2));
        }
    }
}

static unsigned plain(unsigned i)
{
    return i;
}

static unsigned without_ten(unsigned i)
{
    return i < 1000 ? i : i + 10;
}

/* Every 100th row stands a hundred rows further down. */
static unsigned moved(unsigned i)
{
    return i % 100 == 7 && i > 100 ? i - 100 : i;
}

/* The second half stands in front. */
static unsigned turned(unsigned i)
{
    return (i + 5000) % 10000;
}

/* Every 50th number is left out. */
static unsigned with_gaps(unsigned i)
{
    return i + i / 49;
}

static const struct rows_order in_order;

/* The size of the delta; 0: there is none. */
static size_t delta(struct span base, struct span heir, const struct rows_order *order)
{
    AUTO(buf) struct buf put = {0};
    AUTO(vec) struct vec edits = VEC(struct edit);
    AUTO(buf) struct buf kept = {0};
    AUTO(buf) struct buf again = {0};
    struct codecs all;
    struct codec *c = NULL;
    struct span frame = {0};
    struct err err = {0};

    codecs_init(&all);
    assert_ok(codecs_take(&all, &c, &err), &err);
    if (edits_find(base, heir, COLUMNS, order, &edits, &err)) {
        assert_ok(codec_compress_edits(c, &edits, span_of("head"), heir, &frame, &err), &err);
        assert_memory_equal(frame.at, "head", 4);
        buf_add(&kept, frame.at + 4, frame.len - 4);
        if (order->list.len) {
            assert_ok(rows_arrange(base, buf_view(&order->list), COLUMNS, &put, &err), &err);
            base = buf_view(&put);
        }
        assert_ok(codec_decode_from(c, base, buf_view(&kept), heir.len, &again, &err), &err);
        assert_memory_equal(again.at, heir.at, heir.len);
    }
    codecs_give(&all, c);
    codecs_done(&all);
    return frame.len;
}

/* As `delta`, of rows that are to be found first. */
static size_t delta_of_rows(const struct buf *base, const struct buf *heir)
{
    AUTO(rows_order) struct rows_order order = {0};
    struct err err = {0};

    assert_ok(rows_match(buf_view(base), buf_view(heir), COLUMNS,
                         columns_lines(buf_view(heir)) / COLUMNS, &order, &err),
              &err);
    return order.alike ? delta(buf_view(base), buf_view(heir), &order) : 0;
}

/* Sizes about the ends of zstd's blocks, at which copies and new bytes are cut. */
TEST(every_size_comes_back)
{
    static const unsigned rows[] = {1, 2, 3, 50, 2999, 3000, 3641, 3642, 3700, 40000, 100003};
    static const unsigned steps[] = {0, 1000, 100, 67};

    for (size_t i = 0; i < COUNT(rows); i++) {
        AUTO(buf) struct buf base = {0};
        struct table t = {rows[i], plain, 0};

        make(&t, &base);
        for (size_t k = 0; k < COUNT(steps); k++) {
            AUTO(buf) struct buf heir = {0};
            t.changed = steps[k];
            make(&t, &heir);
            assert_true(delta(buf_view(&base), buf_view(&heir), &in_order) > 0);
        }
    }
}

TEST(a_changed_value_costs_a_few_bytes)
{
    AUTO(buf) struct buf base = {0};
    AUTO(buf) struct buf heir = {0};

    make(&(struct table){20000, plain, 0}, &base);
    make(&(struct table){20000, plain, 100}, &heir);
    assert_in_range(delta(buf_view(&base), buf_view(&heir), &in_order), 200, 200 * 8);
    assert_in_range(delta(buf_view(&base), buf_view(&base), &in_order), 1, 200);
}

TEST(new_rows_may_stand_anywhere)
{
    AUTO(buf) struct buf base = {0};
    AUTO(buf) struct buf heir = {0};

    make(&(struct table){9800, with_gaps, 0}, &base);
    make(&(struct table){10000, plain, 0}, &heir);
    /* 2 % of the bytes are new: zstd's own search is better at that. */
    assert_int_equal(delta_of_rows(&base, &heir), 0);
    make(&(struct table){9990, without_ten, 0}, &base);
    assert_in_range(delta_of_rows(&base, &heir), 100, 1500);
}

/* In a list or not: nothing is copied from where rows_arrange() does not put it. */
TEST(rows_may_be_gone_and_move)
{
    static unsigned (*const orders[])(unsigned) = {without_ten, with_gaps, moved, turned};
    AUTO(buf) struct buf base = {0};
    AUTO(buf) struct buf heir = {0};

    make(&(struct table){10000, plain, 0}, &base);
    for (size_t i = 0; i < COUNT(orders); i++) {
        make(&(struct table){9700, orders[i], 0}, &heir);
        assert_in_range(delta_of_rows(&base, &heir), 1, 4000);
        make(&(struct table){9700, orders[i], 100}, &heir);
        assert_in_range(delta_of_rows(&base, &heir), 1, 5000);
    }
}

TEST(what_is_too_unlike_is_refused)
{
    AUTO(buf) struct buf base = {0};
    AUTO(buf) struct buf heir = {0};

    make(&(struct table){5000, plain, 0}, &base);
    make(&(struct table){5000, with_gaps, 0}, &heir); /* other rows */
    assert_int_equal(delta(buf_view(&base), buf_view(&heir), &in_order), 0);
    make(&(struct table){4999, plain, 0}, &heir); /* fewer */
    assert_int_equal(delta(buf_view(&base), buf_view(&heir), &in_order), 0);
    assert_int_equal(delta(buf_view(&base), span_of("a"), &in_order), 0);
    assert_true(delta(buf_view(&base), span_of("a\n"), &in_order) > 0);
}

/* Two changed lines of equal length, with little that is the same between what changed. */
TEST(no_copy_is_shorter_than_a_match)
{
    AUTO(vec) struct vec edits = VEC(struct edit);
    AUTO(buf) struct buf base = {0};
    AUTO(buf) struct buf heir = {0};
    struct err err = {0};

    for (unsigned same = 1; same < 2 * EDIT_COPY_MIN; same++) {
        buf_clear(&base);
        buf_clear(&heir);
        for (unsigned i = 0; i < 1000; i++) {
            bool changed = i == 500 || i == 501;
            buf_printf(&base, "%.*s %08u\n", (int)same, "aaaaaaaaaaaaaaaa", i);
            buf_printf(&heir, "%.*s%c%08u\n", (int)same, "aaaaaaaaaaaaaaaa", changed ? 'x' : ' ',
                       changed ? 99000000 + i : i);
        }
        assert_true(edits_find(buf_view(&base), buf_view(&heir), 1, &in_order, &edits, &err));
        const struct edit *all = edits.at;
        for (size_t i = 0; i < edits.count; i++)
            assert_true(all[i].copy == 0 || all[i].copy >= EDIT_COPY_MIN);
    }
}

TESTS(no_copy_is_shorter_than_a_match, every_size_comes_back, a_changed_value_costs_a_few_bytes,
      new_rows_may_stand_anywhere, rows_may_be_gone_and_move, what_is_too_unlike_is_refused)
