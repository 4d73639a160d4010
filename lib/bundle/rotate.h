/* Other recipients for an encrypted bundle, without writing its packs again.
 *
 * The wrapped keys are a blob of their own: they are opened with a secret key, wrapped for the new
 * recipients, and the manifest that names the new blob takes the place of the old one under all of
 * its tags. Then the old manifest and the old wrapped keys are removed. The signature still holds.
 * What it does not do: take keys back from who has them already. docs/bundle-format.md says more.
 * Errors: ERR_AUTH when `with` opens nothing, ERR_USAGE when the bundle is not encrypted.
 */
#ifndef LIB_BUNDLE_ROTATE_H
#define LIB_BUNDLE_ROTATE_H

#include "lib/bundle/bundle.h"

/* A whole digest, a tag ... as for bundle_open(). *now is the digest that the bundle has from now on.
 * A signature is checked first when `with` asks for one. */
bool bundle_rotate(struct store *store, const char *ref, const struct bundle_access *with,
                   const struct key_public *to, size_t count, struct digest *now, struct err *err);

#endif
