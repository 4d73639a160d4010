/* Signatures hold for the bytes that were signed, by the one who signed them, and nothing else. */
#include "tests/test.h"

#include "lib/seal/sign.h"

TEST(only_the_signed_bytes_and_the_signer_pass)
{
    AUTO(key_secret) struct key_secret *mine = NULL;
    AUTO(key_secret) struct key_secret *other = NULL;
    char message[] = "{\"config\":1}", signature[SIGNATURE_TEXT];
    struct err err = {0};

    assert_ok(key_make(KEY_SIGN, &mine, &err) && key_make(KEY_SIGN, &other, &err), &err);
    assert_ok(sign_make(mine, span_of(message), signature, &err), &err);
    assert_ok(sign_check(key_public(mine), span_of(message), span_of(signature), &err), &err);
    assert_fails(sign_check(key_public(other), span_of(message), span_of(signature), &err), &err,
                 ERR_AUTH);
    for (size_t i = 0; i < sizeof(message) - 1; i++) {
        message[i] ^= 1;
        assert_fails(sign_check(key_public(mine), span_of(message), span_of(signature), &err), &err,
                     ERR_AUTH);
        message[i] ^= 1;
    }
    for (size_t i = 0; i < strlen(signature); i++) {
        signature[i] ^= 1;
        assert_fails(sign_check(key_public(mine), span_of(message), span_of(signature), &err), &err,
                     ERR_AUTH);
        signature[i] ^= 1;
        assert_false(
            sign_check(key_public(mine), span_of(message), (struct span){signature, i}, &err));
    }
    assert_false(sign_check(key_public(mine), span_of(message), (struct span){NULL, 0}, &err));
}

/* Bytes above ASCII were letters to the decoder: a signature had several texts. */
TEST(a_signature_has_one_text)
{
    AUTO(key_secret) struct key_secret *mine = NULL;
    char signature[SIGNATURE_TEXT];
    struct err err = {0};

    assert_ok(key_make(KEY_SIGN, &mine, &err), &err);
    assert_ok(sign_make(mine, SPAN("message"), signature, &err), &err);
    size_t len = strlen(signature);
    for (size_t i = 0; i < len; i++) {
        char right = signature[i];
        for (int c = 0; c < 256; c++) {
            signature[i] = (char)c;
            assert_int_equal(
                sign_check(key_public(mine), SPAN("message"), (struct span){signature, len}, &err),
                (char)c == right);
        }
        signature[i] = right;
    }
}

TEST(a_reading_key_does_not_sign)
{
    AUTO(key_secret) struct key_secret *k = NULL;
    char signature[SIGNATURE_TEXT];
    struct err err = {0};

    assert_ok(key_make(KEY_SEAL, &k, &err), &err);
    assert_fails(sign_make(k, SPAN("x"), signature, &err), &err, ERR_CONFIG);
}

TESTS(only_the_signed_bytes_and_the_signer_pass, a_signature_has_one_text,
      a_reading_key_does_not_sign)
