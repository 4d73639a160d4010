#include "replay/stats.h"

#include <math.h>
#include <stdint.h>

#include "lib/base/auto.h"

static int by_value(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;

    return (a > b) - (a < b);
}

double stats_median(double *values, size_t count)
{
    if (count == 0)
        return 0;
    qsort(values, count, sizeof(*values), by_value);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static int by_size(const void *x, const void *y)
{
    double a = fabs(*(const double *)x), b = fabs(*(const double *)y);

    return (a > b) - (a < b);
}

/* Twice the rank of each value by its size: ties share the mean of theirs, which may be a half. */
static void rank(const double *sorted, size_t n, unsigned twice[STATS_BATCHES])
{
    for (size_t i = 0, end = 0; i < n; i = end) {
        for (end = i + 1; end < n && fabs(sorted[end]) <= fabs(sorted[i]);)
            end++;
        for (size_t k = i; k < end; k++)
            twice[k] = (unsigned)(i + 1 + end);
    }
}

#define SUMS (STATS_BATCHES * (STATS_BATCHES + 1) + 1)

/* Share of the 2^n ways to choose signs whose sum of positive ranks is at most `sum`. */
static double share_up_to(const unsigned twice[STATS_BATCHES], size_t n, unsigned sum)
{
    double ways[SUMS] = {1};
    unsigned most = 0;
    double share = 0;

    for (size_t i = 0; i < n; i++) {
        most += twice[i];
        for (unsigned s = most + 1; s-- > 0;)
            ways[s] = (ways[s] + (s >= twice[i] ? ways[s - twice[i]] : 0)) / 2;
    }
    for (unsigned s = 0; s <= sum && s <= most; s++)
        share += ways[s];
    return share;
}

static double signed_rank(double *d, size_t count)
{
    unsigned twice[STATS_BATCHES], plus = 0, all = 0;
    size_t n = 0;

    for (size_t i = 0; i < count; i++)
        if (d[i] < 0 || d[i] > 0) /* no difference speaks for neither */
            d[n++] = d[i];
    if (n == 0)
        return 1;
    qsort(d, n, sizeof(*d), by_size);
    rank(d, n, twice);
    for (size_t i = 0; i < n; i++) {
        all += twice[i];
        plus += d[i] > 0 ? twice[i] : 0;
    }
    double p = 2 * share_up_to(twice, n, plus < all - plus ? plus : all - plus);
    return p < 1 ? p : 1;
}

double stats_p_value(double *ratios, size_t count)
{
    double medians[STATS_BATCHES] = {0};
    size_t batches = count < STATS_BATCHES ? count : STATS_BATCHES;

    for (size_t i = 0; i < batches; i++) {
        size_t from = count * i / batches, to = count * (i + 1) / batches;
        medians[i] = stats_median(ratios + from, to - from);
    }
    return signed_rank(medians, batches);
}

struct test {
    double p;
    size_t at;
};

static int by_p(const void *x, const void *y)
{
    const struct test *a = x, *b = y;

    return by_value(&a->p, &b->p);
}

void stats_correct(double *p, size_t count)
{
    AUTO(free) struct test *order = calloc(count ? count : 1, sizeof(*order));
    double least = 1;

    if (!order) { /* Bonferroni's needs no memory, and is only stricter */
        for (size_t i = 0; i < count; i++)
            p[i] = fmin(1, p[i] * (double)count);
        return;
    }
    for (size_t i = 0; i < count; i++)
        order[i] = (struct test){p[i], i};
    qsort(order, count, sizeof(*order), by_p);
    for (size_t i = count; i-- > 0;) {
        least = fmin(least, order[i].p * (double)count / (double)(i + 1));
        p[order[i].at] = least;
    }
}
