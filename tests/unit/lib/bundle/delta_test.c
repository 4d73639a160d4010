/* Deltas against the parent's frames: small, never deeper than one, and refused when anything they
 * rest on is not what it was. */
#include "tests/test.h"

#include "lib/base/json.h"
#include "lib/bundle/bundle.h"
#include "lib/bundle/columns.h"
#include "lib/bundle/delta.h"
#include "lib/bundle/verify.h"
#include "tests/fake/bundle.h"
#include "tests/fake/store_memory.h"

#define LINES 4000
#define NAME  "facts/log"

/* Lines of random digits; every `step`-th one is another on another day (0: all are). */
static void make_text(struct buf *out, unsigned day, unsigned step)
{
    buf_clear(out);
    for (unsigned i = 0; i < LINES; i++) {
        uint64_t x = (i + 1) * 0x9E3779B97F4A7C15u;

        if (step == 0 || (day && i % step == day))
            x ^= day * 0xD1B54A32D192ED03u;
        for (int k = 0; k < 3; k++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            buf_printf(out, "%016llx", (unsigned long long)x);
        }
        buf_putc(out, '\n');
    }
}

static void write_day(struct store *s, const char *tag, const char *parent, const struct buf *text)
{
    AUTO(bundle_writer) struct bundle_writer *w = NULL;
    struct bundle_conf conf = {.environment = "x", .tag = tag, .parent = parent};
    struct bundle_ref ref;
    struct err err = {0};

    assert_ok(bundle_create(s, &conf, &w, &err), &err);
    assert_ok(bundle_text(w, NAME, NULL, buf_view(text), &err), &err);
    assert_ok(bundle_finish(w, &ref, &err), &err);
}

static void check_day(struct store *s, const char *tag, const struct buf *text,
                      struct segment *first)
{
    AUTO(bundle) struct bundle *b = NULL;
    AUTO(buf) struct buf out = {0};
    struct err err = {0};

    assert_ok(bundle_open(s, tag, &b, &err), &err);
    assert_ok(bundle_read_text(b, NAME, &out, &err), &err);
    assert_int_equal(out.len, text->len);
    assert_memory_equal(out.at, text->at, out.len);
    *first = bundle_find(b, NAME)->segments[0];
    first->key_from = first->key_to = (struct span){NULL, 0};
}

static int64_t told(struct store *s, const char *tag, const char *what)
{
    AUTO(bundle) struct bundle *b = NULL;
    struct err err = {0};

    assert_ok(bundle_open(s, tag, &b, &err), &err);
    return json_integer_value(json_object_get(bundle_config(b), what));
}

TEST(later_days_rest_on_the_first)
{
    AUTO(store) struct store *s = fake_store_empty();
    AUTO(buf) struct buf text = {0};
    struct segment one, two, three, four;

    make_text(&text, 0, 100);
    write_day(s, "one", NULL, &text);
    check_day(s, "one", &text, &one);
    make_text(&text, 1, 100);
    write_day(s, "two", "one", &text);
    check_day(s, "two", &text, &two);
    make_text(&text, 2, 100);
    write_day(s, "three", "two", &text);
    check_day(s, "three", &text, &three);
    write_day(s, "four", "three", &text);
    check_day(s, "four", &text, &four);

    assert_false(segment_is_delta(&one));
    assert_true(segment_is_delta(&two) && segment_is_delta(&three) && segment_is_delta(&four));
    assert_true(digest_eq(&two.base.raw, &one.raw) && digest_eq(&three.base.raw, &one.raw));
    assert_int_equal(three.base.offset, one.offset);
    assert_in_range(two.stored_bytes, 1, one.stored_bytes / 20);
    assert_int_equal(told(s, "two", "deltas"), 1);
    assert_int_equal(told(s, "two", "delta_bytes"), two.stored_bytes);
    assert_int_equal(told(s, "four", "deltas"), 0);
    assert_int_equal(told(s, "four", "references"), 1);
    assert_int_equal(told(s, "four", "new_bytes"), 0);
}

TEST(too_much_change_makes_a_new_frame)
{
    AUTO(store) struct store *s = fake_store_empty();
    AUTO(buf) struct buf text = {0};
    struct segment seg;

    make_text(&text, 0, 0);
    write_day(s, "one", NULL, &text);
    make_text(&text, 1, 0);
    write_day(s, "two", "one", &text);
    check_day(s, "two", &text, &seg);
    assert_false(segment_is_delta(&seg));
    assert_int_equal(told(s, "two", "deltas"), 0);
    make_text(&text, 1, 2); /* half of the lines are the first day's */
    write_day(s, "three", "one", &text);
    check_day(s, "three", &text, &seg);
    assert_false(segment_is_delta(&seg));
}

TEST(the_limit_is_a_share_of_a_full_frame)
{
    struct segment_base base = {.stored_bytes = 1000, .raw_bytes = 4000};

    assert_int_equal(delta_limit(&base, 4000), 10 * DELTA_SHARE_MAX);
    assert_int_equal(delta_limit(&base, 8000), 20 * DELTA_SHARE_MAX);
    base.stored_bytes = base.raw_bytes = DELTA_RAW_MAX;
    assert_int_equal(delta_limit(&base, DELTA_RAW_MAX), DELTA_RAW_MAX * DELTA_SHARE_MAX / 100);
}

/* Two days, of which the second is a delta; gives the name of the pack with the base. */
static struct store *two_days(struct buf *text, char base_pack[STORE_NAME_MAX], struct segment *one)
{
    struct store *s = fake_store_empty();
    struct segment two;

    make_text(text, 0, 100);
    write_day(s, "one", NULL, text);
    check_day(s, "one", text, one);
    for (size_t i = 0; i < fake_store_objects(s); i++) {
        const char *name = fake_store_name(s, i);
        if (fake_store_object(s, name)->len > one->stored_bytes)
            snprintf(base_pack, STORE_NAME_MAX, "%s", name);
    }
    make_text(text, 1, 100);
    write_day(s, "two", "one", text);
    check_day(s, "two", text, &two);
    assert_true(segment_is_delta(&two));
    return s;
}

static void check_fault(struct store *s, enum verify_level level, const char *base_pack)
{
    AUTO(verify_report) struct verify_report r = {0};
    struct verify_conf conf = {.level = level, .jobs = 2};
    struct err err = {0};
    char hex[HASH_HEX];

    assert_ok(bundle_verify(s, "two", &conf, &r, &err), &err);
    assert_int_equal(r.faults.count, base_pack != NULL);
    if (!base_pack)
        return;
    const struct verify_fault *f = r.faults.at;
    digest_hex(&f->blob, hex);
    assert_string_equal(hex, base_pack + strlen("blobs/sha256/"));
    assert_int_equal(json_array_size(f->breaks), 1);
    assert_string_equal(json_string_value(json_array_get(f->breaks, 0)), NAME);
}

TEST(a_damaged_base_is_named_where_it_lies)
{
    AUTO(buf) struct buf text = {0};
    AUTO(buf) struct buf out = {0};
    AUTO(bundle) struct bundle *b = NULL;
    char pack[STORE_NAME_MAX] = "";
    struct segment one;
    AUTO(store) struct store *s = two_days(&text, pack, &one);
    struct err err = {0};

    check_fault(s, VERIFY_BLOBS, NULL);
    check_fault(s, VERIFY_CONTENT, NULL);
    fake_store_object(s, pack)->at[one.offset + one.stored_bytes / 2] ^= 1;
    check_fault(s, VERIFY_BLOBS, pack);
    check_fault(s, VERIFY_CONTENT, pack);
    assert_ok(bundle_open(s, "two", &b, &err), &err);
    assert_fails(bundle_read_text(b, NAME, &out, &err), &err, ERR_DAMAGED);
    assert_non_null(strstr(err.text, "base"));
    assert_int_equal(out.len, 0);
}

TEST(a_lost_base_is_named_and_what_it_breaks)
{
    AUTO(buf) struct buf text = {0};
    struct bundle *b = NULL;
    char pack[STORE_NAME_MAX] = "";
    struct segment one;
    AUTO(store) struct store *s = two_days(&text, pack, &one);
    struct err err = {0};

    assert_ok(s->ops->remove(s, pack, &err), &err);
    check_fault(s, VERIFY_BLOBS, pack);
    check_fault(s, VERIFY_CONTENT, pack);
    assert_fails(bundle_open(s, "two", &b, &err), &err, ERR_DAMAGED);
}

/* A base that went bad must not be built upon. */
TEST(a_bad_base_gives_a_full_frame)
{
    AUTO(buf) struct buf text = {0};
    char pack[STORE_NAME_MAX] = "";
    struct segment one, three;
    AUTO(store) struct store *s = two_days(&text, pack, &one);

    fake_store_object(s, pack)->at[one.offset + one.stored_bytes / 2] ^= 1;
    make_text(&text, 2, 100);
    write_day(s, "three", "two", &text);
    check_day(s, "three", &text, &three);
    assert_false(segment_is_delta(&three));
}

/* Right bytes or none, whichever byte of whichever blob is another. */
TEST(no_flipped_byte_gives_wrong_content)
{
    AUTO(buf) struct buf text = {0};
    char pack[STORE_NAME_MAX] = "";
    struct segment one;
    AUTO(store) struct store *s = two_days(&text, pack, &one);

    for (size_t i = 0; i < fake_store_objects(s); i++) {
        struct buf *o = fake_store_object(s, fake_store_name(s, i));
        size_t step = o->len / 150 + 1;

        for (size_t at = 0; at < o->len; at += step) {
            AUTO(bundle) struct bundle *b = NULL;
            AUTO(buf) struct buf out = {0};
            struct err err = {0};

            o->at[at] ^= 0x04;
            if (bundle_open(s, "two", &b, &err) && bundle_read_text(b, NAME, &out, &err)) {
                assert_int_equal(out.len, text.len);
                assert_memory_equal(out.at, text.at, out.len);
            }
            o->at[at] ^= 0x04;
        }
    }
}

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEAD  "rehearse-index\t1\npack\t0\t" HEX64 "\t1000000\t-\nstream\t0\ttext\ta/b\t{}\n"

static bool decodes(const char *segments, struct err *err)
{
    AUTO(index) struct index ix;
    AUTO(buf) struct buf text = {0};
    struct index_reader r = {.ix = &ix};

    index_init(&ix);
    buf_puts(&text, HEAD);
    buf_puts(&text, segments);
    return index_read_text(&r, buf_view(&text), err) && index_read_end(&r, err);
}

#define FULL(seq, at) "segment\t0\t" seq "\t0\t" at "\t100\t1000\t0\t" HEX64 "\t\t\t-\t-\t-\t-\t-\n"
#define DELTA(seq, at, base) \
    "segment\t0\t" seq "\t0\t" at "\t50\t1000\t0\t" HEX64 "\t\t\t" base "\n"

TEST(an_index_with_impossible_bases_is_refused)
{
    static const char *const bad[] = {
        /* the base is a delta, or itself */
        FULL("0", "0") DELTA("1", "100", "0\t0\t100\t1000\t" HEX64)
            DELTA("2", "150", "0\t100\t50\t1000\t" HEX64) "end\t1\t1\t3\n",
        DELTA("0", "100", "0\t100\t50\t1000\t" HEX64) "end\t1\t1\t1\n",
        /* a cycle */
        DELTA("0", "100", "0\t150\t50\t1000\t" HEX64)
            DELTA("1", "150", "0\t100\t50\t1000\t" HEX64) "end\t1\t1\t2\n",
        /* no such pack; outside of it; too large; half a base */
        DELTA("0", "100", "1\t0\t100\t1000\t" HEX64) "end\t1\t1\t1\n",
        DELTA("0", "100", "0\t999999\t100\t1000\t" HEX64) "end\t1\t1\t1\n",
        DELTA("0", "100", "0\t0\t100\t134217728\t" HEX64) "end\t1\t1\t1\n",
        DELTA("0", "100", "0\t0\t100\t0\t" HEX64) "end\t1\t1\t1\n",
        DELTA("0", "100", "0\t0\t100\t1000\t-") "end\t1\t1\t1\n",
    };
    struct err err = {0};

    assert_ok(
        decodes(FULL("0", "0") DELTA("1", "100", "0\t0\t100\t1000\t" HEX64) "end\t1\t1\t2\n", &err),
        &err);
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_fails(decodes(bad[i], &err), &err, ERR_DAMAGED);
}

/* Three times as many bases as are kept, read twice: all right, and nothing left over. */
TEST(many_bases_are_read_in_any_order)
{
    AUTO(store) struct store *s = fake_store_empty();
    AUTO(buf) struct buf text = {0};
    AUTO(buf) struct buf out = {0};
    AUTO(bundle) struct bundle *b = NULL;
    struct err err = {0};

    for (unsigned day = 0; day < 2; day++) {
        AUTO(bundle_writer) struct bundle_writer *w = NULL;
        struct bundle_conf conf = {.environment = "x", .tag = "t", .parent = day ? "latest" : NULL};
        struct bundle_ref ref;
        uint32_t id = 0;

        make_text(&text, day, 100);
        assert_ok(bundle_create(s, &conf, &w, &err), &err);
        assert_ok(bundle_stream(w, STREAM_TEXT, NAME, NULL, &id, &err), &err);
        for (unsigned i = 0; i < 3 * BASES_SLOTS; i++) {
            struct segment_raw seg = {.stream = id, .seq = i, .bytes = buf_view(&text)};
            seg.bytes.len -= (size_t)i * 49;
            assert_ok(bundle_segment(w, &seg, &err), &err);
        }
        assert_ok(bundle_finish(w, &ref, &err), &err);
    }
    assert_ok(bundle_open(s, "t", &b, &err), &err);
    const struct stream *all = bundle_find(b, NAME);
    for (unsigned i = 0; i < 6 * BASES_SLOTS; i++) {
        const struct segment *seg = &all->segments[(i * 7) % all->segment_count];
        assert_true(segment_is_delta(seg));
        assert_ok(bundle_read(b, seg, &out, &err), &err);
        assert_memory_equal(out.at, text.at, out.len);
    }
}

/* The parent's segment is taken as it is, with its base, without a look at the bytes. */
TEST(keeps_a_segment_unread)
{
    AUTO(buf) struct buf text = {0};
    char pack[STORE_NAME_MAX] = "";
    struct segment one, kept;
    AUTO(store) struct store *s = two_days(&text, pack, &one);
    AUTO(bundle_writer) struct bundle_writer *w = NULL;
    struct bundle_conf conf = {.environment = "x", .tag = "three", .parent = "two"};
    struct bundle_ref ref;
    struct err err = {0};
    uint32_t id = 0;

    assert_ok(bundle_create(s, &conf, &w, &err), &err);
    const struct stream *old = bundle_parent_stream(w, NAME);
    assert_non_null(old);
    assert_null(bundle_parent_stream(w, "facts/none"));
    assert_ok(bundle_stream(w, STREAM_TEXT, NAME, NULL, &id, &err), &err);
    struct segment_raw seg = {.stream = id, .seq = 5, .like = &old->segments[0]};
    assert_ok(bundle_keep(w, &seg, &err), &err);
    assert_ok(bundle_finish(w, &ref, &err), &err);
    check_day(s, "three", &text, &kept);
    assert_int_equal(kept.seq, 5);
    assert_true(segment_is_delta(&kept));
    assert_int_equal(told(s, "three", "new_bytes"), 0);
    check_fault(s, VERIFY_CONTENT, NULL);
}

/* Copies of a file, pages of zeros: one frame, as often as it is named. */
TEST(equal_segments_of_one_bundle_are_stored_once)
{
    struct store *s = fake_store_empty();
    AUTO(buf) struct buf text = {0};
    AUTO(buf) struct buf out = {0};
    AUTO(bundle_writer) struct bundle_writer *w = NULL;
    AUTO(bundle) struct bundle *b = NULL;
    struct bundle_conf conf = {.environment = "x", .tag = "two"};
    struct bundle_ref ref;
    struct err err = {0};
    uint32_t id[2], other;

    make_text(&text, 0, 0);
    assert_ok(bundle_create(s, &conf, &w, &err), &err);
    assert_ok(bundle_stream(w, STREAM_TEXT, "facts/a", NULL, &id[0], &err), &err);
    assert_ok(bundle_stream(w, STREAM_TEXT, "facts/b", NULL, &id[1], &err), &err);
    assert_ok(bundle_stream(w, STREAM_TEXT, "files/c", NULL, &other, &err), &err);
    for (uint64_t i = 0; i < 1000; i++) {
        char line[32];
        snprintf(line, sizeof(line), "segment %u", (unsigned)(i % 500));
        struct segment_raw seg = {.stream = id[i % 2], .seq = i, .bytes = span_of(line)};
        if (i % 500 == 7)
            seg.bytes = buf_view(&text);
        assert_ok(bundle_segment(w, &seg, &err), &err);
    }
    struct segment_raw seg = {.stream = other, .bytes = buf_view(&text)};
    assert_ok(bundle_segment(w, &seg, &err), &err);
    assert_ok(bundle_finish(w, &ref, &err), &err);

    assert_ok(bundle_open(s, "two", &b, &err), &err);
    const struct stream *one = bundle_find(b, "facts/b"), *apart = bundle_find(b, "files/c");
    assert_int_equal(one->segment_count, 500);
    assert_int_equal(one->segments[3].seq, 7);
    assert_int_equal(one->segments[253].seq, 507);
    assert_int_equal(one->segments[3].pack, one->segments[253].pack);
    assert_int_equal(one->segments[3].offset, one->segments[253].offset);
    assert_int_not_equal(apart->segments[0].pack, one->segments[3].pack);
    assert_ok(bundle_read(b, &one->segments[253], &out, &err), &err);
    assert_memory_equal(out.at, text.at, text.len);
    check_fault(s, VERIFY_CONTENT, NULL);
    bundle_close(TAKE(b));
    store_close(s);
}

/* Two columns, one behind the other; on later days some of their rows are gone. */
static void make_columns(struct buf *out, unsigned day)
{
    buf_clear(out);
    for (uint64_t column = 1; column <= 2; column++)
        for (unsigned i = 0; i < LINES; i++)
            if (!day || i % 100 != day)
                buf_printf(out, "%016llx%016llx\n",
                           (unsigned long long)((i + 1) * column * 0x9E3779B97F4A7C15u),
                           (unsigned long long)((i + 7) * column * 0xD1B54A32D192ED03u));
}

struct table {
    const char *name;
    unsigned columns;
};

static void write_tables(struct store *s, const char *tag, const char *parent,
                         const struct buf *text, const struct table *tables, size_t count)
{
    AUTO(bundle_writer) struct bundle_writer *w = NULL;
    struct bundle_conf conf = {.environment = "x", .tag = tag, .parent = parent};
    struct bundle_ref ref;
    struct err err = {0};

    assert_ok(bundle_create(s, &conf, &w, &err), &err);
    for (size_t i = 0; i < count; i++) {
        AUTO(json) json_t *meta = json_pack("{s:[]}", "columns");
        uint32_t id = 0;

        for (unsigned c = 0; c < tables[i].columns; c++)
            json_array_append_new(json_object_get(meta, "columns"), json_string("c"));
        assert_ok(bundle_stream(w, STREAM_COLUMNS, tables[i].name, meta, &id, &err), &err);
        struct segment_raw seg = {.stream = id,
                                  .bytes = buf_view(text),
                                  .records = columns_lines(buf_view(text)) / tables[i].columns};
        assert_ok(bundle_segment(w, &seg, &err), &err);
    }
    assert_ok(bundle_finish(w, &ref, &err), &err);
}

/* Whether the table reads as it was written and is stored as a delta. */
static bool table_is_delta(struct store *s, const char *tag, const char *name,
                           const struct buf *text)
{
    AUTO(bundle) struct bundle *b = NULL;
    AUTO(buf) struct buf out = {0};
    struct err err = {0};

    assert_ok(bundle_open(s, tag, &b, &err), &err);
    const struct segment *seg = &bundle_find(b, name)->segments[0];
    assert_ok(bundle_read(b, seg, &out, &err), &err);
    assert_int_equal(out.len, text->len);
    assert_memory_equal(out.at, text->at, out.len);
    return segment_is_delta(seg);
}

/* A delta's list of rows means the rows of so many columns: the same bytes with others are no hit,
 * neither in the same bundle nor in the parent. */
TEST(a_delta_is_not_shared_with_other_columns)
{
    static const struct table two = {"facts/t", 2}, two_more = {"facts/u", 2},
                              four = {"facts/v", 4};
    AUTO(store) struct store *s = fake_store_empty();
    AUTO(buf) struct buf text = {0};

    make_columns(&text, 0);
    write_tables(s, "one", NULL, &text, &two, 1);
    make_columns(&text, 1);
    write_tables(s, "two", "one", &text, (struct table[]){two, two_more, four}, 3);
    assert_true(table_is_delta(s, "two", "facts/t", &text));
    assert_true(table_is_delta(s, "two", "facts/u", &text));
    assert_false(table_is_delta(s, "two", "facts/v", &text));

    write_tables(s, "alone", "one", &text, &two, 1);
    write_tables(s, "three", "alone", &text, (struct table[]){two_more, four}, 2);
    assert_true(table_is_delta(s, "three", "facts/u", &text));
    assert_false(table_is_delta(s, "three", "facts/v", &text));
    /* Each finds its own. */
    write_tables(s, "four", "three", &text, (struct table[]){two, four}, 2);
    assert_int_equal(told(s, "four", "references"), 2);
    assert_true(table_is_delta(s, "four", "facts/t", &text));
    assert_false(table_is_delta(s, "four", "facts/v", &text));
}

TESTS(a_delta_is_not_shared_with_other_columns, equal_segments_of_one_bundle_are_stored_once,
      later_days_rest_on_the_first, too_much_change_makes_a_new_frame,
      the_limit_is_a_share_of_a_full_frame, a_damaged_base_is_named_where_it_lies,
      a_lost_base_is_named_and_what_it_breaks, a_bad_base_gives_a_full_frame,
      no_flipped_byte_gives_wrong_content, an_index_with_impossible_bases_is_refused,
      many_bases_are_read_in_any_order, keeps_a_segment_unread)
