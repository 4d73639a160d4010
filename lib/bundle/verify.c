#include "lib/bundle/verify.h"

#include "lib/base/cmd.h"
#include "lib/base/json.h"
#include "lib/base/sched.h"
#include "lib/bundle/columns.h"
#include "lib/bundle/lease.h"
#include "lib/bundle/reader.h"
#include "lib/bundle/sealing.h"

#include <inttypes.h>

#define CHUNK ((size_t)1 << 20)

struct verify {
    struct bundle *bundle;
    const struct verify_conf *conf;
    struct vec *of_pack; /* per pack: const struct segment *, by offset */
    struct spill bases;  /* struct segment, of deltas: what else must be good */
    pthread_mutex_t lock;
    struct verify_report *report; /* under the lock */
};

/* One pack, read once from its first byte to its last. */
struct pass {
    struct verify *v;
    uint32_t pack;
    char name[STORE_NAME_MAX];
    struct hash *hash;
    struct codec *codec;
    struct buf raw, chunk;
    json_t *breaks;   /* names of streams, as keys */
    struct err first; /* what the first fault was */
    size_t bad;
};

void verify_report_done(struct verify_report *r)
{
    struct verify_fault *faults = r->faults.at;

    for (size_t i = 0; i < r->faults.count; i++) {
        free(faults[i].what);
        json_decref(faults[i].breaks);
    }
    vec_done(&r->faults);
}

/* ---- findings --------------------------------------------------------------------------------*/

static const struct index_pack *pack_of(const struct pass *p)
{
    return &((const struct index_pack *)bundle_index(p->v->bundle)->packs.at)[p->pack];
}

static void found(struct pass *p, const struct err *why)
{
    if (p->bad++ == 0)
        p->first = *why;
}

static void breaks(struct pass *p, const struct segment *seg)
{
    const struct index_stream *streams = bundle_index(p->v->bundle)->streams.at;

    json_object_set_new(p->breaks, streams[seg->stream].name, json_true());
}

static void breaks_all(struct pass *p)
{
    const struct segment **segs = p->v->of_pack[p->pack].at;

    for (size_t i = 0; i < p->v->of_pack[p->pack].count; i++)
        breaks(p, segs[i]);
}

static int by_text(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;

    return strcmp(*x, *y);
}

/* The keys of an object as a sorted array. */
static json_t *names_of(json_t *object, struct err *err)
{
    AUTO(free) const char **names = calloc(json_object_size(object) + 1, sizeof(*names));
    json_t *array = json_array(), *value;
    const char *key;
    size_t n = 0;

    json_object_foreach(object, key, value) if (names) names[n++] = key;
    if (names && n)
        qsort(names, n, sizeof(*names), by_text);
    for (size_t i = 0; i < n; i++)
        json_array_append_new(array, json_string(names[i]));
    if (names && array)
        return array;
    json_decref(array);
    err_memory(err);
    return NULL;
}

static bool report_fault(struct verify *v, const struct digest *blob, const char *what,
                         json_t *broken, struct err *err)
{
    AUTO(json) json_t *names = names_of(broken, err);
    AUTO(free) char *text = strdup(what);

    if (!names || !text)
        return err_memory(err);
    pthread_mutex_lock(&v->lock);
    struct verify_fault *to = vec_add(&v->report->faults, err);
    if (to)
        *to = (struct verify_fault){*blob, TAKE(text), TAKE(names)};
    pthread_mutex_unlock(&v->lock);
    return to != NULL;
}

/* ---- one pack --------------------------------------------------------------------------------*/

static bool is_base(const struct verify *v, const struct segment *seg)
{
    const char *at = (const char *)seg;

    return at >= v->bases.at && at < v->bases.at + v->bases.len;
}

static bool check_lines(struct pass *p, const struct segment *seg, struct err *err)
{
    size_t count = 0;
    const struct stream *s = &bundle_streams(p->v->bundle, &count)[seg->stream];
    uint64_t columns = bundle_columns(s) ? bundle_columns(s) : 1;
    uint64_t lines = s->kind == STREAM_COLUMNS ? columns_lines(buf_view(&p->raw)) : 0;

    if (s->kind != STREAM_COLUMNS || (lines % columns == 0 && lines / columns == seg->records &&
                                      p->raw.at[p->raw.len - 1] == '\n'))
        return true;
    err_set(err, ERR_DAMAGED, "%" PRIu64 " lines are not %" PRIu64 " rows of %" PRIu64 " columns",
            lines, seg->records, columns);
    return bundle_blame(p->v->bundle, seg, err);
}

static void check_segment(struct pass *p, const struct segment *seg, struct span frame)
{
    struct bundle *b = p->v->bundle;
    struct base *base = NULL;
    struct err why = {0};

    if (segment_is_delta(seg) && !bases_take(bundle_bases(b), b, seg, &base, &why))
        return; /* the fault of the pack that the base lies in, and named there */
    bool ok = bundle_decode(b, seg, frame, p->codec, &p->raw, &why) &&
              (is_base(p->v, seg) || check_lines(p, seg, &why));
    bool elsewhere = !ok && base && !base_check(base, seg, NULL); /* there as well */
    base_give(bundle_bases(b), base);
    if (ok || elsewhere)
        return;
    found(p, &why);
    breaks(p, seg);
}

static bool read_part(struct pass *p, uint64_t offset, size_t len, struct err *err)
{
    struct store *store = bundle_store(p->v->bundle);

    buf_clear(&p->chunk);
    if (!buf_reserve(&p->chunk, len))
        return err_memory(err);
    return store->ops->read(store, p->name, offset, p->chunk.at, len, err);
}

/* Bytes that no segment lies in: the seek table, or what was cut out by a rebase. */
static bool hash_gap(struct pass *p, uint64_t from, uint64_t to, struct err *err)
{
    while (from < to) {
        size_t len = to - from < CHUNK ? (size_t)(to - from) : CHUNK;

        if (!read_part(p, from, len, err))
            return false;
        hash_add(p->hash, p->chunk.at, len);
        from += len;
    }
    return true;
}

static bool hash_segments(struct pass *p, uint64_t *at, struct err *err)
{
    const struct segment **segs = p->v->of_pack[p->pack].at;
    size_t count = p->v->of_pack[p->pack].count;

    for (size_t i = 0; i < count && p->v->conf->level >= VERIFY_CONTENT; i++) {
        const struct segment *seg = segs[i];
        uint64_t end = seg->offset + seg->stored_bytes;

        if (!cmd_stop_check(err) || !hash_gap(p, *at, seg->offset, err) ||
            !read_part(p, seg->offset, (size_t)seg->stored_bytes, err))
            return false;
        /* Two streams may share a frame; a hostile index may make frames overlap. */
        if (end > *at) {
            uint64_t skip = *at > seg->offset ? *at - seg->offset : 0;
            hash_add(p->hash, p->chunk.at + skip, (size_t)(seg->stored_bytes - skip));
            *at = end;
        }
        check_segment(p, seg, (struct span){p->chunk.at, (size_t)seg->stored_bytes});
        progress_add(p->v->conf->progress, seg->stored_bytes);
    }
    return true;
}

static bool read_pack(struct pass *p, struct err *err)
{
    const struct index_pack *pack = pack_of(p);
    uint64_t at = 0;

    if (!bundle_check_pack(bundle_store(p->v->bundle), pack, err) || !hash_segments(p, &at, err) ||
        !hash_gap(p, at, pack->bytes, err))
        return false;
    struct digest digest = hash_end(p->hash);
    if (digest_eq(&digest, &pack->digest))
        return true;
    return err_set(err, ERR_DAMAGED, "its bytes were altered: its SHA-256 is another");
}

/* At L1 nobody knows which segment of an altered pack is bad: all that lie in it are named. */
static bool verify_pack(struct pass *p, struct err *err)
{
    struct err why = {0};

    store_blob_name(&pack_of(p)->digest, p->name);
    if (!hash_open(&p->hash, err) || !codecs_take(bundle_codecs(p->v->bundle), &p->codec, err))
        return false;
    if (!read_pack(p, &why)) {
        if (why.code == ERR_STOPPED)
            return err_pass(err, &why);
        bool located = p->bad > 0;
        found(p, &why);
        if (!located)
            breaks_all(p);
    }
    if (p->bad == 0)
        return true;

    AUTO(buf) struct buf what = {0};
    buf_puts(&what, p->first.text);
    if (p->bad > 1)
        buf_printf(&what, " (and %zu more)", p->bad - 1);
    return report_fault(p->v, &pack_of(p)->digest, buf_str(&what), p->breaks, err);
}

static void forget(const struct verify *v)
{
    index_forget(bundle_index(v->bundle));
    spill_forget(&v->bases);
}

static bool run_pass(void *ctx, void *arg, unsigned worker, struct err *err)
{
    struct pass p = {.v = ctx, .pack = *(const uint32_t *)arg, .breaks = json_object()};

    (void)worker;
    bool ok = p.breaks ? verify_pack(&p, err) : err_memory(err);
    codecs_give(bundle_codecs(p.v->bundle), p.codec);
    hash_close(p.hash);
    buf_done(&p.raw);
    buf_done(&p.chunk);
    json_decref(p.breaks);
    forget(p.v);
    return ok;
}

/* ---- all packs -------------------------------------------------------------------------------*/

static int by_offset(const void *a, const void *b)
{
    const struct segment *x = *(const struct segment *const *)a;
    const struct segment *y = *(const struct segment *const *)b;

    return (x->offset > y->offset) - (x->offset < y->offset);
}

static bool sort_into_pack(struct verify *v, const struct segment *seg, struct err *err)
{
    const struct segment **to = vec_add(&v->of_pack[seg->pack], err);

    if (to)
        *to = seg;
    return to != NULL;
}

/* The base of a delta is checked where it lies, as a segment of the delta's stream. */
static bool sort_bases(struct verify *v, struct err *err)
{
    const struct index *ix = bundle_index(v->bundle);
    const struct segment *all = index_segments(ix);

    if (!spill_open(&v->bases, ix->segment_count * sizeof(struct segment), err))
        return false;
    for (size_t i = 0; i < ix->segment_count; i++) {
        if (i % INDEX_RELAX == 0)
            index_forget(ix);
        if (!segment_is_delta(&all[i]))
            continue;
        const struct segment base = delta_base(&all[i]), *kept;
        if (!(kept = spill_add(&v->bases, &base, sizeof(base), err)) ||
            !sort_into_pack(v, kept, err))
            return false;
    }
    return true;
}

static bool sort_segments(struct verify *v, struct err *err)
{
    const struct index *ix = bundle_index(v->bundle);
    const struct segment *all = index_segments(ix);

    if (!sort_bases(v, err))
        return false;
    for (size_t i = 0; i < ix->segment_count; i++) {
        if (i % INDEX_RELAX == 0)
            index_forget(ix);
        if (!sort_into_pack(v, &all[i], err))
            return false;
    }
    for (size_t i = 0; i < ix->packs.count; i++) {
        if (v->of_pack[i].count)
            qsort(v->of_pack[i].at, v->of_pack[i].count, sizeof(struct segment *), by_offset);
        forget(v);
    }
    return true;
}

static bool run_passes(struct verify *v, struct err *err)
{
    AUTO(sched) struct sched *sched = NULL;
    const struct vec *packs = &bundle_index(v->bundle)->packs;

    if (!sched_new(v->conf->jobs ? v->conf->jobs : 1, &sched, err))
        return false;
    for (uint32_t i = 0; i < packs->count; i++) {
        const struct index_pack *pack = &((const struct index_pack *)packs->at)[i];
        uint32_t *arg = malloc(sizeof(*arg));
        struct task task = {.run = run_pass,
                            .free_arg = free,
                            .ctx = v,
                            .arg = arg,
                            .cost = pack->bytes,
                            .name = "verify a pack"};

        if (!arg)
            return err_memory(err);
        *arg = i;
        if (!sched_add(sched, &task, NULL, 0, NULL, err))
            return false;
        v->report->bytes += pack->bytes;
    }
    progress_total(v->conf->progress, v->report->bytes);
    return sched_run(sched, err);
}

static int by_digest(const void *a, const void *b)
{
    const struct verify_fault *x = a, *y = b;

    return memcmp(&x->blob, &y->blob, sizeof(struct digest));
}

static bool verify_packs(struct verify *v, struct err *err)
{
    const struct index *ix = bundle_index(v->bundle);

    v->of_pack = calloc(ix->packs.count + 1, sizeof(*v->of_pack));
    if (!v->of_pack)
        return err_memory(err);
    for (size_t i = 0; i < ix->packs.count; i++)
        v->of_pack[i] = (struct vec)VEC(const struct segment *);
    bool ok = sort_segments(v, err) && run_passes(v, err);
    for (size_t i = 0; i < ix->packs.count; i++)
        vec_done(&v->of_pack[i]);
    free(v->of_pack);
    spill_done(&v->bases);

    /* And manifest, index and bundle.json; of an encrypted one its details and its keys. */
    v->report->blobs = ix->packs.count + 3 + (bundle_manifest(v->bundle)->sealed ? 2 : 0);
    v->report->segments = v->conf->level >= VERIFY_CONTENT ? ix->segment_count : 0;
    if (v->report->faults.count)
        qsort(v->report->faults.at, v->report->faults.count, sizeof(struct verify_fault),
              by_digest);
    return ok;
}

bool bundle_verify(struct store *store, const char *ref, const struct verify_conf *conf,
                   struct verify_report *out, struct err *err)
{
    AUTO(bundle) struct bundle *b = NULL;
    struct verify_report report = {.faults = VEC(struct verify_fault)};

    if (!bundle_load(store, ref, conf->access, &b, err))
        return false;
    if (bundle_is_locked(b) && conf->level > VERIFY_BLOBS) {
        sealing_locked(err);
        return err_hint(err, "give --key FILE or set REHEARSE_KEY, or check hashes with --level 1");
    }
    struct lease *lease = lease_reader(store, "verify", bundle_digest(b));
    struct verify v = {.bundle = b, .conf = conf, .report = &report};
    pthread_mutex_init(&v.lock, NULL);
    bool ok = verify_packs(&v, err);
    pthread_mutex_destroy(&v.lock);
    lease_end(lease);
    if (!ok) {
        verify_report_done(&report);
        return false;
    }
    *out = report;
    return true;
}
