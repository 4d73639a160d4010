/* A bundle without deltas: the same content in complete frames.
 *
 * Complete frames are taken as they are, deltas are decoded and compressed anew. The result is
 * another bundle, with a manifest of its own and without a signature; bundle.json names the one that
 * it was made from ("flattened_from").
 */
#ifndef LIB_BUNDLE_FLATTEN_H
#define LIB_BUNDLE_FLATTEN_H

#include "lib/bundle/index.h"

/* Whether it has a delta. */
bool bundle_has_deltas(const struct bundle *b);
/* Into another store; *manifest is not listed there. On `jobs` threads, with the same result. */
bool bundle_flatten(struct bundle *b, struct store *to, unsigned jobs, struct index_pack *manifest,
                    struct err *err);

#endif
