/* Push between two stores, in good and in bad times. */
#include "tests/test.h"

#include "lib/bundle/gc.h"
#include "lib/bundle/mark.h"
#include "lib/bundle/tags_edit.h"
#include "lib/bundle/transfer.h"
#include "tests/fake/bundle.h"
#include "tests/fake/store_memory.h"

static const struct transfer_conf conf = {.jobs = 2};

TEST(sends_only_what_is_missing)
{
    AUTO(store) struct store *a = fake_store_empty();
    AUTO(store) struct store *b = fake_store_empty();
    struct transfer_report r = {0};
    struct err err = {0};

    struct bundle_ref one = fake_bundle(a, "one", "mine");
    assert_ok(bundle_transfer(a, "mine", b, &conf, &r, &err), &err);
    assert_int_equal(r.sent, 5);
    assert_int_equal(r.there, 0);
    assert_true(fake_bundle_good(b, "mine"));
    assert_true(fake_bundle_good(b, one.tag));
    assert_ok(bundle_transfer(a, "mine", b, &conf, &r, &err), &err);
    assert_int_equal(r.sent, 5);
    assert_int_equal(r.there, 5);
    struct bundle_ref two = fake_bundle(a, "two", NULL);
    assert_ok(bundle_transfer(a, two.tag, b, &conf, &r, &err), &err);
    assert_int_equal(r.sent, 9); /* one pack was there */
    assert_true(fake_bundle_good(b, two.tag));
}

TEST(an_altered_blob_is_not_sent)
{
    AUTO(store) struct store *a = fake_store_empty();
    AUTO(marks) struct marks blobs = MARKS;
    struct transfer_report r = {0};
    struct index_pack manifest;
    struct err err = {0};
    char name[STORE_NAME_MAX];

    fake_bundle(a, "one", "mine");
    assert_ok(tags_resolve(a, "mine", &manifest, &err), &err);
    assert_ok(marks_bundle(&blobs, a, &manifest, &err), &err);
    for (size_t i = 0; i < blobs.blobs.count; i++) {
        const struct index_pack *blob = &((const struct index_pack *)blobs.blobs.at)[i];
        AUTO(store) struct store *b = fake_store_empty();
        struct buf *bytes = fake_store_object(a, store_blob_name(&blob->digest, name));

        bytes->at[bytes->len / 2] ^= 1;
        assert_fails(bundle_transfer(a, "mine", b, &conf, &r, &err), &err, ERR_DAMAGED);
        assert_int_equal(fake_store_open_puts(b), 0);
        assert_false(fake_bundle_good(b, "mine"));
        bytes->at[bytes->len / 2] ^= 1;
        assert_ok(bundle_transfer(a, "mine", b, &conf, &r, &err), &err);
        assert_true(fake_bundle_good(b, "mine"));
    }
}

/* Two hosts may capture within the same second: neither loses its dated tag. */
TEST(a_dated_tag_is_not_taken_away)
{
    AUTO(store) struct store *s = fake_store_empty();
    struct bundle_ref one = fake_bundle(s, "one", "mine");
    struct bundle_ref two = fake_bundle(s, "two", "other");
    AUTO(vec) struct vec list = VEC(struct tagged);
    struct index_pack found;
    struct err err = {0};

    struct tagged *t = vec_add(&list, &err);
    assert_ok(tags_resolve(s, "other", &t->manifest, &err), &err);
    snprintf(t->tag, sizeof(t->tag), "%s", one.tag);
    assert_ok(tags_add(s, &list, &err), &err);
    assert_ok(tags_resolve(s, one.tag, &found, &err), &err);
    assert_true(digest_eq(&found.digest, &one.manifest));
    snprintf(t->tag, sizeof(t->tag), "mine");
    assert_ok(tags_add(s, &list, &err), &err);
    assert_ok(tags_resolve(s, "mine", &found, &err), &err);
    assert_true(digest_eq(&found.digest, &two.manifest));
}

/* Whatever call of either store fails: no half bundle, and doing it again ends it. */
static void survive(bool of_source, bool on)
{
    for (uint64_t n = 1;; n++) {
        AUTO(store) struct store *a = fake_store_empty();
        AUTO(store) struct store *b = fake_store_empty();
        struct store *bad = of_source ? a : b;
        struct transfer_report r = {0};
        struct gc_conf now = {0};
        struct gc_report freed = {0};
        struct err err = {0};

        fake_bundle(a, "one", "mine");
        fake_store_fail_at(bad, n, on);
        bool ok = bundle_transfer(a, "mine", b, &conf, &r, &err);
        uint64_t calls = fake_store_calls(bad);
        fake_store_fail_at(bad, 0, false);
        assert_int_equal(fake_store_open_puts(b), 0);
        if (!ok) {
            assert_int_equal(err.code, ERR_SPACE);
            assert_false(fake_bundle_good(b, "mine"));
            assert_ok(bundle_transfer(a, "mine", b, &conf, &r, &err), &err);
        }
        assert_true(fake_bundle_good(b, "mine"));
        assert_ok(bundle_gc(b, &now, &freed, &err), &err);
        gc_report_done(&freed);
        assert_true(fake_bundle_good(b, "mine"));
        if (ok && calls < n)
            break;
    }
}

TEST(survives_every_failing_call)
{
    survive(true, false);
    survive(true, true);
    survive(false, false);
    survive(false, true);
}

TESTS(sends_only_what_is_missing, an_altered_blob_is_not_sent, a_dated_tag_is_not_taken_away,
      survives_every_failing_call)
