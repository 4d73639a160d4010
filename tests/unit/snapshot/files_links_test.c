#include "snapshot/files_links.h"
#include "tests/test.h"

static const char *meet(struct links *all, uint64_t inode, uint32_t links, const char *path)
{
    const struct file_state st = {.device = 1, .inode = inode, .links = links};
    const char *first = NULL;
    struct err err = {0};

    assert_ok(links_meet(all, &st, path, &first, &err), &err);
    return first;
}

TEST(later_names_refer_to_the_first)
{
    struct links all = {0};

    assert_null(meet(&all, 5, 3, "a"));
    assert_null(meet(&all, 6, 2, "b"));
    assert_string_equal(meet(&all, 5, 3, "c"), "a");
    assert_string_equal(meet(&all, 6, 2, "d"), "b");
    assert_string_equal(meet(&all, 5, 3, "e"), "a");
    /* More names than links: one was made meanwhile. It has the content once more. */
    assert_null(meet(&all, 5, 3, "f"));
    links_done(&all);
}

TEST(files_whose_names_were_all_met_are_not_held)
{
    struct links all = {0};

    for (uint64_t inode = 1; inode <= 1000; inode++) {
        assert_null(meet(&all, inode, 2, "a"));
        assert_string_equal(meet(&all, inode, 2, "b"), "a");
    }
    assert_null(meet(&all, 2000, 2, "a")); /* the last one goes with the next call */
    assert_null(all.last);
    links_done(&all);
}

TEST(a_first_name_that_went_away_is_followed_by_the_next)
{
    const struct file_state five = {.device = 1, .inode = 5, .links = 3};
    const struct file_state six = {.device = 1, .inode = 6, .links = 2};
    struct links all = {0};

    assert_null(meet(&all, 5, 3, "a"));
    assert_true(links_forget(&all, &five));
    assert_null(meet(&all, 5, 3, "b"));
    assert_string_equal(meet(&all, 5, 3, "c"), "b");
    assert_false(links_forget(&all, &five)); /* c refers to it */
    assert_false(links_forget(&all, &six));
    links_done(&all);
}

TESTS(later_names_refer_to_the_first, files_whose_names_were_all_met_are_not_held,
      a_first_name_that_went_away_is_followed_by_the_next)
