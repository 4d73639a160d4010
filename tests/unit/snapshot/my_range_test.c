#include "snapshot/my_range.h"
#include "tests/test.h"

/* A table whose keys lie where the test says: `count` keys from `from`, every `step`. */
struct keys {
    uint64_t from, step, count;
    uint64_t lonely; /* one more key, far away; 0: none */
    unsigned asked;
};

static bool rows_between(void *ctx, uint64_t lo, uint64_t hi, uint64_t *rows, struct err *err)
{
    struct keys *k = ctx;

    (void)err;
    *rows = k->lonely && k->lonely >= lo && k->lonely < hi;
    k->asked++;
    for (uint64_t i = 0; i < k->count; i++)
        *rows += k->from + i * k->step >= lo && k->from + i * k->step < hi;
    return true;
}

/* The rows of the largest piece. */
static uint64_t cut(struct keys *k, uint64_t target, struct vec *bounds)
{
    uint64_t end = k->from + (k->count - 1) * k->step, most = 0;
    struct my_bisect b = {.lo = k->from,
                          .hi = k->lonely ? k->lonely : end,
                          .rows = k->count,
                          .target = target,
                          .estimate = rows_between,
                          .ctx = k};
    struct err err = {0};

    assert_ok(my_range_bounds(&b, bounds, &err), &err);
    const uint64_t *at = bounds->at;
    for (size_t i = 0; i <= bounds->count; i++) {
        uint64_t rows;
        if (i && i < bounds->count)
            assert_true(at[i - 1] < at[i]);
        rows_between(k, i ? at[i - 1] : 0, i < bounds->count ? at[i] : UINT64_MAX, &rows, &err);
        most = rows > most ? rows : most;
    }
    return most;
}

TEST(cuts_dense_keys_evenly)
{
    AUTO(vec) struct vec bounds = VEC(uint64_t);
    struct keys k = {.from = 1, .step = 1, .count = 1000};

    assert_true(cut(&k, 100, &bounds) <= 150);
    assert_in_range(bounds.count, 6, 13);
}

/* Sixty-three bits of nothing between the rows and the last one cost estimates, not pieces. */
TEST(an_outlier_costs_no_piece)
{
    AUTO(vec) struct vec bounds = VEC(uint64_t);
    struct keys k = {.from = 5, .step = 3, .count = 500, .lonely = UINT64_MAX - 5};

    assert_true(cut(&k, 100, &bounds) <= 150);
    assert_in_range(bounds.count, 3, 8);
    assert_true(k.asked < 300);
}

TEST(one_key_is_one_piece)
{
    AUTO(vec) struct vec bounds = VEC(uint64_t);
    struct keys k = {.from = 7, .step = 1, .count = 1};

    cut(&k, 1, &bounds);
    assert_int_equal(bounds.count, 0);
}

/* Estimates may be any nonsense: bounds still ascend, and it ends. */
static bool nonsense(void *ctx, uint64_t lo, uint64_t hi, uint64_t *rows, struct err *err)
{
    unsigned *calls = ctx;

    (void)err;
    *rows = ++*calls > 5000 ? 0 : (lo * 2654435761u ^ hi) % 1000;
    return true;
}

TEST(survives_wrong_estimates)
{
    AUTO(vec) struct vec bounds = VEC(uint64_t);
    struct err err = {0};
    unsigned calls = 0;
    struct my_bisect b = {.lo = 0,
                          .hi = UINT64_MAX,
                          .rows = 100000,
                          .target = 10,
                          .estimate = nonsense,
                          .ctx = &calls};

    assert_ok(my_range_bounds(&b, &bounds, &err), &err);
    const uint64_t *at = bounds.at;
    for (size_t i = 1; i < bounds.count; i++)
        assert_true(at[i - 1] < at[i]);
}

TEST(signed_keys_keep_their_order)
{
    static const char *const texts[] = {"-9223372036854775808", "-1", "0", "1",
                                        "9223372036854775807"};
    uint64_t last = 0;

    for (size_t i = 0; i < COUNT(texts); i++) {
        char back[24];
        uint64_t key;
        assert_true(my_range_parse(span_of(texts[i]), true, &key));
        assert_true(i == 0 || key > last);
        my_range_text(key, true, back);
        assert_string_equal(back, texts[i]);
        last = key;
    }
    char back[24];
    uint64_t key;
    assert_true(my_range_parse(SPAN("18446744073709551615"), false, &key));
    my_range_text(key, false, back);
    assert_string_equal(back, "18446744073709551615");
    assert_false(my_range_parse(SPAN("-1"), false, &key));
}

TESTS(cuts_dense_keys_evenly, an_outlier_costs_no_piece, one_key_is_one_piece,
      survives_wrong_estimates, signed_keys_keep_their_order)
