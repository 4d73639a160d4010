/* Bundles written and read back, in good and in bad times. */
#include "tests/test.h"

#include "lib/base/json.h"
#include "lib/bundle/bundle.h"
#include "lib/bundle/verify.h"
#include "tests/fake/bundle.h"
#include "tests/fake/store_memory.h"

#include <pthread.h>

#define ROWS "1\n2\n3\na\nb\nc\n"

static json_t *columns_meta(unsigned count)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < count; i++)
        json_array_append_new(list, json_string("c"));
    return json_pack("{s:o}", "columns", list);
}

/* A bundle with one stream of each kind, one of them empty. */
static bool write_small(struct store *s, const char *parent, struct bundle_ref *ref,
                        struct err *err)
{
    struct bundle_conf conf = {.environment = "sh op", .tag = "mine", .parent = parent};
    AUTO(bundle_writer) struct bundle_writer *w = NULL;
    AUTO(json) json_t *meta = columns_meta(2);
    uint32_t table = 0, files = 0, none = 0;

    if (!bundle_create(s, &conf, &w, err) ||
        !bundle_stream(w, STREAM_TAR, "files/code", NULL, &files, err) ||
        !bundle_stream(w, STREAM_COLUMNS, "postgresql.a/public.t", meta, &table, err) ||
        !bundle_stream(w, STREAM_COLUMNS, "postgresql.a/public.empty", meta, &none, err))
        return false;
    struct segment_raw seg = {.stream = table,
                              .seq = 7,
                              .records = 3,
                              .bytes = SPAN(ROWS),
                              .key_from = SPAN("\t\n\\\0x")};
    struct segment_raw later = {.stream = table, .seq = 9, .records = 1, .bytes = SPAN("4\nd\n")};
    struct segment_raw file = {.stream = files, .records = 1, .bytes = SPAN("not really a tar")};
    return bundle_segment(w, &later, err) && bundle_segment(w, &seg, err) &&
           bundle_segment(w, &file, err) &&
           bundle_text(w, "facts/host", NULL, SPAN("{\"kernel\":6}"), err) &&
           bundle_text(w, "facts/none", NULL, SPAN(""), err) &&
           bundle_component(w, "postgresql.a",
                            json_pack("{s:s, s:[s]}", "position", "0/1", "left_out", "x"), err) &&
           bundle_component(w, "postgresql.a",
                            json_pack("{s:s, s:[s]}", "position", "0/2", "left_out", "y"), err) &&
           bundle_finish(w, ref, err);
}

static void check_small(struct store *s, const char *ref)
{
    AUTO(bundle) struct bundle *b = NULL;
    AUTO(buf) struct buf out = {0};
    struct err err = {0};
    size_t count = 0;

    assert_ok(bundle_open(s, ref, &b, &err), &err);
    const struct stream *all = bundle_streams(b, &count);
    assert_int_equal(count, 5);
    assert_string_equal(all[0].name, "facts/host");
    const struct stream *t = bundle_find(b, "postgresql.a/public.t");
    assert_non_null(t);
    assert_string_equal(t->component, "postgresql.a");
    assert_int_equal(t->kind, STREAM_COLUMNS);
    assert_int_equal(bundle_columns(t), 2);
    assert_int_equal(t->segment_count, 2);
    assert_int_equal(t->records, 4);
    assert_int_equal(t->segments[0].seq, 7);
    assert_int_equal(t->segments[0].key_from.len, 5);
    assert_memory_equal(t->segments[0].key_from.at, "\t\n\\\0x", 5);
    assert_ok(bundle_read(b, &t->segments[0], &out, &err), &err);
    assert_string_equal(buf_str(&out), ROWS);
    assert_int_equal(bundle_find(b, "postgresql.a/public.empty")->segment_count, 0);
    assert_ok(bundle_read_text(b, "facts/host", &out, &err), &err);
    assert_string_equal(buf_str(&out), "{\"kernel\":6}");
    assert_ok(bundle_read_text(b, "facts/none", &out, &err), &err);
    assert_int_equal(out.len, 0);
    assert_fails(bundle_read_text(b, "facts/absent", &out, &err), &err, ERR_MISSING);
    assert_null(bundle_find(b, "zzz/zzz"));

    const json_t *c =
        json_object_get(json_object_get(bundle_config(b), "components"), "postgresql.a");
    assert_string_equal(json_string_value(json_object_get(c, "position")), "0/2");
    assert_int_equal(json_array_size(json_object_get(c, "left_out")), 2);
    assert_int_equal(json_integer_value(json_object_get(c, "records")), 4);
}

TEST(reads_what_was_written)
{
    AUTO(store) struct store *s = fake_store_empty();
    struct bundle_ref ref = {0};
    struct err err = {0};
    char hex[HASH_HEX];

    assert_ok(write_small(s, NULL, &ref, &err), &err);
    assert_int_equal(fake_store_open_puts(s), 0);
    digest_hex(&ref.manifest, hex);
    check_small(s, "mine");
    check_small(s, "latest");
    check_small(s, ref.tag);
    check_small(s, hex);
    hex[8] = '\0';
    check_small(s, hex);
    assert_memory_equal(ref.tag, "sh_op-20", 8);
}

TEST(names_a_reference_that_is_none)
{
    AUTO(store) struct store *s = fake_store_empty();
    struct bundle *b = NULL;
    struct bundle_ref ref = {0};
    struct err err = {0};
    static const char *const none[] = {
        "",
        "nope",
        "abc",
        "latest ",
        "sha256:",
        "../mine",
        "0000000000000000000000000000000000000000000000000000000000000000"};

    assert_fails(bundle_open(s, "latest", &b, &err), &err, ERR_MISSING);
    assert_ok(write_small(s, NULL, &ref, &err), &err);
    for (size_t i = 0; i < COUNT(none); i++)
        assert_fails(bundle_open(s, none[i], &b, &err), &err, ERR_MISSING);
}

/* A tag moves; the dated one never does, even within one second. */
TEST(keeps_every_dated_tag)
{
    AUTO(store) struct store *s = fake_store_empty();
    struct bundle_ref first = {0}, second = {0};
    struct err err = {0};

    assert_ok(write_small(s, NULL, &first, &err), &err);
    assert_ok(write_small(s, NULL, &second, &err), &err);
    assert_string_not_equal(first.tag, second.tag);
    check_small(s, first.tag);
    check_small(s, second.tag);
}

TEST(stores_unchanged_segments_once)
{
    AUTO(store) struct store *s = fake_store_empty();
    AUTO(bundle) struct bundle *b = NULL;
    struct bundle_ref ref = {0};
    struct err err = {0};

    assert_ok(write_small(s, NULL, &ref, &err), &err);
    size_t before = fake_store_objects(s);
    assert_ok(write_small(s, "mine", &ref, &err), &err);
    check_small(s, "mine");
    /* Only index (perhaps), bundle.json and the manifest are new. */
    assert_in_range(fake_store_objects(s), before + 2, before + 3);
    assert_ok(bundle_open(s, "mine", &b, &err), &err);
    assert_int_equal(json_integer_value(json_object_get(bundle_config(b), "new_bytes")), 0);
    assert_non_null(json_string_value(json_object_get(bundle_config(b), "parent")));
}

TEST(refuses_what_a_writer_must_not_do)
{
    AUTO(store) struct store *s = fake_store_empty();
    struct bundle_conf conf = {.environment = "x"};
    struct err err = {0};
    uint32_t id = 0;
    static const char *const tags[] = {"latest", "a b", "-x", "", "a/b"};
    struct bundle_writer *w = NULL;

    for (size_t i = 0; i < COUNT(tags); i++) {
        struct bundle_conf bad = {.environment = "x", .tag = tags[i]};
        assert_fails(bundle_create(s, &bad, &w, &err), &err, ERR_USAGE);
    }
    assert_ok(bundle_create(s, &conf, &w, &err), &err);
    assert_fails(bundle_stream(w, STREAM_TEXT, "no-slash", NULL, &id, &err), &err, ERR_FAILED);
    assert_fails(bundle_stream(w, STREAM_TEXT, "a/b c", NULL, &id, &err), &err, ERR_FAILED);
    assert_fails(bundle_stream(w, STREAM_COLUMNS, "a/b", NULL, &id, &err), &err, ERR_FAILED);
    assert_ok(bundle_stream(w, STREAM_TEXT, "a/b", NULL, &id, &err), &err);
    struct segment_raw seg = {.stream = id, .bytes = SPAN("x")},
                       lost = {.stream = 99, .bytes = SPAN("x")};
    assert_ok(bundle_segment(w, &seg, &err), &err);
    assert_ok(bundle_segment(w, &seg, &err), &err);
    struct bundle_ref ref;
    assert_fails(bundle_finish(w, &ref, &err), &err, ERR_FAILED); /* the same seq twice */
    bundle_abandon(w);
    assert_ok(bundle_create(s, &conf, &w, &err), &err);
    assert_fails(bundle_segment(w, &lost, &err), &err, ERR_FAILED);
    bundle_abandon(w);
    assert_int_equal(fake_store_open_puts(s), 0);
}

/* Whatever call fails, from then on or only once: an error, no bundle, nothing left open, and the
 * store works on. */
TEST(survives_every_failing_call)
{
    for (int on = 0; on < 2; on++) {
        for (uint64_t n = 1;; n++) {
            AUTO(store) struct store *s = fake_store_empty();
            struct bundle_ref ref = {0};
            struct err err = {0};

            fake_store_fail_at(s, n, on);
            bool ok = write_small(s, NULL, &ref, &err);
            uint64_t calls = fake_store_calls(s);
            fake_store_fail_at(s, 0, false);
            assert_int_equal(fake_store_open_puts(s), 0);
            if (ok) {
                assert_true(calls <= n); /* the last one ends the lease: no harm where it fails */
                check_small(s, "mine");
                if (calls < n)
                    break;
                continue;
            }
            assert_int_equal(err.code, ERR_SPACE);
            struct bundle *b = NULL;
            assert_fails(bundle_open(s, "latest", &b, &err), &err, ERR_MISSING);
            assert_ok(write_small(s, NULL, &ref, &err), &err);
            check_small(s, "mine");
        }
    }
}

static void read_all(struct store *s)
{
    AUTO(bundle) struct bundle *b = NULL;
    AUTO(buf) struct buf out = {0};
    struct err err = {0};
    size_t count = 0;

    if (!bundle_open(s, "mine", &b, &err)) {
        assert_true(err.text[0]);
        return;
    }
    const struct stream *all = bundle_streams(b, &count);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < all[i].segment_count; k++)
            if (bundle_read(b, &all[i].segments[k], &out, &err) &&
                strcmp(all[i].name, "postgresql.a/public.t") == 0 && k == 0)
                assert_string_equal(buf_str(&out), ROWS); /* right, or not at all */
}

static size_t faults(struct store *s)
{
    AUTO(verify_report) struct verify_report r = {0};
    struct verify_conf conf = {.level = VERIFY_CONTENT, .jobs = 1};
    struct err err = {0};

    if (!bundle_verify(s, "mine", &conf, &r, &err))
        return 1;
    return r.faults.count;
}

TEST(notices_every_flipped_byte)
{
    AUTO(store) struct store *s = fake_store_empty();
    struct bundle_ref ref = {0};
    struct err err = {0};

    assert_ok(write_small(s, NULL, &ref, &err), &err);
    assert_int_equal(faults(s), 0);
    for (size_t i = 0; i < fake_store_objects(s); i++) {
        const char *name = fake_store_name(s, i);
        struct buf *o = fake_store_object(s, name);

        for (size_t at = 0; at < o->len; at++) {
            o->at[at] ^= 0x20;
            read_all(s);
            if (strncmp(name, "blobs/", 6) == 0)
                assert_true(faults(s) > 0);
            o->at[at] ^= 0x20;
        }
    }
    check_small(s, "mine");
}

TEST(notices_every_truncation_and_loss)
{
    AUTO(store) struct store *s = fake_store_empty();
    struct bundle_ref ref = {0};
    struct err err = {0};

    assert_ok(write_small(s, NULL, &ref, &err), &err);
    for (size_t i = 0; i < fake_store_objects(s); i++) {
        char name[STORE_NAME_MAX];
        snprintf(name, sizeof(name), "%s", fake_store_name(s, i));
        if (strncmp(name, "blobs/", 6) != 0)
            continue;
        struct buf *o = fake_store_object(s, name);
        size_t whole = o->len;

        for (o->len = 0; o->len < whole; o->len++) {
            read_all(s);
            assert_true(faults(s) > 0);
        }
        AUTO(buf) struct buf kept = {0};
        AUTO(bundle) struct bundle *b = NULL;
        struct digest digest;
        buf_span(&kept, buf_view(o));
        assert_ok(s->ops->remove(s, name, &err), &err);
        assert_false(bundle_open(s, "mine", &b, &err));
        assert_non_null(strstr(err.text, name + strlen("blobs/sha256/")));
        assert_true(faults(s) > 0);
        assert_ok(store_put_blob(s, buf_view(&kept), &digest, &err), &err);
    }
    check_small(s, "mine");
}

TEST(verify_says_what_is_broken)
{
    AUTO(store) struct store *s = fake_store_empty();
    AUTO(bundle) struct bundle *b = NULL;
    AUTO(verify_report) struct verify_report r = {0};
    struct verify_conf conf = {.level = VERIFY_CONTENT, .jobs = 2};
    struct bundle_ref ref = {0};
    struct err err = {0};

    assert_ok(write_small(s, NULL, &ref, &err), &err);
    assert_ok(bundle_open(s, "mine", &b, &err), &err);
    const struct segment *seg = &bundle_find(b, "postgresql.a/public.t")->segments[0];
    for (size_t i = 0; i < fake_store_objects(s); i++) {
        struct buf *o = fake_store_object(s, fake_store_name(s, i));
        /* The pack of the table is the one that holds its raw text, stored as it is. */
        if (o->len > 50 && memmem(o->at, o->len, "1\n2\n3\na", 7) && o->at[0] == '\x28')
            o->at[seg->offset + 12] ^= 1;
    }
    assert_ok(bundle_verify(s, "mine", &conf, &r, &err), &err);
    assert_int_equal(r.faults.count, 1);
    const struct verify_fault *f = r.faults.at;
    assert_int_equal(json_array_size(f->breaks), 1);
    assert_string_equal(json_string_value(json_array_get(f->breaks, 0)), "postgresql.a/public.t");
}

#define THREADS  4
#define SEGMENTS 40

struct many {
    struct bundle_writer *w;
    uint32_t stream;
    unsigned part;
    bool ok;
};

static void *write_many(void *arg)
{
    struct many *m = arg;
    struct err err = {0};

    m->ok = true;
    for (unsigned i = 0; m->ok && i < SEGMENTS; i++) {
        char text[64];
        unsigned seq = i * THREADS + m->part;
        int len = snprintf(text, sizeof(text), "segment %u\n", seq);
        struct segment_raw seg = {.stream = m->stream, .seq = seq, .bytes = {text, (size_t)len}};
        m->ok = bundle_segment(m->w, &seg, &err);
    }
    return NULL;
}

TEST(takes_segments_from_many_threads)
{
    AUTO(store) struct store *s = fake_store_empty();
    AUTO(bundle_writer) struct bundle_writer *w = NULL;
    AUTO(bundle) struct bundle *b = NULL;
    AUTO(buf) struct buf out = {0};
    struct bundle_conf conf = {.environment = "x"};
    struct bundle_ref ref;
    struct many parts[THREADS];
    pthread_t threads[THREADS];
    struct err err = {0};
    uint32_t id = 0;

    assert_ok(bundle_create(s, &conf, &w, &err), &err);
    assert_ok(bundle_stream(w, STREAM_TEXT, "a/b", NULL, &id, &err), &err);
    for (unsigned i = 0; i < THREADS; i++) {
        parts[i] = (struct many){w, id, i, false};
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, &parts[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_true(parts[i].ok);
    }
    assert_ok(bundle_finish(w, &ref, &err), &err);
    assert_ok(bundle_open(s, "latest", &b, &err), &err);
    assert_ok(bundle_read_text(b, "a/b", &out, &err), &err);
    const char *at = buf_str(&out);
    for (unsigned i = 0; i < THREADS * SEGMENTS; i++) {
        char want[64];
        int len = snprintf(want, sizeof(want), "segment %u\n", i);
        assert_memory_equal(at, want, (size_t)len);
        at += len;
    }
}

static bool list_one(void *ctx, const struct bundle_info *info, struct err *err)
{
    (void)err;
    assert_int_equal(info->tag_count, 2);
    assert_string_equal(info->environment, "sh op");
    assert_non_null(info->config);
    ++*(size_t *)ctx;
    return true;
}

TEST(lists_and_finds_the_newest)
{
    AUTO(store) struct store *s = fake_store_empty();
    struct bundle_ref ref = {0};
    struct digest newest;
    struct err err = {0};
    size_t n = 0;

    assert_ok(bundle_list(s, list_one, &n, &err), &err);
    assert_int_equal(n, 0);
    assert_ok(write_small(s, NULL, &ref, &err), &err);
    assert_ok(bundle_list(s, list_one, &n, &err), &err);
    assert_int_equal(n, 1);
    assert_ok(bundle_newest(s, "sh op", &newest, &err), &err);
    assert_true(digest_eq(&newest, &ref.manifest));
    assert_fails(bundle_newest(s, "other", &newest, &err), &err, ERR_MISSING);
}

TEST(encodes_stream_names)
{
    AUTO(free) char *plain = stream_name("postgresql.shop", "public", "orders");
    AUTO(free) char *odd = stream_name("files", NULL, "a.b/\xff c");
    AUTO(free) char *dot = stream_name("mariadb.x", "sch.ema", "a.b");

    assert_string_equal(plain, "postgresql.shop/public.orders");
    assert_string_equal(odd, "files/a.b%2F%FF%20c");
    assert_string_equal(dot, "mariadb.x/sch%2Eema.a%2Eb");
}

TESTS(reads_what_was_written, names_a_reference_that_is_none, keeps_every_dated_tag,
      stores_unchanged_segments_once, refuses_what_a_writer_must_not_do,
      survives_every_failing_call, notices_every_flipped_byte, notices_every_truncation_and_loss,
      verify_says_what_is_broken, takes_segments_from_many_threads, lists_and_finds_the_newest,
      encodes_stream_names)
