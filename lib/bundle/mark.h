/* Which blobs of a store are needed.
 *
 * Every "digest" in a manifest or an index of manifests names a blob that is needed, whoever wrote
 * it: manifests of other tools that share the store are marked as well.
 * Errors: a manifest that cannot be read is ERR_DAMAGED; what it needs is not known then, so nothing
 *         may be swept.
 */
#ifndef LIB_BUNDLE_MARK_H
#define LIB_BUNDLE_MARK_H

#include "lib/base/vec.h"
#include "lib/bundle/manifest.h"

struct marks {
    struct vec blobs; /* struct index_pack, sorted by digest once marks_sort() was called */
};

#define MARKS                           \
    {                                   \
        .blobs = VEC(struct index_pack) \
    }
void marks_done(struct marks *m);
static inline void auto_marks(struct marks *m)
{
    marks_done(m);
}

bool marks_add(struct marks *m, const struct digest *blob, uint64_t bytes, struct err *err);
/* A manifest and all it names. */
bool marks_bundle(struct marks *m, struct store *store, const struct index_pack *manifest,
                  struct err *err);
/* Everything that index.json names, but for the manifest `without` (may be NULL). */
bool marks_store(struct marks *m, struct store *store, const struct digest *without,
                 struct err *err);
/* The same of an array of entries. */
bool marks_entries(struct marks *m, struct store *store, const json_t *manifests,
                   const struct digest *without, struct err *err);
/* Sorts, and drops what is there twice. */
void marks_sort(struct marks *m);
/* What goes when a bundle goes, and what stays because others need it too. */
bool marks_weigh(struct store *store, const struct index_pack *manifest, uint64_t *own,
                 uint64_t *shared, struct err *err);
bool marks_has(const struct marks *m, const struct digest *blob);

#endif
