/* Encrypted and signed bundles: readable for recipients alone, and only as they were written. */
#include "tests/test.h"

#include "lib/base/json.h"
#include "lib/bundle/access.h"
#include "lib/bundle/blob.h"
#include "lib/bundle/rotate.h"
#include "lib/bundle/tags.h"
#include "lib/bundle/verify.h"
#include "tests/fake/fault.h"
#include "tests/fake/store_memory.h"

#define SECRET  "the quick customer list"
#define STREAM  "files/hidden-name"
#define LEFTOUT "left-out-name"

struct fixture {
    struct store *store;
    struct bundle_access mine, other, nobody;
    struct key_secret *signer;
    struct err err;
};

static void begin(struct fixture *f)
{
    *f = (struct fixture){0};
    assert_ok(fake_store_new(&f->store, &f->err), &f->err);
    assert_ok(key_make(KEY_SEAL, &f->mine.key, &f->err), &f->err);
    assert_ok(key_make(KEY_SEAL, &f->other.key, &f->err), &f->err);
    assert_ok(key_make(KEY_SIGN, &f->signer, &f->err), &f->err);
}

static void end(struct fixture *f)
{
    store_close(f->store);
    access_done(&f->mine);
    access_done(&f->other);
    access_done(&f->nobody);
    key_free(f->signer);
}

static void trust(struct fixture *f, struct bundle_access *a)
{
    char text[KEY_TEXT];

    assert_ok(access_trust(a, key_text(key_public(f->signer), text), &f->err), &f->err);
    a->signed_only = true;
}

/* Two segments, so that they could be swapped. */
static bool try_write(struct fixture *f, const struct key_public *to, size_t count, bool sign,
                      const char *parent, struct err *err)
{
    struct bundle_conf conf = {.environment = "shop",
                               .tag = "mine",
                               .parent = parent,
                               .encrypt_to = to,
                               .encrypt_count = count,
                               .sign_with = sign ? f->signer : NULL};
    AUTO(bundle_writer) struct bundle_writer *w = NULL;
    struct bundle_ref ref;
    uint32_t id = 0;

    if (!bundle_create(f->store, &conf, &w, err) ||
        !bundle_stream(w, STREAM_TEXT, STREAM, NULL, &id, err))
        return false;
    for (uint64_t i = 0; i < 2; i++) {
        struct segment_raw seg = {.stream = id,
                                  .seq = i,
                                  .bytes = i ? SPAN(SECRET " 2\n") : SPAN(SECRET " 1\n"),
                                  .key_from = SPAN(SECRET)};
        if (!bundle_segment(w, &seg, err))
            return false;
    }
    return bundle_component(w, "files", json_pack("{s:[s]}", "left_out", LEFTOUT), err) &&
           bundle_finish(w, &ref, err);
}

static void write_to(struct fixture *f, const struct key_public *to, size_t count, bool sign,
                     const char *parent)
{
    assert_ok(try_write(f, to, count, sign, parent, &f->err), &f->err);
}

static bool reads(struct fixture *f, const struct bundle_access *a, enum err_code *code)
{
    AUTO(bundle) struct bundle *b = NULL;
    AUTO(buf) struct buf text = {0};
    struct err err = {0};

    bool ok =
        bundle_open_as(f->store, "mine", a, &b, &err) && bundle_read_text(b, STREAM, &text, &err);
    if (code)
        *code = err.code;
    if (ok)
        assert_string_equal(buf_str(&text), SECRET " 1\n" SECRET " 2\n");
    return ok;
}

static bool verifies(struct fixture *f, enum verify_level level, const struct bundle_access *a,
                     enum err_code *code)
{
    AUTO(verify_report) struct verify_report r = {0};
    struct verify_conf conf = {.level = level, .jobs = 1, .access = a};
    struct err err = {0};
    bool ok = bundle_verify(f->store, "mine", &conf, &r, &err);

    *code = err.code;
    return ok && r.faults.count == 0;
}

static bool store_holds(const struct fixture *f, const char *text)
{
    for (size_t i = 0; i < fake_store_objects(f->store); i++) {
        const struct buf *object = fake_store_object(f->store, fake_store_name(f->store, i));
        if (object->len && memmem(object->at, object->len, text, strlen(text)))
            return true;
    }
    return false;
}

TEST(recipients_read_and_others_do_not)
{
    struct fixture f;
    enum err_code code;

    begin(&f);
    write_to(&f, key_public(f.mine.key), 1, false, NULL);
    assert_true(reads(&f, &f.mine, &code));
    assert_false(reads(&f, &f.other, &code));
    assert_int_equal(code, ERR_AUTH);
    assert_false(reads(&f, NULL, &code));
    assert_int_equal(code, ERR_AUTH);
    end(&f);
}

TEST(nothing_of_the_content_is_in_the_store)
{
    static const char *const hidden[] = {SECRET, "hidden-name", LEFTOUT};
    struct fixture f;

    begin(&f);
    write_to(&f, key_public(f.mine.key), 1, true, NULL);
    for (size_t i = 0; i < COUNT(hidden); i++)
        assert_false(store_holds(&f, hidden[i]));
    assert_true(store_holds(&f, "\"environment\":\"shop\""));

    /* The search itself must be able to find something. */
    write_to(&f, NULL, 0, false, NULL);
    assert_true(store_holds(&f, SECRET) && store_holds(&f, LEFTOUT));
    end(&f);
}

TEST(hashes_are_checked_without_a_key)
{
    struct fixture f;
    enum err_code code;

    begin(&f);
    write_to(&f, key_public(f.mine.key), 1, false, NULL);
    assert_true(verifies(&f, VERIFY_BLOBS, NULL, &code));
    assert_true(verifies(&f, VERIFY_BLOBS, &f.mine, &code));
    assert_true(verifies(&f, VERIFY_CONTENT, &f.mine, &code));
    assert_false(verifies(&f, VERIFY_CONTENT, NULL, &code));
    assert_int_equal(code, ERR_AUTH);
    end(&f);
}

/* Every byte of every object: what is read is right, or it is not given. Without a key L1 finds each
 * byte of each blob. */
TEST(no_touched_byte_gives_wrong_data)
{
    struct fixture f;
    size_t touched = 0, refused = 0;

    begin(&f);
    write_to(&f, key_public(f.mine.key), 1, true, NULL);
    trust(&f, &f.mine);
    assert_true(reads(&f, &f.mine, NULL));
    for (size_t i = 0; i < fake_store_objects(f.store); i++) {
        const char *name = fake_store_name(f.store, i);
        struct buf *object = fake_store_object(f.store, name);
        bool blob = span_starts(span_of(name), "blobs/");

        for (size_t at = 0; at < object->len; at++, touched++) {
            enum err_code code;

            object->at[at] ^= 4;
            refused += !reads(&f, &f.mine, &code);
            if (blob)
                assert_false(verifies(&f, VERIFY_BLOBS, NULL, &code));
            object->at[at] ^= 4;
        }
    }
    /* Not each byte of a pack is read: its last box is the seek table. */
    assert_true(refused > touched / 2);
    end(&f);
}

TEST(signatures_are_asked_for)
{
    struct fixture f;
    enum err_code code;

    begin(&f);
    write_to(&f, NULL, 0, true, NULL);
    assert_true(reads(&f, NULL, &code));
    trust(&f, &f.nobody);
    assert_true(reads(&f, &f.nobody, &code));

    key_free(f.signer);
    assert_ok(key_make(KEY_SIGN, &f.signer, &f.err), &f.err);
    write_to(&f, NULL, 0, true, NULL);
    assert_false(reads(&f, &f.nobody, &code));
    assert_int_equal(code, ERR_AUTH);
    write_to(&f, NULL, 0, false, NULL);
    assert_false(reads(&f, &f.nobody, &code));
    assert_int_equal(code, ERR_AUTH);
    assert_false(verifies(&f, VERIFY_BLOBS, &f.nobody, &code));
    assert_int_equal(code, ERR_AUTH);
    f.nobody.signed_only = false;
    assert_true(reads(&f, &f.nobody, &code));
    end(&f);
}

/* Who can write into the store puts a manifest of his own in, with the old signature. */
TEST(a_changed_manifest_needs_another_signature)
{
    AUTO(manifest) struct manifest m;
    struct index_pack at;
    struct fixture f;
    enum err_code code;

    begin(&f);
    write_to(&f, NULL, 0, true, NULL);
    trust(&f, &f.nobody);
    manifest_init(&m);
    assert_ok(tags_resolve(f.store, "mine", &at, &f.err), &f.err);
    AUTO(buf) struct buf text = {0};
    assert_ok(blob_get(f.store, &at, MANIFEST_MAX, &text, &f.err), &f.err);
    assert_ok(manifest_decode(buf_view(&text), &m, &f.err), &f.err);

    struct tagged entry = {.created = "2026-01-01T00:00:00.000Z", .tag = "forged"};
    m.created[0] = '9';
    AUTO(free) char *forged = manifest_encode(&m);
    assert_ok(store_put_blob(f.store, span_of(forged), &entry.manifest.digest, &f.err), &f.err);
    entry.manifest.bytes = strlen(forged);
    assert_ok(tags_publish(f.store, &entry, "mine", &f.err), &f.err);
    assert_false(reads(&f, &f.nobody, &code));
    assert_int_equal(code, ERR_AUTH);
    end(&f);
}

TEST(rotation_changes_who_reads)
{
    struct fixture f;
    struct digest now;
    enum err_code code;

    begin(&f);
    write_to(&f, key_public(f.mine.key), 1, true, NULL);
    size_t objects = fake_store_objects(f.store);
    assert_fails(bundle_rotate(f.store, "mine", &f.other, key_public(f.other.key), 1, &now, &f.err),
                 &f.err, ERR_AUTH);
    assert_fails(
        bundle_rotate(f.store, "mine", &f.nobody, key_public(f.other.key), 1, &now, &f.err), &f.err,
        ERR_AUTH);
    assert_fails(bundle_rotate(f.store, "mine", &f.mine, NULL, 0, &now, &f.err), &f.err,
                 ERR_CONFIG);
    assert_true(reads(&f, &f.mine, &code));

    trust(&f, &f.mine);
    trust(&f, &f.other);
    assert_ok(bundle_rotate(f.store, "mine", &f.mine, key_public(f.other.key), 1, &now, &f.err),
              &f.err);
    assert_int_equal(fake_store_objects(f.store), objects);
    assert_true(reads(&f, &f.other, &code));
    assert_false(reads(&f, &f.mine, &code));
    assert_int_equal(code, ERR_AUTH);
    assert_true(verifies(&f, VERIFY_CONTENT, &f.other, &code));

    write_to(&f, NULL, 0, false, NULL);
    f.other.signed_only = false;
    assert_fails(bundle_rotate(f.store, "mine", &f.other, key_public(f.mine.key), 1, &now, &f.err),
                 &f.err, ERR_USAGE);
    end(&f);
}

/* Neither plain packs of the parent, nor sealed ones that cannot be read, become part of it. */
TEST(a_parent_is_not_shared)
{
    struct fixture f;
    enum err_code code;

    begin(&f);
    write_to(&f, NULL, 0, false, NULL);
    write_to(&f, key_public(f.mine.key), 1, false, "mine");
    assert_true(reads(&f, &f.mine, &code));
    write_to(&f, key_public(f.mine.key), 1, false, "mine");
    assert_true(verifies(&f, VERIFY_CONTENT, &f.mine, &code));
    end(&f);
}

/* A full disk at any step leaves no bundle, or a whole one. */
TEST(a_failing_store_leaves_nothing_half)
{
    for (uint64_t call = 1;; call++) {
        struct fixture f;
        enum err_code code;

        begin(&f);
        write_to(&f, key_public(f.mine.key), 1, true, NULL);
        struct digest now;
        fake_store_fail_at(f.store, call, true);
        bool rotated =
            bundle_rotate(f.store, "mine", &f.mine, key_public(f.other.key), 1, &now, &f.err);
        fake_store_fail_at(f.store, 0, false);
        assert_true(reads(&f, &f.mine, &code) != reads(&f, &f.other, &code));
        end(&f);
        if (rotated) {
            assert_true(call > 5);
            return;
        }
    }
}

/* Each allocation in turn: an error and no bundle, or a whole one; ASan sees what is left behind. */
TEST(without_memory_nothing_half_is_left)
{
    bool done = false;

    for (unsigned n = 1; !done; n++) {
        struct fixture f;
        struct err err = {0};

        begin(&f);
        fault_alloc(n);
        bool ok = try_write(&f, key_public(f.mine.key), 1, true, NULL, &err);
        done = !fault_came();
        fault_off();
        assert_true(ok || err.text[0]);
        assert_int_equal(reads(&f, &f.mine, NULL), ok);
        end(&f);
    }
}

TEST(without_memory_nothing_wrong_is_read)
{
    struct fixture f;
    struct digest now;
    bool done = false;

    begin(&f);
    write_to(&f, key_public(f.mine.key), 1, true, NULL);
    trust(&f, &f.mine);
    for (unsigned n = 1; !done; n++) {
        enum err_code code;

        fault_alloc(n);
        bool ok = reads(&f, &f.mine, &code);
        bool rotated =
            bundle_rotate(f.store, "mine", &f.mine, key_public(f.mine.key), 1, &now, &f.err);
        done = !fault_came();
        fault_off();
        assert_true(ok || code != ERR_NONE);
        assert_true(rotated || f.err.text[0]);
        assert_true(reads(&f, &f.mine, &code));
    }
    end(&f);
}

TESTS(recipients_read_and_others_do_not, nothing_of_the_content_is_in_the_store,
      hashes_are_checked_without_a_key, no_touched_byte_gives_wrong_data, signatures_are_asked_for,
      a_changed_manifest_needs_another_signature, rotation_changes_who_reads,
      a_parent_is_not_shared, a_failing_store_leaves_nothing_half,
      without_memory_nothing_half_is_left, without_memory_nothing_wrong_is_read)
