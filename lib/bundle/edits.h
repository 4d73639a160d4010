/* What turns a base into its heir when their rows are alike: copies and new bytes.
 *
 * zstd's own search for matches goes through both sides byte by byte. Here the rows are known to
 * stand in the same order, so that both are only compared: some ten times as fast.
 *
 * Proof:   a copy is made of bytes that were compared; all else of the heir is new bytes. So the edits
 *          give the heir, however unlike the two are.
 * Threads: none shared. Errors: memory alone.
 */
#ifndef LIB_BUNDLE_EDITS_H
#define LIB_BUNDLE_EDITS_H

#include "lib/base/span.h"
#include "lib/bundle/rows.h"

#include <stdint.h>

/* No copy is shorter: zstd gains nothing by such a match. */
#define EDIT_COPY_MIN 8u

struct edit {
    uint32_t fresh; /* bytes of the heir that are new */
    uint32_t copy;  /* and then so many that were there */
    uint32_t back; /* so many bytes before, where the base ends as the heir begins; 0 with copy 0 */
};

/* Both column-wise, and their rows alike by `order`. What an edit copies stands in the base as
 * rows_arrange() would put it, which is not done here. False: they are too unlike for it to be worth
 * while, or there is no memory; *err tells. */
bool edits_find(struct span base, struct span heir, unsigned columns,
                const struct rows_order *order, struct vec *edits, struct err *err);

#endif
