/* What is believed of the parent's catalog, and what is read again. */
#include "snapshot/files_old.h"
#include "tests/test.h"

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/bundle/columns.h"
#include "tests/fake/store_memory.h"

#define DAY_NS ((int64_t)86400 * 1000000000)

/* Entries of mode 644 but for directories; inode 10 and on. Segments 0 and 1 begin with "." and "b".*/
#define ROW(path, mode, inode, links, segment) \
    path "\t" mode "\t0\t0\t5\t1000\t2000\t7\t" inode "\t" links "\t" segment "\n"
static const char rows[] = ROW(".", "40755", "10", "3", "0") ROW("a", "40755", "11", "2", "0")
    ROW("a/x", "100644", "12", "2", "0") ROW("a-b", "100644", "13", "1", "0")
        ROW("b", "100644", "12", "2", "1") ROW("c\\n", "100644", "15", "1", "1");

struct parent {
    struct store *store;
    struct bundle_writer *writer;
    struct files_old *old;
};

static void write_tar(struct bundle_writer *w)
{
    struct err err = {0};
    uint32_t id = 0;

    assert_ok(bundle_stream(w, STREAM_TAR, "files/t", NULL, &id, &err), &err);
    for (uint64_t seq = 0; seq < 3; seq++) {
        const char *const text[] = {"head of four", "head of two", "piece"};
        const struct segment_raw seg = {.stream = id,
                                        .seq = seq,
                                        .records = seq == 2 ? 0 : 4 - 2 * seq,
                                        .bytes = span_of(text[seq])};

        assert_ok(bundle_segment(w, &seg, &err), &err);
    }
}

static void write_catalog(struct bundle_writer *w, int64_t started_ns, struct span text)
{
    AUTO(json) json_t *columns = json_array();
    AUTO(buf) struct buf joined = {0};
    struct columns cols = {0};
    struct err err = {0};
    uint32_t id = 0;

    for (size_t i = 0; i < CATALOG_COLUMNS; i++)
        json_array_append_new(columns, json_string(catalog_columns[i]));
    AUTO(json)
    json_t *meta = json_pack("{s:O, s:I}", "columns", columns, CATALOG_STARTED, started_ns);
    assert_ok(bundle_stream(w, STREAM_COLUMNS, "facts/catalog.t", meta, &id, &err), &err);
    assert_ok(columns_init(&cols, CATALOG_COLUMNS, &err), &err);
    assert_ok(columns_add_rows(&cols, text, &err), &err);
    assert_ok(columns_join(&cols, &joined, &err), &err);
    const struct segment_raw seg = {.stream = id, .records = cols.rows, .bytes = buf_view(&joined)};
    assert_ok(bundle_segment(w, &seg, &err), &err);
    columns_done(&cols);
}

static struct parent open_parent(int64_t started_ns, struct span text, bool believe)
{
    struct parent p = {0};
    AUTO(bundle_writer) struct bundle_writer *w = NULL;
    struct bundle_conf conf = {.environment = "x", .tag = "one"};
    struct bundle_ref ref;
    struct err err = {0};

    assert_ok(fake_store_new(&p.store, &err), &err);
    assert_ok(bundle_create(p.store, &conf, &w, &err), &err);
    write_tar(w);
    write_catalog(w, started_ns, text);
    assert_ok(bundle_finish(w, &ref, &err), &err);
    conf = (struct bundle_conf){.environment = "x", .parent = "one"};
    assert_ok(bundle_create(p.store, &conf, &p.writer, &err), &err);
    assert_ok(files_old_open(p.writer, bundle_parent_stream(p.writer, "facts/catalog.t"),
                             bundle_parent_stream(p.writer, "files/t"), believe, &p.old, &err),
              &err);
    return p;
}

static void auto_parent(struct parent *p)
{
    files_old_close(p->old);
    bundle_abandon(p->writer);
    store_close(p->store);
}

static struct file_state entry(mode_t mode, uint64_t inode, uint32_t links)
{
    return (struct file_state){.mode = mode,
                               .links = links,
                               .device = 7,
                               .inode = inode,
                               .size = 5,
                               .mtime_ns = 1000,
                               .ctime_ns = 2000};
}

static struct old_entry next(struct parent *p, const char *path, struct file_state st,
                             const char *first)
{
    struct old_entry out;
    struct err err = {0};

    assert_ok(files_old_next(p->old, path, &st, first, &out, &err), &err);
    return out;
}

TEST(the_order_is_that_of_the_walk)
{
    assert_true(files_order("a", "a/x") < 0);
    assert_true(files_order("a/x", "a-b") < 0);
    assert_true(files_order("a/x", "a\x01") < 0);
    assert_true(files_order("a-b", "b") < 0);
    assert_true(files_order("a/\xff", "b") < 0);
    assert_int_equal(files_order("a/b", "a/b"), 0);
}

TEST(what_is_the_same_is_unchanged)
{
    AUTO(parent) struct parent p = open_parent(clock_wall_ns(), span_of(rows), true);

    assert_true(next(&p, ".", entry(S_IFDIR | 0755, 10, 9), NULL).unchanged);
    assert_true(next(&p, "a", entry(S_IFDIR | 0755, 11, 2), NULL).unchanged);
    struct old_entry e = next(&p, "a/x", entry(S_IFREG | 0644, 12, 2), NULL);
    assert_true(e.unchanged && e.known && !e.large && e.segment->seq == 0);
    assert_true(next(&p, "a-b", entry(S_IFREG | 0644, 13, 1), NULL).unchanged);
    assert_true(next(&p, "b", entry(S_IFREG | 0644, 12, 2), "a/x").unchanged);
    e = next(&p, "c\n", entry(S_IFREG | 0644, 15, 1), NULL);
    assert_true(e.unchanged && e.large && e.segment->seq == 1);
    assert_false(next(&p, "d", entry(S_IFREG | 0644, 16, 1), NULL).known);
}

TEST(every_part_of_the_state_counts)
{
    const struct file_state was = entry(S_IFREG | 0644, 13, 1);

    for (unsigned what = 0; what < 9; what++) {
        AUTO(parent) struct parent p = open_parent(clock_wall_ns(), span_of(rows), true);
        struct file_state st = was;

        st.mode ^= what == 0 ? 1 : 0;
        st.uid += what == 1;
        st.gid += what == 2;
        st.links += what == 3;
        st.device += what == 4;
        st.inode += what == 5;
        st.size += what == 6;
        st.mtime_ns -= what == 7;
        st.ctime_ns -= what == 8;
        struct old_entry e = next(&p, "a-b", st, NULL);
        assert_true(e.known && !e.unchanged && e.segment);
    }
}

/* What others call the first name of its file is written in its header. */
TEST(a_further_name_must_refer_to_the_same_first_one)
{
    const struct file_state linked = entry(S_IFREG | 0644, 12, 2);

    for (unsigned i = 0; i < 2; i++) {
        AUTO(parent) struct parent p = open_parent(clock_wall_ns(), span_of(rows), true);

        assert_true(next(&p, "a/x", linked, NULL).unchanged);
        assert_false(next(&p, "b", linked, i ? "a/y" : NULL).unchanged);
    }
    AUTO(parent) struct parent p = open_parent(clock_wall_ns(), span_of(rows), true);
    assert_false(next(&p, "a/x", linked, "0").unchanged);
}

TEST(entries_that_are_gone_are_passed_over)
{
    AUTO(parent) struct parent p = open_parent(clock_wall_ns(), span_of(rows), true);

    assert_false(next(&p, "a/new", entry(S_IFREG | 0644, 77, 1), NULL).known);
    assert_true(next(&p, "b", entry(S_IFREG | 0644, 12, 2), "a/x").unchanged);
    assert_false(next(&p, "bb", entry(S_IFREG | 0644, 77, 1), NULL).known);
    assert_true(next(&p, "c\n", entry(S_IFREG | 0644, 15, 1), NULL).unchanged);
}

/* A change within one tick of the clock leaves the ctime as it was. */
TEST(what_is_too_fresh_is_read_again)
{
    AUTO(parent) struct parent fresh = open_parent(2000 + OLD_RACY_NS, span_of(rows), true);
    AUTO(parent) struct parent older = open_parent(2001 + OLD_RACY_NS, span_of(rows), true);
    const struct file_state st = entry(S_IFREG | 0644, 13, 1);

    assert_false(next(&fresh, "a-b", st, NULL).unchanged);
    assert_true(next(&older, "a-b", st, NULL).unchanged);
}

TEST(a_clock_that_was_set_back_and_a_doubt_leave_only_the_cuts)
{
    AUTO(parent) struct parent later = open_parent(clock_wall_ns() + DAY_NS, span_of(rows), true);
    AUTO(parent) struct parent doubt = open_parent(clock_wall_ns(), span_of(rows), false);
    struct parent *const all[] = {&later, &doubt};

    for (size_t i = 0; i < COUNT(all); i++) {
        struct old_entry e = next(all[i], "c\n", entry(S_IFREG | 0644, 15, 1), NULL);
        assert_true(e.known && e.large && e.segment && !e.unchanged);
    }
}

TEST(a_catalog_without_sense_ends_where_it_does)
{
    static const char *const bad[] = {
        ROW("a", "9", "11", "2", "0"),        ROW("a", "100644", "-1", "2", "0"),
        ROW("\\N", "100644", "1", "2", "0"),  ROW("a\\x00b", "100644", "1", "2", "0"),
        ROW("a\\q", "100644", "1", "2", "0"), ROW("a", "100644", "11", "99999999999", "0"),
        ROW("a", "100644", "11", "1", "x")};

    for (size_t i = 0; i < COUNT(bad); i++) {
        AUTO(buf) struct buf text = {0};
        buf_printf(&text, "%s%s%s", ROW(".", "40755", "10", "3", "0"), bad[i],
                   ROW("b", "100644", "12", "1", "0"));
        AUTO(parent) struct parent p = open_parent(clock_wall_ns(), buf_view(&text), true);

        assert_true(next(&p, ".", entry(S_IFDIR | 0755, 10, 3), NULL).unchanged);
        assert_false(next(&p, "b", entry(S_IFREG | 0644, 12, 1), NULL).known);
    }
}

TEST(a_row_of_no_segment_is_known_and_read)
{
    AUTO(parent)
    struct parent p = open_parent(clock_wall_ns(), SPAN(ROW("b", "100644", "12", "1", "99")), true);
    struct old_entry e = next(&p, "b", entry(S_IFREG | 0644, 12, 1), NULL);

    assert_true(e.known && !e.segment && !e.unchanged);
}

TEST(what_moved_is_found_by_name_size_and_inode)
{
    static const char text[] =
        ROW(".", "40755", "10", "3", "0") ROW("a/x", "100644", "12", "1", "0")
            ROW("b/x", "100644", "13", "1", "1") ROW("b/y", "100644", "14", "1", "1");
    AUTO(parent) struct parent p = open_parent(clock_wall_ns(), span_of(text), true);
    struct file_state st = entry(S_IFREG | 0644, 13, 1);
    struct old_entry e = {0};

    files_old_guess(p.old, "new/x", &st, NULL, &e);
    assert_true(e.guessed && !e.known && !e.unchanged && e.segment->seq == 1);
    st.inode = 99;
    files_old_guess(p.old, "new/y", &st, NULL, &e);
    assert_true(e.guessed && e.large && e.segment->seq == 1);
    e = (struct old_entry){0};
    st.size = 6;
    files_old_guess(p.old, "new/x", &st, NULL, &e);
    assert_false(e.guessed);
}

TESTS(the_order_is_that_of_the_walk, what_is_the_same_is_unchanged, every_part_of_the_state_counts,
      a_further_name_must_refer_to_the_same_first_one, entries_that_are_gone_are_passed_over,
      what_is_too_fresh_is_read_again, a_clock_that_was_set_back_and_a_doubt_leave_only_the_cuts,
      a_catalog_without_sense_ends_where_it_does, a_row_of_no_segment_is_known_and_read,
      what_moved_is_found_by_name_size_and_inode)
