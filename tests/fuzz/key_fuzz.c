/* Any bytes as a key file, and laid over sound ones: refused without a word of it in the reason, or
 * the key it says, which is written the same again. */
#include "lib/seal/key.h"

#include "lib/base/fd.h"
#include "tests/fake/scratch.h"

#include <stdlib.h>
#include <unistd.h>

/* Where the secret part of a key begins, and how much of it in a message would be a leak. */
#define SECRET_AT  20
#define SECRET_LEN 12

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* `secret`: what no message may quote; empty: none. */
static void tells_nothing(const struct err *err, struct span secret)
{
    must(err->text[0] && !strchr(err->text, '\n'));
    if (secret.len)
        must(!memmem(err->text, strlen(err->text), secret.at, secret.len) &&
             !memmem(err->hint, strlen(err->hint), secret.at, secret.len));
}

static void written_again(const struct key_secret *k, struct scratch *dir, struct span text)
{
    AUTO(buf) struct buf again = {0};
    AUTO(key_secret) struct key_secret *same = NULL;
    const char *path = scratch_path(dir, "again");
    struct err err = {0};

    must(key_write(k, path, &err) && file_read(path, 4096, &again, &err));
    must(span_starts(span_trim(buf_view(&again)), "rehearse1"));
    must(span_eq(span_trim(buf_view(&again)), span_trim(text)));
    must(key_read(path, key_public(k)->use, &same, &err));
    must(key_eq(key_public(k), key_public(same)));
    must(unlink(path) == 0);
}

static void try_file(struct scratch *dir, struct span text, struct span secret)
{
    AUTO(key_secret) struct key_secret *k = NULL;
    struct err err = {0};

    scratch_write(dir, "key", text);
    if (key_read_any(scratch_path(dir, "key"), &k, &err))
        written_again(k, dir, text);
    else
        tells_nothing(&err, secret);
}

static void sound_text(enum key_use use, struct scratch *dir, struct buf *out)
{
    AUTO(key_secret) struct key_secret *k = NULL;
    const char *path = scratch_path(dir, "sound");

    must(key_make(use, &k, NULL) && key_write(k, path, NULL) && file_read(path, 4096, out, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    AUTO(scratch) struct scratch dir = {0};
    AUTO(buf) struct buf text = {0};
    struct span raw = {(const char *)bytes, len};
    char secret[SECRET_LEN];

    scratch_open(&dir);
    try_file(&dir, raw, (struct span){NULL, 0});
    if (len < 2)
        return 0;
    sound_text(bytes[0] & 1 ? KEY_SIGN : KEY_SEAL, &dir, &text);
    memcpy(secret, text.at + SECRET_AT, SECRET_LEN);
    try_file(&dir, buf_view(&text), (struct span){secret, SECRET_LEN});
    size_t at = bytes[1] % text.len, room = text.len - at;
    memcpy(text.at + at, bytes + 2, len - 2 < room ? len - 2 : room);
    try_file(&dir, buf_view(&text), (struct span){secret, SECRET_LEN});
    return 0;
}
