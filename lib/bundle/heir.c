/* What the writer takes over from the parent: references, and bases for deltas. */
#include "lib/bundle/writer.h"

#include "lib/bundle/access.h"
#include "lib/bundle/edits.h"
#include "lib/bundle/reader.h"
#include "lib/bundle/rows.h"

/* Sets where `seg` lies; its packs, and its base's, join the bundle. */
static bool refer(struct bundle_writer *w, struct writer_component *c, const struct segment *old,
                  struct segment *seg, struct err *err)
{
    struct segment_base base = old->base;
    uint32_t pack = 0;

    pthread_mutex_lock(&w->lock);
    bool ok = parent_share(w->parent, old->pack, &w->packs, &pack, err) &&
              (!segment_is_delta(old) ||
               parent_share(w->parent, old->base.pack, &w->packs, &base.pack, err));
    c->references += ok;
    pthread_mutex_unlock(&w->lock);
    if (!ok)
        return false;
    seg->pack = pack;
    seg->offset = old->offset;
    seg->stored_bytes = old->stored_bytes;
    seg->base = base;
    return true;
}

unsigned writer_columns(const struct writer_stream *s)
{
    return s->kind == STREAM_COLUMNS
               ? (unsigned)json_array_size(json_object_get(s->meta, "columns"))
               : 0;
}

bool writer_refer(struct bundle_writer *w, const struct writer_stream *s, struct segment *seg)
{
    const struct segment *old =
        w->parent ? parent_find(w->parent, s->component->name, writer_columns(s), &seg->raw) : NULL;

    return old && old->raw_bytes == seg->raw_bytes && refer(w, s->component, old, seg, NULL);
}

/* Rows that are alike are compared; what is too unlike is left to zstd's own search. */
static bool encode(struct span base, const struct segment_raw *raw, unsigned columns,
                   struct codec *codec, struct span *frame)
{
    AUTO(rows_order) struct rows_order order = {0};
    AUTO(vec) struct vec edits = VEC(struct edit);
    AUTO(buf) struct buf rest = {0};
    AUTO(buf) struct buf head = {0};

    if (rows_alike(base, raw->bytes, columns, raw->records) &&
        edits_find(base, raw->bytes, columns, &order, &edits, NULL))
        return codec_compress_edits(codec, &edits, (struct span){0}, raw->bytes, frame, NULL);
    if (!rows_match(base, raw->bytes, columns, raw->records, &order, NULL) ||
        !rows_head(codec, buf_view(&order.list), &head, NULL))
        return false;
    if (order.alike && edits_find(base, raw->bytes, columns, &order, &edits, NULL))
        return codec_compress_edits(codec, &edits, buf_view(&head), raw->bytes, frame, NULL);
    if (order.list.len) {
        if (!rows_arrange(base, buf_view(&order.list), columns, &rest, NULL))
            return false;
        base = buf_view(&rest);
    }
    return codec_compress_from(codec, base, buf_view(&head), raw->bytes, frame, NULL);
}

/* A parent whose base cannot be read, or not by us, is no reason to fail: a full frame does. */
static bool make_delta(struct bundle_writer *w, const struct segment *heir, unsigned columns,
                       const struct segment_raw *raw, struct codec *codec, struct span *frame)
{
    struct bundle *parent = parent_bundle(w->parent);
    struct base *base = NULL;

    if (!bases_take(bundle_bases(parent), parent, heir, &base, NULL))
        return false;
    bool ok = encode(base_bytes(base), raw, columns, codec, frame) &&
              frame->len <= delta_limit(&heir->base, raw->bytes.len);
    base_give(bundle_bases(parent), base);
    return ok;
}

bool writer_delta(struct bundle_writer *w, const struct writer_stream *s,
                  const struct segment_raw *raw, struct codec *codec, struct span *frame,
                  struct segment *seg)
{
    const struct segment *old = w->parent ? parent_like(w->parent, s->name, raw) : NULL;

    if (!old)
        return false;
    struct segment heir = {.stream = old->stream, .seq = old->seq, .base = delta_root(old)};
    uint64_t base_bytes = heir.base.raw_bytes;
    if (base_bytes > DELTA_RAW_MAX || raw->bytes.len > DELTA_RAW_MAX - base_bytes ||
        !make_delta(w, &heir, writer_columns(s), raw, codec, frame))
        return false;

    pthread_mutex_lock(&w->lock);
    bool ok = parent_share(w->parent, heir.base.pack, &w->packs, &heir.base.pack, NULL);
    pthread_mutex_unlock(&w->lock);
    if (ok)
        seg->base = heir.base;
    return ok;
}

bool bundle_keep(struct bundle_writer *w, const struct segment_raw *raw, struct err *err)
{
    const struct segment *old = raw->like;
    struct writer_stream s;

    if (!w->parent || !old || !writer_stream_of(w, raw->stream, &s))
        return err_set(err, ERR_FAILED, "there is no segment to keep in stream %u", raw->stream);
    struct segment seg = {.stream = raw->stream,
                          .seq = raw->seq,
                          .raw_bytes = old->raw_bytes,
                          .records = old->records,
                          .raw = old->raw};
    return refer(w, s.component, old, &seg, err) && writer_record(w, &seg, raw, false, err);
}

const struct stream *bundle_parent_stream(const struct bundle_writer *w, const char *name)
{
    return w->parent ? bundle_find(parent_bundle(w->parent), name) : NULL;
}

void bundle_parent_forget(const struct bundle_writer *w)
{
    parent_forget(w->parent);
}

bool bundle_parent_trusted(const struct bundle_writer *w)
{
    struct bundle_access ours = {.signed_only = true, .trusted_count = 1};

    if (!w->parent || !w->sign_with)
        return true;
    ours.trusted[0] = *key_public(w->sign_with);
    return bundle_trusted(parent_bundle(w->parent), &ours, NULL);
}

bool bundle_parent_read(const struct bundle_writer *w, const struct segment *seg, struct buf *out,
                        struct err *err)
{
    return bundle_read(parent_bundle(w->parent), seg, out, err);
}
