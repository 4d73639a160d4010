/* How a table is cut where its parent was cut: what both database sources go by.
 *
 * New rows at a table's end are a segment of their own each day. Measured over seven days of 1 % new
 * rows: a later day then costs these rows once, and not all those since the first day again. The
 * small segments that this leaves become one when there are KEEP_RUN of them side by side.
 */
#ifndef SNAPSHOT_KEEP_H
#define SNAPSHOT_KEEP_H

#include <stddef.h>
#include <stdint.h>

/* Tables below that are one segment, whatever the parent says: raw bytes. */
#define KEEP_MIN ((uint64_t)256 << 10)
/* Growth of less than this part of the last segment stays in it. */
#define KEEP_GROWTH 256
#define KEEP_RUN    8

/* How many of the parent's segments from number `at` on are read as one: 1, or a run of at least
 * KEEP_RUN segments of which each is below a quarter of SEGMENT_TARGET, as far as one segment goes. */
size_t keep_together(const void *segments, size_t at, size_t count,
                     uint64_t (*raw_bytes)(const void *segments, size_t i));

#endif
