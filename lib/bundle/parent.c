#include "lib/bundle/parent.h"

#include "lib/bundle/access.h"
#include "lib/bundle/reader.h"
#include "lib/bundle/sealing.h"

struct parent {
    struct bundle *bundle;
    struct vec by_raw; /* struct known, by digest */
    struct vec shared; /* int64_t: the number of each of its packs in the new bundle, or -1 */
    struct wrap *keys,
        *into; /* its wrapped keys, and those of the new bundle; NULL: not encrypted */
};

struct known {
    const struct segment *segment;
    const char *component;
};

static int known_cmp(const void *a, const void *b)
{
    const struct known *x = a, *y = b;

    return memcmp(&x->segment->raw, &y->segment->raw, sizeof(struct digest));
}

static bool gather(struct parent *p, struct err *err)
{
    size_t count = 0;
    const struct stream *streams = bundle_streams(p->bundle, &count);

    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < streams[i].segment_count; k++) {
            struct known *to = vec_add(&p->by_raw, err);
            if (!to)
                return false;
            *to = (struct known){&streams[i].segments[k], streams[i].component};
        }
    }
    if (p->by_raw.count)
        qsort(p->by_raw.at, p->by_raw.count, sizeof(struct known), known_cmp);
    for (size_t i = 0; i < bundle_index(p->bundle)->packs.count; i++) {
        int64_t *to = vec_add(&p->shared, err);
        if (!to)
            return false;
        *to = -1;
    }
    return true;
}

/* Plain packs in an encrypted bundle would show what it hides; the other way round nobody without a
 * key could read it. */
static bool take_keys(struct parent *p, struct wrap *into, struct err *err)
{
    const struct manifest *m = bundle_manifest(p->bundle);

    if (!into) /* one that is encrypted did not open */
        return true;
    if (!m->sealed)
        return err_set(err, ERR_UNSUPPORTED, "it is not encrypted, and the new one is");
    if (!sealing_wrapped(bundle_store(p->bundle), m, &p->keys, err))
        return false;
    p->into = into;
    if (wrap_same_recipients(p->keys, into))
        return true;
    err_set(err, ERR_AUTH, "it is encrypted to other recipients than the new one");
    return err_hint(err, "'rehearse key rotate' gives it those of the environment file");
}

bool parent_open(struct store *store, const char *ref, struct cache *cache, struct wrap *wrap,
                 struct parent **out, struct err *err)
{
    const struct bundle_access access = {.cache = cache};

    AUTO(parent) struct parent *p = calloc(1, sizeof(*p));

    if (!p)
        return err_memory(err);
    p->by_raw = (struct vec)VEC(struct known);
    p->shared = (struct vec)VEC(int64_t);
    if (!bundle_open_as(store, ref, &access, &p->bundle, err) || !take_keys(p, wrap, err) ||
        !gather(p, err))
        return err_add(err, "cannot use '%s' as the parent", ref);
    *out = TAKE(p);
    return true;
}

void parent_close(struct parent *p)
{
    if (!p)
        return;
    bundle_close(p->bundle);
    vec_done(&p->by_raw);
    vec_done(&p->shared);
    wrap_free(p->keys);
    free(p);
}

const struct digest *parent_digest(const struct parent *p)
{
    return bundle_digest(p->bundle);
}

/* A pack holds one component, also when it is shared: the same bytes elsewhere do not count. */
static bool reads_alike(const struct parent *p, const struct segment *seg, unsigned columns)
{
    size_t count = 0;

    return !segment_is_delta(seg) ||
           bundle_columns(bundle_streams(p->bundle, &count) + seg->stream) == columns;
}

const struct segment *parent_find(const struct parent *p, const char *component, unsigned columns,
                                  const struct digest *raw)
{
    const struct segment wanted = {.raw = *raw};
    const struct known key = {&wanted, component};
    const struct known *all = p->by_raw.at, *end = all + p->by_raw.count;
    const struct known *hit =
        p->by_raw.count ? bsearch(&key, all, p->by_raw.count, sizeof(*all), known_cmp) : NULL;

    if (!hit)
        return NULL;
    while (hit > all && known_cmp(hit - 1, &key) == 0)
        hit--;
    for (; hit < end && known_cmp(hit, &key) == 0; hit++)
        if (strcmp(hit->component, component) == 0 && reads_alike(p, hit->segment, columns))
            return hit->segment;
    return NULL;
}

static int seq_cmp(const void *seq, const void *segment)
{
    uint64_t a = *(const uint64_t *)seq, b = ((const struct segment *)segment)->seq;

    return (a > b) - (a < b);
}

const struct segment *parent_like(const struct parent *p, const char *stream,
                                  const struct segment_raw *raw)
{
    const struct stream *s = raw->like ? NULL : bundle_find(p->bundle, stream);
    const struct segment *old = raw->like;

    if (s && s->segment_count)
        old = bsearch(&raw->seq, s->segments, s->segment_count, sizeof(*old), seq_cmp);
    if (old && !raw->like && !span_eq(old->key_from, raw->key_from))
        return NULL;
    return old;
}

struct bundle *parent_bundle(const struct parent *p)
{
    return p->bundle;
}

static bool copy_key(struct parent *p, uint32_t pack, size_t now, struct err *err)
{
    char old_name[WRAP_NAME], name[WRAP_NAME];

    return !p->keys || wrap_copy(p->into, wrap_pack_name((uint32_t)now, name), p->keys,
                                 wrap_pack_name(pack, old_name), err);
}

bool parent_share(struct parent *p, uint32_t pack, struct vec *packs, uint32_t *id, struct err *err)
{
    const struct index_pack *theirs = bundle_index(p->bundle)->packs.at;
    int64_t *shared = p->shared.at;

    if (shared[pack] < 0) {
        struct index_pack *to = copy_key(p, pack, packs->count, err) ? vec_add(packs, err) : NULL;
        if (!to)
            return false;
        *to = theirs[pack];
        shared[pack] = (int64_t)packs->count - 1;
    }
    *id = (uint32_t)shared[pack];
    return true;
}
