#include "lib/seal/wrap.h"

#include "lib/base/json.h"
#include "lib/seal/base64.h"

#include <inttypes.h>
#include <sodium.h>

#define WRAP_FORMAT  1
#define SEALED_BYTES (SEAL_KEY + crypto_box_SEALBYTES)
#define SEALED_TEXT  sodium_base64_ENCODED_LEN(SEALED_BYTES, sodium_base64_VARIANT_ORIGINAL)

_Static_assert(KEY_BYTES == crypto_box_PUBLICKEYBYTES && KEY_BYTES == crypto_box_SECRETKEYBYTES,
               "keys are those of sealed boxes");

struct wrap {
    struct key_public to[WRAP_RECIPIENTS_MAX];
    size_t count;
    json_t *keys; /* name: array of wrapped keys, one per recipient */
};

void wrap_free(struct wrap *w)
{
    if (!w)
        return;
    json_decref(w->keys);
    free(w);
}

size_t wrap_recipients(const struct wrap *w)
{
    return w->count;
}

const struct key_public *wrap_recipient(const struct wrap *w, size_t i)
{
    return &w->to[i];
}

const char *wrap_pack_name(uint32_t pack, char out[WRAP_NAME])
{
    snprintf(out, WRAP_NAME, "%" PRIu32, pack);
    return out;
}

/* ---- writing ---------------------------------------------------------------------------------*/

bool wrap_new(const struct key_public *to, size_t count, struct wrap **out, struct err *err)
{
    if (count == 0 || count > WRAP_RECIPIENTS_MAX) {
        err_set(err, ERR_CONFIG, "%zu recipients to encrypt to", count);
        return err_hint(err, "name 1 to %d public keys of those who may read", WRAP_RECIPIENTS_MAX);
    }
    AUTO(wrap) struct wrap *w = calloc(1, sizeof(*w));
    if (!w)
        return err_memory(err);
    memcpy(w->to, to, count * sizeof(*to));
    w->count = count;
    w->keys = json_object();
    if (!w->keys || sodium_init() < 0)
        return err_memory(err);
    *out = TAKE(w);
    return true;
}

static bool wrap_one(const struct key_public *to, const unsigned char key[SEAL_KEY], json_t *list,
                     struct err *err)
{
    unsigned char sealed[SEALED_BYTES];
    char text[SEALED_TEXT], name[KEY_TEXT];

    if (crypto_box_seal(sealed, key, SEAL_KEY, to->at) != 0) {
        err_set(err, ERR_CONFIG, "nothing can be encrypted to '%s'", key_text(to, name));
        return err_hint(err, "make a new key with 'rehearse key make --out FILE'");
    }
    sodium_bin2base64(text, sizeof(text), sealed, sizeof(sealed), sodium_base64_VARIANT_ORIGINAL);
    return json_array_append_new(list, json_string(text)) == 0 || err_memory(err);
}

static bool wrap_key(struct wrap *w, const char *name, const unsigned char key[SEAL_KEY],
                     struct err *err)
{
    AUTO(json) json_t *list = json_array();

    if (!list)
        return err_memory(err);
    for (size_t i = 0; i < w->count; i++)
        if (!wrap_one(&w->to[i], key, list, err))
            return false;
    return json_object_set(w->keys, name, list) == 0 || err_memory(err);
}

bool wrap_add(struct wrap *w, const char *name, unsigned char key[SEAL_KEY], struct err *err)
{
    crypto_secretstream_xchacha20poly1305_keygen(key);
    if (wrap_key(w, name, key, err))
        return true;
    sodium_memzero(key, SEAL_KEY);
    return false;
}

static size_t find_recipient(const struct wrap *w, const struct key_public *k)
{
    size_t i = 0;

    while (i < w->count && !key_eq(&w->to[i], k))
        i++;
    return i;
}

static bool has_all(const struct wrap *w, const struct wrap *of)
{
    for (size_t i = 0; i < of->count; i++)
        if (find_recipient(w, &of->to[i]) == w->count)
            return false;
    return true;
}

bool wrap_same_recipients(const struct wrap *a, const struct wrap *b)
{
    return has_all(a, b) && has_all(b, a);
}

bool wrap_copy(struct wrap *to, const char *name, const struct wrap *from, const char *old_name,
               struct err *err)
{
    const json_t *old = json_object_get(from->keys, old_name);
    AUTO(json) json_t *list = json_array();

    if (!old)
        return err_set(err, ERR_DAMAGED, "there is no wrapped key '%s'", old_name);
    if (!list)
        return err_memory(err);
    for (size_t i = 0; i < to->count; i++) {
        size_t at = find_recipient(from, &to->to[i]);

        if (json_array_append(list, json_array_get(old, at)) != 0)
            return err_set(err, ERR_AUTH, "key '%s' is not wrapped to each recipient", old_name);
    }
    return json_object_set(to->keys, name, list) == 0 || err_memory(err);
}

char *wrap_encode(const struct wrap *w)
{
    json_t *recipients = json_array();
    char text[KEY_TEXT];

    for (size_t i = 0; i < w->count; i++)
        json_array_append_new(recipients, json_string(key_text(&w->to[i], text)));
    AUTO(json)
    json_t *all = json_pack("{s:i, s:o, s:O}", "format", WRAP_FORMAT, "recipients", recipients,
                            "keys", w->keys);
    return all && json_array_size(recipients) == w->count ? json_text(all) : NULL;
}

/* ---- reading ---------------------------------------------------------------------------------*/

static bool read_recipients(const json_t *list, struct wrap *w, struct err *err)
{
    w->count = json_array_size(list);
    if (w->count == 0 || w->count > WRAP_RECIPIENTS_MAX)
        return err_set(err, ERR_DAMAGED, "%zu recipients", w->count);
    for (size_t i = 0; i < w->count; i++) {
        const char *text = json_string_value(json_array_get(list, i));

        if (!text || !key_parse(span_of(text), KEY_SEAL, &w->to[i], NULL))
            return err_set(err, ERR_DAMAGED, "recipient %zu is not a public key", i);
    }
    return true;
}

static bool unbase64(const json_t *value, unsigned char out[SEALED_BYTES])
{
    struct span text = {json_string_value(value), json_string_length(value)};

    return base64_decode(text, out, SEALED_BYTES);
}

static bool check_keys(const struct wrap *w, struct err *err)
{
    unsigned char sealed[SEALED_BYTES];
    const char *name;
    json_t *list;

    json_object_foreach(w->keys, name, list)
    {
        if (json_array_size(list) != w->count)
            return err_set(err, ERR_DAMAGED, "key '%s' is not wrapped to each recipient", name);
        for (size_t i = 0; i < w->count; i++)
            if (!unbase64(json_array_get(list, i), sealed))
                return err_set(err, ERR_DAMAGED, "key '%s' is not a wrapped key", name);
    }
    return true;
}

bool wrap_decode(struct span text, struct wrap **out, struct err *err)
{
    AUTO(wrap) struct wrap *w = calloc(1, sizeof(*w));
    AUTO(json) json_t *all = NULL;
    json_t *recipients = NULL;
    uint64_t format = 0;

    if (!w)
        return err_memory(err);
    if (!json_parse(text, "the wrapped keys", &all, err) ||
        !json_want_u64(all, "format", &format, err))
        return err_add(err, "the wrapped keys");
    if (format != WRAP_FORMAT) {
        err_set(err, ERR_UNSUPPORTED, "wrapped keys of format %" PRIu64, format);
        return err_hint(err, "read it with the version of rehearse that wrote it, or a later one");
    }
    if (!json_want_arr(all, "recipients", &recipients, err) ||
        !json_want_obj(all, "keys", &w->keys, err) || !json_incref(w->keys) ||
        !read_recipients(recipients, w, err) || !check_keys(w, err))
        return err_add(err, "the wrapped keys");
    *out = TAKE(w);
    return true;
}

static bool no_recipient(const struct wrap *w, const struct key_secret *with, struct err *err)
{
    char mine[KEY_FINGERPRINT], first[KEY_FINGERPRINT];

    err_set(err, ERR_AUTH, "it is not encrypted to key %s, but to %s%s",
            key_fingerprint(key_public(with), mine), key_fingerprint(&w->to[0], first),
            w->count > 1 ? " and others" : "");
    return err_hint(err, "give the file of a recipient's secret key with --key, or let a recipient "
                         "run 'rehearse key rotate'");
}

bool wrap_open(const struct wrap *w, const char *name, const struct key_secret *with,
               unsigned char key[SEAL_KEY], struct err *err)
{
    const json_t *list = json_object_get(w->keys, name);
    unsigned char sealed[SEALED_BYTES];
    size_t i = find_recipient(w, key_public(with));

    if (i == w->count)
        return no_recipient(w, with, err);
    if (!unbase64(json_array_get(list, i), sealed))
        return err_set(err, ERR_DAMAGED, "there is no wrapped key '%s'", name);
    if (crypto_box_seal_open(key, sealed, sizeof(sealed), w->to[i].at, key_secret_bytes(with)) == 0)
        return true;
    return err_set(err, ERR_DAMAGED, "the wrapped key '%s' was altered", name);
}

bool wrap_again(const struct wrap *w, const struct key_secret *with, const struct key_public *to,
                size_t count, struct wrap **out, struct err *err)
{
    AUTO(wrap) struct wrap *fresh = NULL;
    const char *name;
    json_t *list;
    bool ok = true;

    if (!wrap_new(to, count, &fresh, err))
        return false;
    unsigned char *key = seal_secret_memory(SEAL_KEY, err);
    if (!key)
        return false;
    json_object_foreach(w->keys, name, list)
    {
        ok = ok && wrap_open(w, name, with, key, err) && wrap_key(fresh, name, key, err);
    }
    seal_wipe_free(key);
    if (!ok)
        return false;
    *out = TAKE(fresh);
    return true;
}
