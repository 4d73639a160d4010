/* Latency histogram in fixed memory.
 *
 * Unit:      microseconds.
 * Method:    log-linear buckets as in HdrHistogram (G. Tene): 32 steps per power of two, so
 *            hist_percentile() is never low and at most 1/32 high.
 * Ownership: a plain value of about 8 KiB; zero it to start, copy it at will.
 * Threads:   none shared; one per worker, joined by hist_merge().
 * Errors:    none. A value above HIST_MAX_US counts as HIST_MAX_US.
 */
#ifndef LIB_WIRE_HIST_H
#define LIB_WIRE_HIST_H

#include <stdint.h>

#define HIST_STEPS   32
#define HIST_MAX_US  UINT64_C(0xffffffff)
#define HIST_BUCKETS (HIST_STEPS * 28)

struct hist {
    uint64_t count;
    uint64_t max_us;
    uint64_t bucket[HIST_BUCKETS];
};

void hist_add(struct hist *h, uint64_t us);
void hist_merge(struct hist *into, const struct hist *from);

/* Smallest latency that `share` (0 < share <= 1) of the values stayed within; 0 when empty. */
uint64_t hist_percentile(const struct hist *h, double share);

#endif
