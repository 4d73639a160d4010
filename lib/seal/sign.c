#include "lib/seal/sign.h"

#include "lib/seal/base64.h"

#include <sodium.h>

_Static_assert(KEY_BYTES == crypto_sign_PUBLICKEYBYTES && KEY_BYTES == crypto_sign_SEEDBYTES,
               "keys are those of Ed25519");

bool sign_make(const struct key_secret *k, struct span message, char out[SIGNATURE_TEXT],
               struct err *err)
{
    unsigned char signature[crypto_sign_BYTES];

    if (key_public(k)->use != KEY_SIGN)
        return err_set(err, ERR_CONFIG, "the key is not one to sign with");
    crypto_sign_detached(signature, NULL, (const unsigned char *)message.at, message.len,
                         key_secret_bytes(k));
    sodium_bin2base64(out, SIGNATURE_TEXT, signature, sizeof(signature),
                      sodium_base64_VARIANT_ORIGINAL);
    return true;
}

bool sign_check(const struct key_public *k, struct span message, struct span text, struct err *err)
{
    unsigned char signature[crypto_sign_BYTES];

    if (sodium_init() < 0)
        return err_memory(err);
    if (k->use == KEY_SIGN && base64_decode(text, signature, sizeof(signature)) &&
        crypto_sign_verify_detached(signature, (const unsigned char *)message.at, message.len,
                                    k->at) == 0)
        return true;
    return err_set(err, ERR_AUTH, "the signature does not hold");
}
