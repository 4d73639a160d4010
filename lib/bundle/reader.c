#include "lib/bundle/reader.h"

#include "lib/base/json.h"
#include "lib/bundle/cache.h"
#include "lib/bundle/lease.h"
#include "lib/bundle/rows.h"
#include "lib/bundle/sealing.h"
#include "lib/bundle/tags.h"

#include <inttypes.h>

struct bundle {
    struct store *store;
    struct index_pack self;
    struct manifest manifest;
    struct index index;
    struct vec streams;    /* struct stream */
    struct vec components; /* char *: one per stream */
    json_t *config;
    unsigned char *keys; /* of an encrypted one; NULL: none */
    struct cache *cache; /* has the frames of an encrypted one as they were; NULL: none */
    struct lease *lease; /* NULL: nobody holds it */
    struct codecs codecs;
    struct bases bases;
};

void bundle_close(struct bundle *b)
{
    if (!b)
        return;
    char **components = b->components.at;
    for (size_t i = 0; i < b->components.count; i++)
        free(components[i]);
    vec_done(&b->components);
    vec_done(&b->streams);
    manifest_done(&b->manifest);
    index_done(&b->index);
    json_decref(b->config);
    seal_wipe_free(b->keys);
    bases_done(&b->bases);
    codecs_done(&b->codecs);
    lease_end(b->lease);
    free(b);
}

/* ---- opening ---------------------------------------------------------------------------------*/

static struct bundle *bundle_new(struct store *store)
{
    struct bundle *b = calloc(1, sizeof(*b));

    if (!b)
        return NULL;
    b->store = store;
    b->streams = (struct vec)VEC(struct stream);
    b->components = (struct vec)VEC(char *);
    manifest_init(&b->manifest);
    index_init(&b->index);
    codecs_init(&b->codecs);
    bases_init(&b->bases);
    return b;
}

/* A part of an encrypted bundle: from the cache as it was, or opened with the key. */
static bool get_part(struct bundle *b, enum cache_part part, struct spill *out, struct err *err)
{
    const struct manifest *m = &b->manifest;

    if (b->cache)
        return cache_part(b->cache, part, &m->index.digest,
                          part == CACHE_INDEX ? INDEX_MAX : CONFIG_MAX, out, err);
    if (part == CACHE_INDEX)
        return sealing_get(b->store, &m->index, SEAL_INDEX, sealing_key(b->keys, SEALING_INDEX),
                           out, err);
    return sealing_get(b->store, &m->details, SEAL_DETAILS, sealing_key(b->keys, SEALING_DETAILS),
                       out, err) ||
           err_add(err, "the details of the bundle");
}

/* bundle.json, or the whole of it that is sealed in an encrypted bundle. */
static bool get_config(struct bundle *b, struct buf *text, struct err *err)
{
    AUTO(spill) struct spill details = {0};

    if (!b->cache && !b->keys)
        return blob_get(b->store, &b->manifest.config, CONFIG_MAX, text, err);
    text->max = CONFIG_MAX;
    return get_part(b, CACHE_DETAILS, &details, err) &&
           (buf_add(text, details.at, details.len) || buf_ok(text, err));
}

static bool read_config(struct bundle *b, struct err *err)
{
    AUTO(buf) struct buf text = {0};
    uint64_t format = 0;

    if (!get_config(b, &text, err) || !json_parse(buf_view(&text), "bundle.json", &b->config, err))
        return false;
    if (!json_want_u64(b->config, "format", &format, err))
        return err_add(err, "bundle.json");
    if (format == BUNDLE_FORMAT)
        return true;
    err_set(err, ERR_UNSUPPORTED, "bundle.json has format %" PRIu64 ", and only %d is known",
            format, BUNDLE_FORMAT);
    return err_hint(err, "read it with the version of rehearse that wrote it, or a later one");
}

/* The packs that the index counts on are the layers that the manifest brings along. */
static bool same_packs(const struct vec *layers, const struct vec *packs)
{
    const struct index_pack *a = layers->at, *b = packs->at;

    if (layers->count != packs->count)
        return false;
    for (size_t i = 0; i < packs->count; i++)
        if (!digest_eq(&a[i].digest, &b[i].digest) || a[i].bytes != b[i].bytes ||
            a[i].sealed != b[i].sealed)
            return false;
    return true;
}

static bool get_index(struct bundle *b, struct spill *frames, struct err *err)
{
    return b->cache || b->keys ? get_part(b, CACHE_INDEX, frames, err)
                               : blob_fetch(b->store, &b->manifest.index, INDEX_MAX, frames, err);
}

static bool read_index(struct bundle *b, struct err *err)
{
    AUTO(spill) struct spill frames = {0};
    struct codec *c = NULL;

    if (!get_index(b, &frames, err))
        return err_add(err, "cannot read the segment index");
    if (!codecs_take(&b->codecs, &c, err))
        return false;
    bool ok = index_decode(&frames, c, &b->index, err);
    codecs_give(&b->codecs, c);
    if (!ok)
        return err_add(err, "cannot read the segment index");
    if (!same_packs(&b->manifest.packs, &b->index.packs))
        return err_set(err, ERR_DAMAGED, "the segment index and the manifest name different packs");
    return true;
}

static bool add_stream(struct bundle *b, uint32_t id, const struct segment *segments, size_t count,
                       struct err *err)
{
    const struct index_stream *from = &((const struct index_stream *)b->index.streams.at)[id];
    struct stream *to = vec_add(&b->streams, err);
    char **component = to ? vec_add(&b->components, err) : NULL;

    if (!component)
        return false;
    *component =
        span_dup((struct span){from->name, (size_t)(strchr(from->name, '/') - from->name)});
    if (!*component)
        return err_memory(err);
    *to = (struct stream){.id = id,
                          .kind = from->kind,
                          .name = from->name,
                          .component = *component,
                          .meta = from->meta,
                          .segments = segments,
                          .segment_count = count};
    for (size_t i = 0; i < count; i++) {
        if (i % INDEX_RELAX == 0)
            index_forget(&b->index);
        to->raw_bytes += segments[i].raw_bytes;
        to->records += segments[i].records;
    }
    return true;
}

/* Both are in the order of the stream's number, so one pass finds every stream's segments. */
static bool build_streams(struct bundle *b, struct err *err)
{
    const struct segment *all = index_segments(&b->index);
    size_t at = 0;

    for (uint32_t id = 0; id < b->index.streams.count; id++) {
        size_t from = at;

        for (; at < b->index.segment_count && all[at].stream == id; at++)
            if (at % INDEX_RELAX == 0)
                index_forget(&b->index);
        if (!add_stream(b, id, all ? all + from : NULL, at - from, err))
            return false;
    }
    index_forget(&b->index);
    return true;
}

/* Without a key: that the sealed blobs are whole, and which packs there are. */
static bool load_locked(struct bundle *b, struct err *err)
{
    const struct index_pack *const blobs[] = {&b->manifest.index, &b->manifest.details,
                                              &b->manifest.keys};
    const struct index_pack *packs = b->manifest.packs.at;

    for (size_t i = 0; i < COUNT(blobs); i++) {
        AUTO(spill) struct spill bytes = {0};
        if (!blob_fetch(b->store, blobs[i], SEALED_MAX, &bytes, err))
            return false;
    }
    for (size_t i = 0; i < b->manifest.packs.count; i++) {
        struct index_pack *to = vec_add(&b->index.packs, err);
        if (!to)
            return false;
        *to = packs[i];
    }
    return read_config(b, err);
}

static bool load_sealed(struct bundle *b, const struct bundle_access *access, struct err *err)
{
    if (access && access->key)
        return sealing_open_keys(b->store, &b->manifest, access->key, &b->keys, err);
    b->cache = access ? access->cache : NULL;
    return true;
}

/* The signature comes first: nothing else of a bundle that is not trusted is read. */
static bool load_parts(struct bundle *b, const struct bundle_access *access, struct err *err)
{
    AUTO(buf) struct buf text = {0};

    if (!blob_get(b->store, &b->self, MANIFEST_MAX, &text, err) ||
        !manifest_decode(buf_view(&text), &b->manifest, err) ||
        !sealing_check_signature(&b->manifest, access, err) ||
        (b->manifest.sealed && !load_sealed(b, access, err)))
        return false;
    if (bundle_is_locked(b))
        return load_locked(b, err);
    return read_config(b, err) && read_index(b, err) && build_streams(b, err);
}

bool bundle_trusted(const struct bundle *b, const struct bundle_access *access, struct err *err)
{
    return sealing_check_signature(&b->manifest, access, err);
}

bool bundle_is_locked(const struct bundle *b)
{
    return b->manifest.sealed && !b->keys && !b->cache;
}

bool bundle_load(struct store *store, const char *ref, const struct bundle_access *access,
                 struct bundle **out, struct err *err)
{
    AUTO(bundle) struct bundle *b = bundle_new(store);

    if (!b)
        return err_memory(err);
    if (!tags_resolve(store, ref, &b->self, err))
        return false;
    if (!load_parts(b, access, err))
        return err_add(err, "cannot open bundle '%s'", ref);
    *out = TAKE(b);
    return true;
}

bool bundle_check_pack(struct store *store, const struct index_pack *pack, struct err *err)
{
    char name[STORE_NAME_MAX], text[DIGEST_TEXT];
    struct store_stat st;
    struct err why = {0};

    digest_text(&pack->digest, text);
    if (!store->ops->stat(store, store_blob_name(&pack->digest, name), &st, &why)) {
        if (why.code != ERR_MISSING)
            return err_pass(err, &why);
        return err_set(err, ERR_DAMAGED, "pack '%s' is missing from store '%s'", text, store->url);
    }
    if (st.bytes != pack->bytes)
        return err_set(err, ERR_DAMAGED, "pack '%s' has %" PRIu64 " bytes and should have %" PRIu64,
                       text, st.bytes, pack->bytes);
    return true;
}

bool bundle_open(struct store *store, const char *ref, struct bundle **out, struct err *err)
{
    return bundle_open_as(store, ref, NULL, out, err);
}

static bool packs_are_there(struct bundle *b, struct err *err)
{
    const struct index_pack *packs = b->index.packs.at;

    for (size_t i = 0; i < b->index.packs.count; i++)
        if (!bundle_check_pack(b->store, &packs[i], err))
            return err_hint(err,
                            "'rehearse bundle verify' says what is lost and what is still good");
    return true;
}

/* The lease first: what is there after it stays. */
bool bundle_hold(struct bundle *b, const char *what, struct err *err)
{
    b->lease = lease_reader(b->store, what, &b->self.digest);
    return packs_are_there(b, err);
}

bool bundle_open_as(struct store *store, const char *ref, const struct bundle_access *access,
                    struct bundle **out, struct err *err)
{
    AUTO(bundle) struct bundle *b = NULL;

    if (!bundle_load(store, ref, access, &b, err))
        return false;
    if (bundle_is_locked(b)) {
        sealing_locked(err);
        return err_add(err, "cannot open bundle '%s'", ref);
    }
    if (!packs_are_there(b, err))
        return err_add(err, "cannot open bundle '%s'", ref);
    *out = TAKE(b);
    return true;
}

/* ---- looking ---------------------------------------------------------------------------------*/

const struct digest *bundle_digest(const struct bundle *b)
{
    return &b->self.digest;
}

const struct index_pack *bundle_self(const struct bundle *b)
{
    return &b->self;
}

const json_t *bundle_config(const struct bundle *b)
{
    return b->config;
}

const struct index *bundle_index(const struct bundle *b)
{
    return &b->index;
}

const struct manifest *bundle_manifest(const struct bundle *b)
{
    return &b->manifest;
}

struct store *bundle_store(const struct bundle *b)
{
    return b->store;
}

struct codecs *bundle_codecs(struct bundle *b)
{
    return &b->codecs;
}

struct bases *bundle_bases(struct bundle *b)
{
    return &b->bases;
}

const struct stream *bundle_streams(const struct bundle *b, size_t *count)
{
    *count = b->streams.count;
    return b->streams.at;
}

static int stream_cmp(const void *name, const void *stream)
{
    return strcmp(name, ((const struct stream *)stream)->name);
}

const struct stream *bundle_find(const struct bundle *b, const char *name)
{
    if (b->streams.count == 0)
        return NULL;
    return bsearch(name, b->streams.at, b->streams.count, sizeof(struct stream), stream_cmp);
}

unsigned bundle_columns(const struct stream *s)
{
    return (unsigned)json_array_size(json_object_get(s->meta, "columns"));
}

/* ---- reading ---------------------------------------------------------------------------------*/

bool bundle_blame(const struct bundle *b, const struct segment *seg, struct err *err)
{
    const struct index_stream *streams = b->index.streams.at;

    return err_add(err, "segment %" PRIu64 " of '%s'", seg->seq, streams[seg->stream].name);
}

/* A stored frame out of its box, if it lies in one. */
static bool unseal(const struct bundle *b, const struct segment *seg, struct span stored,
                   struct buf *room, struct span *frame, struct err *err)
{
    const struct seal_place place = {SEAL_PACK, false, seg->offset};

    *frame = stored;
    if (!b->keys)
        return true;
    if (!buf_reserve(room, stored.len))
        return err_memory(err);
    return seal_open(sealing_key(b->keys, SEALING_PACKS + seg->pack), &place, stored, frame,
                     room->at, err);
}

/* The delta may have been made with the rows of the base in another order, or without some. */
static bool decode_from(const struct bundle *b, const struct segment *seg, struct span base,
                        struct span frame, struct codec *c, struct buf *out, struct err *err)
{
    const struct stream *s = (const struct stream *)b->streams.at + seg->stream;
    AUTO(buf) struct buf list = {0};
    AUTO(buf) struct buf rest = {0};

    if (!rows_read_head(c, &frame, base.len, &list, err))
        return false;
    if (list.len && !rows_arrange(base, buf_view(&list), bundle_columns(s), &rest, err))
        return false;
    return codec_decode_from(c, list.len ? buf_view(&rest) : base, frame, (size_t)seg->raw_bytes,
                             out, err);
}

/* What else could be wrong would show here: a wrong base, a wrong list of rows, a wrong place. */
static bool check_content(const struct segment *seg, const struct buf *out, struct err *err)
{
    struct digest found = hash_of(buf_view(out));

    return digest_eq(&found, &seg->raw) ||
           err_set(err, ERR_DAMAGED, "the content was altered: its SHA-256 is another");
}

/* The base is only asked for its own SHA-256 when there is something to explain: what it made has
 * one, too, and that is the proof. */
static bool decode_delta(struct bundle *b, const struct segment *seg, struct span frame,
                         struct codec *c, struct buf *out, struct err *err)
{
    struct base *base = NULL;

    if (!bases_take(&b->bases, b, seg, &base, err))
        return false;
    bool ok =
        decode_from(b, seg, base_bytes(base), frame, c, out, err) && check_content(seg, out, err);
    if (!ok)
        base_check(base, seg, err);
    base_give(&b->bases, base);
    return ok;
}

/* A complete frame of the segment. */
static bool decode_whole(const struct bundle *b, const struct segment *seg, struct span frame,
                         struct codec *c, struct buf *out, struct err *err)
{
    const struct stream *s = (const struct stream *)b->streams.at + seg->stream;

    if (s->kind == STREAM_COLUMNS && bundle_columns(s) > 0)
        return codec_decode_columns(c, frame, (size_t)seg->raw_bytes, out, err);
    return codec_decode(c, frame, (size_t)seg->raw_bytes, out, err);
}

bool bundle_decode(struct bundle *b, const struct segment *seg, struct span stored, struct codec *c,
                   struct buf *out, struct err *err)
{
    AUTO(buf) struct buf room = {0};
    struct span frame;
    bool ok = unseal(b, seg, stored, &room, &frame, err);

    if (ok && segment_is_delta(seg))
        ok = decode_delta(b, seg, frame, c, out, err);
    else if (ok)
        ok = decode_whole(b, seg, frame, c, out, err) && check_content(seg, out, err);
    return ok || bundle_blame(b, seg, err);
}

static bool read_frame(struct bundle *b, const struct segment *seg, struct codec *c,
                       struct span *frame, struct err *err)
{
    const struct index_pack *packs = b->index.packs.at;
    char name[STORE_NAME_MAX];

    if (b->cache)
        return cache_frame(b->cache, seg, c, frame, err) || bundle_blame(b, seg, err);
    char *to = codec_room(c, (size_t)seg->stored_bytes);
    if (!to)
        return err_memory(err);
    if (!b->store->ops->read(b->store, store_blob_name(&packs[seg->pack].digest, name), seg->offset,
                             to, (size_t)seg->stored_bytes, err))
        return bundle_blame(b, seg, err);
    *frame = (struct span){to, (size_t)seg->stored_bytes};
    return true;
}

/* A frame of the store's that has a checksum of its own is not altered by chance unseen. Whoever
 * alters it, or the index, on purpose gets no further: see delta.h. */
static bool decode_base(struct bundle *b, const struct segment *whole, struct span stored,
                        struct codec *c, struct buf *out, struct err *err)
{
    AUTO(buf) struct buf room = {0};
    struct span frame;
    bool ok = unseal(b, whole, stored, &room, &frame, err) &&
              decode_whole(b, whole, frame, c, out, err) &&
              ((codec_has_checksum(frame) && !b->cache) || check_content(whole, out, err));

    return ok || bundle_blame(b, whole, err);
}

typedef bool decoder(struct bundle *, const struct segment *, struct span, struct codec *,
                     struct buf *, struct err *);

static bool read_by(decoder *decode, struct bundle *b, const struct segment *seg, struct buf *out,
                    struct err *err)
{
    struct codec *c = NULL;
    struct span frame;

    buf_clear(out);
    lease_renew(b->lease);
    if (!codecs_take(&b->codecs, &c, err))
        return false;
    bool read = read_frame(b, seg, c, &frame, err);
    bool ok = read && decode(b, seg, frame, c, out, err);
    codecs_give(&b->codecs, c);
    if (read && !ok && b->cache)
        cache_drop(b->cache, seg);
    if (!ok)
        buf_clear(out);
    return ok;
}

bool bundle_read(struct bundle *b, const struct segment *seg, struct buf *out, struct err *err)
{
    return read_by(bundle_decode, b, seg, out, err);
}

bool bundle_read_base(struct bundle *b, const struct segment *whole, struct buf *out,
                      struct err *err)
{
    return read_by(decode_base, b, whole, out, err);
}

bool bundle_read_text(struct bundle *b, const char *name, struct buf *out, struct err *err)
{
    const struct stream *s = bundle_find(b, name);
    AUTO(buf) struct buf piece = {0};

    buf_clear(out);
    if (!s || s->kind != STREAM_TEXT)
        return err_set(err, ERR_MISSING, "the bundle has no text '%s'", name);
    if (s->segment_count == 1)
        return bundle_read(b, &s->segments[0], out, err);
    for (size_t i = 0; i < s->segment_count; i++) {
        if (!bundle_read(b, &s->segments[i], &piece, err))
            return false;
        buf_span(out, buf_view(&piece));
    }
    return buf_ok(out, err);
}
