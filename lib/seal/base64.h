/* Strict base64 (RFC 4648, with padding): one text for one value.
 *
 * libsodium 1.0.18 takes some bytes above ASCII for letters of the alphabet, so a signature or a
 * key had more than one text that was accepted. Here a text is taken only when it is what the value
 * is written as. Threads: any. `text` may hold a secret: no copy of it is left behind.
 */
#ifndef LIB_SEAL_BASE64_H
#define LIB_SEAL_BASE64_H

#include "lib/base/span.h"

/* Exactly `size` bytes (at most 256) into `out`; false leaves `out` undefined. */
bool base64_decode(struct span text, unsigned char *out, size_t size);

#endif
