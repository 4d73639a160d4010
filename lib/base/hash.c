#include "lib/base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>

struct hash {
    EVP_MD_CTX *ctx;
};

bool hash_open(struct hash **out, struct err *err)
{
    AUTO(hash) struct hash *h = calloc(1, sizeof(*h));
    if (!h)
        return err_memory(err);
    h->ctx = EVP_MD_CTX_new();
    if (!h->ctx)
        return err_memory(err);
    if (EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL) != 1)
        return err_set(err, ERR_FAILED, "SHA-256 is not available in this OpenSSL");
    *out = TAKE(h);
    return true;
}

/* After a good start the EVP calls cannot fail for SHA-256: no allocation, no engine. */
void hash_add(struct hash *h, const void *bytes, size_t len)
{
    if (len && EVP_DigestUpdate(h->ctx, bytes, len) != 1)
        abort();
}

struct digest hash_end(struct hash *h)
{
    struct digest d;

    if (EVP_DigestFinal_ex(h->ctx, d.at, NULL) != 1 ||
        EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL) != 1)
        abort();
    return d;
}

bool hash_peek(const struct hash *h, struct digest *out, struct err *err)
{
    EVP_MD_CTX *copy = EVP_MD_CTX_new();
    bool ok = copy && EVP_MD_CTX_copy_ex(copy, h->ctx) == 1 &&
              EVP_DigestFinal_ex(copy, out->at, NULL) == 1;

    EVP_MD_CTX_free(copy);
    return ok || err_memory(err);
}

void hash_close(struct hash *h)
{
    if (!h)
        return;
    EVP_MD_CTX_free(h->ctx);
    free(h);
}

struct digest hash_of(struct span bytes)
{
    struct digest d;

    if (EVP_Digest(bytes.len ? bytes.at : "", bytes.len, d.at, NULL, EVP_sha256(), NULL) != 1)
        abort();
    return d;
}

bool hash_file(const char *path, struct digest *out, struct err *err)
{
    AUTO(hash) struct hash *h = NULL;
    AUTO(free) char *piece = malloc((size_t)1 << 18);

    if (!piece)
        return err_memory(err);
    if (!hash_open(&h, err))
        return false;
    AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_sys(err, ERR_IO, "cannot open '%s'", path);
    for (;;) {
        ssize_t n = read(fd, piece, (size_t)1 << 18);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(err, ERR_IO, "cannot read '%s'", path);
        if (n == 0)
            break;
        hash_add(h, piece, (size_t)n);
    }
    *out = hash_end(h);
    return true;
}

void digest_hex(const struct digest *d, char out[HASH_HEX])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < HASH_BYTES; i++) {
        out[2 * i] = digits[d->at[i] >> 4];
        out[2 * i + 1] = digits[d->at[i] & 15];
    }
    out[HASH_HEX - 1] = 0;
}

static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool digest_parse(struct span hex, struct digest *out)
{
    struct digest d;

    if (hex.len != HASH_HEX - 1)
        return false;
    for (size_t i = 0; i < HASH_BYTES; i++) {
        int high = nibble(hex.at[2 * i]), low = nibble(hex.at[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        d.at[i] = (unsigned char)(high << 4 | low);
    }
    *out = d;
    return true;
}

bool digest_eq(const struct digest *a, const struct digest *b)
{
    return memcmp(a->at, b->at, HASH_BYTES) == 0;
}
