/* SHA-256 (FIPS 180-4, through OpenSSL EVP). */
#ifndef LIB_BASE_HASH_H
#define LIB_BASE_HASH_H

#include "lib/base/auto.h"
#include "lib/base/err.h"
#include "lib/base/span.h"

#define HASH_BYTES 32
#define HASH_HEX   65 /* with the NUL */

struct digest {
    unsigned char at[HASH_BYTES];
};

struct hash;
bool hash_open(struct hash **out, struct err *err);
void hash_add(struct hash *h, const void *bytes, size_t len);
struct digest hash_end(struct hash *h); /* and starts anew */
/* The digest of what was added so far; more may follow. */
bool hash_peek(const struct hash *h, struct digest *out, struct err *err);
void hash_close(struct hash *h);
AUTO_PTR(hash, struct hash, hash_close)

struct digest hash_of(struct span bytes);
bool hash_file(const char *path, struct digest *out, struct err *err);
void digest_hex(const struct digest *d, char out[HASH_HEX]);
bool digest_parse(struct span hex, struct digest *out);
bool digest_eq(const struct digest *a, const struct digest *b);

#endif
