/* How long an index takes to build, so that the dearest begins first and no core waits at the end; and
 * the memory that it is sorted in. */
#ifndef RESTORE_PG_WEIGHT_H
#define RESTORE_PG_WEIGHT_H

#include "lib/base/json.h"
#include "lib/base/span.h"

#define PG_WEIGHT_ONE 4 /* of a btree over one whole number */

/* From CREATE INDEX and its table's columns and types (as in the stream's metadata). Measured on
 * PostgreSQL 15: reading the table takes half of the least; text and numeric compare slowest. Pure. */
unsigned pg_index_weight(struct span sql, const json_t *columns, const json_t *types);

/* maintenance_work_mem for CREATE INDEX on a table of so many rows and bytes: runs that the processor's
 * caches hold most of, and few enough to be merged in one go. A sort of everything in memory takes an
 * eighth more processor time (PostgreSQL 15, 760,000 rows, nine indexes). 0: of a small table, or of a
 * method that needs all it can get. Pure. */
unsigned pg_index_memory_kb(struct span sql, uint64_t rows, uint64_t bytes);

#endif
