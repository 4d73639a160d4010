/* Differences of two texts as a unified diff, as `diff -u` prints them without its file names. */
#ifndef LIB_BASE_TEXTDIFF_H
#define LIB_BASE_TEXTDIFF_H

#include "lib/base/auto.h"
#include "lib/base/buf.h"

/* Appends the hunks with three lines of context; nothing when the texts are equal. Shortest for
 * texts that differ in up to about 2,000 lines each; beyond, all between the first and the last
 * difference is one change. */
bool textdiff(struct span before, struct span after, struct buf *out, struct err *err);

#endif
