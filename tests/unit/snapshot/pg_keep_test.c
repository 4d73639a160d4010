/* Blocks are cut where the parent cut them, and whatever it says, from block 0 on and without gaps. */
#include "snapshot/pg.h"
#include "tests/fake/parent.h"
#include "tests/test.h"

#include "lib/base/json.h"

#define BIG   (SEGMENT_TARGET / 2)
#define SMALL (SEGMENT_TARGET / 8)

struct table {
    struct pg_source source;
    struct pg_table table;
    struct store *store;
};

static char id[] = "id", integer[] = "integer", v[] = "v", text[] = "text";
static char component[] = "postgresql.x", schema[] = "public", name[] = "t";
static const struct pg_column columns[] = {{id, integer}, {v, text}};

static json_t *meta_of(uint64_t filenode, uint64_t blocks, const char *first, const char *type)
{
    return json_pack("{s:[s, s], s:[s, s], s:I, s:I}", "columns", first, "v", "types", type, "text",
                     "filenode", (json_int_t)filenode, "blocks", (json_int_t)blocks);
}

static void open_table(struct table *t, json_t *stolen, const struct fake_segment *segments,
                       size_t count)
{
    AUTO(json) json_t *meta = stolen;
    struct err err = {0};

    *t = (struct table){
        .source.component = component,
        .table = {.schema = schema, .name = name, .filenode = 7, .columns = VEC(struct pg_column)}};
    for (size_t i = 0; i < COUNT(columns); i++)
        *(struct pg_column *)vec_add(&t->table.columns, &err) = columns[i];
    assert_ok(fake_parent("postgresql.x/public.t", meta, segments, count, &t->store,
                          &t->source.conf.writer, &err),
              &err);
    assert_ok(pg_keep_ranges(&t->source, &t->table, &err), &err);
}

static void close_table(struct table *t)
{
    vec_done(&t->table.columns);
    spill_done(&t->source.kept);
    bundle_abandon(t->source.conf.writer);
    store_close(t->store);
}

/* Each from, in order; the last one ends at `end`. */
static void check_kept(const struct table *t, const uint64_t *from, size_t count, uint64_t end)
{
    const struct pg_kept *k = t->table.kept;

    assert_int_equal(t->table.kept_count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(k[i].from, from[i]);
        assert_int_equal(k[i].to, i + 1 < count ? from[i + 1] : end);
        assert_non_null(k[i].like);
    }
}

TEST(ranges_are_the_parents)
{
    static const struct fake_segment was[] = {
        {"0", "100", BIG}, {"100", "230", BIG}, {"230", "end", BIG}};
    static const uint64_t want[] = {0, 100, 230};
    struct table t;

    open_table(&t, meta_of(7, 300, "id", "integer"), was, COUNT(was));
    check_kept(&t, want, COUNT(want), 300);
    close_table(&t);
}

/* Parts of one range are read as one again: "100" and "100+1". */
TEST(parts_of_a_range_are_one)
{
    static const struct fake_segment was[] = {
        {"0", "100", BIG}, {"100", "230", BIG}, {"100+1", "230", BIG}, {"230", "end", BIG}};
    static const uint64_t want[] = {0, 100, 230};
    struct table t;

    open_table(&t, meta_of(7, 300, "id", "integer"), was, COUNT(was));
    check_kept(&t, want, COUNT(want), 300);
    close_table(&t);
}

TEST(twice_the_size_is_cut)
{
    static const struct fake_segment was[] = {
        {"0", "100", BIG}, {"100", "300", 2 * SEGMENT_TARGET}, {"300", "end", BIG}};
    static const uint64_t want[] = {0, 100, 200, 300};
    struct table t;

    open_table(&t, meta_of(7, 400, "id", "integer"), was, COUNT(was));
    check_kept(&t, want, COUNT(want), 400);
    close_table(&t);
}

/* One block of huge rows cannot be cut any further. */
TEST(a_block_is_never_cut)
{
    static const struct fake_segment was[] = {{"0", "1", 4 * SEGMENT_TARGET}, {"1", "end", BIG}};
    static const uint64_t want[] = {0, 1};
    struct table t;

    open_table(&t, meta_of(7, 9, "id", "integer"), was, COUNT(was));
    check_kept(&t, want, COUNT(want), 9);
    close_table(&t);
}

TEST(eight_small_ones_become_one)
{
    static const struct fake_segment was[] = {
        {"0", "10", BIG},    {"10", "20", SMALL},        {"20", "30", SMALL},
        {"30", "40", SMALL}, {"40", "50", SMALL},        {"50", "60", SMALL},
        {"60", "70", SMALL}, {"70", "80", SMALL + 1000}, {"80", "90", 1000}};
    static const uint64_t want[] = {0, 10}, alone[] = {0, 10, 20, 30, 40, 50, 60, 70};
    struct table t;

    open_table(&t, meta_of(7, 90, "id", "integer"), was, COUNT(was));
    check_kept(&t, want, COUNT(want), 90);
    const struct pg_kept *k = t.table.kept;
    assert_int_equal(k[1].like->seq, 7); /* the largest gives the base */
    close_table(&t);

    open_table(&t, meta_of(7, 80, "id", "integer"), was, COUNT(was) - 1);
    check_kept(&t, alone, COUNT(alone), 80);
    close_table(&t);
}

/* Written anew, altered, or too small to be worth it: cut afresh. */
TEST(what_is_another_table_now_is_cut_afresh)
{
    static const struct fake_segment was[] = {{"0", "100", BIG}, {"100", "end", BIG}};
    static const struct fake_segment tiny[] = {{"0", "end", 1000}};
    struct table t;
    json_t *no_file = meta_of(7, 300, "id", "integer");

    json_object_del(no_file, "filenode");
    json_t *metas[] = {meta_of(8, 300, "id", "integer"), meta_of(7, 300, "ident", "integer"),
                       meta_of(7, 300, "id", "bigint"), meta_of(7, 0, "id", "integer"), no_file};
    for (size_t i = 0; i < COUNT(metas); i++) {
        open_table(&t, metas[i], was, COUNT(was));
        assert_int_equal(t.table.kept_count, 0);
        close_table(&t);
    }
    open_table(&t, meta_of(7, 300, "id", "integer"), tiny, COUNT(tiny));
    assert_int_equal(t.table.kept_count, 0);
    close_table(&t);
    open_table(&t, meta_of(7, 300, "id", "integer"), was, 0); /* it was empty */
    assert_int_equal(t.table.kept_count, 0);
    close_table(&t);
}

/* Keys that no source of ours writes must not lead to rows being missed. */
TEST(keys_that_make_no_sense_are_not_used)
{
    static const struct fake_segment back[] = {{"100", "200", BIG}, {"50", "end", BIG}};
    static const struct fake_segment word[] = {{"0", "10", BIG}, {"x", "end", BIG}};
    static const struct fake_segment beyond[] = {{"0", "10", BIG}, {"500", "end", BIG}};
    static const struct fake_segment late[] = {{"10", "100", BIG}, {"100", "end", BIG}};
    static const uint64_t want[] = {0, 100};
    const struct fake_segment *bad[] = {back, word, beyond};
    struct table t;

    for (size_t i = 0; i < COUNT(bad); i++) {
        open_table(&t, meta_of(7, 300, "id", "integer"), bad[i], 2);
        assert_int_equal(t.table.kept_count, 0);
        close_table(&t);
    }
    open_table(&t, meta_of(7, 300, "id", "integer"), late, 2); /* from block 0 on all the same */
    check_kept(&t, want, COUNT(want), 300);
    close_table(&t);
}

/* More blocks than a table can have: where a large range is cut, their product with a count would
 * wrap around, and rows be missed. */
TEST(absurd_blocks_are_not_used)
{
    static const struct fake_segment was[] = {{"0", "end", 5 * SEGMENT_TARGET}};
    struct table t;

    open_table(&t, meta_of(7, (uint64_t)INT64_MAX / 2, "id", "integer"), was, COUNT(was));
    assert_int_equal(t.table.kept_count, 0);
    close_table(&t);
}

TESTS(ranges_are_the_parents, parts_of_a_range_are_one, twice_the_size_is_cut, a_block_is_never_cut,
      eight_small_ones_become_one, what_is_another_table_now_is_cut_afresh,
      keys_that_make_no_sense_are_not_used, absurd_blocks_are_not_used)
