#include "lib/bundle/tags_edit.h"

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/bundle/blob.h"
#include "lib/bundle/name.h"
#include "lib/store/name.h"

#include <ctype.h>

#define SWAP_TRIES 100
#define SWAP_STEP  ((int64_t)2000000)

const char *tags_note(const json_t *entry, const char *name)
{
    const char *s = json_string_value(json_object_get(json_object_get(entry, "annotations"), name));

    return s ? s : "";
}

bool tags_entry_of(const json_t *entry, const struct digest *manifest)
{
    const char *text = json_string_value(json_object_get(entry, "digest"));
    struct digest digest;

    return text && digest_text_parse(text, &digest) && digest_eq(&digest, manifest);
}

/* ---- compare and swap ------------------------------------------------------------------------*/

static bool try_edit(struct store *store, tags_change change, void *ctx, bool always,
                     struct err *err)
{
    AUTO(buf) struct buf text = {0};
    AUTO(json) json_t *all = NULL;
    json_t *manifests = NULL;

    if (!store_get(store, STORE_INDEX, TAGS_MAX, &text, err) ||
        !json_parse(buf_view(&text), STORE_INDEX, &all, err))
        return false;
    if (!json_want_arr(all, "manifests", &manifests, err))
        return err_add(err, STORE_INDEX);

    AUTO(json) json_t *before = json_deep_copy(manifests);
    if (!before)
        return err_memory(err);
    if (!change(ctx, manifests, err))
        return false;
    if (!always && json_equal(before, manifests))
        return true;
    AUTO(free) char *changed = json_text(all);
    if (!changed)
        return err_memory(err);
    struct digest expected = hash_of(buf_view(&text));
    return store->ops->swap(store, STORE_INDEX, &expected, span_of(changed), err);
}

static bool edit(struct store *store, tags_change change, void *ctx, bool always, struct err *err)
{
    for (int try = 0; try < SWAP_TRIES; try++) {
        struct err lost = {0};

        if (try_edit(store, change, ctx, always, &lost))
            return true;
        if (lost.code != ERR_LOCK)
            return err_pass(err, &lost);
        if (!clock_sleep_until(clock_mono_ns() + SWAP_STEP * (try + 1)))
            return err_set(err, ERR_STOPPED, "stopped before the store was changed");
    }
    return err_set(err, ERR_LOCK, "store '%s' is changed by others all the time", store->url);
}

bool tags_edit(struct store *store, tags_change change, void *ctx, struct err *err)
{
    return edit(store, change, ctx, false, err);
}

static bool no_change(void *ctx, json_t *manifests, struct err *err)
{
    (void)ctx, (void)manifests, (void)err;
    return true;
}

bool tags_unlock(struct store *store, struct err *err)
{
    return edit(store, no_change, NULL, true, err);
}

/* ---- entries ---------------------------------------------------------------------------------*/

static bool note_set(json_t *entry, const char *name, const char *value, struct err *err)
{
    json_t *notes = json_object_get(entry, "annotations");

    if (!notes) {
        notes = json_object();
        if (json_object_set_new(entry, "annotations", notes) != 0)
            return err_memory(err);
    }
    return json_object_set_new(notes, name, json_string(value)) == 0 || err_memory(err);
}

static void note_drop(json_t *entry, const char *name)
{
    json_object_del(json_object_get(entry, "annotations"), name);
}

/* Of that digest, else NULL. */
static json_t *entry_of(const json_t *manifests, const struct digest *manifest)
{
    for (size_t i = 0; i < json_array_size(manifests); i++)
        if (tags_entry_of(json_array_get(manifests, i), manifest))
            return json_array_get(manifests, i);
    return NULL;
}

static bool entry_tagged(const json_t *entry, const char *tag)
{
    return tag[0] && strcmp(tags_note(entry, NOTE_TAG), tag) == 0;
}

bool tags_pinned(const json_t *manifests, const struct digest *manifest)
{
    for (size_t i = 0; i < json_array_size(manifests); i++) {
        const json_t *entry = json_array_get(manifests, i);

        if (tags_entry_of(entry, manifest) && tags_note(entry, NOTE_PINNED)[0])
            return true;
    }
    return false;
}

/* "...-20260131T120000Z", with a number behind it where two were made in a second. */
static bool dated(const char *tag)
{
    static const char form[] = "-ddddddddTddddddZ"; /* d: a digit */
    size_t len = strlen(tag);

    while (len && isdigit((unsigned char)tag[len - 1]))
        len--;
    if (len < strlen(tag) && (len == 0 || tag[--len] != '-'))
        return false;
    if (len < sizeof(form) - 1)
        return false;
    const char *at = tag + len - (sizeof(form) - 1);
    for (size_t i = 0; form[i]; i++)
        if (form[i] == 'd' ? !isdigit((unsigned char)at[i]) : at[i] != form[i])
            return false;
    return true;
}

bool tags_listed(struct store *store, const struct digest *manifest, bool *listed, struct err *err)
{
    AUTO(buf) struct buf text = {0};
    AUTO(json) json_t *all = NULL;

    if (!store_get(store, STORE_INDEX, TAGS_MAX, &text, err) ||
        !json_parse(buf_view(&text), STORE_INDEX, &all, err))
        return false;
    *listed = entry_of(json_object_get(all, "manifests"), manifest) != NULL;
    return true;
}

/* ---- tag -------------------------------------------------------------------------------------*/

struct tagging {
    struct tagged bundle; /* with the tag */
    bool pin;
};

static json_t *entry_new(const struct tagged *t)
{
    json_t *entry = descriptor_json(MEDIA_MANIFEST, &t->manifest);
    json_t *notes =
        json_pack("{s:s, s:s}", NOTE_CREATED, t->created, NOTE_ENVIRONMENT, t->environment);

    json_object_set_new(entry, "artifactType", json_string(MEDIA_BUNDLE));
    if (json_object_set_new(entry, "annotations", notes) == 0)
        return entry;
    json_decref(entry);
    return NULL;
}

/* The tag comes off whatever has it; an entry that has no other stays only where it is the last. */
static bool take_tag(json_t *manifests, const struct digest *keep, const char *tag, struct err *err)
{
    for (size_t i = json_array_size(manifests); i-- > 0;) {
        json_t *entry = json_array_get(manifests, i);

        if (!entry_tagged(entry, tag) || tags_entry_of(entry, keep))
            continue;
        if (json_array_remove(manifests, i) != 0)
            return err_memory(err);
    }
    return true;
}

static bool add_tag(void *ctx, json_t *manifests, struct err *err)
{
    const struct tagging *t = ctx;
    const struct digest *self = &t->bundle.manifest.digest;
    bool there = false, pin = t->pin || tags_pinned(manifests, self);

    if (!take_tag(manifests, self, t->bundle.tag, err))
        return false;
    for (size_t i = json_array_size(manifests); i-- > 0;) {
        json_t *entry = json_array_get(manifests, i);

        if (!tags_entry_of(entry, self))
            continue;
        there = there || entry_tagged(entry, t->bundle.tag);
        if (!tags_note(entry, NOTE_TAG)[0])
            json_array_remove(manifests, i); /* retired, or without a name so far */
        else if (pin && !note_set(entry, NOTE_PINNED, "true", err))
            return false;
    }
    if (there)
        return true;
    json_t *entry = entry_new(&t->bundle);
    if (json_array_append_new(manifests, entry) != 0)
        return err_memory(err);
    return note_set(entry, NOTE_TAG, t->bundle.tag, err) &&
           (!pin || note_set(entry, NOTE_PINNED, "true", err));
}

static bool describe_manifest(struct store *store, struct tagged *out, struct err *err)
{
    AUTO(buf) struct buf text = {0};
    AUTO(manifest) struct manifest m;

    manifest_init(&m);
    if (!blob_get(store, &out->manifest, MANIFEST_MAX, &text, err) ||
        !manifest_decode(buf_view(&text), &m, err))
        return false;
    snprintf(out->created, sizeof(out->created), "%s", m.created);
    snprintf(out->environment, sizeof(out->environment), "%s", m.environment);
    return true;
}

static bool taken_by_other(const json_t *manifests, const struct tagged *t)
{
    for (size_t i = 0; i < json_array_size(manifests); i++) {
        const json_t *entry = json_array_get(manifests, i);

        if (entry_tagged(entry, t->tag) && !tags_entry_of(entry, &t->manifest.digest))
            return true;
    }
    return false;
}

static bool add_listed(json_t *manifests, struct tagging t, struct err *err)
{
    char base[100];

    if (!t.bundle.tag[0]) {
        if (entry_of(manifests, &t.bundle.manifest.digest))
            return true;
        return json_array_append_new(manifests, entry_new(&t.bundle)) == 0 || err_memory(err);
    }
    snprintf(base, sizeof(base), "%.99s", t.bundle.tag);
    for (unsigned n = 2; dated(t.bundle.tag) && taken_by_other(manifests, &t.bundle); n++)
        snprintf(t.bundle.tag, sizeof(t.bundle.tag), "%s-%u", base, n);
    return add_tag(&t, manifests, err);
}

static bool add_all(void *ctx, json_t *manifests, struct err *err)
{
    const struct vec *bundles = ctx;
    const struct tagged *all = bundles->at;

    for (size_t i = 0; i < bundles->count; i++)
        if (!add_listed(manifests, (struct tagging){.bundle = all[i]}, err))
            return false;
    return true;
}

bool tags_add(struct store *store, const struct vec *bundles, struct err *err)
{
    AUTO(vec) struct vec described = VEC(struct tagged);
    const struct tagged *all = bundles->at;

    for (size_t i = 0; i < bundles->count; i++) {
        struct tagged *to = vec_add(&described, err);

        if (!to)
            return false;
        *to = all[i];
        if (!describe_manifest(store, to, err))
            return false;
        if (to->tag[0] && (!tag_ok(span_of(to->tag)) || strcmp(to->tag, "latest") == 0))
            return err_set(err, ERR_DAMAGED, "'%s' cannot be a tag", to->tag);
    }
    return tags_edit(store, add_all, &described, err);
}

static bool check_tag(const char *tag, struct err *err)
{
    if (!tag_ok(span_of(tag)) || strcmp(tag, "latest") == 0) {
        err_set(err, ERR_USAGE, "'%s' cannot be a tag", tag);
        return err_hint(err, "use letters, digits, '.', '_' and '-', and not 'latest'");
    }
    if (dated(tag)) {
        err_set(err, ERR_USAGE, "'%s' is a dated tag, and these never change", tag);
        return err_hint(err, "'rehearse bundle rm' removes a bundle");
    }
    return true;
}

bool bundle_tag(struct store *store, const char *ref, const char *tag, bool pin, struct err *err)
{
    struct tagging t = {.pin = pin};

    if (!check_tag(tag, err) || !tags_resolve(store, ref, &t.bundle.manifest, err) ||
        !describe_manifest(store, &t.bundle, err))
        return false;
    snprintf(t.bundle.tag, sizeof(t.bundle.tag), "%s", tag);
    return tags_edit(store, add_tag, &t, err);
}

static bool drop_tag(void *ctx, json_t *manifests, struct err *err)
{
    const char *tag = *(const char *const *)ctx;
    size_t at = json_array_size(manifests), found = at;
    struct index_pack self;

    while (at-- > 0)
        if (entry_tagged(json_array_get(manifests, at), tag))
            found = at;
    if (found == json_array_size(manifests)) {
        err_set(err, ERR_MISSING, "no bundle has the tag '%s'", tag);
        return err_hint(err, "see what there is with 'rehearse bundle ls'");
    }
    json_t *entry = json_array_get(manifests, found);
    if (!descriptor_parse(entry, &self, err))
        return false;
    AUTO(json) json_t *held = json_incref(entry);
    json_array_remove(manifests, found);
    if (entry_of(manifests, &self.digest))
        return true;
    /* A copy by other tools may have this tag alone: the bundle stays, without a name. */
    note_drop(held, NOTE_TAG);
    return json_array_append(manifests, held) == 0 || err_memory(err);
}

bool bundle_untag(struct store *store, const char *tag, struct err *err)
{
    return check_tag(tag, err) && tags_edit(store, drop_tag, &tag, err);
}

/* ---- pin and retire --------------------------------------------------------------------------*/

struct marking {
    struct digest manifest;
    const char *ref;
    bool pinned;
    char now[ISO_TIME];
};

static bool no_entry(const struct marking *m, struct err *err)
{
    err_set(err, ERR_MISSING, "bundle '%s' is not listed in the store", m->ref);
    return err_hint(err, "give it a tag first, with 'rehearse bundle tag'");
}

static bool set_pin(void *ctx, json_t *manifests, struct err *err)
{
    const struct marking *m = ctx;
    size_t seen = 0;

    for (size_t i = 0; i < json_array_size(manifests); i++) {
        json_t *entry = json_array_get(manifests, i);

        if (!tags_entry_of(entry, &m->manifest) || tags_note(entry, NOTE_RETIRED)[0])
            continue;
        seen++;
        if (!m->pinned)
            note_drop(entry, NOTE_PINNED);
        else if (!note_set(entry, NOTE_PINNED, "true", err))
            return false;
    }
    return seen || no_entry(m, err);
}

static bool resolve(struct store *store, const char *ref, struct marking *m, struct err *err)
{
    struct index_pack found;

    if (!tags_resolve(store, ref, &found, err))
        return false;
    m->manifest = found.digest;
    m->ref = ref;
    clock_iso(clock_wall_ns(), m->now);
    return true;
}

bool bundle_pin(struct store *store, const char *ref, bool pinned, struct err *err)
{
    struct marking m = {.pinned = pinned};

    return resolve(store, ref, &m, err) && tags_edit(store, set_pin, &m, err);
}

bool tags_retire(json_t *manifests, const struct digest *manifest, const char *now, struct err *err)
{
    bool first = true;

    for (size_t i = 0; i < json_array_size(manifests);) {
        json_t *entry = json_array_get(manifests, i);

        if (!tags_entry_of(entry, manifest)) {
            i++;
            continue;
        }
        if (!first) {
            json_array_remove(manifests, i);
            continue;
        }
        first = false;
        i++;
        note_drop(entry, NOTE_TAG);
        if (!tags_note(entry, NOTE_RETIRED)[0] && !note_set(entry, NOTE_RETIRED, now, err))
            return false;
    }
    return true;
}

static bool retire(void *ctx, json_t *manifests, struct err *err)
{
    const struct marking *m = ctx;
    const json_t *entry = entry_of(manifests, &m->manifest);

    if (!entry || tags_note(entry, NOTE_RETIRED)[0])
        return no_entry(m, err);
    if (tags_pinned(manifests, &m->manifest)) {
        err_set(err, ERR_EXISTS, "bundle '%s' is pinned", m->ref);
        return err_hint(err, "'rehearse bundle unpin' lets it go");
    }
    return tags_retire(manifests, &m->manifest, m->now, err);
}

bool bundle_retire(struct store *store, const char *ref, struct err *err)
{
    struct marking m = {0};

    return resolve(store, ref, &m, err) && tags_edit(store, retire, &m, err);
}
