/* Keys as text and in files: only whole, private and fitting ones are taken. */
#include "tests/test.h"

#include "lib/base/fd.h"
#include "lib/seal/key.h"
#include "tests/fake/scratch.h"

#include <sys/stat.h>

TEST(text_comes_back)
{
    for (int use = KEY_SEAL; use <= KEY_SIGN; use++) {
        AUTO(key_secret) struct key_secret *k = NULL;
        struct key_public again;
        char text[KEY_TEXT], one[KEY_FINGERPRINT], two[KEY_FINGERPRINT];
        struct err err = {0};

        assert_ok(key_make((enum key_use)use, &k, &err), &err);
        assert_int_equal(key_public(k)->use, use);
        key_text(key_public(k), text);
        assert_ok(key_parse(span_of(text), (enum key_use)use, &again, &err), &err);
        assert_true(key_eq(&again, key_public(k)));
        assert_string_equal(key_fingerprint(&again, one), key_fingerprint(key_public(k), two));
        assert_int_equal(strlen(one), 16);
        assert_fails(key_parse(span_of(text), use == KEY_SEAL ? KEY_SIGN : KEY_SEAL, &again, &err),
                     &err, ERR_CONFIG);
    }
}

TEST(two_keys_differ)
{
    AUTO(key_secret) struct key_secret *a = NULL;
    AUTO(key_secret) struct key_secret *b = NULL;
    struct err err = {0};

    assert_ok(key_make(KEY_SEAL, &a, &err) && key_make(KEY_SEAL, &b, &err), &err);
    assert_false(key_eq(key_public(a), key_public(b)));
    assert_memory_not_equal(key_secret_bytes(a), key_secret_bytes(b), KEY_BYTES);
}

/* Data sealed for a mistyped key would be lost for good. */
TEST(every_mistyped_character_is_found)
{
    AUTO(key_secret) struct key_secret *k = NULL;
    struct key_public out;
    struct err err = {0};
    char text[KEY_TEXT];

    assert_ok(key_make(KEY_SEAL, &k, &err), &err);
    key_text(key_public(k), text);
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++) {
        char was = text[i];

        for (const char *c = "Aa0+/=: z"; *c; c++) {
            if (*c == was)
                continue;
            text[i] = *c;
            assert_fails(key_parse(span_of(text), KEY_SEAL, &out, &err), &err, ERR_CONFIG);
        }
        text[i] = was;
    }
    for (size_t cut = 0; cut < len; cut++)
        assert_false(key_parse((struct span){text, cut}, KEY_SEAL, &out, &err));
    assert_false(key_parse((struct span){NULL, 0}, KEY_SEAL, &out, &err));
    assert_true(key_parse(span_of(text), KEY_SEAL, &out, &err));
}

TEST(files_are_private_and_never_overwritten)
{
    AUTO(scratch) struct scratch dir = {0};
    AUTO(key_secret) struct key_secret *k = NULL;
    AUTO(key_secret) struct key_secret *back = NULL;
    AUTO(key_secret) struct key_secret *no = NULL;
    struct err err = {0};
    struct stat st;

    scratch_open(&dir);
    const char *path = scratch_path(&dir, "key");
    assert_ok(key_make(KEY_SIGN, &k, &err) && key_write(k, path, &err), &err);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_fails(key_write(k, path, &err), &err, ERR_EXISTS);
    assert_ok(key_read(path, KEY_SIGN, &back, &err), &err);
    assert_true(key_eq(key_public(back), key_public(k)));
    assert_memory_equal(key_secret_bytes(back), key_secret_bytes(k), 64);
    assert_fails(key_read(path, KEY_SEAL, &no, &err), &err, ERR_CONFIG);

    assert_int_equal(chmod(path, 0640), 0);
    assert_fails(key_read(path, KEY_SIGN, &no, &err), &err, ERR_RIGHTS);
    assert_non_null(strstr(err.hint, "chmod 600"));
    assert_null(no);
}

/* Whatever is wrong with a secret file, none of it is in the message. */
TEST(bad_files_are_refused_and_not_quoted)
{
    AUTO(scratch) struct scratch dir = {0};
    AUTO(key_secret) struct key_secret *k = NULL;
    AUTO(key_secret) struct key_secret *no = NULL;
    AUTO(buf) struct buf text = {0};
    struct err err = {0};

    scratch_open(&dir);
    const char *path = scratch_path(&dir, "key");
    assert_ok(key_make(KEY_SEAL, &k, &err) && key_write(k, path, &err), &err);
    assert_ok(file_read(path, 4096, &text, &err), &err);
    for (size_t len = 0; len + 1 < text.len; len++) {
        assert_ok(file_replace(path, (struct span){text.at, len}, 0600, &err), &err);
        assert_fails(key_read(path, KEY_SEAL, &no, &err), &err, ERR_CONFIG);
        if (len > 20)
            assert_null(strstr(err.text, "rehearse1sec"));
    }
    char public[KEY_TEXT];
    assert_ok(file_replace(path, span_of(key_text(key_public(k), public)), 0600, &err), &err);
    assert_fails(key_read(path, KEY_SEAL, &no, &err), &err, ERR_CONFIG);
    assert_non_null(strstr(err.text, "public key"));

    struct key_public out;
    text.at[--text.len] = '\0';
    assert_fails(key_parse(buf_view(&text), KEY_SEAL, &out, &err), &err, ERR_CONFIG);
    assert_null(strstr(err.text, "rehearse1sec"));
    assert_fails(key_read("/nonexistent/key", KEY_SEAL, &no, &err), &err, ERR_MISSING);
    assert_fails(key_write(k, "/nonexistent/key", &err), &err, ERR_MISSING);
}

TESTS(text_comes_back, two_keys_differ, every_mistyped_character_is_found,
      files_are_private_and_never_overwritten, bad_files_are_refused_and_not_quoted)
