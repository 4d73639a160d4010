/* Whether one replay was slower than another one.
 *
 * Each request was answered in both, so the samples are pairs: the logarithm of new over old.
 * Neighbours in time share their fate (a checkpoint, a warm cache), so they are no independent
 * proofs: the pairs are cut, in the order they were sent, into at most STATS_BATCHES batches, and
 * each batch counts once, by its median (the method of batch means). On those Wilcoxon's signed
 * rank test, two-sided, with its exact distribution, ties included; no randomness, so the same
 * results always give the same verdict. With fewer than six batches it cannot reach 0.05, as it
 * should.
 * Many endpoints are many tests: stats_correct() is Benjamini and Hochberg's (1995) step-up, whose
 * results are to be held against the wanted share of false alarms.
 */
#ifndef REPLAY_STATS_H
#define REPLAY_STATS_H

#include <stddef.h>

#define STATS_BATCHES 64

/* p value of "neither is slower" for pairs' log ratios in the order they were sent; `ratios` is
 * reordered. 1 when there are none. */
double stats_p_value(double *ratios, size_t count);
double stats_median(double *values, size_t count); /* reorders */
/* p values in place, each replaced by its corrected one. */
void stats_correct(double *p, size_t count);

#endif
