#include "tests/test.h"

TEST(compares)
{
    assert_true(span_is(SPAN("GET"), "GET"));
    assert_false(span_is(SPAN("GET"), "GE"));
    assert_false(span_is((struct span){0}, ""));
    assert_true(span_is_nocase(SPAN("Content-Type"), "content-type"));
    assert_true(span_starts(SPAN("abc"), "ab"));
    assert_false(span_starts(SPAN("a"), "ab"));
    assert_true(span_ends(SPAN("abc"), "bc"));
    assert_true(span_ends((struct span){0}, ""));
    assert_true(span_cmp(SPAN("ab"), SPAN("abc")) < 0);
    assert_true(span_cmp(SPAN("\xff"), SPAN("a")) > 0);
    assert_true(span_eq((struct span){0}, SPAN("")));
}

TEST(splits_into_all_fields)
{
    struct span rest = SPAN("a,,b,"), field;
    static const char *const want[] = {"a", "", "b", ""};

    for (size_t i = 0; i < COUNT(want); i++) {
        assert_true(span_split(&rest, ',', &field));
        assert_true(span_is(field, want[i]));
    }
    assert_false(span_split(&rest, ',', &field));
    rest = SPAN("");
    assert_true(span_split(&rest, ',', &field));
    assert_int_equal(field.len, 0);
    assert_false(span_split(&rest, ',', &field));
}

TEST(trims)
{
    assert_true(span_is(span_trim(SPAN(" \t a b\r\n")), "a b"));
    assert_int_equal(span_trim(SPAN("  ")).len, 0);
    assert_int_equal(span_trim((struct span){0}).len, 0);
}

TEST(reads_numbers_up_to_the_edge)
{
    uint64_t u = 7;
    int64_t i = 7;

    assert_true(span_u64(SPAN("18446744073709551615"), &u));
    assert_true(u == UINT64_MAX);
    assert_false(span_u64(SPAN("18446744073709551616"), &u));
    assert_true(u == UINT64_MAX);
    assert_true(span_i64(SPAN("-9223372036854775808"), &i));
    assert_true(i == INT64_MIN);
    assert_false(span_i64(SPAN("9223372036854775808"), &i));
    assert_false(span_i64(SPAN("-9223372036854775809"), &i));
    static const char *const bad[] = {"", "-", "+1", " 1", "1 ", "0x1", "1.0", "--1"};
    for (size_t k = 0; k < COUNT(bad); k++) {
        assert_false(span_i64(span_of(bad[k]), &i));
        assert_false(span_u64(span_of(bad[k]), &u));
    }
}

TEST(knows_utf8)
{
    assert_int_equal(span_utf8(SPAN("a")), 1);
    assert_int_equal(span_utf8(SPAN("\xc3\xa4x")), 2);
    assert_int_equal(span_utf8(SPAN("\xe2\x82\xac")), 3);
    assert_int_equal(span_utf8(SPAN("\xf0\x9f\x98\x80")), 4);
    /* Overlong, surrogate, beyond U+10FFFF, cut, stray. */
    assert_int_equal(span_utf8(SPAN("\xc0\x80")), 0);
    assert_int_equal(span_utf8(SPAN("\xe0\x80\xaf")), 0);
    assert_int_equal(span_utf8(SPAN("\xed\xa0\x80")), 0);
    assert_int_equal(span_utf8(SPAN("\xf4\x90\x80\x80")), 0);
    assert_int_equal(span_utf8(SPAN("\xe2\x82")), 0);
    assert_int_equal(span_utf8(SPAN("\x80")), 0);
    assert_int_equal(span_utf8((struct span){0}), 0);
}

TEST(copies_without_a_nul)
{
    AUTO(free) char *s = span_dup((struct span){"abcdef", 3});
    AUTO(free) char *empty = span_dup((struct span){0});

    assert_string_equal(s, "abc");
    assert_string_equal(empty, "");
}

TESTS(compares, splits_into_all_fields, trims, reads_numbers_up_to_the_edge, knows_utf8,
      copies_without_a_nul)
