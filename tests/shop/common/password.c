#include "tests/shop/common/password.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#define KEY_BYTES  32
#define SALT_MAX   64
#define ROUNDS_MAX 1000000

bool password_hash(const char *password, const char *salt, int rounds, char out[PASSWORD_HASH])
{
    unsigned char key[KEY_BYTES];

    if (PKCS5_PBKDF2_HMAC(password, -1, (const unsigned char *)salt, (int)strlen(salt), rounds,
                          EVP_sha256(), KEY_BYTES, key) != 1)
        return false;
    int used = snprintf(out, PASSWORD_HASH, "pbkdf2$%d$%s$", rounds, salt);
    if (used < 0 || used + 2 * KEY_BYTES >= PASSWORD_HASH)
        return false;
    for (size_t i = 0; i < KEY_BYTES; i++)
        snprintf(out + used + 2 * i, 3, "%02x", key[i]);
    return true;
}

bool password_matches(const char *password, const char *hash)
{
    char salt[SALT_MAX + 1], again[PASSWORD_HASH];
    int rounds;

    if (sscanf(hash, "pbkdf2$%d$%64[^$]$", &rounds, salt) != 2 || rounds < 1 ||
        rounds > ROUNDS_MAX || !password_hash(password, salt, rounds, again))
        return false;
    return strlen(again) == strlen(hash) && CRYPTO_memcmp(again, hash, strlen(hash)) == 0;
}
