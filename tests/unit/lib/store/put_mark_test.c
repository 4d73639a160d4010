#include "tests/test.h"

#include "lib/base/buf.h"
#include "lib/store/put_mark.h"
#include "lib/store/swap_lock.h"

static struct put_mark made(void)
{
    struct put_mark m = {.bytes = 32u << 20, .digest = hash_of(SPAN("x"))};

    snprintf(m.file, sizeof(m.file), "%032x", 0xabcu);
    snprintf(m.handle, sizeof(m.handle), "%032x", 0xdefu);
    return m;
}

TEST(says_what_was_said)
{
    struct put_mark m = made(), back = {0};
    struct swap_lock who;
    struct span holder;
    char text[PUT_MARK_LEN];
    struct err err = {0};

    swap_lock_init(&who, "token");
    assert_ok(put_mark_encode(&m, who.text, text, &err), &err);
    assert_true(put_mark_parse((struct span){text, sizeof(text)}, &back, &holder));
    assert_int_equal(back.bytes, m.bytes);
    assert_true(digest_eq(&back.digest, &m.digest));
    assert_string_equal(back.file, m.file);
    assert_string_equal(back.handle, m.handle);
    assert_true(span_starts(holder, who.text));
    assert_false(swap_lock_gone(holder)); /* it is us */
}

TEST(anything_else_is_no_mark)
{
    struct put_mark m = made(), back = {0};
    struct span holder;
    char text[PUT_MARK_LEN], old[PUT_MARK_LEN];
    struct err err = {0};

    assert_ok(put_mark_encode(&m, "somebody\n", text, &err), &err);
    for (size_t len = 0; len < sizeof(text); len++)
        assert_false(put_mark_parse((struct span){text, len}, &back, &holder));
    memcpy(old, text, sizeof(old));
    char *name = memchr(text, '\n', sizeof(text));
    memcpy(name + 1, "../", 3); /* never another folder's */
    assert_false(put_mark_parse((struct span){text, sizeof(text)}, &back, &holder));
    old[3] = 'x';
    assert_false(put_mark_parse((struct span){old, sizeof(old)}, &back, &holder));
    memset(text, 'y', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_fails(put_mark_encode(&m, text, old, &err), &err, ERR_FAILED);
}

TESTS(says_what_was_said, anything_else_is_no_mark)
