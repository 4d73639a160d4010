#include "lib/bundle/parent.h"

#include "lib/bundle/access.h"
#include "lib/bundle/lookup.h"
#include "lib/bundle/reader.h"
#include "lib/bundle/sealing.h"

struct parent {
    struct bundle *bundle;
    struct lookup by_raw; /* numbers of its segments, by their content */
    struct vec shared;    /* int64_t: the number of each of its packs in the new bundle, or -1 */
    struct wrap *keys,
        *into; /* its wrapped keys, and those of the new bundle; NULL: not encrypted */
};

static bool gather(struct parent *p, struct err *err)
{
    const struct index *ix = bundle_index(p->bundle);

    if (!lookup_open(&p->by_raw, ix->segment_count, err))
        return false;
    for (size_t i = 0; i < ix->segment_count; i++) {
        if (i % INDEX_RELAX == 0)
            index_forget(ix);
        if (!lookup_put(&p->by_raw, &index_segments(ix)[i].raw, i, err))
            return false;
    }
    for (size_t i = 0; i < ix->packs.count; i++) {
        int64_t *to = vec_add(&p->shared, err);
        if (!to)
            return false;
        *to = -1;
    }
    parent_forget(p);
    return true;
}

void parent_forget(const struct parent *p)
{
    if (!p)
        return;
    spill_forget(&p->by_raw.slots);
    index_forget(bundle_index(p->bundle));
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
    lookup_done(&p->by_raw);
    vec_done(&p->shared);
    wrap_free(p->keys);
    free(p);
}

const struct digest *parent_digest(const struct parent *p)
{
    return bundle_digest(p->bundle);
}

/* A pack holds one component, also when it is shared: the same bytes elsewhere do not count. */
static bool reads_alike(const struct stream *of, const struct segment *seg, const char *component,
                        unsigned columns)
{
    return strcmp(of->component, component) == 0 &&
           (!segment_is_delta(seg) || bundle_columns(of) == columns);
}

const struct segment *parent_find(const struct parent *p, const char *component, unsigned columns,
                                  const struct digest *raw)
{
    size_t step = 0, number, count = 0;
    const struct stream *streams = bundle_streams(p->bundle, &count);

    while (lookup_next(&p->by_raw, raw, &step, &number)) {
        const struct segment *seg = &index_segments(bundle_index(p->bundle))[number];

        if (digest_eq(&seg->raw, raw) &&
            reads_alike(&streams[seg->stream], seg, component, columns))
            return seg;
    }
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
