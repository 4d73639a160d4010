#include "lib/bundle/sealing.h"

#include "lib/base/json.h"
#include "lib/seal/sign.h"

/* ---- access ----------------------------------------------------------------------------------*/

bool access_key(struct bundle_access *a, const char *path, struct err *err)
{
    return !path || key_read(path, KEY_SEAL, &a->key, err);
}

bool access_trust(struct bundle_access *a, const char *key, struct err *err)
{
    if (a->trusted_count == ACCESS_TRUSTED_MAX)
        return err_set(err, ERR_CONFIG, "more than %d trusted keys", ACCESS_TRUSTED_MAX);
    if (!key_parse(span_of(key), KEY_SIGN, &a->trusted[a->trusted_count], err))
        return err_add(err, "a trusted key");
    a->trusted_count++;
    return true;
}

void access_done(struct bundle_access *a)
{
    key_free(a->key);
    *a = (struct bundle_access){0};
}

/* ---- writing ---------------------------------------------------------------------------------*/

static bool put_box(void *blob, struct span sealed, struct err *err)
{
    return blob_add(blob, sealed, err);
}

bool sealing_put(struct store *store, struct wrap *w, enum seal_role role, const char *name,
                 const struct spill *plain, struct index_pack *out, struct err *err)
{
    AUTO(blob_put) struct blob_put blob = {0};
    unsigned char *key = seal_secret_memory(SEAL_KEY, err);

    if (!key)
        return false;
    bool ok = wrap_add(w, name, key, err) && blob_open(store, &blob, err) &&
              seal_blob(key, role, plain, put_box, &blob, err);
    seal_wipe_free(key);
    *out = (struct index_pack){0};
    return ok && blob_commit(&blob, out, err);
}

bool sealing_get(struct store *store, const struct index_pack *blob, enum seal_role role,
                 const unsigned char *key, struct spill *plain, struct err *err)
{
    AUTO(spill) struct spill sealed = {0};

    return blob_fetch(store, blob, SEALED_MAX, &sealed, err) &&
           seal_blob_open(key, role, &sealed, plain, err);
}

json_t *sealing_public(const json_t *config)
{
    static const char *const listed[] = {"format",    "tool",       "environment", "production",
                                         "created",   "finished",   "parent",      "packs",
                                         "streams",   "segments",   "raw_bytes",   "stored_bytes",
                                         "new_bytes", "references", "deltas",      "delta_bytes"};
    AUTO(json) json_t *out = json_pack("{s:b, s:{}}", "encrypted", true, "components");

    for (size_t i = 0; out && i < COUNT(listed); i++) {
        json_t *value = json_object_get(config, listed[i]);

        if (value && json_object_set(out, listed[i], value) != 0)
            return NULL;
    }
    return TAKE(out);
}

bool sealing_sign(struct manifest *m, const struct key_secret *k, struct err *err)
{
    char signature[SIGNATURE_TEXT], signer[KEY_TEXT];

    snprintf(m->signer, sizeof(m->signer), "%s", key_text(key_public(k), signer));
    m->signature[0] = '\0';
    AUTO(free) char *text = manifest_to_sign(m);
    if (!text)
        return err_memory(err);
    if (!sign_make(k, span_of(text), signature, err))
        return false;
    snprintf(m->signature, sizeof(m->signature), "%s", signature);
    return true;
}

/* ---- reading ---------------------------------------------------------------------------------*/

static const struct key_public *trusted_signer(const struct manifest *m,
                                               const struct bundle_access *a)
{
    struct key_public signer;

    if (!key_parse(span_of(m->signer), KEY_SIGN, &signer, NULL))
        return NULL;
    for (size_t i = 0; i < a->trusted_count; i++)
        if (key_eq(&a->trusted[i], &signer))
            return &a->trusted[i];
    return NULL;
}

bool sealing_check_signature(const struct manifest *m, const struct bundle_access *a,
                             struct err *err)
{
    const struct key_public *signer = a ? trusted_signer(m, a) : NULL;

    if (signer) {
        if (sign_check(signer, span_of(m->to_sign), span_of(m->signature), err))
            return true;
        return err_hint(err, "the bundle was altered after it was signed: take another one");
    }
    if (!a || !a->signed_only)
        return true;
    if (!m->signature[0]) {
        err_set(err, ERR_AUTH, "the bundle is not signed, and a signature is required");
        return err_hint(err, "take the snapshot with 'sign_with' in its environment file");
    }
    err_set(err, ERR_AUTH, "the bundle is signed by '%s', who is not trusted", m->signer);
    return err_hint(err, "add that key to 'trusted' if it is one of yours");
}

bool sealing_locked(struct err *err)
{
    err_set(err, ERR_AUTH, "the bundle is encrypted");
    return err_hint(err, "give the file of a secret key with --key FILE, or set REHEARSE_KEY");
}

static bool open_all(const struct wrap *w, size_t packs, const struct key_secret *k,
                     unsigned char *keys, struct err *err)
{
    char name[WRAP_NAME];

    if (!wrap_open(w, WRAP_INDEX, k, keys + SEALING_INDEX * SEAL_KEY, err) ||
        !wrap_open(w, WRAP_DETAILS, k, keys + SEALING_DETAILS * SEAL_KEY, err))
        return false;
    for (size_t i = 0; i < packs; i++)
        if (!wrap_open(w, wrap_pack_name((uint32_t)i, name), k,
                       keys + (SEALING_PACKS + i) * SEAL_KEY, err))
            return false;
    return true;
}

bool sealing_wrapped(struct store *store, const struct manifest *m, struct wrap **out,
                     struct err *err)
{
    AUTO(buf) struct buf text = {0};

    return blob_get(store, &m->keys, WRAP_DOCUMENT_MAX, &text, err) &&
           wrap_decode(buf_view(&text), out, err);
}

bool sealing_open_keys(struct store *store, const struct manifest *m, const struct key_secret *k,
                       unsigned char **out, struct err *err)
{
    AUTO(wrap) struct wrap *w = NULL;

    if (!sealing_wrapped(store, m, &w, err))
        return false;
    unsigned char *keys = seal_secret_memory((SEALING_PACKS + m->packs.count) * SEAL_KEY, err);
    if (!keys)
        return false;
    if (!open_all(w, m->packs.count, k, keys, err)) {
        seal_wipe_free(keys);
        return false;
    }
    *out = keys;
    return true;
}
