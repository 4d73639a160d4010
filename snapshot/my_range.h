/* Cuts a range of integer keys into pieces of about the same number of rows.
 *
 * Method:  bisection by the server's own estimate of the rows between two keys (it dives into the
 *          index), so that gaps and lonely outliers cost a few estimates and not a piece each.
 *          Neighbours that are small are joined.
 * Order:   keys are given as unsigned numbers in the order of the index; my_range_text() shows
 *          them as the server writes them.
 * Proof:   the pieces are (-inf, b0) [b0, b1) ... [bn, +inf): whatever the estimates say, no key is
 *          missed or read twice.
 */
#ifndef SNAPSHOT_MY_RANGE_H
#define SNAPSHOT_MY_RANGE_H

#include "lib/base/err.h"
#include "lib/base/span.h"
#include "lib/base/vec.h"

struct my_bisect {
    uint64_t lo, hi; /* smallest and greatest key */
    uint64_t rows;   /* estimate of the whole */
    uint64_t target; /* rows of a piece */
    /* Rows with lo <= key < hi. */
    bool (*estimate)(void *ctx, uint64_t lo, uint64_t hi, uint64_t *rows, struct err *err);
    void *ctx;
};

/* Bounds, ascending; *out is a vec of uint64_t. */
bool my_range_bounds(const struct my_bisect *b, struct vec *out, struct err *err);
/* Between the number and what the server shows: signed keys are moved so that order is kept. */
bool my_range_parse(struct span text, bool is_signed, uint64_t *out);
void my_range_text(uint64_t key, bool is_signed, char out[24]);

#endif
