#include "lib/bundle/rotate.h"

#include "lib/base/json.h"
#include "lib/bundle/lease.h"
#include "lib/bundle/sealing.h"
#include "lib/bundle/tags_edit.h"

struct rotation {
    struct index_pack was, now; /* the manifest */
    struct manifest manifest;   /* the one that was */
    size_t entries;             /* of index.json that name it */
};

static bool read_old(struct rotation *r, struct store *store, const char *ref,
                     const struct bundle_access *with, struct buf *text, struct err *err)
{
    if (!tags_resolve(store, ref, &r->was, err))
        return false;
    if (!blob_get(store, &r->was, MANIFEST_MAX, text, err) ||
        !manifest_decode(buf_view(text), &r->manifest, err) ||
        !sealing_check_signature(&r->manifest, with, err))
        return err_add(err, "cannot read bundle '%s'", ref);
    if (r->manifest.sealed)
        return true;
    err_set(err, ERR_USAGE, "bundle '%s' is not encrypted", ref);
    return err_hint(err, "encrypt what is captured next with 'encrypt_to' in the environment file");
}

static bool wrap_anew(struct rotation *r, struct store *store, const struct bundle_access *with,
                      const struct key_public *to, size_t count, struct index_pack *keys,
                      struct err *err)
{
    AUTO(wrap) struct wrap *old = NULL;
    AUTO(wrap) struct wrap *fresh = NULL;

    if (!sealing_wrapped(store, &r->manifest, &old, err) ||
        !wrap_again(old, with->key, to, count, &fresh, err))
        return false;
    AUTO(free) char *document = wrap_encode(fresh);
    return blob_put_text(store, document, keys, err);
}

/* The old manifest with another blob of keys; what else stands in it stays. */
static bool put_manifest(struct rotation *r, struct store *store, struct span text,
                         const struct index_pack *keys, struct err *err)
{
    AUTO(json) json_t *all = NULL;

    if (!json_parse(text, "manifest", &all, err))
        return false;
    json_t *layers = json_object_get(all, "layers");
    for (size_t i = 0; i < json_array_size(layers); i++) {
        const char *media =
            json_string_value(json_object_get(json_array_get(layers, i), "mediaType"));

        if (media && strcmp(media, MEDIA_KEYS) == 0 &&
            json_array_set_new(layers, i, descriptor_json(MEDIA_KEYS, keys)) != 0)
            return err_memory(err);
    }
    AUTO(free) char *changed = json_text(all);
    return blob_put_text(store, changed, &r->now, err);
}

static bool point_at_new(void *ctx, json_t *manifests, struct err *err)
{
    struct rotation *r = ctx;
    char digest[DIGEST_TEXT];

    r->entries = 0;
    digest_text(&r->now.digest, digest);
    for (size_t i = 0; i < json_array_size(manifests); i++) {
        json_t *entry = json_array_get(manifests, i);

        if (!tags_entry_of(entry, &r->was.digest))
            continue;
        if (json_object_set_new(entry, "digest", json_string(digest)) != 0 ||
            json_object_set_new(entry, "size", json_integer((json_int_t)r->now.bytes)) != 0)
            return err_memory(err);
        r->entries++;
    }
    return r->entries ||
           err_set(err, ERR_MISSING, "the bundle is not listed in the store any more");
}

/* As long as the old wrapped keys lie there, the old secret key opens the bundle. */
static bool remove_old(const struct rotation *r, struct store *store, struct err *err)
{
    const struct digest *const old[] = {&r->manifest.keys.digest, &r->was.digest};
    char name[STORE_NAME_MAX];
    struct err why = {0};

    for (size_t i = 0; i < COUNT(old); i++) {
        if (store->ops->remove(store, store_blob_name(old[i], name), &why) ||
            why.code == ERR_MISSING)
            continue;
        err_pass(err, &why);
        err_add(err, "the bundle has its new recipients, but the old keys could not be removed");
        return err_hint(err, "remove '%s' from the store by hand", name);
    }
    return true;
}

bool bundle_rotate(struct store *store, const char *ref, const struct bundle_access *with,
                   const struct key_public *to, size_t count, struct digest *now, struct err *err)
{
    AUTO(buf) struct buf text = {0};
    AUTO(lease) struct lease *lease = NULL;
    struct rotation r = {0};
    struct index_pack keys = {0};

    if (!with->key) {
        err_set(err, ERR_AUTH, "no secret key was given");
        return err_hint(err, "give the file of a key that opens the bundle with --key FILE");
    }
    /* gc leaves alone what is written while the lease lives. */
    if (!lease_take(store, "rotate", NULL, NULL, &lease, err))
        return false;
    manifest_init(&r.manifest);
    bool ok = read_old(&r, store, ref, with, &text, err) &&
              wrap_anew(&r, store, with, to, count, &keys, err) &&
              put_manifest(&r, store, buf_view(&text), &keys, err) &&
              tags_edit(store, point_at_new, &r, err) && remove_old(&r, store, err);
    if (ok)
        *now = r.now.digest;
    manifest_done(&r.manifest);
    return ok;
}
