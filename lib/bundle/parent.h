/* The bundle before: segments that did not change are not stored again.
 *
 * Found by the SHA-256 of the raw content; the packs that hold such a segment and its base become
 * packs of the new bundle too.
 * Threads: parent_find() and parent_like() any; the rest under the writer's lock.
 */
#ifndef LIB_BUNDLE_PARENT_H
#define LIB_BUNDLE_PARENT_H

#include "lib/bundle/index.h"

struct cache;
struct parent;
struct wrap;

/* Of an encrypted bundle `wrap` has the keys and `cache` opens the parent, which must be encrypted to
 * the same recipients: the keys of shared packs are copied as they are wrapped. A recipient who was
 * added could not read those packs, and one who was removed could. Both NULL: not encrypted. */
bool parent_open(struct store *store, const char *ref, struct cache *cache, struct wrap *wrap,
                 struct parent **out, struct err *err);
void parent_close(struct parent *p);
AUTO_PTR(parent, struct parent, parent_close)
const struct digest *parent_digest(const struct parent *p);
/* The parent's segment of these raw bytes in this component; NULL: none. A delta is one for streams of
 * as many columns only, by which its list of rows is read. */
const struct segment *parent_find(const struct parent *p, const char *component, unsigned columns,
                                  const struct digest *raw);
/* The parent's segment that a new one descends from: see struct segment_raw; NULL: none. */
const struct segment *parent_like(const struct parent *p, const char *stream,
                                  const struct segment_raw *raw);
/* What is known of its segments goes out of memory until it is read again; NULL is fine. */
void parent_forget(const struct parent *p);
struct bundle *parent_bundle(const struct parent *p);
/* The number that the parent's pack has among `packs`, which it joins if need be. */
bool parent_share(struct parent *p, uint32_t pack, struct vec *packs, uint32_t *id,
                  struct err *err);

#endif
