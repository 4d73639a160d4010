/* What a reader of bundles has: a secret key, and whose signatures it trusts.
 *
 * Ownership: access_done(). Threads: read-only once filled.
 * Errors: ERR_AUTH when a bundle is not to be read or not to be trusted, with what to do about it.
 */
#ifndef LIB_BUNDLE_ACCESS_H
#define LIB_BUNDLE_ACCESS_H

#include "lib/seal/key.h"

#define ACCESS_TRUSTED_MAX 64

struct cache; /* lib/bundle/cache.h */

struct bundle_access {
    struct key_secret *key; /* NULL: of encrypted bundles only the blobs can be checked */
    struct cache
        *cache;       /* borrowed; opens what this host captured last without a key. NULL: none */
    bool signed_only; /* bundles that none of these has signed are refused */
    struct key_public trusted[ACCESS_TRUSTED_MAX];
    size_t trusted_count;
};

/* `path` NULL: no key. `a` starts zeroed. */
bool access_key(struct bundle_access *a, const char *path, struct err *err);
/* One more public signing key, as text. */
bool access_trust(struct bundle_access *a, const char *key, struct err *err);
void access_done(struct bundle_access *a);
static inline void auto_access(struct bundle_access *a)
{
    access_done(a);
}

#endif
