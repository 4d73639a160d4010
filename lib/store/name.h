/* Object names that a driver accepts: nothing else ever becomes part of a path. */
#ifndef LIB_STORE_NAME_H
#define LIB_STORE_NAME_H

#include "lib/base/err.h"

#define STORE_BLOBS  "blobs/sha256/"
#define STORE_TMP    "tmp/"
#define STORE_INDEX  "index.json"
#define STORE_LAYOUT "oci-layout"

/* "oci-layout", "index.json", "blobs/sha256/<64 hex>" or "tmp/<name>"; ERR_DAMAGED otherwise. */
bool store_name_check(const char *name, struct err *err);

/* An OCI image layout must say so, and an empty one is made in a store that is written. */
struct store;
bool store_layout_make(struct store *s, struct err *err);
bool store_layout_check(struct store *s, struct err *err);

#endif
