/* Unified diffs. */
#include "tests/test.h"

#include "lib/base/textdiff.h"

static void check(const char *before, const char *after, const char *want)
{
    AUTO(buf) struct buf out = {0};
    struct err err = {0};

    assert_ok(textdiff(span_of(before), span_of(after), &out, &err), &err);
    assert_string_equal(buf_str(&out), want);
}

TEST(says_what_diff_says)
{
    check("", "", "");
    check("a\nb\n", "a\nb\n", "");
    check("", "a\n", "@@ -0,0 +1 @@\n+a\n");
    check("a\n", "", "@@ -1 +0,0 @@\n-a\n");
    check("a\nb\nc\n", "a\nB\nc\n", "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n");
    check("a", "a\n", "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n");
    check("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\n5\n6\n7\n8\nx\n",
          "@@ -6,4 +6,4 @@\n 6\n 7\n 8\n-9\n+x\n");
    check("a\n1\n2\n3\n4\n5\n6\nb\n", "A\n1\n2\n3\n4\n5\n6\nB\n",
          "@@ -1,8 +1,8 @@\n-a\n+A\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n+B\n");
    check("a\n1\n2\n3\n4\n5\n6\n7\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\nB\n",
          "@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+B\n");
    check("a\nx\nb\n", "x\n", "@@ -1,3 +1 @@\n-a\n x\n-b\n");
}

/* Too long for the shortest: still right, if not short. */
TEST(large_texts_are_one_change)
{
    AUTO(buf) struct buf a = {0}, b = {0}, out = {0};
    struct err err = {0};

    for (int i = 0; i < 5000; i++) {
        buf_printf(&a, "%d\n", i);
        buf_printf(&b, "%d\n", i * 2 + 1);
    }
    assert_ok(textdiff(buf_view(&a), buf_view(&b), &out, &err), &err);
    assert_true(span_starts(buf_view(&out), "@@ -1,5000 +1,5000 @@\n-0\n"));
}

TESTS(says_what_diff_says, large_texts_are_one_change)
