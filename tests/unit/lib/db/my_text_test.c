#include "lib/db/my_text.h"
#include "tests/test.h"

static const char *escaped(struct span value, struct buf *out)
{
    buf_clear(out);
    assert_true(my_text_add(out, value));
    return buf_str(out);
}

TEST(escapes_what_ends_values_and_rows)
{
    AUTO(buf) struct buf b = {0};

    assert_string_equal(escaped(SPAN("a\tb\nc\\d"), &b), "a\\tb\\nc\\\\d");
    assert_string_equal(escaped(SPAN("x\0y"), &b), "x\\0y");
    assert_string_equal(escaped(SPAN(""), &b), "");
    /* A carriage return and bytes of any charset stand for themselves. */
    assert_string_equal(escaped(SPAN("\r\xE4\xFF\x1A"), &b), "\r\xE4\xFF\x1A");
}

/* The two characters \N are data; NULL is not. */
TEST(tells_null_from_its_spelling)
{
    AUTO(buf) struct buf b = {0};
    AUTO(buf) struct buf back = {0};
    bool null = true;

    assert_string_equal(escaped((struct span){0}, &b), "\\N");
    assert_string_equal(escaped(SPAN("\\N"), &b), "\\\\N");
    assert_true(my_text_value(buf_view(&b), &back, &null));
    assert_false(null);
    assert_string_equal(buf_str(&back), "\\N");
    assert_true(my_text_value(SPAN("\\N"), &back, &null));
    assert_true(null);
}

TEST(every_byte_comes_back)
{
    AUTO(buf) struct buf line = {0};
    AUTO(buf) struct buf back = {0};
    char all[512];
    bool null;

    for (size_t i = 0; i < sizeof(all); i++)
        all[i] = (char)(i * 7);
    for (size_t len = 0; len <= sizeof(all); len++) {
        buf_clear(&line);
        buf_clear(&back);
        assert_true(my_text_add(&line, (struct span){all, len}));
        assert_null(memchr(buf_str(&line), '\n', line.len));
        assert_null(memchr(buf_str(&line), '\t', line.len));
        assert_true(my_text_value(buf_view(&line), &back, &null));
        assert_false(null);
        assert_int_equal(back.len, len);
        assert_memory_equal(buf_str(&back), all, len);
    }
}

/* The worst case doubles: the limit is that of the escaped text, not of a guess. */
TEST(reserves_no_more_than_it_writes_for_large_values)
{
    AUTO(buf) struct buf b = {.max = (size_t)3 << 20};
    size_t len = (size_t)2 << 20;
    AUTO(free) char *big = malloc(len);

    assert_non_null(big);
    memset(big, 'x', len);
    assert_true(my_text_add(&b, (struct span){big, len}));
    assert_int_equal(b.len, len);
}

TESTS(escapes_what_ends_values_and_rows, tells_null_from_its_spelling, every_byte_comes_back,
      reserves_no_more_than_it_writes_for_large_values)
