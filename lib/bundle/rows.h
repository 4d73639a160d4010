/* The rows of a column-wise base in the order of its heir.
 *
 * A row that is gone, or that stands elsewhere, breaks every column at its place, and each break costs
 * a delta some four bytes: together as much as the row itself. So the base is put in order before it
 * serves as a prefix: the rows that the heir still has, as they stand there. The delta says how: it
 * begins with a skippable frame (RFC 8878) that holds a zstd frame of the list. What a row is known
 * by are its first columns, as few as tell rows apart; a wrong guess makes a delta larger, never
 * wrong.
 *
 * List:    one line per run of rows, "SKIP TAKE": from behind the last run so many rows are passed
 *          over (a negative number: gone back), then so many are taken.
 * Threads: none shared. Errors: ERR_DAMAGED for a list that does not fit its base.
 */
#ifndef LIB_BUNDLE_ROWS_H
#define LIB_BUNDLE_ROWS_H

#include "lib/base/vec.h"
#include "lib/bundle/codec.h"

/* Rows of the heir, in its order: so many of the base's, from this one on (0: the first), or new. */
struct rows_run {
    uint32_t from, count;
};
#define ROWS_FRESH UINT32_MAX /* from */

struct rows_order {
    struct buf list; /* empty: the base is best as it is */
    /* Whether the base, so arranged, has the heir's rows in their order but for the new ones. */
    bool alike;
    struct vec
        runs; /* struct rows_run; none, though alike: all rows are the base's, in its order */
    uint64_t base_rows;
};

void rows_order_done(struct rows_order *o);
static inline void auto_rows_order(struct rows_order *o)
{
    rows_order_done(o);
}
/* Of an heir of so many rows. Nothing is listed and nothing alike when the two are no segments of so many
 * columns. */
bool rows_match(struct span base, struct span heir, unsigned columns, uint64_t rows,
                struct rows_order *out, struct err *err);
/* A guess at the usual case, with a look at few of the bytes: the base has all of the heir's rows, in the
 * same order, and no other ones. */
bool rows_alike(struct span base, struct span heir, unsigned columns, uint64_t rows);
/* The base by a list. No more than as many rows and bytes as it has, whatever the list says. */
bool rows_arrange(struct span base, struct span list, unsigned columns, struct buf *out,
                  struct err *err);
/* The skippable frame in front of a delta; nothing for an empty list. */
bool rows_head(struct codec *c, struct span list, struct buf *out, struct err *err);
/* Takes it off `delta` again; the list of a base of so many bytes, empty when there is none. */
bool rows_read_head(struct codec *c, struct span *delta, uint64_t base_bytes, struct buf *list,
                    struct err *err);

#endif
