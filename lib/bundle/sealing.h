/* What of encryption and signatures concerns the layout of bundles. */
#ifndef LIB_BUNDLE_SEALING_H
#define LIB_BUNDLE_SEALING_H

#include "lib/bundle/access.h"
#include "lib/bundle/blob.h"
#include "lib/bundle/manifest.h"
#include "lib/seal/wrap.h"

/* ---- writing ---------------------------------------------------------------------------------*/

/* A blob under a new key, which is wrapped as `name`. */
bool sealing_put(struct store *store, struct wrap *w, enum seal_role role, const char *name,
                 const struct spill *plain, struct index_pack *out, struct err *err);
/* What of bundle.json may be read without a key: what a list needs. New reference. */
json_t *sealing_public(const json_t *config);
/* Fills signer and signature of a manifest that is otherwise complete. */
bool sealing_sign(struct manifest *m, const struct key_secret *k, struct err *err);

/* ---- reading ---------------------------------------------------------------------------------*/

/* Whether the manifest is signed as `a` wants it. A signature that is there must hold in any case,
 * if it is of somebody who is trusted. */
bool sealing_check_signature(const struct manifest *m, const struct bundle_access *a,
                             struct err *err);
/* The wrapped keys of an encrypted bundle. */
bool sealing_wrapped(struct store *store, const struct manifest *m, struct wrap **out,
                     struct err *err);
/* The keys of index, details and packs in this order, in memory for secrets. */
bool sealing_open_keys(struct store *store, const struct manifest *m, const struct key_secret *k,
                       unsigned char **out, struct err *err);
#define SEALING_INDEX   0
#define SEALING_DETAILS 1
#define SEALING_PACKS   2
static inline const unsigned char *sealing_key(const unsigned char *keys, size_t which)
{
    return keys + which * SEAL_KEY;
}
/* The largest blob: a box of 1 MiB has 41 bytes more than its content. */
#define SEALED_MAX (INDEX_MAX + INDEX_MAX / 1024)
/* What sealing_put() took; *plain is opened here. */
bool sealing_get(struct store *store, const struct index_pack *blob, enum seal_role role,
                 const unsigned char *key, struct spill *plain, struct err *err);
/* ERR_AUTH: it is encrypted and there is no key. */
bool sealing_locked(struct err *err);

#endif
