#include "lib/bundle/tags.h"

#include "lib/base/json.h"
#include "lib/bundle/blob.h"
#include "lib/bundle/name.h"
#include "lib/bundle/tags_edit.h"
#include "lib/store/name.h"

#define PREFIX_MIN 6

/* An entry that says it is something else belongs to another tool. */
static bool may_be_bundle(const json_t *entry)
{
    const char *type = json_string_value(json_object_get(entry, "artifactType"));
    const char *media = json_string_value(json_object_get(entry, "mediaType"));

    return (!type || strcmp(type, MEDIA_BUNDLE) == 0) && media &&
           strcmp(media, MEDIA_MANIFEST) == 0;
}

/* What is printed as it is must not move the cursor or paint: control bytes become question marks. */
static void copy_note(char *out, size_t size, const char *note)
{
    snprintf(out, size, "%s", note);
    for (char *p = out; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = '?';
}

static bool read_entry(const json_t *entry, struct vec *out, struct err *err)
{
    struct index_pack manifest;

    if (!may_be_bundle(entry) || tags_note(entry, NOTE_RETIRED)[0])
        return true;
    if (!descriptor_parse(entry, &manifest, err))
        return false;
    struct tagged *t = vec_add(out, err);
    if (!t)
        return false;
    t->manifest = manifest;
    copy_note(t->tag, sizeof(t->tag), tags_note(entry, NOTE_TAG));
    copy_note(t->created, sizeof(t->created), tags_note(entry, NOTE_CREATED));
    copy_note(t->environment, sizeof(t->environment), tags_note(entry, NOTE_ENVIRONMENT));
    t->pinned = tags_note(entry, NOTE_PINNED)[0] != '\0';
    return true;
}

static bool parse_index(struct span text, json_t **root, json_t **manifests, struct err *err)
{
    AUTO(json) json_t *all = NULL;

    if (!json_parse(text, STORE_INDEX, &all, err))
        return false;
    if (!json_want_arr(all, "manifests", manifests, err))
        return err_add(err, STORE_INDEX);
    *root = TAKE(all);
    return true;
}

bool tags_decode(struct span text, struct vec *out, struct err *err)
{
    AUTO(json) json_t *root = NULL;
    json_t *manifests = NULL;

    if (!parse_index(text, &root, &manifests, err))
        return false;
    for (size_t i = 0; i < json_array_size(manifests); i++)
        if (!read_entry(json_array_get(manifests, i), out, err))
            return err_add(err, "entry %zu of %s", i, STORE_INDEX);
    return true;
}

bool tags_read(struct store *store, struct vec *out, struct err *err)
{
    AUTO(buf) struct buf text = {0};

    return store_get(store, STORE_INDEX, TAGS_MAX, &text, err) &&
           tags_decode(buf_view(&text), out, err);
}

/* ---- looking up ------------------------------------------------------------------------------*/

static bool fill_from_manifest(struct store *store, struct tagged *t)
{
    AUTO(buf) struct buf text = {0};
    AUTO(manifest) struct manifest m;
    struct err why = {0};

    manifest_init(&m);
    if (!blob_get(store, &t->manifest, MANIFEST_MAX, &text, &why) ||
        !manifest_decode(buf_view(&text), &m, &why))
        return why.code != ERR_UNSUPPORTED;
    snprintf(t->created, sizeof(t->created), "%s", m.created);
    snprintf(t->environment, sizeof(t->environment), "%s", m.environment);
    return true;
}

/* Text of ISO 8601 in UTC sorts by time. Equal ones keep their manifests together. */
static int newer_first(const void *a, const void *b)
{
    const struct tagged *x = a, *y = b;
    int by_time = strcmp(y->created, x->created);
    int by_digest = memcmp(&x->manifest.digest, &y->manifest.digest, sizeof(struct digest));

    return by_time ? by_time : by_digest ? by_digest : strcmp(x->tag, y->tag);
}

bool tags_newest_first(struct store *store, struct vec *out, struct err *err)
{
    if (!tags_read(store, out, err))
        return false;

    struct tagged *all = out->at;
    size_t kept = 0;
    for (size_t i = 0; i < out->count; i++)
        if (all[i].created[0] || fill_from_manifest(store, &all[i]))
            all[kept++] = all[i];
    out->count = kept;
    if (kept)
        qsort(all, kept, sizeof(*all), newer_first);
    return true;
}

static bool no_such(struct store *store, const char *ref, struct err *err)
{
    err_set(err, ERR_MISSING, "no bundle '%s' in store '%s'", ref, store->url);
    return err_hint(err, "see what there is with 'rehearse bundle ls'");
}

static bool resolve_latest(struct store *store, struct index_pack *out, struct err *err)
{
    AUTO(vec) struct vec all = VEC(struct tagged);

    if (!tags_newest_first(store, &all, err))
        return false;
    if (all.count == 0)
        return no_such(store, "latest", err);
    *out = ((const struct tagged *)all.at)->manifest;
    return true;
}

/* A whole digest need not be in index.json: its tag may have moved on. */
static bool resolve_digest(struct store *store, const struct digest *digest, const char *ref,
                           struct index_pack *out, struct err *err)
{
    char name[STORE_NAME_MAX];
    struct store_stat st;

    if (!store->ops->stat(store, store_blob_name(digest, name), &st, err))
        return err && err->code == ERR_MISSING ? no_such(store, ref, err) : false;
    *out = (struct index_pack){*digest, st.bytes};
    return true;
}

static bool has_prefix(const struct tagged *t, struct span prefix)
{
    char hex[HASH_HEX];

    digest_hex(&t->manifest.digest, hex);
    return prefix.len < sizeof(hex) && memcmp(hex, prefix.at, prefix.len) == 0;
}

static bool resolve_prefix(struct store *store, const struct vec *tags, const char *ref,
                           struct index_pack *out, struct err *err)
{
    const struct tagged *all = tags->at, *found = NULL;
    struct span prefix = span_of(ref);

    if (span_starts(prefix, "sha256:"))
        prefix = (struct span){ref + 7, prefix.len - 7};
    for (size_t i = 0; prefix.len >= PREFIX_MIN && i < tags->count; i++) {
        if (!has_prefix(&all[i], prefix))
            continue;
        if (found && !digest_eq(&found->manifest.digest, &all[i].manifest.digest))
            return err_set(err, ERR_USAGE, "'%s' is the beginning of more than one digest", ref);
        found = &all[i];
    }
    if (!found)
        return no_such(store, ref, err);
    *out = found->manifest;
    return true;
}

bool tags_resolve(struct store *store, const char *ref, struct index_pack *out, struct err *err)
{
    AUTO(vec) struct vec tags = VEC(struct tagged);
    struct digest digest;

    if (strcmp(ref, "latest") == 0)
        return resolve_latest(store, out, err);
    if (!tags_read(store, &tags, err))
        return false;
    const struct tagged *all = tags.at;
    for (size_t i = 0; i < tags.count; i++) {
        if (ref[0] && strcmp(all[i].tag, ref) == 0) {
            *out = all[i].manifest;
            return true;
        }
    }
    if (digest_text_parse(ref, &digest))
        return resolve_digest(store, &digest, ref, out, err);
    return resolve_prefix(store, &tags, ref, out, err);
}

/* ---- publishing ------------------------------------------------------------------------------*/

static bool tag_taken(const json_t *manifests, const char *tag)
{
    for (size_t i = 0; i < json_array_size(manifests); i++)
        if (strcmp(tags_note(json_array_get(manifests, i), NOTE_TAG), tag) == 0)
            return true;
    return false;
}

/* Two snapshots within a second would share the dated tag. */
static void free_tag(const json_t *manifests, char tag[128])
{
    char base[100];

    snprintf(base, sizeof(base), "%.99s", tag);
    for (unsigned n = 2; tag_taken(manifests, tag); n++)
        snprintf(tag, 128, "%s-%u", base, n);
}

static void drop_tag(json_t *manifests, const char *tag)
{
    for (size_t i = json_array_size(manifests); i-- > 0;)
        if (strcmp(tags_note(json_array_get(manifests, i), NOTE_TAG), tag) == 0)
            json_array_remove(manifests, i);
}

static bool add_entry(json_t *manifests, const struct tagged *t, const char *tag)
{
    json_t *entry = descriptor_json(MEDIA_MANIFEST, &t->manifest);
    json_t *notes = json_pack("{s:s, s:s, s:s}", NOTE_TAG, tag, NOTE_CREATED, t->created,
                              NOTE_ENVIRONMENT, t->environment);

    /* The _new functions take NULL and give the other references back. */
    json_object_set_new(entry, "artifactType", json_string(MEDIA_BUNDLE));
    if (json_object_set_new(entry, "annotations", notes) != 0) {
        json_decref(entry);
        return false;
    }
    return json_array_append_new(manifests, entry) == 0;
}

struct publishing {
    const struct tagged *wanted;
    const char *second;
    char got[TAG_MAX]; /* the first tag, as it was free */
};

static bool publish(void *ctx, json_t *manifests, struct err *err)
{
    struct publishing *p = ctx;

    memcpy(p->got, p->wanted->tag, sizeof(p->got));
    free_tag(manifests, p->got);
    if (p->second)
        drop_tag(manifests, p->second);
    if (!add_entry(manifests, p->wanted, p->got) ||
        (p->second && !add_entry(manifests, p->wanted, p->second)))
        return err_memory(err);
    return true;
}

bool tags_publish(struct store *store, struct tagged *first, const char *second, struct err *err)
{
    struct publishing p = {.wanted = first, .second = second};

    if (!tags_edit(store, publish, &p, err))
        return false;
    memcpy(first->tag, p.got, sizeof(first->tag));
    return true;
}
