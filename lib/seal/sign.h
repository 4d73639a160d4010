/* Detached signatures: Ed25519 over bytes as they are, so that others can check them too.
 *
 * Text: BASE64 of the 64 bytes of the signature.
 * Errors: ERR_AUTH for a signature that does not hold.
 * Source: RFC 8032 (pure Ed25519), through libsodium.
 */
#ifndef LIB_SEAL_SIGN_H
#define LIB_SEAL_SIGN_H

#include "lib/seal/key.h"

#define SIGNATURE_TEXT 92 /* with the NUL */

/* `k` is a signing key. */
bool sign_make(const struct key_secret *k, struct span message, char out[SIGNATURE_TEXT],
               struct err *err);
bool sign_check(const struct key_public *k, struct span message, struct span signature,
                struct err *err);

#endif
