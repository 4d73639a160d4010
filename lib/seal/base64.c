#include "lib/seal/base64.h"

#include <sodium.h>

#define SIZE_MAX_BYTES 256

bool base64_decode(struct span text, unsigned char *out, size_t size)
{
    char again[sodium_base64_ENCODED_LEN(SIZE_MAX_BYTES, sodium_base64_VARIANT_ORIGINAL)];
    const char *end = NULL;
    size_t len = 0;

    if (!text.at || size > SIZE_MAX_BYTES ||
        text.len != sodium_base64_ENCODED_LEN(size, sodium_base64_VARIANT_ORIGINAL) - 1 ||
        sodium_base642bin(out, size, text.at, text.len, NULL, &len, &end,
                          sodium_base64_VARIANT_ORIGINAL) != 0 ||
        len != size || end != text.at + text.len)
        return false;
    sodium_bin2base64(again, sizeof(again), out, size, sodium_base64_VARIANT_ORIGINAL);
    bool same = sodium_memcmp(again, text.at, text.len) == 0;
    sodium_memzero(again, sizeof(again));
    return same;
}
