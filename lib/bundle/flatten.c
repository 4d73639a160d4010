#include "lib/bundle/flatten.h"

#include "lib/base/json.h"
#include "lib/bundle/blob.h"
#include "lib/bundle/ordered.h"
#include "lib/bundle/pack.h"
#include "lib/bundle/reader.h"

#define AHEAD 2 /* segments that a job may be ahead */

struct slot {
    struct codec *codec;
    struct buf stored, raw;
    struct span frame; /* what goes into the pack; in `stored` or in the codec */
};

struct item {
    const struct stream *stream;
    const struct segment *segment;
    size_t first; /* item of its component that lies at the same place, or itself */
};

struct flatten {
    struct bundle *bundle;
    struct store *to;
    struct index index;
    struct pack_writer *pack; /* the open one */
    const char *component;    /* that it belongs to */
    struct vec items;         /* struct item: all segments, in their order */
    struct slot *slots;
    unsigned slot_count;
};

static bool is_delta(const struct segment *s)
{
    return s->base.stored_bytes != 0;
}

bool bundle_has_deltas(const struct bundle *b)
{
    size_t count = 0;
    const struct stream *all = bundle_streams(b, &count);

    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < all[i].segment_count; k++)
            if (is_delta(&all[i].segments[k]))
                return true;
    return false;
}

/* ---- packs -----------------------------------------------------------------------------------*/

static bool close_pack(struct flatten *f, struct err *err)
{
    struct index_pack *packs = f->index.packs.at;
    struct pack_writer *pack = TAKE(f->pack);

    if (!pack)
        return true;
    struct index_pack *done = &packs[f->index.packs.count - 1];
    return pack_finish(pack, done, err);
}

static bool open_pack(struct flatten *f, const char *component, struct err *err)
{
    f->component = component;
    return vec_add(&f->index.packs, err) && pack_open(f->to, NULL, &f->pack, err);
}

/* ---- segments --------------------------------------------------------------------------------*/

/* On any thread. What is handed on was decoded and compared with its hash, so nothing altered is. */
static bool make_frame(void *ctx, size_t item, unsigned slot, struct err *err)
{
    struct flatten *f = ctx;
    const struct item *it = &((const struct item *)f->items.at)[item];
    const struct segment *s = it->segment;
    const struct index_pack *packs = bundle_index(f->bundle)->packs.at;
    struct store *from = bundle_store(f->bundle);
    struct slot *to = &f->slots[slot];
    char name[STORE_NAME_MAX];

    if (it->first != item)
        return true;
    buf_clear(&to->stored);
    buf_clear(&to->raw);
    if (!buf_reserve(&to->stored, (size_t)s->stored_bytes))
        return err_memory(err);
    to->frame = (struct span){to->stored.at, (size_t)s->stored_bytes};
    return (from->ops->read(from, store_blob_name(&packs[s->pack].digest, name), s->offset,
                            to->stored.at, to->frame.len, err) ||
            bundle_blame(f->bundle, s, err)) &&
           bundle_decode(f->bundle, s, to->frame, to->codec, &to->raw, err) &&
           (!is_delta(s) ||
            codec_compress_segment(
                to->codec, 0,
                &(struct codec_segment){buf_view(&to->raw), bundle_columns(it->stream), s->records},
                &to->frame, err));
}

static void take_place(const struct flatten *f, struct segment *to, size_t first)
{
    const struct segment *there = &index_segments(&f->index)[first];

    to->pack = there->pack;
    to->offset = there->offset;
    to->stored_bytes = there->stored_bytes;
}

/* In order, on one thread: the same bundle gives the same packs. */
static bool add_frame(void *ctx, size_t item, unsigned slot, struct err *err)
{
    struct flatten *f = ctx;
    const struct item *it = &((const struct item *)f->items.at)[item];
    const char *component = it->stream->component;
    struct span frame = f->slots[slot].frame;
    struct segment *to = index_add(&f->index, it->segment, err);

    if (!to)
        return false;
    to->base = (struct segment_base){0};
    if (it->first != item) {
        take_place(f, to, it->first);
        return true;
    }
    if (f->pack && (strcmp(f->component, component) != 0 || pack_bytes(f->pack) >= PACK_TARGET) &&
        !close_pack(f, err))
        return false;
    if (!f->pack && !open_pack(f, component, err))
        return false;
    to->pack = (uint32_t)f->index.packs.count - 1;
    to->stored_bytes = frame.len;
    return pack_add(f->pack, frame, (size_t)to->raw_bytes, &to->offset, err);
}

static bool list_streams(struct flatten *f, struct err *err)
{
    size_t count = 0;
    const struct stream *all = bundle_streams(f->bundle, &count);

    for (size_t i = 0; i < count; i++) {
        struct index_stream *to = vec_add(&f->index.streams, err);
        if (!to)
            return false;
        *to = (struct index_stream){all[i].kind, all[i].name, all[i].meta};
        for (size_t k = 0; k < all[i].segment_count; k++) {
            struct item *item = vec_add(&f->items, err);
            if (!item)
                return false;
            *item = (struct item){&all[i], &all[i].segments[k], f->items.count - 1};
        }
    }
    return true;
}

/* ---- segments at one place -------------------------------------------------------------------*/

struct place {
    size_t component; /* number of its first item: they follow each other */
    const struct segment *segment;
    size_t item;
};

static int by_place(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    if (x->component != y->component)
        return x->component < y->component ? -1 : 1;
    if (x->segment->pack != y->segment->pack)
        return x->segment->pack < y->segment->pack ? -1 : 1;
    if (x->segment->offset != y->segment->offset)
        return x->segment->offset < y->segment->offset ? -1 : 1;
    return x->item < y->item ? -1 : x->item > y->item;
}

/* Two that an index of another's making puts at one place may still be told apart by what they say. */
static bool is_same(const struct place *x, const struct place *y)
{
    const struct segment *a = x->segment, *b = y->segment;

    return x->component == y->component && a->pack == b->pack && a->offset == b->offset &&
           a->stored_bytes == b->stored_bytes && a->raw_bytes == b->raw_bytes &&
           digest_eq(&a->raw, &b->raw) && a->base.pack == b->base.pack &&
           a->base.offset == b->base.offset && a->base.stored_bytes == b->base.stored_bytes;
}

/* A bundle stores equal bytes of a component once, and so does its copy. */
static bool find_firsts(struct flatten *f, struct err *err)
{
    struct item *items = f->items.at;
    size_t count = f->items.count, component = 0;
    AUTO(free) struct place *all = calloc(count + 1, sizeof(*all));

    if (!all)
        return err_memory(err);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(items[component].stream->component, items[i].stream->component) != 0)
            component = i;
        all[i] = (struct place){component, items[i].segment, i};
    }
    qsort(all, count, sizeof(*all), by_place);
    for (size_t i = 1; i < count; i++)
        if (is_same(&all[i - 1], &all[i]))
            items[all[i].item].first = items[all[i - 1].item].first;
    return true;
}

static bool open_slots(struct flatten *f, unsigned jobs, struct err *err)
{
    f->slots = calloc(jobs * AHEAD, sizeof(*f->slots));
    if (!f->slots)
        return err_memory(err);
    f->slot_count = jobs * AHEAD;
    for (unsigned i = 0; i < f->slot_count; i++)
        if (!codecs_take(bundle_codecs(f->bundle), &f->slots[i].codec, err))
            return false;
    return true;
}

static void close_slots(struct flatten *f)
{
    for (unsigned i = 0; i < f->slot_count; i++) {
        codecs_give(bundle_codecs(f->bundle), f->slots[i].codec);
        buf_done(&f->slots[i].stored);
        buf_done(&f->slots[i].raw);
    }
    free(f->slots);
}

static bool copy_segments(struct flatten *f, unsigned jobs, struct err *err)
{
    if (!list_streams(f, err) || !find_firsts(f, err) || !open_slots(f, jobs, err))
        return false;
    const struct ordered work = {.jobs = jobs,
                                 .slots = f->slot_count,
                                 .count = f->items.count,
                                 .make = make_frame,
                                 .use = add_frame,
                                 .ctx = f};
    return ordered_run(&work, err) && close_pack(f, err);
}

/* ---- index, bundle.json, manifest ------------------------------------------------------------*/

static const struct segment *segment_at(void *index, size_t i, struct err *err)
{
    (void)err;
    if (i % INDEX_RELAX == 0)
        index_forget(index);
    return &index_segments(index)[i];
}

static bool put_index(struct flatten *f, struct index_pack *out, struct err *err)
{
    AUTO(spill) struct spill frames = {0};
    const struct index_parts parts = {&f->index.packs, &f->index.streams, f->index.segment_count,
                                      segment_at, &f->index};

    return index_encode(&parts, f->slots[0].codec, &frames, err) &&
           blob_put_all(f->to, &frames, out, err);
}

struct counts {
    uint64_t stored_bytes, new_bytes;
};

/* A copy has neither parent nor deltas: all that it stores is its own. */
static bool set_counts(json_t *o, const struct counts *c)
{
    return json_object_set_new(o, "references", json_integer(0)) == 0 &&
           json_object_set_new(o, "deltas", json_integer(0)) == 0 &&
           json_object_set_new(o, "delta_bytes", json_integer(0)) == 0 &&
           json_object_set_new(o, "stored_bytes", json_integer((json_int_t)c->stored_bytes)) == 0 &&
           json_object_set_new(o, "new_bytes", json_integer((json_int_t)c->new_bytes)) == 0;
}

/* The segments of a component follow each other. */
static bool recount(const struct flatten *f, json_t *config)
{
    const json_t *components = json_object_get(config, "components");
    const struct item *items = f->items.at;
    const struct segment *stored = index_segments(&f->index);
    struct counts all = {0};
    const char *name = NULL;
    json_t *facts = NULL;

    json_object_foreach((json_t *)(uintptr_t)components, name, facts)
    {
        if (!set_counts(facts, &(struct counts){0}))
            return false;
    }
    for (size_t i = 0; i < f->items.count;) {
        struct counts c = {0};

        name = items[i].stream->component;
        for (; i < f->items.count && strcmp(items[i].stream->component, name) == 0; i++) {
            c.stored_bytes += stored[i].stored_bytes;
            c.new_bytes += items[i].first == i ? stored[i].stored_bytes : 0;
        }
        facts = json_object_get(components, name);
        if (facts && !set_counts(facts, &c))
            return false;
        all.stored_bytes += c.stored_bytes;
        all.new_bytes += c.new_bytes;
    }
    return set_counts(config, &all);
}

static bool put_config(struct flatten *f, struct index_pack *out, struct err *err)
{
    AUTO(json) json_t *config = json_deep_copy(bundle_config(f->bundle));
    char from[DIGEST_TEXT];

    digest_text(bundle_digest(f->bundle), from);
    if (!config || json_object_set_new(config, "flattened_from", json_string(from)) != 0 ||
        json_object_set_new(config, "packs", json_integer((json_int_t)f->index.packs.count)) != 0 ||
        !recount(f, config))
        return err_memory(err);
    AUTO(free) char *text = json_text(config);
    return blob_put_text(f->to, text, out, err);
}

static bool put_manifest(struct flatten *f, struct index_pack *out, struct err *err)
{
    const struct manifest *old = bundle_manifest(f->bundle);
    struct manifest m = {.packs = f->index.packs};

    snprintf(m.created, sizeof(m.created), "%s", old->created);
    snprintf(m.environment, sizeof(m.environment), "%s", old->environment);
    if (!put_index(f, &m.index, err) || !put_config(f, &m.config, err))
        return false;
    AUTO(free) char *text = manifest_encode(&m);
    return blob_put_text(f->to, text, out, err);
}

bool bundle_flatten(struct bundle *b, struct store *to, unsigned jobs, struct index_pack *manifest,
                    struct err *err)
{
    struct flatten f = {.bundle = b, .to = to, .items = VEC(struct item)};

    index_init(&f.index);
    bool ok = copy_segments(&f, jobs ? jobs : 1, err) && put_manifest(&f, manifest, err);
    close_slots(&f);
    pack_abort(f.pack);
    index_done(&f.index);
    vec_done(&f.items);
    return ok || err_add(err, "cannot make complete frames of its deltas");
}
