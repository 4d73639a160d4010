/* Deltas by edits: whatever changed, the delta gives the heir, and costs what changed. */
#include "lib/bundle/codec.h"
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

/* Every 50th number is left out. */
static unsigned with_gaps(unsigned i)
{
    return i + i / 49;
}

/* Of the base with gaps: the rows that it has not. */
static void between(unsigned rows, struct vec *fresh)
{
    struct err err = {0};

    for (unsigned i = 49; i < rows; i += 50)
        *(uint32_t *)vec_add(fresh, &err) = i;
}

/* The size of the delta; 0: there is none. */
static size_t delta(struct span base, struct span heir, const struct vec *fresh)
{
    AUTO(vec) struct vec edits = VEC(struct edit);
    AUTO(buf) struct buf kept = {0};
    AUTO(buf) struct buf again = {0};
    struct codecs all;
    struct codec *c = NULL;
    struct span frame = {0};
    struct err err = {0};

    codecs_init(&all);
    assert_ok(codecs_take(&all, &c, &err), &err);
    if (edits_find(base, heir, COLUMNS, fresh, &edits, &err)) {
        assert_ok(codec_compress_edits(c, &edits, span_of("head"), heir, &frame, &err), &err);
        assert_memory_equal(frame.at, "head", 4);
        buf_add(&kept, frame.at + 4, frame.len - 4);
        assert_ok(codec_decode_from(c, base, buf_view(&kept), heir.len, &again, &err), &err);
        assert_memory_equal(again.at, heir.at, heir.len);
    }
    codecs_give(&all, c);
    codecs_done(&all);
    return frame.len;
}

/* Sizes about the ends of zstd's blocks, at which copies and new bytes are cut. */
TEST(every_size_comes_back)
{
    static const unsigned rows[] = {1, 2, 3, 50, 2999, 3000, 3641, 3642, 3700, 40000, 100003};
    static const unsigned steps[] = {0, 1000, 100, 67};

    for (size_t i = 0; i < COUNT(rows); i++) {
        AUTO(buf) struct buf base = {0};
        AUTO(vec) struct vec none = VEC(uint32_t);
        struct table t = {rows[i], plain, 0};

        make(&t, &base);
        for (size_t k = 0; k < COUNT(steps); k++) {
            AUTO(buf) struct buf heir = {0};
            t.changed = steps[k];
            make(&t, &heir);
            assert_true(delta(buf_view(&base), buf_view(&heir), &none) > 0);
        }
    }
}

TEST(a_changed_value_costs_a_few_bytes)
{
    AUTO(buf) struct buf base = {0};
    AUTO(buf) struct buf heir = {0};
    AUTO(vec) struct vec none = VEC(uint32_t);

    make(&(struct table){20000, plain, 0}, &base);
    make(&(struct table){20000, plain, 100}, &heir);
    assert_in_range(delta(buf_view(&base), buf_view(&heir), &none), 200, 200 * 8);
    assert_in_range(delta(buf_view(&base), buf_view(&base), &none), 1, 200);
}

TEST(new_rows_may_stand_anywhere)
{
    AUTO(buf) struct buf base = {0};
    AUTO(buf) struct buf heir = {0};
    AUTO(vec) struct vec fresh = VEC(uint32_t);

    make(&(struct table){9800, with_gaps, 0}, &base);
    make(&(struct table){10000, plain, 0}, &heir);
    between(10000, &fresh);
    assert_int_equal(fresh.count, 200);
    /* 2 % of the bytes are new: zstd's own search is better at that. */
    assert_int_equal(delta(buf_view(&base), buf_view(&heir), &fresh), 0);
    fresh.count = 0;
    for (unsigned i = 1000; i < 1010; i++) {
        struct err err = {0};
        *(uint32_t *)vec_add(&fresh, &err) = i;
    }
    AUTO(buf) struct buf shorter = {0};
    struct span all = buf_view(&heir), line;
    for (unsigned i = 0; i < 10000 * COLUMNS && span_split(&all, '\n', &line); i++)
        if (i % 10000 < 1000 || i % 10000 >= 1010)
            buf_printf(&shorter, "%.*s\n", (int)line.len, line.at);
    assert_in_range(delta(buf_view(&shorter), buf_view(&heir), &fresh), 100, 1500);
}

TEST(what_is_too_unlike_is_refused)
{
    AUTO(buf) struct buf base = {0};
    AUTO(buf) struct buf heir = {0};
    AUTO(vec) struct vec none = VEC(uint32_t);

    make(&(struct table){5000, plain, 0}, &base);
    make(&(struct table){5000, with_gaps, 0}, &heir); /* other rows */
    assert_int_equal(delta(buf_view(&base), buf_view(&heir), &none), 0);
    make(&(struct table){4999, plain, 0}, &heir); /* fewer */
    assert_int_equal(delta(buf_view(&base), buf_view(&heir), &none), 0);
    assert_int_equal(delta(buf_view(&base), span_of("a"), &none), 0);
    assert_true(delta(buf_view(&base), span_of("a\n"), &none) > 0);
}

TESTS(every_size_comes_back, a_changed_value_costs_a_few_bytes, new_rows_may_stand_anywhere,
      what_is_too_unlike_is_refused)
