#include "lib/bundle/mark.h"

#include "lib/base/json.h"
#include "lib/bundle/blob.h"
#include "lib/bundle/tags.h"
#include "lib/store/name.h"

#define DEPTH_MAX 8 /* of indexes in indexes */

void marks_done(struct marks *m)
{
    vec_done(&m->blobs);
}

bool marks_add(struct marks *m, const struct digest *blob, uint64_t bytes, struct err *err)
{
    struct index_pack *to = vec_add(&m->blobs, err);

    if (to)
        *to = (struct index_pack){*blob, bytes};
    return to != NULL;
}

static int by_digest(const void *a, const void *b)
{
    return memcmp(&((const struct index_pack *)a)->digest, &((const struct index_pack *)b)->digest,
                  sizeof(struct digest));
}

void marks_sort(struct marks *m)
{
    struct index_pack *all = m->blobs.at;
    size_t kept = 0;

    if (m->blobs.count)
        qsort(all, m->blobs.count, sizeof(*all), by_digest);
    for (size_t i = 0; i < m->blobs.count; i++)
        if (kept == 0 || by_digest(&all[kept - 1], &all[i]) != 0)
            all[kept++] = all[i];
    m->blobs.count = kept;
}

bool marks_has(const struct marks *m, const struct digest *blob)
{
    const struct index_pack wanted = {.digest = *blob};

    return m->blobs.count &&
           bsearch(&wanted, m->blobs.at, m->blobs.count, sizeof(wanted), by_digest);
}

/* ---- walking ---------------------------------------------------------------------------------*/

static bool mark_document(struct marks *m, struct store *store, const struct index_pack *blob,
                          unsigned depth, struct err *err);

/* A descriptor of a manifest or index has more behind it; one of anything else is a leaf. */
static bool is_document(const json_t *descriptor)
{
    const char *media = json_string_value(json_object_get(descriptor, "mediaType"));

    return media && (span_ends(span_of(media), ".manifest.v1+json") ||
                     span_ends(span_of(media), ".index.v1+json") ||
                     span_ends(span_of(media), ".manifest.v2+json") ||
                     span_ends(span_of(media), ".manifest.list.v2+json"));
}

static bool mark_descriptor(struct marks *m, struct store *store, const json_t *descriptor,
                            unsigned depth, struct err *err)
{
    struct index_pack blob;

    if (!descriptor_parse(descriptor, &blob, err))
        return false;
    if (is_document(descriptor))
        return mark_document(m, store, &blob, depth + 1, err);
    return marks_add(m, &blob.digest, blob.bytes, err);
}

static bool mark_members(struct marks *m, struct store *store, const json_t *document,
                         unsigned depth, struct err *err)
{
    static const char *const lists[] = {"layers", "manifests", "blobs"};
    static const char *const singles[] = {"config", "subject"};

    for (size_t i = 0; i < COUNT(singles); i++) {
        const json_t *one = json_object_get(document, singles[i]);

        if (one && !mark_descriptor(m, store, one, depth, err))
            return false;
    }
    for (size_t i = 0; i < COUNT(lists); i++) {
        const json_t *list = json_object_get(document, lists[i]);

        for (size_t k = 0; k < json_array_size(list); k++)
            if (!mark_descriptor(m, store, json_array_get(list, k), depth, err))
                return false;
    }
    return true;
}

static bool mark_document(struct marks *m, struct store *store, const struct index_pack *blob,
                          unsigned depth, struct err *err)
{
    AUTO(buf) struct buf text = {0};
    AUTO(json) json_t *document = NULL;
    char name[DIGEST_TEXT];

    if (depth > DEPTH_MAX)
        return err_set(err, ERR_DAMAGED, "manifest '%s' lies too deep",
                       digest_text(&blob->digest, name));
    if (!blob_get(store, blob, MANIFEST_MAX, &text, err) ||
        !json_parse(buf_view(&text), "manifest", &document, err))
        return err_add(err, "cannot tell what '%s' needs", digest_text(&blob->digest, name));
    return marks_add(m, &blob->digest, blob->bytes, err) &&
           mark_members(m, store, document, depth, err);
}

bool marks_bundle(struct marks *m, struct store *store, const struct index_pack *manifest,
                  struct err *err)
{
    return mark_document(m, store, manifest, 0, err);
}

bool marks_entries(struct marks *m, struct store *store, const json_t *manifests,
                   const struct digest *without, struct err *err)
{
    for (size_t i = 0; i < json_array_size(manifests); i++) {
        struct index_pack blob;

        if (!descriptor_parse(json_array_get(manifests, i), &blob, err))
            return err_add(err, "entry %zu of %s", i, STORE_INDEX);
        if (without && digest_eq(&blob.digest, without))
            continue;
        if (!mark_document(m, store, &blob, 0, err))
            return false;
    }
    return true;
}

bool marks_store(struct marks *m, struct store *store, const struct digest *without,
                 struct err *err)
{
    AUTO(buf) struct buf text = {0};
    AUTO(json) json_t *index = NULL;
    json_t *manifests = NULL;

    if (!store_get(store, STORE_INDEX, TAGS_MAX, &text, err) ||
        !json_parse(buf_view(&text), STORE_INDEX, &index, err) ||
        !json_want_arr(index, "manifests", &manifests, err))
        return err_add(err, "cannot read what store '%s' holds", store->url);
    return marks_entries(m, store, manifests, without, err);
}

bool marks_weigh(struct store *store, const struct index_pack *manifest, uint64_t *own,
                 uint64_t *shared, struct err *err)
{
    AUTO(marks) struct marks ours = MARKS;
    AUTO(marks) struct marks others = MARKS;
    uint64_t sums[2] = {0, 0};

    if (!marks_bundle(&ours, store, manifest, err) ||
        !marks_store(&others, store, &manifest->digest, err))
        return false;
    marks_sort(&ours);
    marks_sort(&others);
    const struct index_pack *all = ours.blobs.at;
    for (size_t i = 0; i < ours.blobs.count; i++)
        sums[marks_has(&others, &all[i].digest)] += all[i].bytes;
    *own = sums[0];
    *shared = sums[1];
    return true;
}
