#include "tests/test.h"

#include "replay/stats.h"

static double p_of(const double *values, size_t count)
{
    double copy[512];

    for (size_t i = 0; i < count; i++)
        copy[i] = values[i];
    return stats_p_value(copy, count);
}

#define NEAR(got, want) assert_true((got) > (want)*0.999 - 1e-12 && (got) < (want)*1.001 + 1e-12)

/* Values of the exact distribution: all of one sign is 2 / 2^n. */
TEST(all_slower_is_as_rare_as_it_is)
{
    static const double v[] = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8};

    for (size_t n = 1; n <= COUNT(v); n++)
        NEAR(p_of(v, n), 2.0 / (double)(1U << n));
}

/* Ranks 1..5, the third negative: sums of 3 or less are {}, 1, 2, 3, 1+2 = 5 of 32 ways. */
TEST(one_of_five_the_other_way)
{
    static const double v[] = {0.1, 0.2, -0.3, 0.4, 0.5};

    NEAR(p_of(v, 5), 2 * 5.0 / 32);
}

/* Four of one size share rank 2.5: of 16 ways, one has no negative and four have one. */
TEST(ties_share_their_rank)
{
    static const double v[] = {0.1, 0.1, 0.1, -0.1};

    NEAR(p_of(v, 4), 2 * 5.0 / 16);
}

TEST(no_difference_is_no_proof)
{
    static const double none[10] = {0};
    static const double both[] = {0.1, -0.1, 0.2, -0.2};

    NEAR(p_of(none, 10), 1);
    NEAR(p_of(both, 4), 1);
    NEAR(p_of(none, 0), 1);
}

/* 400 pairs in which one long stall made a fortieth slow prove nothing: they are few batches. */
TEST(a_stall_is_one_event_not_many)
{
    double v[400];

    for (size_t i = 0; i < COUNT(v); i++)
        v[i] = i < 10 ? 3.0 : (i / 10) % 2 ? 0.01 : -0.01;
    assert_true(p_of(v, COUNT(v)) > 0.3);
}

TEST(a_small_steady_shift_is_found_in_noise)
{
    double v[400];
    unsigned long seed = 1;

    for (size_t i = 0; i < COUNT(v); i++) {
        seed = seed * 6364136223846793005UL + 1442695040888963407UL;
        v[i] = 0.2 + (double)(long)(seed >> 33) / (double)(1UL << 31) - 0.5;
    }
    assert_true(p_of(v, COUNT(v)) < 0.001);
}

/* Benjamini and Hochberg (1995), by hand: p * m / rank, then the least from behind. */
TEST(corrects_for_many_tests)
{
    double p[] = {0.04, 0.001, 0.03, 0.5};

    stats_correct(p, COUNT(p));
    NEAR(p[1], 0.004);
    NEAR(p[2], 0.04 * 4 / 3);
    NEAR(p[0], 0.04 * 4 / 3);
    NEAR(p[3], 0.5);
}

TEST(medians)
{
    double odd[] = {3, 1, 2}, even[] = {4, 1, 3, 2};

    NEAR(stats_median(odd, 3), 2);
    NEAR(stats_median(even, 4), 2.5);
}

TESTS(all_slower_is_as_rare_as_it_is, one_of_five_the_other_way, ties_share_their_rank,
      no_difference_is_no_proof, a_stall_is_one_event_not_many,
      a_small_steady_shift_is_found_in_noise, corrects_for_many_tests, medians)
