/* Wrapped keys: every recipient opens them, nobody else does. */
#include "tests/test.h"

#include "lib/seal/wrap.h"

#define MANY 5

struct people {
    struct key_secret *secret[MANY + 1]; /* the last one is a stranger */
    struct key_public to[MANY];
};

static void meet(struct people *p)
{
    struct err err = {0};

    for (size_t i = 0; i <= MANY; i++)
        assert_ok(key_make(KEY_SEAL, &p->secret[i], &err), &err);
    for (size_t i = 0; i < MANY; i++)
        p->to[i] = *key_public(p->secret[i]);
}

static void part(struct people *p)
{
    for (size_t i = 0; i <= MANY; i++)
        key_free(p->secret[i]);
}

static struct wrap *made(const struct people *p, unsigned char key[2][SEAL_KEY])
{
    struct wrap *w = NULL;
    struct err err = {0};

    assert_ok(wrap_new(p->to, MANY, &w, &err), &err);
    assert_ok(wrap_add(w, WRAP_INDEX, key[0], &err), &err);
    assert_ok(wrap_add(w, "12", key[1], &err), &err);
    return w;
}

TEST(every_recipient_opens_every_key)
{
    unsigned char key[2][SEAL_KEY], got[SEAL_KEY];
    struct people p;
    struct err err = {0};

    meet(&p);
    AUTO(wrap) struct wrap *w = made(&p, key);
    AUTO(free) char *text = wrap_encode(w);
    AUTO(wrap) struct wrap *back = NULL;
    assert_ok(wrap_decode(span_of(text), &back, &err), &err);
    assert_int_equal(wrap_recipients(back), MANY);
    assert_memory_not_equal(key[0], key[1], SEAL_KEY);
    for (size_t i = 0; i < MANY; i++) {
        assert_true(key_eq(wrap_recipient(back, i), &p.to[i]));
        assert_ok(wrap_open(back, WRAP_INDEX, p.secret[i], got, &err), &err);
        assert_memory_equal(got, key[0], SEAL_KEY);
        assert_ok(wrap_open(back, "12", p.secret[i], got, &err), &err);
        assert_memory_equal(got, key[1], SEAL_KEY);
    }
    assert_fails(wrap_open(back, "13", p.secret[0], got, &err), &err, ERR_DAMAGED);
    assert_fails(wrap_open(back, "12", p.secret[MANY], got, &err), &err, ERR_AUTH);
    part(&p);
}

TEST(somebody_must_be_able_to_read)
{
    struct key_public none[WRAP_RECIPIENTS_MAX + 1] = {0};
    unsigned char key[SEAL_KEY];
    AUTO(wrap) struct wrap *w = NULL;
    struct err err = {0};

    assert_fails(wrap_new(none, 0, &w, &err), &err, ERR_CONFIG);
    assert_fails(wrap_new(none, WRAP_RECIPIENTS_MAX + 1, &w, &err), &err, ERR_CONFIG);
    assert_null(w);
    /* A point of low order: whoever made that key, everybody could read what is sealed to it. */
    assert_ok(wrap_new(none, 1, &w, &err), &err);
    assert_fails(wrap_add(w, WRAP_INDEX, key, &err), &err, ERR_CONFIG);
}

TEST(rewrapped_keys_are_the_same_for_others)
{
    unsigned char key[2][SEAL_KEY], got[SEAL_KEY];
    AUTO(wrap) struct wrap *again = NULL;
    AUTO(wrap) struct wrap *no = NULL;
    struct people p;
    struct err err = {0};

    meet(&p);
    AUTO(wrap) struct wrap *w = made(&p, key);
    assert_fails(wrap_again(w, p.secret[MANY], p.to, 1, &no, &err), &err, ERR_AUTH);
    assert_fails(wrap_again(w, p.secret[0], p.to, 0, &no, &err), &err, ERR_CONFIG);
    assert_null(no);
    assert_ok(wrap_again(w, p.secret[2], key_public(p.secret[MANY]), 1, &again, &err), &err);
    assert_ok(wrap_open(again, "12", p.secret[MANY], got, &err), &err);
    assert_memory_equal(got, key[1], SEAL_KEY);
    assert_fails(wrap_open(again, "12", p.secret[2], got, &err), &err, ERR_AUTH);
    part(&p);
}

/* Whatever single byte is touched: another document is refused, or still opens to the same keys. */
TEST(no_touched_byte_gives_a_wrong_key)
{
    unsigned char key[2][SEAL_KEY], got[SEAL_KEY];
    struct people p;
    struct err err = {0};
    size_t refused = 0, len;

    meet(&p);
    AUTO(wrap) struct wrap *w = made(&p, key);
    AUTO(free) char *text = wrap_encode(w);
    len = strlen(text);
    for (size_t at = 0; at < len; at++) {
        AUTO(wrap) struct wrap *back = NULL;

        text[at] ^= 1;
        if (!wrap_decode(span_of(text), &back, &err) ||
            !wrap_open(back, "12", p.secret[0], got, &err))
            refused++;
        else
            assert_memory_equal(got, key[1], SEAL_KEY);
        text[at] ^= 1;
    }
    assert_true(refused > 200);
    for (size_t cut = 0; cut < len; cut++) {
        AUTO(wrap) struct wrap *back = NULL;
        assert_false(wrap_decode((struct span){text, cut}, &back, &err));
    }
    part(&p);
}

TEST(what_is_no_document_is_refused)
{
    static const struct {
        const char *text;
        enum err_code code;
    } bad[] = {
        {"{\"format\":2,\"keys\":{},\"recipients\":[]}", ERR_UNSUPPORTED},
        {"{\"format\":1,\"keys\":{},\"recipients\":[]}", ERR_DAMAGED},
        {"{\"format\":1,\"keys\":[],\"recipients\":[]}", ERR_DAMAGED},
        {"{\"format\":1,\"keys\":{},\"recipients\":[1]}", ERR_DAMAGED},
        {"{\"format\":1,\"keys\":{},\"recipients\":[\"rehearse1pub:AAAA\"]}", ERR_DAMAGED},
        {"{\"keys\":{},\"recipients\":[]}", ERR_DAMAGED},
        {"[]", ERR_DAMAGED},
        {"", ERR_DAMAGED},
    };

    for (size_t i = 0; i < COUNT(bad); i++) {
        AUTO(wrap) struct wrap *w = NULL;
        struct err err = {0};
        assert_fails(wrap_decode(span_of(bad[i].text), &w, &err), &err, bad[i].code);
    }
}

TESTS(every_recipient_opens_every_key, somebody_must_be_able_to_read,
      rewrapped_keys_are_the_same_for_others, no_touched_byte_gives_a_wrong_key,
      what_is_no_document_is_refused)
