/* Which of a parent's segments are read as one. */
#include "lib/bundle/bundle.h"
#include "snapshot/keep.h"
#include "tests/test.h"

#define SMALL (SEGMENT_TARGET / 4 - 1)

static uint64_t at(const void *sizes, size_t i)
{
    return ((const uint64_t *)sizes)[i];
}

TEST(large_ones_stay_alone)
{
    static const uint64_t sizes[] = {SEGMENT_TARGET, SEGMENT_TARGET / 4, 2 * SEGMENT_TARGET, 1};

    for (size_t i = 0; i < COUNT(sizes); i++)
        assert_int_equal(keep_together(sizes, i, COUNT(sizes), at), 1);
}

TEST(a_run_of_small_ones_becomes_one)
{
    uint64_t sizes[KEEP_RUN + 2];

    sizes[0] = SEGMENT_TARGET;
    for (size_t i = 1; i < COUNT(sizes); i++)
        sizes[i] = 1000;
    assert_int_equal(keep_together(sizes, 0, COUNT(sizes), at), 1);
    assert_int_equal(keep_together(sizes, 1, KEEP_RUN, at), 1); /* one is missing */
    assert_int_equal(keep_together(sizes, 1, KEEP_RUN + 1, at), KEEP_RUN);
    assert_int_equal(keep_together(sizes, 1, COUNT(sizes), at), KEEP_RUN + 1);
    sizes[4] = SEGMENT_TARGET;
    assert_int_equal(keep_together(sizes, 1, COUNT(sizes), at), 1);
}

TEST(no_more_than_fits_one_segment)
{
    uint64_t sizes[2 * KEEP_RUN];

    for (size_t i = 0; i < COUNT(sizes); i++)
        sizes[i] = SMALL;
    assert_int_equal(keep_together(sizes, 0, COUNT(sizes), at), 4);
}

TESTS(large_ones_stay_alone, a_run_of_small_ones_becomes_one, no_more_than_fits_one_segment)
