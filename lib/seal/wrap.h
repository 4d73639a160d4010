/* The keys of a bundle's sealed blobs, each wrapped to every recipient.
 *
 * A JSON document beside the blobs, so that the recipients can change without the blobs:
 *   {"format": 1, "recipients": ["rehearse1pub:..."], "keys": {NAME: [BASE64, ...]}}
 * with one wrapped key per recipient, in their order: a crypto_box_seal of the blob's 32-byte key.
 * NAME is "index", "details", or the number of a pack.
 * Ownership: wrap_free(). Threads: the holder's. Errors: ERR_CONFIG without recipients, ERR_AUTH
 * when the secret key is of none of them, ERR_DAMAGED for a document that is none.
 * Source:    libsodium, sealed boxes (X25519, XSalsa20-Poly1305).
 */
#ifndef LIB_SEAL_WRAP_H
#define LIB_SEAL_WRAP_H

#include "lib/seal/key.h"
#include "lib/seal/sealed.h"

#define WRAP_RECIPIENTS_MAX 64
#define WRAP_DOCUMENT_MAX   ((size_t)64 << 20)
#define WRAP_INDEX          "index"
#define WRAP_DETAILS        "details"

struct wrap;

bool wrap_new(const struct key_public *to, size_t count, struct wrap **out, struct err *err);
void wrap_free(struct wrap *w);
AUTO_PTR(wrap, struct wrap, wrap_free)

/* Makes a random key for `name` into `key`, which is memory for secrets, and wraps it. */
bool wrap_add(struct wrap *w, const char *name, unsigned char key[SEAL_KEY], struct err *err);
/* The name of a pack's key. */
#define WRAP_NAME 16
const char *wrap_pack_name(uint32_t pack, char out[WRAP_NAME]);

/* Whether both are for the same recipients, in whatever order. */
bool wrap_same_recipients(const struct wrap *a, const struct wrap *b);
/* A key of `from` under another name, as it is wrapped there: no secret key is needed for that. Both
 * have the same recipients. */
bool wrap_copy(struct wrap *to, const char *name, const struct wrap *from, const char *old_name,
               struct err *err);

/* Heap text, the same for the same values. */
char *wrap_encode(const struct wrap *w);
bool wrap_decode(struct span text, struct wrap **out, struct err *err);
size_t wrap_recipients(const struct wrap *w);
const struct key_public *wrap_recipient(const struct wrap *w, size_t i);
/* The key of `name` into memory for secrets. */
bool wrap_open(const struct wrap *w, const char *name, const struct key_secret *with,
               unsigned char key[SEAL_KEY], struct err *err);
/* The same keys for other recipients. */
bool wrap_again(const struct wrap *w, const struct key_secret *with, const struct key_public *to,
                size_t count, struct wrap **out, struct err *err);

#endif
