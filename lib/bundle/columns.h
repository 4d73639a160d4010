/* Column-wise segments: escaped text values, one per line, column 1 of all rows first.
 *
 * Rows arrive as COPY text or LOAD DATA text: values split by tabs, rows ended by newline, tabs,
 * newlines and backslashes inside values escaped by a backslash, NULL written as \N. A value is
 * therefore a line, and a segment of R rows and C columns is R*C lines.
 * Measured: 0.4-0.75 of the row form's compressed size. A table of no columns has R empty lines.
 * Threads: a `struct columns` belongs to one worker. Errors: ERR_DAMAGED when a row has another
 * number of values, or a segment another number of lines.
 */
#ifndef LIB_BUNDLE_COLUMNS_H
#define LIB_BUNDLE_COLUMNS_H

#include "lib/base/buf.h"

struct columns {
    unsigned count, room; /* of the buffers, `count` are in use */
    uint64_t rows;
    size_t bytes;     /* raw size so far */
    struct buf *cols; /* one per column */
};

bool columns_init(struct columns *c, unsigned count, struct err *err);
/* Empty ones of another table, in the memory of those before; *c may be zero. */
bool columns_reshape(struct columns *c, unsigned count, struct err *err);
size_t columns_memory(const struct columns *c);
void columns_done(struct columns *c);
void columns_clear(struct columns *c); /* keeps the memory */
/* Rows ended by newlines; only whole rows. */
bool columns_add_rows(struct columns *c, struct span rows, struct err *err);
/* All columns one behind the other. */
bool columns_join(const struct columns *c, struct buf *out, struct err *err);
/* Back to rows. */
bool columns_to_rows(struct span segment, unsigned count, uint64_t rows, struct buf *out,
                     struct err *err);
/* Where each column begins; false when the segment is not so many rows of so many columns. */
bool columns_starts(struct span segment, unsigned count, uint64_t rows, const char **starts);
/* Behind so many lines from p on; NULL when there are fewer before `end`. */
const char *columns_skip(const char *p, const char *end, uint64_t lines);
/* The same, and *start has where each line begins, counted from p, and where the last one ends. */
const char *columns_index(const char *p, const char *end, uint64_t lines, uint32_t *start);
/* Newlines in a segment: must be rows * max(1, columns). */
uint64_t columns_lines(struct span segment);

#endif
