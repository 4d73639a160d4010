/* Object names that a driver accepts: nothing else ever becomes part of a path. */
#ifndef LIB_STORE_NAME_H
#define LIB_STORE_NAME_H

#include "lib/base/err.h"
#include "lib/base/span.h"

#define STORE_BLOBS  "blobs/sha256/"
#define STORE_TMP    "tmp/"
#define STORE_INDEX  "index.json"
#define STORE_LAYOUT "oci-layout"
#define STORE_LOCK   ".lock"

/* "oci-layout", "index.json", "blobs/sha256/<64 hex>" or "tmp/<name>"; ERR_DAMAGED otherwise. */
bool store_name_check(const char *name, struct err *err);

/* Whether a folder without a layout may become a store: it is empty, or holds less than a store, as a
 * creator leaves it that is killed, or at it right now. "blobs" is what creators make first. */
struct store_entries {
    bool blobs, any, foreign;
};
void store_entry_seen(struct store_entries *e, struct span entry);
bool store_may_be_made(const struct store_entries *e);

/* An OCI image layout must say so, and an empty one is made in a store that is written. */
struct store;
bool store_layout_make(struct store *s, struct err *err);
bool store_layout_check(struct store *s, struct err *err);

#endif
