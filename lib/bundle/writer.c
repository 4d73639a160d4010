#include "lib/bundle/writer.h"

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/bundle/cache.h"
#include "lib/bundle/delta.h"
#include "lib/bundle/name.h"
#include "lib/bundle/tags_edit.h"

#define RELAX 64 /* segments between two times that what is known of them goes out of memory */

/* ---- life ------------------------------------------------------------------------------------*/

static char *dup_or_null(const char *s)
{
    return s ? strdup(s) : NULL;
}

/* The parent could have been removed between the look at it and the lease. */
static bool writer_lease(struct bundle_writer *w, struct err *err)
{
    AUTO(vec) struct vec needed = VEC(struct digest);
    bool listed = true;

    if (w->parent) {
        struct digest *to = vec_add(&needed, err);
        if (!to)
            return false;
        *to = *parent_digest(w->parent);
    }
    if (!lease_take(w->store, "snapshot", &needed, NULL, &w->lease, err))
        return false;
    if (w->parent && !tags_listed(w->store, parent_digest(w->parent), &listed, err))
        return false;
    return listed ||
           err_set(err, ERR_MISSING, "the parent was removed from store '%s'", w->store->url);
}

static bool writer_parent(struct bundle_writer *w, const struct bundle_conf *conf, struct err *err)
{
    struct err why = {0};

    if (parent_open(w->store, conf->parent, w->cache, w->wrap, &w->parent, &why))
        return true;
    if (!conf->parent_why)
        return err_pass(err, &why);
    *conf->parent_why = why;
    return true;
}

static bool writer_fill(struct bundle_writer *w, const struct bundle_conf *conf, struct err *err)
{
    w->environment = strdup(conf->environment);
    w->tag = dup_or_null(conf->tag);
    if (!w->environment || (conf->tag && !w->tag))
        return err_memory(err);
    if (w->tag && (!tag_ok(span_of(w->tag)) || strcmp(w->tag, "latest") == 0)) {
        err_set(err, ERR_USAGE, "'%s' cannot be a tag", w->tag);
        return err_hint(err, "use letters, digits, '.', '_' and '-', and not 'latest'");
    }
    if (conf->encrypt_count && !wrap_new(conf->encrypt_to, conf->encrypt_count, &w->wrap, err))
        return false;
    w->cache = w->wrap ? conf->cache : NULL;
    return (!conf->parent || (w->wrap && !w->cache) || writer_parent(w, conf, err)) &&
           writer_lease(w, err);
}

bool bundle_create(struct store *store, const struct bundle_conf *conf, struct bundle_writer **out,
                   struct err *err)
{
    AUTO(bundle_writer) struct bundle_writer *w = calloc(1, sizeof(*w));

    if (!w)
        return err_memory(err);
    w->store = store;
    w->production = conf->production;
    w->level = conf->level;
    w->rate_bytes = conf->rate_bytes;
    w->sign_with = conf->sign_with;
    w->created_ns = clock_wall_ns();
    w->streams = (struct vec)VEC(struct writer_stream);
    index_init(&w->all);
    w->packs = (struct vec)VEC(struct index_pack);
    w->components = (struct vec)VEC(struct writer_component *);
    codecs_init(&w->codecs);
    pthread_mutex_init(&w->lock, NULL);
    if (!writer_fill(w, conf, err))
        return false;
    *out = TAKE(w);
    return true;
}

static void component_free(struct writer_component *c)
{
    if (!c)
        return;
    pack_abort(c->pack);
    pthread_mutex_destroy(&c->lock);
    json_decref(c->facts);
    free(c->name);
    free(c);
}

AUTO_PTR(component, struct writer_component, component_free)

void bundle_abandon(struct bundle_writer *w)
{
    if (!w)
        return;
    struct writer_stream *streams = w->streams.at;
    struct writer_component **components = w->components.at;

    for (size_t i = 0; i < w->streams.count; i++) {
        free(streams[i].name);
        json_decref(streams[i].meta);
    }
    for (size_t i = 0; i < w->components.count; i++)
        component_free(components[i]);
    vec_done(&w->streams);
    index_done(&w->all);
    lookup_done(&w->same);
    vec_done(&w->packs);
    vec_done(&w->components);
    codecs_done(&w->codecs);
    parent_close(w->parent);
    wrap_free(w->wrap);
    lease_end(w->lease);
    pthread_mutex_destroy(&w->lock);
    json_decref(w->config);
    free(w->environment);
    free(w->tag);
    free(w);
}

/* ---- streams and components ------------------------------------------------------------------*/

static bool component_add(struct bundle_writer *w, const char *name, struct writer_component **out,
                          struct err *err)
{
    AUTO(component) struct writer_component *c = calloc(1, sizeof(*c));

    if (!c)
        return err_memory(err);
    pthread_mutex_init(&c->lock, NULL);
    c->name = strdup(name);
    c->facts = json_object();
    struct writer_component **to = c->name && c->facts ? vec_add(&w->components, err) : NULL;
    if (!to)
        return err_memory(err);
    *to = c;
    *out = TAKE(c);
    return true;
}

/* Under w->lock. The name is encoded as in the names of streams. */
static bool component_of(struct bundle_writer *w, const char *name, struct writer_component **out,
                         struct err *err)
{
    struct writer_component **all = w->components.at;

    for (size_t i = 0; i < w->components.count; i++) {
        if (strcmp(all[i]->name, name) == 0) {
            *out = all[i];
            return true;
        }
    }
    return component_add(w, name, out, err);
}

static bool stream_add(struct bundle_writer *w, enum stream_kind kind, const char *name,
                       const json_t *meta, uint32_t *id, struct err *err)
{
    AUTO(free) char *owner = span_dup((struct span){name, (size_t)(strchr(name, '/') - name)});
    struct writer_component *component = NULL;

    if (!owner)
        return err_memory(err);
    if (!component_of(w, owner, &component, err))
        return false;

    struct writer_stream s = {kind, strdup(name), meta ? json_deep_copy(meta) : json_object(),
                              component};
    struct writer_stream *to = s.name && s.meta ? vec_add(&w->streams, err) : NULL;
    if (!to) {
        free(s.name);
        json_decref(s.meta);
        return err_memory(err);
    }
    *to = s;
    *id = (uint32_t)w->streams.count - 1;
    return true;
}

bool bundle_stream(struct bundle_writer *w, enum stream_kind kind, const char *name,
                   const json_t *meta, uint32_t *id, struct err *err)
{
    if (!stream_name_ok(span_of(name)))
        return err_set(err, ERR_FAILED, "'%s' is no name of a stream", name);
    if (kind == STREAM_COLUMNS && !json_is_array(json_object_get(meta, "columns")))
        return err_set(err, ERR_FAILED, "stream '%s' does not say what its columns are", name);

    pthread_mutex_lock(&w->lock);
    bool ok = stream_add(w, kind, name, meta, id, err);
    pthread_mutex_unlock(&w->lock);
    return ok;
}

/* Objects are merged, arrays joined, other values replaced. */
static int merge(json_t *into, json_t *from)
{
    const char *key;
    json_t *value;
    int failed = 0;

    json_object_foreach(from, key, value)
    {
        json_t *there = json_object_get(into, key);

        if (json_is_object(there) && json_is_object(value))
            failed |= merge(there, value);
        else if (json_is_array(there) && json_is_array(value))
            failed |= json_array_extend(there, value);
        else
            failed |= json_object_set(into, key, value);
    }
    return failed;
}

bool bundle_component(struct bundle_writer *w, const char *component, json_t *stolen,
                      struct err *err)
{
    AUTO(json) json_t *facts = stolen;
    AUTO(free) char *named = stream_name(component, NULL, "x");
    struct writer_component *c = NULL;

    if (!named || !json_is_object(facts))
        return err_memory(err);
    named[strlen(named) - 2] = '\0';
    pthread_mutex_lock(&w->lock);
    bool ok = component_of(w, named, &c, err) && (merge(c->facts, facts) == 0 || err_memory(err));
    pthread_mutex_unlock(&w->lock);
    return ok;
}

/* ---- segments --------------------------------------------------------------------------------*/

/* One limit for all threads: each takes its share of the time line and sleeps until it is reached.*/
static bool keep_rate(struct bundle_writer *w, size_t bytes, struct err *err)
{
    if (w->rate_bytes == 0)
        return true;

    int64_t cost = (int64_t)((double)bytes * 1e9 / (double)w->rate_bytes);
    int64_t now = clock_mono_ns();
    pthread_mutex_lock(&w->lock);
    int64_t from = w->rate_next_ns > now ? w->rate_next_ns : now;
    w->rate_next_ns = from + cost;
    pthread_mutex_unlock(&w->lock);
    return clock_sleep_until(from + cost) || err_set(err, ERR_STOPPED, "stopped by a signal");
}

/* A pack's number is given when it is begun, its digest when it is done. Under c->lock. */
static bool begin_pack(struct bundle_writer *w, struct writer_component *c, struct err *err)
{
    unsigned char *key = NULL;
    char name[WRAP_NAME];

    if (w->wrap && !(key = seal_secret_memory(SEAL_KEY, err)))
        return false;
    lease_renew(w->lease);
    pthread_mutex_lock(&w->lock);
    c->pack_id = (uint32_t)w->packs.count;
    bool ok = vec_add(&w->packs, err) &&
              (!key || wrap_add(w->wrap, wrap_pack_name(c->pack_id, name), key, err));
    pthread_mutex_unlock(&w->lock);
    if (ok)
        return pack_open(w->store, key, &c->pack, err);
    seal_wipe_free(key);
    return false;
}

bool writer_finish_pack(struct bundle_writer *w, struct pack_writer *pack, uint32_t id,
                        struct err *err)
{
    struct index_pack done = {.sealed = w->wrap != NULL};

    if (!pack_finish(pack, &done, err))
        return false;
    pthread_mutex_lock(&w->lock);
    ((struct index_pack *)w->packs.at)[id] = done;
    pthread_mutex_unlock(&w->lock);
    return true;
}

/* A full pack is handed out through *full, to be made durable without holding up the others. */
static bool append_frame(struct bundle_writer *w, struct writer_component *c, struct span frame,
                         struct segment *seg, struct pack_writer **full, struct err *err)
{
    if (!c->pack && !begin_pack(w, c, err))
        return false;
    if (!pack_add(c->pack, frame, (size_t)seg->raw_bytes, &seg->offset, err))
        return false;
    seg->pack = c->pack_id;
    seg->stored_bytes = pack_bytes(c->pack) - seg->offset;
    c->new_bytes += seg->stored_bytes;
    if (segment_is_delta(seg)) {
        c->deltas++;
        c->delta_bytes += seg->stored_bytes;
    }
    if (pack_bytes(c->pack) >= PACK_TARGET)
        *full = TAKE(c->pack);
    return true;
}

static bool store_frame(struct bundle_writer *w, struct writer_component *c, struct span frame,
                        struct segment *seg, struct err *err)
{
    struct pack_writer *full = NULL;

    pthread_mutex_lock(&c->lock);
    bool ok = append_frame(w, c, frame, seg, &full, err);
    pthread_mutex_unlock(&c->lock);
    return ok && (!full || writer_finish_pack(w, full, seg->pack, err));
}

static bool compress_and_store(struct bundle_writer *w, const struct writer_stream *s,
                               const struct segment_raw *raw, struct segment *seg, struct err *err)
{
    const struct codec_segment whole = {raw->bytes, writer_columns(s), raw->records};
    struct codec *codec = NULL;
    struct span frame;

    if (!codecs_take(&w->codecs, &codec, err))
        return false;
    bool ok = (writer_delta(w, s, raw, codec, &frame, seg) ||
               codec_compress_segment(codec, w->level, &whole, &frame, err)) &&
              store_frame(w, s->component, frame, seg, err);
    if (ok && w->cache)
        cache_add(w->cache, seg, frame);
    codecs_give(&w->codecs, codec);
    return ok;
}

/* Under the lock. The keys of the segment that was given are the caller's. */
static bool record(struct bundle_writer *w, struct segment seg, const struct segment_raw *raw,
                   bool repeated, struct err *err)
{
    size_t number = w->all.segment_count;

    seg.key_from = raw->key_from;
    seg.key_to = raw->key_to;
    if (number % RELAX == 0) {
        index_forget(&w->all);
        spill_forget(&w->same.slots);
        parent_forget(w->parent);
    }
    return index_keep_keys(&w->all, &seg, err) && index_add(&w->all, &seg, err) &&
           (repeated || lookup_put(&w->same, &seg.raw, number, err));
}

bool writer_record(struct bundle_writer *w, const struct segment *seg,
                   const struct segment_raw *raw, bool repeated, struct err *err)
{
    pthread_mutex_lock(&w->lock);
    bool ok = record(w, *seg, raw, repeated, err);
    pthread_mutex_unlock(&w->lock);
    if (ok)
        return true;
    err_add(err, "what is known of the segments");
    return err && !err->hint[0]
               ? err_hint(err, "capture a part of it by an environment file of its own")
               : false;
}

bool writer_stream_of(struct bundle_writer *w, uint32_t id, struct writer_stream *out)
{
    pthread_mutex_lock(&w->lock);
    bool known = id < w->streams.count;
    if (known)
        *out = ((const struct writer_stream *)w->streams.at)[id];
    pthread_mutex_unlock(&w->lock);
    return known;
}

static bool write_segment(struct bundle_writer *w, const struct segment_raw *raw, struct err *err)
{
    struct writer_stream s;

    if (!writer_stream_of(w, raw->stream, &s))
        return err_set(err, ERR_FAILED, "no stream has number %u", raw->stream);
    if (raw->bytes.len > SEGMENT_RAW_MAX || raw->records > raw->bytes.len)
        return err_set(err, ERR_UNSUPPORTED, "a segment of %zu bytes in '%s': at most %zu are kept",
                       raw->bytes.len, s.name, SEGMENT_RAW_MAX);

    struct segment seg = {.stream = raw->stream,
                          .seq = raw->seq,
                          .raw_bytes = raw->bytes.len,
                          .records = raw->records,
                          .raw = hash_of(raw->bytes)};
    bool repeated = writer_repeat(w, &s, &seg);
    return (repeated || writer_refer(w, &s, &seg) || compress_and_store(w, &s, raw, &seg, err)) &&
           writer_record(w, &seg, raw, repeated, err) && keep_rate(w, raw->bytes.len, err);
}

bool bundle_segment(struct bundle_writer *w, const struct segment_raw *raw, struct err *err)
{
    if (atomic_load(&w->failed))
        return err_set(err, ERR_FAILED, "an earlier segment could not be stored");
    if (raw->bytes.len == 0)
        return true;
    /* Half a frame may lie in the pack now: nothing of this bundle is usable any more. */
    if (!write_segment(w, raw, err)) {
        atomic_store(&w->failed, true);
        return false;
    }
    return true;
}

bool bundle_text(struct bundle_writer *w, const char *name, const json_t *meta, struct span text,
                 struct err *err)
{
    uint32_t id = 0;

    if (!bundle_stream(w, STREAM_TEXT, name, meta, &id, err))
        return false;
    for (size_t at = 0, seq = 0; at < text.len; seq++) {
        size_t len = text.len - at < SEGMENT_TARGET ? text.len - at : SEGMENT_TARGET;
        struct segment_raw seg = {.stream = id, .seq = seq, .bytes = {text.at + at, len}};

        if (!bundle_segment(w, &seg, err))
            return false;
        at += len;
    }
    return true;
}
