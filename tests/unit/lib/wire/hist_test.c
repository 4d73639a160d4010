#include "tests/test.h"

#include "lib/wire/hist.h"

/* A reported latency may be rounded up by one step, never down: a gate must not pass by luck. */
TEST(reports_within_one_step)
{
    static const uint64_t cases[] = {0,  1,    31,     32,         33,         63,
                                     64, 1000, 999999, 0x7fffffff, HIST_MAX_US};

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct hist h = {0};

        hist_add(&h, cases[i]);
        hist_add(&h, HIST_MAX_US); /* or the largest value would be given as it is */
        uint64_t got = hist_percentile(&h, 0.5);
        assert_true(got >= cases[i]);
        assert_true(got <= cases[i] + cases[i] / HIST_STEPS);
    }
}

TEST(orders_percentiles)
{
    struct hist h = {0};

    for (uint64_t us = 1; us <= 10000; us++)
        hist_add(&h, us);
    uint64_t p50 = hist_percentile(&h, 0.5), p99 = hist_percentile(&h, 0.99);
    assert_true(p50 >= 5000 && p50 <= 5000 + 5000 / HIST_STEPS);
    assert_true(p99 >= 9900 && p99 <= 9900 + 9900 / HIST_STEPS);
    assert_int_equal(hist_percentile(&h, 1.0), 10000);
}

TEST(is_zero_when_empty)
{
    struct hist h = {0};

    assert_int_equal(hist_percentile(&h, 0.99), 0);
}

TEST(a_value_above_the_end_counts_as_the_end)
{
    struct hist h = {0};

    hist_add(&h, UINT64_MAX);
    assert_int_equal(hist_percentile(&h, 1.0), HIST_MAX_US);
}

TEST(merged_is_as_one)
{
    struct hist a = {0}, b = {0}, both = {0};

    for (uint64_t i = 0; i < 1000; i++) {
        hist_add(i % 2 ? &a : &b, i * i);
        hist_add(&both, i * i);
    }
    hist_merge(&a, &b);
    assert_memory_equal(&a, &both, sizeof(a));
}

TESTS(reports_within_one_step, orders_percentiles, is_zero_when_empty,
      a_value_above_the_end_counts_as_the_end, merged_is_as_one)
