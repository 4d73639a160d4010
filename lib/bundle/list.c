#include "lib/base/json.h"
#include "lib/bundle/blob.h"
#include "lib/bundle/bundle.h"
#include "lib/bundle/tags.h"

typedef bool (*list_each)(void *ctx, const struct bundle_info *info, struct err *err);

static bool read_config(struct store *store, const struct index_pack *manifest, json_t **out,
                        struct err *err)
{
    AUTO(buf) struct buf text = {0};
    AUTO(manifest) struct manifest m;

    manifest_init(&m);
    return blob_get(store, manifest, MANIFEST_MAX, &text, err) &&
           manifest_decode(buf_view(&text), &m, err) &&
           blob_get(store, &m.config, CONFIG_MAX, &text, err) &&
           json_parse(buf_view(&text), "bundle.json", out, err);
}

/* `count` entries of one manifest, one behind the other. */
static bool give_one(struct store *store, const struct tagged *entries, size_t count,
                     list_each each, void *ctx, struct err *err)
{
    AUTO(free) const char **tags = calloc(count, sizeof(*tags));
    AUTO(json) json_t *config = NULL;
    struct err why = {0};
    struct bundle_info info = {.manifest = entries->manifest.digest,
                               .tags = tags,
                               .created = entries->created,
                               .environment = entries->environment};

    if (!tags)
        return err_memory(err);
    for (size_t i = 0; i < count; i++) {
        info.pinned = info.pinned || entries[i].pinned;
        if (entries[i].tag[0])
            tags[info.tag_count++] = entries[i].tag;
    }
    if (!read_config(store, &entries->manifest, &config, &why)) {
        if (why.code == ERR_UNSUPPORTED)
            return true;
        info.why = why.text;
    }
    info.config = config;
    return each(ctx, &info, err);
}

bool bundle_list(struct store *store, list_each each, void *ctx, struct err *err)
{
    AUTO(vec) struct vec entries = VEC(struct tagged);

    if (!tags_newest_first(store, &entries, err))
        return false;
    const struct tagged *all = entries.at;
    for (size_t from = 0, to = 0; from < entries.count; from = to) {
        while (to < entries.count &&
               digest_eq(&all[from].manifest.digest, &all[to].manifest.digest))
            to++;
        if (!give_one(store, &all[from], to - from, each, ctx, err))
            return false;
    }
    return true;
}

bool bundle_newest(struct store *store, const char *environment, struct digest *out,
                   struct err *err)
{
    AUTO(vec) struct vec entries = VEC(struct tagged);

    if (!tags_newest_first(store, &entries, err))
        return false;
    const struct tagged *all = entries.at;
    for (size_t i = 0; i < entries.count; i++) {
        if (strcmp(all[i].environment, environment) == 0) {
            *out = all[i].manifest.digest;
            return true;
        }
    }
    return err_set(err, ERR_MISSING, "no bundle of environment '%s' in store '%s'", environment,
                   store->url);
}
