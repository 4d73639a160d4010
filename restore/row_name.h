/* Which row of a table the server refused, in words that lead back to it. */
#ifndef RESTORE_ROW_NAME_H
#define RESTORE_ROW_NAME_H

#include "lib/bundle/bundle.h"

/* N of the first "<before>N" in a message; 0 without one. */
uint64_t row_number(const char *message, const char *before);
/* "row 17 (key id)" into `out`: the row `number` (from 1) of those that the segments from `from` on
 * hold, counted in the whole table, and the columns of its key; with `values` "row 17 (id=5)", those
 * of the key's columns, or of the first one.
 * `key`: names split by commas, quoted as SQL does; may be empty. */
bool row_name(struct bundle *bundle, const struct stream *s, size_t from, uint64_t number,
              struct span key, bool values, struct buf *out);
/* The columns of "... PRIMARY KEY (a, "b")" in a statement; .at NULL without them. */
struct span row_key_columns(struct span sql);

#endif
