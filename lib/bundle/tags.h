/* index.json of the layout: which manifests there are and what they are called.
 *
 * One entry per tag (org.opencontainers.image.ref.name), as the tools of OCI want it; a manifest
 * without a tag has one entry without that note. Changed by compare-and-swap only.
 */
#ifndef LIB_BUNDLE_TAGS_H
#define LIB_BUNDLE_TAGS_H

#include "lib/bundle/manifest.h"

#define TAGS_MAX ((size_t)64 << 20)

struct tagged {
    struct index_pack manifest;
    char tag[128];               /* "" without one */
    char created[LAYOUT_ID_MAX]; /* "" when the entry does not say: a foreign tool copied it */
    char environment[LAYOUT_ID_MAX];
    bool pinned;
};

/* Every entry that may be a bundle, in the order of the file (struct tagged). */
bool tags_read(struct store *store, struct vec *out, struct err *err);
bool tags_decode(struct span text, struct vec *out, struct err *err);
/* As tags_read, and what an entry does not say is taken from its manifest; newest first. */
bool tags_newest_first(struct store *store, struct vec *out, struct err *err);
/* A tag, "latest", a digest, or a unique prefix of one. */
bool tags_resolve(struct store *store, const char *ref, struct index_pack *out, struct err *err);
/* Puts `tags` on a manifest; a tag that was on another one moves. The first tag is only taken when
 * it is free: else a number is put behind it, and it is changed in place. */
bool tags_publish(struct store *store, struct tagged *first, const char *second, struct err *err);

#endif
