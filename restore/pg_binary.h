/* COPY in binary form from the bundle's text.
 *
 * The server reads a binary row in two thirds of the time that the same row takes as text: nothing is
 * unescaped and no number or time is parsed. The forms are those of the types' receive functions,
 * which have been the same since PostgreSQL 10; of other types, or of a value that is not written as
 * the server writes it, there is no binary form here, and the table is loaded as text.
 *
 * Source:  PostgreSQL documentation, COPY, "Binary Format"; src/backend/utils/adt of PostgreSQL 15.
 * Threads: a struct pg_binary may be used by many at a time once it is made.
 */
#ifndef RESTORE_PG_BINARY_H
#define RESTORE_PG_BINARY_H

#include "lib/base/auto.h"
#include "lib/base/buf.h"
#include "lib/base/json.h"

struct pg_binary;

/* *out is NULL when one of the columns' types (format_type() of each) has no binary form here. */
bool pg_binary_new(const json_t *types, struct pg_binary **out, struct err *err);
void pg_binary_free(struct pg_binary *b);
AUTO_PTR(pg_binary, struct pg_binary, pg_binary_free)

/* What stands before the first row and behind the last. */
extern const struct span pg_binary_head, pg_binary_tail;
/* The rows of a segment of columns into `out`, which is cleared; *exact false: a value has no binary
 * form here, and `out` is of no use. The segment's memory may grow, its content stays. */
bool pg_binary_rows(const struct pg_binary *b, struct buf *segment, uint64_t rows, struct buf *out,
                    bool *exact, struct err *err);

#endif
