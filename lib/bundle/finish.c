/* The end of a bundle: packs, index, bundle.json, manifest, tags, in this order. Until the tags are
 * swapped in, nothing of it is visible but blobs that no manifest names. */
#include "lib/bundle/bundle.h"

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/bundle/arrange.h"
#include "lib/bundle/cache.h"
#include "lib/bundle/name.h"
#include "lib/bundle/reader.h"
#include "lib/bundle/sealing.h"
#include "lib/bundle/tags.h"
#include "lib/bundle/writer.h"

#include <ctype.h>
#include <inttypes.h>

/* ---- the index -------------------------------------------------------------------------------*/

struct named {
    const struct writer_stream *stream;
    uint32_t was;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct named *)a)->stream->name, ((const struct named *)b)->stream->name);
}

static bool name_streams(const struct bundle_writer *w, struct vec *sorted, struct vec *out,
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
        struct index_stream *to = vec_add(out, err);

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

/* The streams' final numbers, by those that they had: in the order of their names. */
static uint32_t *number_streams(const struct vec *sorted)
{
    uint32_t *now = calloc(sorted->count + 1, sizeof(*now));
    const struct named *names = sorted->at;

    for (uint32_t i = 0; now && i < sorted->count; i++)
        now[names[i].was] = i;
    return now;
}

/* What the encoder asks for, one by one. */
struct arranging {
    struct arranged *order;
    const struct named *names;
    struct segment now;
};

static const struct segment *next_segment(void *ctx, size_t i, struct err *err)
{
    struct arranging *a = ctx;
    const uint64_t seq = a->now.seq;
    const uint32_t stream = a->now.stream;

    if (!arranged_next(a->order, &a->now, err))
        return NULL;
    if (i && a->now.stream == stream && a->now.seq == seq) {
        err_set(err, ERR_FAILED, "segment %" PRIu64 " of '%s' was written twice", seq,
                a->names[stream].stream->name);
        return NULL;
    }
    count_segment(a->names[a->now.stream].stream->component, &a->now);
    return &a->now;
}

static bool put_index(struct bundle_writer *w, const struct spill *frames, struct index_pack *out,
                      struct err *err)
{
    bool ok = w->wrap ? sealing_put(w->store, w->wrap, SEAL_INDEX, WRAP_INDEX, frames, out, err)
                      : blob_put_all(w->store, frames, out, err);

    if (ok && w->cache)
        cache_set_part(w->cache, CACHE_INDEX, &out->digest, frames);
    return ok || err_add(err, "cannot store the segment index");
}

static bool encode_index(struct bundle_writer *w, const struct index_parts *parts,
                         struct spill *frames, struct err *err)
{
    struct codec *codec = NULL;

    if (!codecs_take(&w->codecs, &codec, err))
        return err_add(err, "cannot make the segment index");
    bool ok = index_encode(parts, codec, frames, err);
    codecs_give(&w->codecs, codec);
    if (ok)
        return true;
    err_add(err, "cannot make an index of %zu segments", w->all.segment_count);
    return err && err->hint[0]
               ? false
               : err_hint(err, "capture a part of it by an environment file of its own");
}

static bool write_index(struct bundle_writer *w, struct index_pack *out, struct err *err)
{
    AUTO(vec) struct vec sorted = VEC(struct named), streams = VEC(struct index_stream);
    AUTO(spill) struct spill frames = {0};
    AUTO(arranged) struct arranged order = {0};

    if (!name_streams(w, &sorted, &streams, err))
        return false;
    AUTO(free) uint32_t *now = number_streams(&sorted);
    if (!now)
        return err_memory(err);
    struct arranging a = {.order = &order, .names = sorted.at};
    const struct index_parts parts = {&w->packs, &streams, w->all.segment_count, next_segment, &a};
    return arranged_open(&order, &w->all, now, err) && encode_index(w, &parts, &frames, err) &&
           put_index(w, &frames, out, err);
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
        (json_int_t)w->all.segment_count);
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

/* Of an encrypted bundle all can read what a list needs; the whole is sealed. */
static bool put_config(struct bundle_writer *w, json_t *config, struct manifest *m, struct err *err)
{
    AUTO(json) json_t *open = w->wrap ? sealing_public(config) : json_incref(config);
    AUTO(free) char *text = open ? json_text(open) : NULL;

    if (!blob_put_text(w->store, text, &m->config, err))
        return false;
    if (!w->wrap)
        return true;
    AUTO(free) char *whole = json_text(config);
    if (!whole)
        return err_memory(err);
    const struct spill details = spill_of(span_of(whole));
    if (!sealing_put(w->store, w->wrap, SEAL_DETAILS, WRAP_DETAILS, &details, &m->details, err))
        return false;
    if (w->cache)
        cache_set_part(w->cache, CACHE_DETAILS, &m->index.digest, &details);
    AUTO(free) char *keys = wrap_encode(w->wrap);
    m->sealed = true;
    return blob_put_text(w->store, keys, &m->keys, err);
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
    return blob_put_text(w->store, text, out, err);
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
        cache_settle(w->cache, &m.index.digest, &w->all);
    w->config = TAKE(config);
    out->manifest = entry.manifest.digest;
    memcpy(out->tag, entry.tag, sizeof(out->tag));
    return true;
}

const json_t *bundle_result(const struct bundle_writer *w)
{
    return w->config;
}
