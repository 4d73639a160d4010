/* Indexes that do not fit into memory, or into one frame. */
#include "tests/test.h"

#include "lib/bundle/access.h"
#include "lib/bundle/arrange.h"
#include "lib/bundle/index.h"
#include "lib/bundle/lookup.h"
#include "lib/bundle/reader.h"
#include "tests/fake/bundle.h"

enum { STREAMS = 7, SEGMENTS = 28000 };

/* Which segment is written as number i: every one once, in no order. */
static unsigned shuffled(unsigned i)
{
    return (unsigned)((uint64_t)i * 7919 % SEGMENTS);
}

static void text_of(unsigned number, char *out)
{
    snprintf(out, 64, "segment %u\n", number);
}

/* Streams are declared against the order of their names; the segments of all of them are mixed. */
static void write_many(struct store *s, struct bundle_conf conf, const char *tag)
{
    AUTO(bundle_writer) struct bundle_writer *w = NULL;
    struct bundle_ref ref;
    struct err err = {0};
    uint32_t ids[STREAMS];

    conf.tag = tag;
    assert_ok(bundle_create(s, &conf, &w, &err), &err);
    for (unsigned k = 0; k < STREAMS; k++) {
        char name[32];
        snprintf(name, sizeof(name), "facts/s%u", STREAMS - k);
        assert_ok(bundle_stream(w, STREAM_TEXT, name, NULL, &ids[k], &err), &err);
    }
    for (unsigned i = 0; i < SEGMENTS; i++) {
        unsigned number = shuffled(i);
        char text[64], from[96], to[64];

        text_of(number, text);
        snprintf(from, sizeof(from), "%u\t\\%50u", number, number);
        snprintf(to, sizeof(to), "to %u\n", number);
        struct segment_raw raw = {.stream = ids[number % STREAMS],
                                  .seq = number / STREAMS * 3,
                                  .bytes = span_of(text),
                                  .key_from = span_of(from),
                                  .key_to = span_of(to)};
        assert_ok(bundle_segment(w, &raw, &err), &err);
    }
    assert_ok(bundle_finish(w, &ref, &err), &err);
}

static void check_many(struct store *s, const char *tag, const struct bundle_access *access)
{
    AUTO(bundle) struct bundle *b = NULL;
    AUTO(buf) struct buf out = {0};
    struct err err = {0};
    size_t count = 0;

    assert_ok(bundle_open_as(s, tag, access, &b, &err), &err);
    const struct stream *streams = bundle_streams(b, &count);
    assert_int_equal(count, STREAMS);
    assert_int_equal(bundle_index(b)->segment_count, SEGMENTS);
    for (size_t k = 0; k < STREAMS; k++) {
        assert_int_equal(streams[k].segment_count, SEGMENTS / STREAMS);
        for (size_t i = 0; i < streams[k].segment_count; i++) {
            const struct segment *seg = &streams[k].segments[i];
            unsigned number = (unsigned)i * STREAMS + (STREAMS - 1 - (unsigned)k);
            char text[96];

            assert_int_equal(seg->seq, i * 3);
            snprintf(text, sizeof(text), "%u\t\\%50u", number, number);
            assert_true(span_is(seg->key_from, text));
            snprintf(text, sizeof(text), "to %u\n", number);
            assert_true(span_is(seg->key_to, text));
            if (i % 500 == 0) {
                text_of(number, text);
                assert_ok(bundle_read(b, seg, &out, &err), &err);
                assert_string_equal(buf_str(&out), text);
            }
        }
    }
}

TEST(many_segments_come_in_any_order)
{
    AUTO(store) struct store *s = fake_store_empty();
    AUTO(bundle) struct bundle *b = NULL;
    const struct bundle_conf first = {.environment = "shop"};
    const struct bundle_conf later = {.environment = "shop", .parent = "one"};
    struct err err = {0};

    write_many(s, first, "one");
    check_many(s, "one", NULL);
    /* They are larger than what a spill holds in memory, and more than one frame. */
    assert_ok(bundle_open(s, "one", &b, &err), &err);
    assert_int_not_equal(bundle_index(b)->segments.file, 0);
    assert_int_not_equal(bundle_index(b)->keys.file, 0);
    assert_true(bundle_index(b)->keys.len > INDEX_FRAME);

    write_many(s, later, "two");
    check_many(s, "two", NULL);
    AUTO(bundle) struct bundle *two = NULL;
    assert_ok(bundle_open(s, "two", &two, &err), &err);
    assert_int_equal(json_integer_value(json_object_get(bundle_config(two), "references")),
                     SEGMENTS);
}

TEST(many_segments_of_an_encrypted_bundle)
{
    AUTO(store) struct store *s = fake_store_empty();
    struct bundle_access access = {0};
    struct bundle_conf conf = {.environment = "shop", .encrypt_count = 1};
    struct err err = {0};

    assert_ok(key_make(KEY_SEAL, &access.key, &err), &err);
    conf.encrypt_to = key_public(access.key);
    write_many(s, conf, "one");
    check_many(s, "one", &access);
    AUTO(bundle) struct bundle *b = NULL;
    assert_ok(bundle_open_as(s, "one", &access, &b, &err), &err);
    assert_true(bundle_manifest(b)->index.bytes > SPILL_PIECE); /* more than one box */
    access_done(&access);
}

/* Several runs, whose segments are mixed; the streams' new order is the old one backwards. */
TEST(runs_are_merged)
{
    enum { COUNT_OF = 200000, KINDS = 5 };
    static const uint32_t now[KINDS] = {4, 3, 2, 1, 0};
    AUTO(index) struct index ix;
    AUTO(arranged) struct arranged order = {0};
    struct segment got = {0};
    struct err err = {0};

    index_init(&ix);
    for (unsigned i = 0; i < COUNT_OF; i++) {
        unsigned number = (unsigned)((uint64_t)i * 7919 % COUNT_OF);
        const struct segment seg = {
            .stream = number % KINDS, .seq = number / KINDS, .offset = number};
        assert_non_null(index_add(&ix, &seg, &err));
    }
    assert_ok(arranged_open(&order, &ix, now, &err), &err);
    assert_true(order.runs.count > 3);
    for (unsigned i = 0; i < COUNT_OF; i++) {
        unsigned stream = i / (COUNT_OF / KINDS), seq = i % (COUNT_OF / KINDS);

        assert_ok(arranged_next(&order, &got, &err), &err);
        assert_int_equal(got.stream, stream);
        assert_int_equal(got.seq, seq);
        assert_int_equal(got.offset, seq * KINDS + (KINDS - 1 - stream));
    }
    assert_fails(arranged_next(&order, &got, &err), &err, ERR_FAILED);
}

/* ---- frames ----------------------------------------------------------------------------------*/

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEAD  "rehearse-index\t1\npack\t0\t" HEX64 "\t1000000\t-\nstream\t0\ttext\ta/b\t{}\n"
#define LINE  "segment\t0\t1\t0\t0\t100\t1000\t0\t" HEX64 "\ta\tb\t-\t-\t-\t-\t-\n"
#define END   "end\t1\t1\t1\n"

/* Each text a frame. */
static bool decodes(const char *const *texts, struct err *err)
{
    AUTO(index) struct index ix;
    AUTO(spill) struct spill frames = {0};
    struct codecs codecs;
    struct codec *c = NULL;
    struct span frame;

    index_init(&ix);
    codecs_init(&codecs);
    assert_ok(codecs_take(&codecs, &c, err), err);
    assert_ok(spill_open(&frames, INDEX_MAX, err), err);
    for (; *texts; texts++) {
        assert_ok(codec_compress(c, 1, span_of(*texts), &frame, err), err);
        assert_non_null(spill_add(&frames, frame.at, frame.len, err));
    }
    bool ok = index_decode(&frames, c, &ix, err);
    codecs_give(&codecs, c);
    codecs_done(&codecs);
    return ok;
}
#define FRAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

TEST(lines_lie_whole_in_frames)
{
    static const char *const good[][5] = {
        {HEAD LINE END}, {HEAD, LINE END}, {HEAD, LINE, END}, {HEAD, "", LINE, END}};
    static const char *const bad[][5] = {{NULL},
                                         {HEAD},
                                         {HEAD, LINE},
                                         {HEAD "segment\t0", "\t1\n", END},
                                         {HEAD, LINE, END "x"},
                                         {HEAD, LINE, END, LINE},
                                         {HEAD, LINE, END, END},
                                         {LINE, HEAD, END}};
    struct err err = {0};

    for (size_t i = 0; i < COUNT(good); i++)
        assert_ok(decodes(good[i], &err), &err);
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_fails(decodes(bad[i], &err), &err, ERR_DAMAGED);
}

/* ---- lookups ---------------------------------------------------------------------------------*/

static struct digest digest_of(unsigned i)
{
    return hash_of((struct span){(const char *)&i, sizeof(i)});
}

static unsigned found(const struct lookup *l, unsigned of, unsigned wanted)
{
    const struct digest d = digest_of(of);
    size_t step = 0, number;
    unsigned times = 0;

    while (lookup_next(l, &d, &step, &number))
        times += number == wanted;
    return times;
}

TEST(what_was_put_is_found)
{
    enum { COUNT_OF = 200000 };
    AUTO(lookup) struct lookup grown = {0}, sized = {0};
    struct err err = {0};

    assert_int_equal(found(&grown, 1, 1), 0);
    assert_ok(lookup_open(&sized, COUNT_OF, &err), &err);
    for (unsigned i = 0; i < COUNT_OF; i++) {
        const struct digest d = digest_of(i / 2); /* each twice */
        assert_ok(lookup_put(&grown, &d, i, &err), &err);
        assert_ok(lookup_put(&sized, &d, i, &err), &err);
    }
    assert_int_not_equal(grown.slots.file, 0);
    assert_int_equal(grown.dropped + sized.dropped, 0);
    for (unsigned i = 0; i < COUNT_OF; i++) {
        assert_int_equal(found(&grown, i / 2, i), 1);
        assert_int_equal(found(&sized, i / 2, i), 1);
    }
    for (unsigned i = COUNT_OF; i < COUNT_OF + 100; i++)
        assert_int_equal(found(&grown, i, i), 0);
    const struct digest d = digest_of(0);
    assert_fails(lookup_put(&grown, &d, (size_t)LOOKUP_MAX + 1, &err), &err, ERR_UNSUPPORTED);
}

/* Equal ones, and ones whose first bytes were made equal: no more steps than there may be. */
TEST(digests_that_are_alike_take_no_more_time)
{
    enum { PUTS = 100000 };
    AUTO(lookup) struct lookup l = {0};
    struct err err = {0};

    for (unsigned i = 0; i < PUTS; i++) {
        struct digest d = {0};
        memcpy(d.at + 8, &i, sizeof(i));
        assert_ok(lookup_put(&l, &d, i, &err), &err);
    }
    assert_true(l.count <= LOOKUP_STEPS);
    assert_int_equal(l.count + l.dropped, PUTS);
    const struct digest d = {0};
    size_t step = 0, number;
    while (lookup_next(&l, &d, &step, &number))
        ;
    assert_true(step <= LOOKUP_STEPS);
}

/* Any number of deltas at one place, as no writer puts them. */
TEST(deltas_that_are_all_at_one_place)
{
    AUTO(index) struct index ix;
    struct index_reader r = {.ix = &ix};
    AUTO(buf) struct buf text = {0};
    struct err err = {0};

    index_init(&ix);
    buf_puts(&text, HEAD);
    for (unsigned i = 0; i < 100000; i++)
        buf_printf(
            &text,
            "segment\t0\t%u\t0\t0\t50\t1000\t0\t" HEX64 "\t\t\t0\t500\t100\t1000\t" HEX64 "\n", i);
    buf_puts(&text, "end\t1\t1\t100000\n");
    assert_ok(index_read_text(&r, buf_view(&text), &err), &err);
    assert_ok(index_read_end(&r, &err), &err);
}

/* What is held in memory of a stream has a bound: metas alone could fill it. */
TEST(too_many_streams_are_refused)
{
    AUTO(index) struct index ix;
    struct index_reader r = {.ix = &ix, .head_bytes = INDEX_HEAD_MAX - 100};
    AUTO(buf) struct buf text = {0};
    struct err err = {0};

    index_init(&ix);
    buf_puts(&text, HEAD);
    assert_fails(index_read_text(&r, buf_view(&text), &err), &err, ERR_DAMAGED);
}

TESTS(many_segments_come_in_any_order, runs_are_merged, many_segments_of_an_encrypted_bundle,
      lines_lie_whole_in_frames, what_was_put_is_found, digests_that_are_alike_take_no_more_time,
      deltas_that_are_all_at_one_place, too_many_streams_are_refused)
