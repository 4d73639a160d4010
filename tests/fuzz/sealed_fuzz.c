/* Any bytes as a sealed blob, as wrapped keys and as a key; and laid over sound ones: what opens is
 * what was sealed, or nothing. */
#include "lib/seal/sign.h"
#include "lib/seal/wrap.h"

#include <stdlib.h>

#define PLAIN "what was sealed"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* Made once: what the bytes are laid over. */
struct sound {
    struct key_secret *reader;
    unsigned char *key; /* of name "0" */
    char *document;     /* wrapped keys */
    struct buf blob;
    char signature[SIGNATURE_TEXT];
    struct key_secret *signer;
};

static bool keep_box(void *blob, struct span sealed, struct err *err)
{
    return buf_span(blob, sealed) || err_memory(err);
}

static const struct sound *sound(void)
{
    const struct spill plain = spill_of(SPAN(PLAIN));
    static struct sound s;

    if (s.document)
        return &s;
    AUTO(wrap) struct wrap *w = NULL;
    s.key = seal_secret_memory(SEAL_KEY, NULL);
    must(s.key && key_make(KEY_SEAL, &s.reader, NULL) && key_make(KEY_SIGN, &s.signer, NULL) &&
         wrap_new(key_public(s.reader), 1, &w, NULL) && wrap_add(w, "0", s.key, NULL) &&
         seal_blob(s.key, SEAL_INDEX, &plain, keep_box, &s.blob, NULL) &&
         sign_make(s.signer, SPAN(PLAIN), s.signature, NULL));
    s.document = wrap_encode(w);
    must(s.document != NULL);
    return &s;
}

static void try_document(const struct sound *s, struct span text)
{
    AUTO(wrap) struct wrap *w = NULL;
    unsigned char key[SEAL_KEY];
    struct err err = {0};

    if (!wrap_decode(text, &w, &err)) {
        must(err.text[0]);
        return;
    }
    AUTO(free) char *again = wrap_encode(w);
    AUTO(wrap) struct wrap *second = NULL;
    must(again && wrap_decode(span_of(again), &second, &err));
    must(wrap_recipients(w) == wrap_recipients(second));
    if (wrap_open(w, "0", s->reader, key, &err))
        must(memcmp(key, s->key, SEAL_KEY) == 0);
}

static void try_blob(const struct sound *s, struct span blob)
{
    static const enum seal_role roles[] = {SEAL_PACK, SEAL_INDEX, SEAL_DETAILS};
    const struct spill sealed = spill_of(blob);
    struct err err = {0};

    for (size_t i = 0; i < COUNT(roles); i++) {
        AUTO(spill) struct spill plain = {0};
        if (seal_blob_open(s->key, roles[i], &sealed, &plain, &err))
            must(roles[i] == SEAL_INDEX && span_is((struct span){plain.at, plain.len}, PLAIN));
        else
            must(err.text[0]);
    }
}

static void try_keys(const struct sound *s, struct span text)
{
    struct key_public k;
    struct err err = {0};
    char again[KEY_TEXT];

    for (int use = KEY_SEAL; use <= KEY_SIGN; use++) {
        if (key_parse(text, (enum key_use)use, &k, &err))
            must(span_is(text, key_text(&k, again)));
        else
            must(err.text[0]);
    }
    if (sign_check(key_public(s->signer), SPAN(PLAIN), text, &err))
        must(span_is(text, s->signature));
}

/* `bytes` over a copy of `base`, at a place that the first two of them choose. */
static struct span laid_over(struct span base, struct span bytes, struct buf *room)
{
    buf_clear(room);
    buf_span(room, base);
    if (bytes.len < 3 || !base.len)
        return buf_view(room);
    size_t at = ((size_t)(uint8_t)bytes.at[0] << 8 | (uint8_t)bytes.at[1]) % base.len;
    size_t len = bytes.len - 2 < base.len - at ? bytes.len - 2 : base.len - at;
    memcpy(room->at + at, bytes.at + 2, len);
    return buf_view(room);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const struct sound *s = sound();
    struct span raw = {(const char *)bytes, len};
    AUTO(buf) struct buf room = {0};

    try_document(s, raw);
    try_blob(s, raw);
    try_keys(s, raw);
    try_document(s, laid_over(span_of(s->document), raw, &room));
    try_blob(s, laid_over(buf_view(&s->blob), raw, &room));
    try_keys(s, laid_over(span_of(s->signature), raw, &room));
    return 0;
}
