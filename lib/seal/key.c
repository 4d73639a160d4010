#include "lib/seal/key.h"

#include "lib/base/fd.h"
#include "lib/base/hash.h"
#include "lib/seal/base64.h"

#include <fcntl.h>
#include <libgen.h>
#include <sodium.h>

#define CHECK_BYTES 4
#define BLOB_BYTES  (KEY_BYTES + CHECK_BYTES)
#define BASE64_LEN  48 /* of 36 bytes, without padding */
#define FILE_MAX    256

struct key_secret {
    struct key_public pub;
    unsigned char at[KEY_BYTES]; /* what the file holds: the X25519 key, the Ed25519 seed */
    unsigned char sign[crypto_sign_SECRETKEYBYTES]; /* of a signing key */
};

static const char *const public_names[] = {
    [KEY_SEAL] = "rehearse1pub:", [KEY_SIGN] = "rehearse1sigpub:"};
static const char *const secret_names[] = {
    [KEY_SEAL] = "rehearse1sec:", [KEY_SIGN] = "rehearse1sigsec:"};

/* ---- memory ----------------------------------------------------------------------------------*/

static bool ready(struct err *err)
{
    return sodium_init() >= 0 || err_set(err, ERR_FAILED, "libsodium does not start");
}

void *seal_secret_memory(size_t bytes, struct err *err)
{
    void *p = ready(err) ? sodium_malloc(bytes ? bytes : 1) : NULL;

    if (!p) {
        err_memory(err);
        return NULL;
    }
    sodium_memzero(p, bytes);
    return p;
}

void seal_wipe_free(void *secret)
{
    sodium_free(secret);
}

void key_free(struct key_secret *k)
{
    sodium_free(k);
}

/* ---- text ------------------------------------------------------------------------------------*/

/* The check binds the name too: a secret key never passes for a public one. */
static void check_of(const char *name, const unsigned char key[KEY_BYTES],
                     unsigned char out[CHECK_BYTES])
{
    crypto_hash_sha256_state state;
    unsigned char digest[crypto_hash_sha256_BYTES];

    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, (const unsigned char *)name, strlen(name));
    crypto_hash_sha256_update(&state, key, KEY_BYTES);
    crypto_hash_sha256_final(&state, digest);
    memcpy(out, digest, CHECK_BYTES);
    sodium_memzero(&state, sizeof(state));
    sodium_memzero(digest, sizeof(digest));
}

static void write_text(const char *name, const unsigned char key[KEY_BYTES], char out[KEY_TEXT])
{
    unsigned char blob[BLOB_BYTES];
    size_t len = strlen(name);

    memcpy(blob, key, KEY_BYTES);
    check_of(name, key, blob + KEY_BYTES);
    memcpy(out, name, len);
    sodium_bin2base64(out + len, KEY_TEXT - len, blob, sizeof(blob),
                      sodium_base64_VARIANT_ORIGINAL);
    sodium_memzero(blob, sizeof(blob));
}

static bool read_text(struct span text, const char *name, unsigned char key[KEY_BYTES])
{
    unsigned char blob[BLOB_BYTES], check[CHECK_BYTES];
    size_t prefix = strlen(name);
    bool ok = span_starts(text, name) &&
              base64_decode((struct span){text.at + prefix, text.len - prefix}, blob, sizeof(blob));

    if (ok) {
        check_of(name, blob, check);
        ok = sodium_memcmp(check, blob + KEY_BYTES, CHECK_BYTES) == 0;
    }
    if (ok)
        memcpy(key, blob, KEY_BYTES);
    sodium_memzero(blob, sizeof(blob));
    return ok;
}

const char *key_text(const struct key_public *k, char out[KEY_TEXT])
{
    write_text(public_names[k->use], k->at, out);
    return out;
}

bool key_parse(struct span text, enum key_use use, struct key_public *out, struct err *err)
{
    struct key_public k = {.use = use};

    if (span_starts(text, secret_names[KEY_SEAL]) || span_starts(text, secret_names[KEY_SIGN])) {
        err_set(err, ERR_CONFIG, "a secret key stands where a public one belongs");
        return err_hint(err, "'rehearse key show FILE' says the public key; make a new pair if "
                             "others have seen this one");
    }
    if (read_text(text, public_names[use], k.at)) {
        *out = k;
        return true;
    }
    err_set(err, ERR_CONFIG, "'%.*s' is not a public %s key", (int)(text.len < 80 ? text.len : 80),
            text.at ? text.at : "", use == KEY_SEAL ? "encryption" : "signing");
    return err_hint(err, "copy all of the line '%s...' that 'rehearse key show FILE' prints",
                    public_names[use]);
}

bool key_eq(const struct key_public *a, const struct key_public *b)
{
    return a->use == b->use && memcmp(a->at, b->at, KEY_BYTES) == 0;
}

const char *key_fingerprint(const struct key_public *k, char out[KEY_FINGERPRINT])
{
    char text[KEY_TEXT], hex[HASH_HEX];
    struct digest d = hash_of(span_of(key_text(k, text)));

    digest_hex(&d, hex);
    snprintf(out, KEY_FINGERPRINT, "%.*s", KEY_FINGERPRINT - 1, hex);
    return out;
}

/* ---- keys ------------------------------------------------------------------------------------*/

static bool derive(struct key_secret *k, enum key_use use)
{
    k->pub.use = use;
    if (use == KEY_SIGN)
        return crypto_sign_seed_keypair(k->pub.at, k->sign, k->at) == 0;
    return crypto_scalarmult_base(k->pub.at, k->at) == 0;
}

bool key_make(enum key_use use, struct key_secret **out, struct err *err)
{
    AUTO(key_secret) struct key_secret *k = seal_secret_memory(sizeof(*k), err);

    if (!k)
        return false;
    randombytes_buf(k->at, sizeof(k->at));
    if (!derive(k, use))
        return err_set(err, ERR_FAILED, "cannot make a key");
    *out = TAKE(k);
    return true;
}

const struct key_public *key_public(const struct key_secret *k)
{
    return &k->pub;
}

const unsigned char *key_secret_bytes(const struct key_secret *k)
{
    return k->pub.use == KEY_SIGN ? k->sign : k->at;
}

static bool store_text(int fd, const char *path, const char *text, size_t len, struct err *err)
{
    AUTO(free) char *copy = strdup(path);

    if (!copy)
        return err_memory(err);
    if (!fd_write_all(fd, text, len, err) || (fsync(fd) != 0 && !err_sys(err, ERR_IO, "fsync")))
        return err_add(err, "cannot write key file '%s'", path);
    return dir_sync(dirname(copy), err);
}

bool key_write(const struct key_secret *k, const char *path, struct err *err)
{
    AUTO(fd) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    char text[KEY_TEXT];

    if (fd < 0)
        return err_sys(err, ERR_IO, "cannot make key file '%s'", path);
    write_text(secret_names[k->pub.use], k->at, text);
    size_t len = strlen(text);
    text[len] = '\n';
    bool ok = store_text(fd, path, text, len + 1, err);
    sodium_memzero(text, sizeof(text));
    if (!ok)
        unlink(path);
    return ok;
}

static bool not_a_key(const char *path, struct span text, struct err *err)
{
    bool public =
        span_starts(text, public_names[KEY_SEAL]) || span_starts(text, public_names[KEY_SIGN]);

    err_set(err, ERR_CONFIG, "'%s' holds %s", path,
            public ? "a public key, and the secret one is needed" : "no secret key");
    return err_hint(err, "name the file that 'rehearse key make --out FILE' wrote");
}

bool key_read_any(const char *path, struct key_secret **out, struct err *err)
{
    AUTO(key_secret) struct key_secret *k = seal_secret_memory(sizeof(*k), err);
    /* All room at once: growing would leave a copy behind. */
    AUTO(buf) struct buf text = {.max = FILE_MAX};
    bool found = false;

    if (!k)
        return false;
    if (!buf_reserve(&text, FILE_MAX - 1))
        return err_memory(err);
    bool ok = file_read_secret(path, &text, err);
    for (int use = KEY_SEAL; ok && !found && use <= KEY_SIGN; use++)
        found =
            read_text(buf_view(&text), secret_names[use], k->at) && derive(k, (enum key_use)use);
    if (ok && !found)
        not_a_key(path, buf_view(&text), err);
    sodium_memzero(text.at, text.cap);
    if (!ok || !found)
        return false;
    *out = TAKE(k);
    return true;
}

bool key_read(const char *path, enum key_use use, struct key_secret **out, struct err *err)
{
    AUTO(key_secret) struct key_secret *k = NULL;

    if (!key_read_any(path, &k, err))
        return false;
    if (k->pub.use != use) {
        err_set(err, ERR_CONFIG, "the key in '%s' is for %s", path,
                use == KEY_SEAL ? "signing, not for reading" : "reading, not for signing");
        return err_hint(err, use == KEY_SEAL ? "keys to read with: 'rehearse key make --out FILE'"
                                             : "keys to sign with: 'rehearse key make --signing "
                                               "--out FILE'");
    }
    *out = TAKE(k);
    return true;
}
