/* Segments by stream and seq, out of the order that they were stored in: an external merge sort.
 *
 * Runs of 65536 are sorted in memory and noted as numbers; the runs are then merged. What is held in
 * memory is one run at first (1 MiB), and later some pages per run: 64 KiB for 256 GiB of content.
 * The segments are borrowed, and stay as they are. Threads: one.
 */
#ifndef LIB_BUNDLE_ARRANGE_H
#define LIB_BUNDLE_ARRANGE_H

#include "lib/bundle/index.h"

struct run {
    size_t at, end; /* places in the order that are left of it */
};

struct arranged {
    const struct index *ix;
    const uint32_t *stream_now; /* by the number that a stream had */
    struct spill order;         /* uint32_t: numbers of segments, run by run */
    struct vec runs;            /* struct run: a binary heap, the least first */
    size_t given;
};

bool arranged_open(struct arranged *a, const struct index *ix, const uint32_t *stream_now,
                   struct err *err);
/* The next one, with its stream's new number. ERR_FAILED behind the last one. */
bool arranged_next(struct arranged *a, struct segment *out, struct err *err);
void arranged_done(struct arranged *a);
static inline void auto_arranged(struct arranged *a)
{
    arranged_done(a);
}

#endif
