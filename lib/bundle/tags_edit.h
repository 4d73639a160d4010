/* Changes of index.json: names, pins, and bundles that are taken away.
 *
 * A bundle that is removed loses its tags and stays listed as retired, with the time, until gc finds
 * that the grace period has passed: restores that read it and snapshots that build on it go on.
 * Retired bundles are not shown and not chosen; their digest still opens them, and a new tag brings
 * them back. A pin is a note on every entry of the bundle.
 * Everything here is one compare-and-swap, tried again when somebody else was first.
 */
#ifndef LIB_BUNDLE_TAGS_EDIT_H
#define LIB_BUNDLE_TAGS_EDIT_H

#include "lib/bundle/tags.h"

#define NOTE_PINNED  "io.rehearse.pinned"
#define NOTE_RETIRED "io.rehearse.retired" /* ISO 8601 */

/* Called with the array of entries as it is now; may be called again, each time anew. */
typedef bool (*tags_change)(void *ctx, json_t *manifests, struct err *err);
bool tags_edit(struct store *store, tags_change change, void *ctx, struct err *err);
/* Swaps the index for itself: a lock that a killed writer left goes with that. Needs room. */
bool tags_unlock(struct store *store, struct err *err);

/* "" without that note. */
const char *tags_note(const json_t *entry, const char *name);
bool tags_entry_of(const json_t *entry, const struct digest *manifest);

/* Whether index.json names the manifest, retired or not: so long gc keeps all it needs. */
bool tags_listed(struct store *store, const struct digest *manifest, bool *listed, struct err *err);

/* One more name for a bundle; a tag that was on another bundle moves. Dated tags never do:
 * ERR_USAGE. */
bool bundle_tag(struct store *store, const char *ref, const char *tag, bool pin, struct err *err);
/* Takes a tag away. The dated one stays: ERR_USAGE. */
bool bundle_untag(struct store *store, const char *tag, struct err *err);
bool bundle_pin(struct store *store, const char *ref, bool pinned, struct err *err);
/* Retires a bundle; ERR_EXISTS when it is pinned. */
bool bundle_retire(struct store *store, const char *ref, struct err *err);

/* Publishes bundles (struct tagged; created and environment may be empty: the manifests say) as they
 * were listed elsewhere. A tag of another bundle moves; a dated one stays, and the new one gets a
 * number. */
bool tags_add(struct store *store, const struct vec *bundles, struct err *err);

/* The change that bundle_retire() makes, for others: every entry of the manifest becomes one without
 * a tag, with the time in it. */
bool tags_retire(json_t *manifests, const struct digest *manifest, const char *now,
                 struct err *err);
bool tags_pinned(const json_t *manifests, const struct digest *manifest);

#endif
