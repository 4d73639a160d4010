/* The bundle before: segments that did not change are not stored again.
 *
 * Found by the SHA-256 of the raw content; the pack that holds such a segment becomes a pack of the
 * new bundle too, if it still lies in the store with its right size.
 * Threads: parent_find() any; the rest under the writer's lock.
 */
#ifndef LIB_BUNDLE_PARENT_H
#define LIB_BUNDLE_PARENT_H

#include "lib/bundle/index.h"

struct parent;

bool parent_open(struct store *store, const char *ref, struct parent **out, struct err *err);
void parent_close(struct parent *p);
AUTO_PTR(parent, struct parent, parent_close)
const struct digest *parent_digest(const struct parent *p);
/* The parent's segment of these raw bytes in this component; NULL: none. */
const struct segment *parent_find(const struct parent *p, const char *component,
                                  const struct digest *raw);
/* The number that the parent's pack has among `packs`, which it joins if need be. */
bool parent_share(struct parent *p, uint32_t pack, struct vec *packs, uint32_t *id,
                  struct err *err);

#endif
