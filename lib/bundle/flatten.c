#include "lib/bundle/flatten.h"

#include "lib/base/cmd.h"
#include "lib/base/json.h"
#include "lib/bundle/pack.h"
#include "lib/bundle/reader.h"

#define LEVEL 3

struct flatten {
    struct bundle *bundle;
    struct store *to;
    struct index index;
    struct pack_writer *pack; /* the open one */
    const char *component;    /* that it belongs to */
    struct codec *codec;
    struct buf raw, frame;
    uint64_t stored_bytes;
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
    return pack_finish(pack, &done->digest, &done->bytes, err);
}

static bool open_pack(struct flatten *f, const char *component, struct err *err)
{
    f->component = component;
    return vec_add(&f->index.packs, err) && pack_open(f->to, NULL, &f->pack, err);
}

static bool read_frame(struct flatten *f, const struct segment *s, struct span *frame,
                       struct err *err)
{
    const struct index_pack *packs = bundle_index(f->bundle)->packs.at;
    struct store *from = bundle_store(f->bundle);
    char name[STORE_NAME_MAX];

    if (is_delta(s))
        return codec_compress(f->codec, LEVEL, buf_view(&f->raw), frame, err);
    buf_clear(&f->frame);
    if (!buf_reserve(&f->frame, (size_t)s->stored_bytes))
        return buf_ok(&f->frame, err);
    if (!from->ops->read(from, store_blob_name(&packs[s->pack].digest, name), s->offset,
                         f->frame.at, (size_t)s->stored_bytes, err))
        return false;
    *frame = (struct span){f->frame.at, (size_t)s->stored_bytes};
    return true;
}

/* bundle_read() checks what is there, so nothing altered is handed on. */
static bool copy_segment(struct flatten *f, const struct stream *stream, const struct segment *s,
                         struct err *err)
{
    struct segment *to = vec_add(&f->index.segments, err);
    struct span frame;

    if (!to || !cmd_stop_check(err) || !bundle_read(f->bundle, s, &f->raw, err) ||
        !read_frame(f, s, &frame, err))
        return false;
    if (f->pack &&
        (strcmp(f->component, stream->component) != 0 || pack_bytes(f->pack) >= PACK_TARGET) &&
        !close_pack(f, err))
        return false;
    if (!f->pack && !open_pack(f, stream->component, err))
        return false;
    *to = *s;
    to->base = (struct segment_base){0};
    to->pack = (uint32_t)f->index.packs.count - 1;
    to->stored_bytes = frame.len;
    f->stored_bytes += frame.len;
    return pack_add(f->pack, frame, (size_t)s->raw_bytes, &to->offset, err);
}

static bool copy_streams(struct flatten *f, struct err *err)
{
    size_t count = 0;
    const struct stream *all = bundle_streams(f->bundle, &count);

    for (size_t i = 0; i < count; i++) {
        struct index_stream *to = vec_add(&f->index.streams, err);
        if (!to)
            return false;
        *to = (struct index_stream){all[i].kind, all[i].name, all[i].meta};
        for (size_t k = 0; k < all[i].segment_count; k++)
            if (!copy_segment(f, &all[i], &all[i].segments[k], err))
                return err_add(err, "stream '%s'", all[i].name);
    }
    return close_pack(f, err);
}

/* ---- index, bundle.json, manifest ------------------------------------------------------------*/

static bool put_index(struct flatten *f, struct index_pack *out, struct err *err)
{
    AUTO(buf) struct buf text = {.max = INDEX_MAX};
    struct span frame;

    if (!index_encode(&f->index, &text, err) ||
        !codec_compress(f->codec, LEVEL, buf_view(&text), &frame, err))
        return false;
    out->bytes = frame.len;
    return store_put_blob(f->to, frame, &out->digest, err);
}

static bool put_text(struct store *to, char *stolen, struct index_pack *out, struct err *err)
{
    AUTO(free) char *text = stolen;

    if (!text)
        return err_memory(err);
    out->bytes = strlen(text);
    return store_put_blob(to, span_of(text), &out->digest, err);
}

static bool put_config(struct flatten *f, struct index_pack *out, struct err *err)
{
    AUTO(json) json_t *config = json_deep_copy(bundle_config(f->bundle));
    char from[DIGEST_TEXT];

    digest_text(bundle_digest(f->bundle), from);
    if (!config || json_object_set_new(config, "flattened_from", json_string(from)) != 0 ||
        json_object_set_new(config, "deltas", json_integer(0)) != 0 ||
        json_object_set_new(config, "delta_bytes", json_integer(0)) != 0 ||
        json_object_set_new(config, "packs", json_integer((json_int_t)f->index.packs.count)) != 0 ||
        json_object_set_new(config, "stored_bytes", json_integer((json_int_t)f->stored_bytes)) != 0)
        return err_memory(err);
    return put_text(f->to, json_text(config), out, err);
}

static bool put_manifest(struct flatten *f, struct index_pack *out, struct err *err)
{
    const struct manifest *old = bundle_manifest(f->bundle);
    struct manifest m = {.packs = f->index.packs};

    snprintf(m.created, sizeof(m.created), "%s", old->created);
    snprintf(m.environment, sizeof(m.environment), "%s", old->environment);
    return put_index(f, &m.index, err) && put_config(f, &m.config, err) &&
           put_text(f->to, manifest_encode(&m), out, err);
}

bool bundle_flatten(struct bundle *b, struct store *to, struct index_pack *manifest,
                    struct err *err)
{
    struct flatten f = {.bundle = b, .to = to};

    index_init(&f.index);
    bool ok = codecs_take(bundle_codecs(b), &f.codec, err) && copy_streams(&f, err) &&
              put_manifest(&f, manifest, err);
    codecs_give(bundle_codecs(b), f.codec);
    pack_abort(f.pack);
    index_done(&f.index);
    buf_done(&f.raw);
    buf_done(&f.frame);
    return ok || err_add(err, "cannot make complete frames of its deltas");
}
