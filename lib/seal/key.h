/* Keys: X25519 for those who may read, Ed25519 for those who sign.
 *
 * A key is one line of text, NAME:BASE64. The 36 bytes behind the colon are the key's 32 and the
 * first 4 of the SHA-256 of NAME, the colon and these 32: a mistyped key is refused instead of
 * sealing data for nobody.
 *   rehearse1pub     X25519, public    rehearse1sec     X25519, secret
 *   rehearse1sigpub  Ed25519, public   rehearse1sigsec  Ed25519, the seed of the secret key
 * Secrets live in guarded memory, locked where the system allows it, and are wiped when freed. They
 * reach disk in files of mode 0600 alone; a file that others may read is refused.
 * Ownership: key_free(). Threads: a key is read-only once made.
 * Source:    RFC 7748, RFC 8032, through libsodium.
 */
#ifndef LIB_SEAL_KEY_H
#define LIB_SEAL_KEY_H

#include "lib/base/auto.h"
#include "lib/base/err.h"
#include "lib/base/span.h"

#define KEY_BYTES       32
#define KEY_TEXT        72 /* with the NUL */
#define KEY_FINGERPRINT 17

enum key_use { KEY_SEAL, KEY_SIGN };

struct key_public {
    enum key_use use;
    unsigned char at[KEY_BYTES];
};

struct key_secret;

bool key_make(enum key_use use, struct key_secret **out, struct err *err);
/* Never overwrites: ERR_EXISTS. */
bool key_write(const struct key_secret *k, const char *path, struct err *err);
/* ERR_RIGHTS when others may read the file, ERR_CONFIG when it holds something else. */
bool key_read(const char *path, enum key_use use, struct key_secret **out, struct err *err);
/* The same, whatever its use. */
bool key_read_any(const char *path, struct key_secret **out, struct err *err);
void key_free(struct key_secret *k);
AUTO_PTR(key_secret, struct key_secret, key_free)

const struct key_public *key_public(const struct key_secret *k);
/* The 32 bytes of an X25519 key, or the 64 that libsodium signs with. */
const unsigned char *key_secret_bytes(const struct key_secret *k);

const char *key_text(const struct key_public *k, char out[KEY_TEXT]);
/* ERR_CONFIG that says what is wrong, but never quotes what might be a secret. */
bool key_parse(struct span text, enum key_use use, struct key_public *out, struct err *err);
bool key_eq(const struct key_public *a, const struct key_public *b);
/* 16 hex digits of the SHA-256 of the key's text, for people to compare. */
const char *key_fingerprint(const struct key_public *k, char out[KEY_FINGERPRINT]);

/* Memory for secrets: guarded, locked where allowed, zeroed now and wiped by seal_wipe_free(). */
void *seal_secret_memory(size_t bytes, struct err *err);
void seal_wipe_free(void *secret); /* NULL is fine */

#endif
