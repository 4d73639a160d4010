#include "tests/test.h"

#include "lib/base/escape.h"

static void there_and_back(struct span plain, const char *escaped)
{
    AUTO(buf) struct buf out = {0};
    struct span back;

    assert_true(escape_add(&out, plain));
    assert_string_equal(buf_str(&out), escaped);
    assert_true(escape_undo(out.at, out.len, &back));
    assert_int_equal(back.len, plain.len);
    assert_true((back.at == NULL) == (plain.at == NULL));
    if (plain.len)
        assert_memory_equal(back.at, plain.at, plain.len);
}

TEST(escapes_what_would_split_a_line)
{
    there_and_back(SPAN("a\tb\nc\rd\\e"), "a\\tb\\nc\\rd\\\\e");
    there_and_back(SPAN("x\0y"), "x\\x00y");
    there_and_back(SPAN("\\N"), "\\\\N");
    there_and_back((struct span){NULL, 0}, "\\N");
    there_and_back(SPAN("\xff\xfe plain"), "\xff\xfe plain");
}

TEST(refuses_unknown_and_cut_escapes)
{
    char bad[][8] = {"\\", "\\q", "a\\", "\\x0", "\\x01", "\\Na"};
    struct span out;

    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(escape_undo(bad[i], strlen(bad[i]), &out));
}

TESTS(escapes_what_would_split_a_line, refuses_unknown_and_cut_escapes)
