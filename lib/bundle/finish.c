/* The end of a bundle: packs, index, bundle.json, manifest, tags, in this order. Until the tags are
 * swapped in, nothing of it is visible but blobs that no manifest names. */
#include "lib/bundle/bundle.h"

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/bundle/cache.h"
#include "lib/bundle/name.h"
#include "lib/bundle/reader.h"
#include "lib/bundle/sealing.h"
#include "lib/bundle/tags.h"
#include "lib/bundle/writer.h"

#include <ctype.h>
#include <inttypes.h>

#define INDEX_LEVEL 3

/* ---- the index -------------------------------------------------------------------------------*/

struct named {
    const struct writer_stream *stream;
    uint32_t was;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct named *)a)->stream->name, ((const struct named *)b)->stream->name);
}

static int by_place(const void *a, const void *b)
{
    const struct segment *x = a, *y = b;

    if (x->stream != y->stream)
        return x->stream < y->stream ? -1 : 1;
    return (x->seq > y->seq) - (x->seq < y->seq);
}

static bool name_streams(const struct bundle_writer *w, struct vec *sorted, struct index *ix,
                         struct err *err)
{
    const struct writer_stream *all = w->streams.at;

    for (uint32_t i = 0; i < w->streams.count; i++) {
        struct named *to = vec_add(sorted, err);
        if (!to)
            return false;
        *to = (struct named){&all[i], i};
    }
    if (sorted->count)
        qsort(sorted->at, sorted->count, sizeof(struct named), by_name);

    const struct named *names = sorted->at;
    for (size_t i = 0; i < sorted->count; i++) {
        const struct writer_stream *s = names[i].stream;
        struct index_stream *to = vec_add(&ix->streams, err);

        if (!to)
            return false;
        if (i > 0 && strcmp(names[i - 1].stream->name, s->name) == 0)
            return err_set(err, ERR_FAILED, "stream '%s' was declared twice", s->name);
        *to = (struct index_stream){s->kind, s->name, s->meta};
        s->component->streams++;
    }
    return true;
}

static void count_segment(struct writer_component *c, const struct segment *s)
{
    c->segments++;
    c->records += s->records;
    c->raw_bytes += s->raw_bytes;
    c->stored_bytes += s->stored_bytes;
}

/* Streams get their final numbers in the order of their names. The segments are the writer's own,
 * lent to the index: a large database has a million of them, and a copy would be a sixth of a gigabyte. */
static bool place_segments(const struct vec *sorted, struct index *ix, struct err *err)
{
    AUTO(free) uint32_t *now = calloc(sorted->count + 1, sizeof(*now));
    const struct named *names = sorted->at;
    struct segment *all = ix->segments.at;

    if (!now)
        return err_memory(err);
    for (uint32_t i = 0; i < sorted->count; i++)
        now[names[i].was] = i;
    for (size_t i = 0; i < ix->segments.count; i++) {
        all[i].stream = now[all[i].stream];
        count_segment(names[all[i].stream].stream->component, &all[i]);
    }
    if (ix->segments.count)
        qsort(all, ix->segments.count, sizeof(*all), by_place);
    for (size_t i = 1; i < ix->segments.count; i++)
        if (by_place(&all[i - 1], &all[i]) == 0)
            return err_set(err, ERR_FAILED, "segment %" PRIu64 " of '%s' was written twice",
                           all[i].seq, names[all[i].stream].stream->name);
    return true;
}

static bool put_plain(struct bundle_writer *w, struct span bytes, struct index_pack *out,
                      struct err *err)
{
    out->bytes = bytes.len;
    return store_put_blob(w->store, bytes, &out->digest, err);
}

static bool put_index(struct bundle_writer *w, const struct index *ix, struct index_pack *out,
                      struct err *err)
{
    AUTO(buf) struct buf text = {.max = INDEX_MAX};
    struct codec *codec = NULL;
    struct span frame;

    if (!index_encode(ix, &text, err)) {
        err_add(err, "cannot make an index of %zu segments", ix->segments.count);
        return err_hint(err, "capture a part of it by an environment file of its own");
    }
    if (!codecs_take(&w->codecs, &codec, err))
        return err_add(err, "cannot make the segment index");
    bool ok = codec_compress(codec, INDEX_LEVEL, buf_view(&text), &frame, err) &&
              (w->wrap ? sealing_put(w->store, w->wrap, SEAL_INDEX, WRAP_INDEX, frame, out, err)
                       : put_plain(w, frame, out, err));
    if (ok && w->cache)
        cache_set_part(w->cache, CACHE_INDEX, &out->digest, frame);
    codecs_give(&w->codecs, codec);
    return ok || err_add(err, "cannot store the segment index");
}

static bool write_index(struct bundle_writer *w, struct index_pack *out, struct err *err)
{
    AUTO(index) struct index ix;
    AUTO(vec) struct vec sorted = VEC(struct named);
    const struct index_pack *packs = w->packs.at;

    index_init(&ix);
    for (size_t i = 0; i < w->packs.count; i++) {
        struct index_pack *to = vec_add(&ix.packs, err);
        if (!to)
            return false;
        *to = packs[i];
    }
    ix.segments = w->segments;
    w->segments = (struct vec)VEC(struct segment);
    bool ok = name_streams(w, &sorted, &ix, err) && place_segments(&sorted, &ix, err) &&
              put_index(w, &ix, out, err);
    w->segments = ix.segments;
    ix.segments = (struct vec)VEC(struct segment);
    return ok;
}

/* Its index is as large as ours, and nothing of it is needed any more. */
static void forget_parent(struct bundle_writer *w)
{
    if (!w->parent)
        return;
    digest_text(parent_digest(w->parent), w->parent_text);
    parent_close(w->parent);
    w->parent = NULL;
}

/* ---- bundle.json -----------------------------------------------------------------------------*/

static int set_count(json_t *o, const char *key, uint64_t n)
{
    return json_object_set_new(o, key, json_integer((json_int_t)n));
}

static bool count_facts(struct writer_component *c)
{
    return set_count(c->facts, "streams", c->streams) == 0 &&
           set_count(c->facts, "segments", c->segments) == 0 &&
           set_count(c->facts, "references", c->references) == 0 &&
           set_count(c->facts, "deltas", c->deltas) == 0 &&
           set_count(c->facts, "delta_bytes", c->delta_bytes) == 0 &&
           set_count(c->facts, "records", c->records) == 0 &&
           set_count(c->facts, "raw_bytes", c->raw_bytes) == 0 &&
           set_count(c->facts, "stored_bytes", c->stored_bytes) == 0 &&
           set_count(c->facts, "new_bytes", c->new_bytes) == 0;
}

static bool describe_components(struct bundle_writer *w, json_t *config)
{
    struct writer_component **all = w->components.at;
    json_t *components = json_object();
    uint64_t raw = 0, stored = 0, fresh = 0, references = 0, deltas = 0, delta_bytes = 0;
    bool ok = json_object_set_new(config, "components", components) == 0;

    for (size_t i = 0; ok && i < w->components.count; i++) {
        raw += all[i]->raw_bytes;
        stored += all[i]->stored_bytes;
        fresh += all[i]->new_bytes;
        references += all[i]->references;
        deltas += all[i]->deltas;
        delta_bytes += all[i]->delta_bytes;
        ok = count_facts(all[i]) && json_object_set(components, all[i]->name, all[i]->facts) == 0;
    }
    return ok && set_count(config, "raw_bytes", raw) == 0 &&
           set_count(config, "stored_bytes", stored) == 0 &&
           set_count(config, "new_bytes", fresh) == 0 &&
           set_count(config, "references", references) == 0 &&
           set_count(config, "deltas", deltas) == 0 &&
           set_count(config, "delta_bytes", delta_bytes) == 0;
}

static bool describe(struct bundle_writer *w, const char *created, json_t **out, struct err *err)
{
    char now[ISO_TIME];

    clock_iso(clock_wall_ns(), now);
    json_t *config = json_pack(
        "{s:i, s:s, s:s, s:b, s:s, s:s, s:s?, s:I, s:I, s:I}", "format", BUNDLE_FORMAT, "tool",
        "rehearse " REHEARSE_VERSION, "environment", w->environment, "production", w->production,
        "created", created, "finished", now, "parent", w->parent_text[0] ? w->parent_text : NULL,
        "packs", (json_int_t)w->packs.count, "streams", (json_int_t)w->streams.count, "segments",
        (json_int_t)w->segments.count);
    if (!config || !describe_components(w, config)) {
        json_decref(config);
        return err_set(err, ERR_FAILED,
                       "cannot describe the bundle: a text is not UTF-8, or memory ran out");
    }
    *out = config;
    return true;
}

/* ---- the tag ---------------------------------------------------------------------------------*/

/* "shop-20260131T120000Z" of "shop" and "2026-01-31T12:00:00.123Z". */
static void dated_tag(const char *environment, const char *created, char tag[TAG_MAX])
{
    size_t len = 0;

    for (; len < 90 && environment[len]; len++) {
        unsigned char c = (unsigned char)environment[len];
        bool keep = c < 128 && (isalnum(c) || c == '_' || (len && (c == '.' || c == '-')));
        tag[len] = (char)(keep ? c : '_');
    }
    tag[len++] = '-';
    for (const char *p = created; *p && *p != '.'; p++)
        if (*p != '-' && *p != ':' && *p != 'Z')
            tag[len++] = *p;
    tag[len++] = 'Z';
    tag[len] = '\0';
}

/* ---- finish ----------------------------------------------------------------------------------*/

static bool finish_packs(struct bundle_writer *w, struct err *err)
{
    struct writer_component **all = w->components.at;

    for (size_t i = 0; i < w->components.count; i++) {
        struct pack_writer *pack = TAKE(all[i]->pack);

        if (pack && !writer_finish_pack(w, pack, all[i]->pack_id, err))
            return err_add(err, "cannot store the data of '%s'", all[i]->name);
    }
    return true;
}

/* What gc, or a hand, took away in the meantime must not become part of a bundle. */
static bool packs_are_there(struct bundle_writer *w, struct err *err)
{
    const struct index_pack *packs = w->packs.at;

    for (size_t i = 0; i < w->packs.count; i++)
        if (!bundle_check_pack(w->store, &packs[i], err))
            return err_hint(err, "take the snapshot again");
    return true;
}

static bool put_text(struct bundle_writer *w, const char *text, struct index_pack *out,
                     struct err *err)
{
    return text ? put_plain(w, span_of(text), out, err) : err_memory(err);
}

/* Of an encrypted bundle all can read what a list needs; the whole is sealed. */
static bool put_config(struct bundle_writer *w, json_t *config, struct manifest *m, struct err *err)
{
    AUTO(json) json_t *open = w->wrap ? sealing_public(config) : json_incref(config);
    AUTO(free) char *text = open ? json_text(open) : NULL;

    if (!put_text(w, text, &m->config, err))
        return false;
    if (!w->wrap)
        return true;
    AUTO(free) char *whole = json_text(config);
    if (!whole)
        return err_memory(err);
    if (!sealing_put(w->store, w->wrap, SEAL_DETAILS, WRAP_DETAILS, span_of(whole), &m->details,
                     err))
        return false;
    if (w->cache)
        cache_set_part(w->cache, CACHE_DETAILS, &m->index.digest, span_of(whole));
    AUTO(free) char *keys = wrap_encode(w->wrap);
    m->sealed = true;
    return put_text(w, keys, &m->keys, err);
}

static bool write_manifest(struct bundle_writer *w, struct manifest *m, struct index_pack *out,
                           struct err *err)
{
    m->packs = w->packs;
    bool ok = !w->sign_with || sealing_sign(m, w->sign_with, err);
    AUTO(free) char *text = ok ? manifest_encode(m) : NULL;
    m->packs = (struct vec)VEC(struct index_pack);

    if (!ok)
        return false;
    if (text && strlen(text) > MANIFEST_MAX)
        return err_set(err, ERR_UNSUPPORTED, "%zu packs are more than one manifest can name",
                       w->packs.count);
    return put_text(w, text, out, err);
}

bool bundle_finish(struct bundle_writer *w, struct bundle_ref *out, struct err *err)
{
    AUTO(json) json_t *config = NULL;
    AUTO(manifest) struct manifest m;
    struct tagged entry = {0};

    manifest_init(&m);
    if (atomic_load(&w->failed))
        return err_set(err, ERR_FAILED, "a segment could not be stored: there is no whole bundle");
    clock_iso(w->created_ns, m.created);
    snprintf(m.environment, sizeof(m.environment), "%s", w->environment);
    dated_tag(w->environment, m.created, entry.tag);
    if (!finish_packs(w, err))
        return false;
    forget_parent(w);
    if (!write_index(w, &m.index, err) || !describe(w, m.created, &config, err))
        return false;
    if (!put_config(w, config, &m, err) || !write_manifest(w, &m, &entry.manifest, err))
        return err_add(err, "cannot store the manifest");

    snprintf(entry.created, sizeof(entry.created), "%s", m.created);
    snprintf(entry.environment, sizeof(entry.environment), "%s", m.environment);
    if (!packs_are_there(w, err))
        return false;
    if (!tags_publish(w->store, &entry, w->tag, err))
        return err_add(err, "cannot set the tag");
    lease_end(TAKE(w->lease));
    if (w->cache)
        cache_settle(w->cache, &m.index.digest, &w->segments);
    w->config = TAKE(config);
    out->manifest = entry.manifest.digest;
    memcpy(out->tag, entry.tag, sizeof(out->tag));
    return true;
}

const json_t *bundle_result(const struct bundle_writer *w)
{
    return w->config;
}
