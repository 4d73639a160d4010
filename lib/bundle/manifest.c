#include "lib/bundle/manifest.h"

#include "lib/base/json.h"

#include <inttypes.h>

void manifest_init(struct manifest *m)
{
    *m = (struct manifest){.packs = VEC(struct index_pack)};
}

void manifest_done(struct manifest *m)
{
    vec_done(&m->packs);
    free(m->to_sign);
}

const char *digest_text(const struct digest *d, char out[DIGEST_TEXT])
{
    char hex[HASH_HEX];

    digest_hex(d, hex);
    snprintf(out, DIGEST_TEXT, "sha256:%s", hex);
    return out;
}

bool digest_text_parse(const char *text, struct digest *out)
{
    struct span s = span_of(text);

    if (span_starts(s, "sha256:"))
        s = (struct span){s.at + 7, s.len - 7};
    return digest_parse(s, out);
}

json_t *descriptor_json(const char *media, const struct index_pack *blob)
{
    char text[DIGEST_TEXT];

    return json_pack("{s:s, s:s, s:I}", "mediaType", media, "digest",
                     digest_text(&blob->digest, text), "size", (json_int_t)blob->bytes);
}

bool descriptor_parse(const json_t *descriptor, struct index_pack *out, struct err *err)
{
    const char *text = NULL;
    uint64_t bytes = 0;
    struct digest digest;

    if (!json_want_str(descriptor, "digest", &text, err) ||
        !json_want_u64(descriptor, "size", &bytes, err))
        return false;
    if (!span_starts(span_of(text), "sha256:") || !digest_text_parse(text, &digest))
        return err_set(err, ERR_DAMAGED, "'%s' is no SHA-256 digest", text);
    *out = (struct index_pack){digest, bytes};
    return true;
}

/* ---- writing ---------------------------------------------------------------------------------*/

static json_t *layers_json(const struct manifest *m)
{
    const struct index_pack *packs = m->packs.at;
    json_t *layers = json_array();

    json_array_append_new(layers,
                          descriptor_json(m->sealed ? MEDIA_INDEX_SEALED : MEDIA_INDEX, &m->index));
    for (size_t i = 0; i < m->packs.count; i++)
        json_array_append_new(
            layers, descriptor_json(packs[i].sealed ? MEDIA_PACK_SEALED : MEDIA_PACK, &packs[i]));
    if (m->sealed) {
        json_array_append_new(layers, descriptor_json(MEDIA_DETAILS_SEALED, &m->details));
        json_array_append_new(layers, descriptor_json(MEDIA_KEYS, &m->keys));
    }
    if (json_array_size(layers) == m->packs.count + (m->sealed ? 3 : 1))
        return layers;
    json_decref(layers);
    return NULL;
}

static const char *text_or_null(const char *text)
{
    return text[0] ? text : NULL;
}

static json_t *manifest_json(const struct manifest *m)
{
    return json_pack("{s:i, s:s, s:s, s:o, s:o, s:{s:s, s:s, s:s*, s:s*}}", "schemaVersion", 2,
                     "mediaType", MEDIA_MANIFEST, "artifactType", MEDIA_BUNDLE, "config",
                     descriptor_json(MEDIA_BUNDLE, &m->config), "layers", layers_json(m),
                     "annotations", NOTE_CREATED, m->created, NOTE_ENVIRONMENT, m->environment,
                     NOTE_SIGNER, text_or_null(m->signer), NOTE_SIGNATURE,
                     text_or_null(m->signature));
}

char *manifest_encode(const struct manifest *m)
{
    AUTO(json) json_t *all = manifest_json(m);

    return all ? json_text(all) : NULL;
}

static const char *media_of(const json_t *descriptor)
{
    const char *media = json_string_value(json_object_get(descriptor, "mediaType"));

    return media ? media : "";
}

static char *signed_part(const json_t *manifest)
{
    AUTO(json) json_t *all = json_deep_copy(manifest);
    json_t *layers = json_object_get(all, "layers");

    json_object_del(json_object_get(all, "annotations"), NOTE_SIGNATURE);
    for (size_t i = json_array_size(layers); i-- > 0;)
        if (strcmp(media_of(json_array_get(layers, i)), MEDIA_KEYS) == 0)
            json_array_remove(layers, i);
    return all ? json_text(all) : NULL;
}

char *manifest_to_sign(const struct manifest *m)
{
    AUTO(json) json_t *all = manifest_json(m);

    return all ? signed_part(all) : NULL;
}

/* ---- reading ---------------------------------------------------------------------------------*/

/* The type may stand in either place: a copy through an older registry loses artifactType. */
static bool check_type(const json_t *m, const json_t *config, struct err *err)
{
    const char *type = json_string_value(json_object_get(m, "artifactType"));

    if (!type)
        type = json_string_value(json_object_get(config, "mediaType"));
    if (type && strcmp(type, MEDIA_BUNDLE) == 0)
        return true;
    err_set(err, ERR_UNSUPPORTED, "the manifest is of type '%s', not a bundle of format %d",
            type ? type : "", BUNDLE_FORMAT);
    return err_hint(err, "see what the store holds with 'rehearse bundle ls'");
}

static bool add_pack(struct manifest *m, const struct index_pack *pack, struct err *err)
{
    struct index_pack *to = vec_add(&m->packs, err);

    if (!to)
        return false;
    *to = *pack;
    to->sealed = m->sealed;
    return true;
}

/* The index comes first and says whether all is sealed: such a bundle has no plain pack. */
static bool read_layer(const json_t *layer, bool first, struct manifest *m, struct err *err)
{
    const char *media = NULL;
    struct index_pack blob;

    if (!json_want_str(layer, "mediaType", &media, err) || !descriptor_parse(layer, &blob, err))
        return false;
    if (first) {
        m->index = blob;
        m->sealed = strcmp(media, MEDIA_INDEX_SEALED) == 0;
        if (m->sealed || strcmp(media, MEDIA_INDEX) == 0)
            return true;
    } else if (strcmp(media, m->sealed ? MEDIA_PACK_SEALED : MEDIA_PACK) == 0 && !m->keys.bytes) {
        return add_pack(m, &blob, err);
    } else if (m->sealed && strcmp(media, MEDIA_DETAILS_SEALED) == 0 && !m->details.bytes) {
        m->details = blob;
        return true;
    } else if (m->sealed && strcmp(media, MEDIA_KEYS) == 0 && !m->keys.bytes) {
        m->keys = blob;
        return true;
    }
    return err_set(err, ERR_UNSUPPORTED, "a layer of the unknown type '%s'", media);
}

static bool read_layers(const json_t *layers, struct manifest *m, struct err *err)
{
    if (json_array_size(layers) == 0)
        return err_set(err, ERR_DAMAGED, "the manifest has no layers");
    for (size_t i = 0; i < json_array_size(layers); i++)
        if (!read_layer(json_array_get(layers, i), i == 0, m, err))
            return err_add(err, "layer %zu of the manifest", i);
    return !m->sealed || (m->details.bytes && m->keys.bytes) ||
           err_set(err, ERR_DAMAGED, "the manifest of an encrypted bundle names no wrapped keys");
}

static void read_note(const json_t *m, const char *name, char out[LAYOUT_ID_MAX])
{
    const char *text = json_string_value(json_object_get(json_object_get(m, "annotations"), name));

    snprintf(out, LAYOUT_ID_MAX, "%s", text ? text : "");
}

bool manifest_decode(struct span text, struct manifest *m, struct err *err)
{
    AUTO(json) json_t *all = NULL;
    json_t *config = NULL, *layers = NULL;

    if (!json_parse(text, "manifest", &all, err) || !json_want_obj(all, "config", &config, err) ||
        !check_type(all, config, err) || !descriptor_parse(config, &m->config, err) ||
        !json_want_arr(all, "layers", &layers, err))
        return false;
    if (!read_layers(layers, m, err))
        return false;
    read_note(all, NOTE_CREATED, m->created);
    read_note(all, NOTE_ENVIRONMENT, m->environment);
    read_note(all, NOTE_SIGNER, m->signer);
    read_note(all, NOTE_SIGNATURE, m->signature);
    m->to_sign = signed_part(all);
    return m->to_sign || err_memory(err);
}
