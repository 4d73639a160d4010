#include "lib/bundle/gc.h"

#include "lib/base/clock.h"
#include "lib/base/cmd.h"
#include "lib/base/json.h"
#include "lib/bundle/lease.h"
#include "lib/bundle/mark.h"
#include "lib/bundle/tags_edit.h"
#include "lib/store/name.h"

#define MARK_TRIES 4

struct gc {
    struct store *store;
    const struct gc_conf *conf;
    struct gc_report *report;
    int64_t now_ns;
    char now[ISO_TIME];
    int64_t before_ns; /* what is younger stays */
    struct marks marks;
    struct vec unneeded; /* struct object */
    uint64_t chosen;     /* bundles that the rules chose from */
    bool edits;          /* the index was to be changed */
};

struct object {
    char name[STORE_NAME_MAX];
    uint64_t bytes;
};

void gc_report_done(struct gc_report *r)
{
    vec_done(&r->retired);
}

/* ---- retiring --------------------------------------------------------------------------------*/

/* One entry per bundle: those of one manifest stand together. */
static void one_each(struct vec *entries)
{
    struct tagged *all = entries->at;
    size_t kept = 0;

    for (size_t i = 0; i < entries->count; i++)
        if (kept == 0 || !digest_eq(&all[kept - 1].manifest.digest, &all[i].manifest.digest))
            all[kept++] = all[i];
    entries->count = kept;
}

static bool report_retired(struct gc *g, const struct tagged *t, struct err *err)
{
    struct gc_retired *to = vec_add(&g->report->retired, err);

    if (!to)
        return false;
    to->manifest = t->manifest.digest;
    memcpy(to->created, t->created, sizeof(to->created));
    memcpy(to->environment, t->environment, sizeof(to->environment));
    return true;
}

static bool choose(struct gc *g, struct err *err)
{
    AUTO(vec) struct vec entries = VEC(struct tagged);
    const char *only = g->conf->environment;

    if (!tags_newest_first(g->store, &entries, err))
        return false;
    one_each(&entries);
    AUTO(free) bool *keep = calloc(entries.count + 1, sizeof(*keep));
    if (!keep)
        return err_memory(err);
    const struct tagged *all = entries.at;
    gc_choose(&g->conf->rules, all, entries.count, keep);
    for (size_t i = 0; i < entries.count; i++)
        if (!keep[i] && (!only || strcmp(only, all[i].environment) == 0) &&
            !report_retired(g, &all[i], err))
            return false;
    g->chosen = g->report->bundles = entries.count;
    return true;
}

/* Whether a retired entry's time has come. What is no time is left to people. */
static bool lapsed(const struct gc *g, const json_t *entry)
{
    int64_t at = 0;

    return clock_parse_iso(tags_note(entry, NOTE_RETIRED), &at) &&
           g->now_ns - at >= g->conf->grace_ns;
}

/* Pins are looked at here, where nobody can set one between. */
static bool retire_chosen(struct gc *g, json_t *manifests, struct err *err)
{
    const struct gc_retired *chosen = g->report->retired.at;

    for (size_t i = 0; i < g->report->retired.count; i++) {
        if (tags_pinned(manifests, &chosen[i].manifest))
            continue;
        if (!tags_retire(manifests, &chosen[i].manifest, g->now, err))
            return false;
        g->edits = true;
    }
    return true;
}

static bool edit_index(void *ctx, json_t *manifests, struct err *err)
{
    struct gc *g = ctx;

    g->edits = false;
    if (!retire_chosen(g, manifests, err))
        return false;
    g->report->waiting = 0;
    for (size_t i = json_array_size(manifests); i-- > 0;) {
        const json_t *entry = json_array_get(manifests, i);

        if (lapsed(g, entry)) {
            json_array_remove(manifests, i);
            g->edits = true;
        } else {
            g->report->waiting += tags_note(entry, NOTE_RETIRED)[0] != '\0';
        }
    }
    return true;
}

/* What was pinned is reported as kept. Again on a second look, which finds it gone from the list. */
static void forget_pinned(struct gc *g, const json_t *manifests)
{
    struct gc_retired *all = g->report->retired.at;
    size_t kept = 0;

    for (size_t i = 0; i < g->report->retired.count; i++)
        if (!tags_pinned(manifests, &all[i].manifest))
            all[kept++] = all[i];
    g->report->pinned += g->report->retired.count - kept;
    g->report->retired.count = kept;
    g->report->bundles = g->chosen - kept;
}

static bool read_index(struct gc *g, json_t **root, json_t **manifests, struct err *err)
{
    AUTO(buf) struct buf text = {0};
    AUTO(json) json_t *all = NULL;

    if (!store_get(g->store, STORE_INDEX, TAGS_MAX, &text, err) ||
        !json_parse(buf_view(&text), STORE_INDEX, &all, err) ||
        !json_want_arr(all, "manifests", manifests, err))
        return false;
    *root = TAKE(all);
    return true;
}

/* A dry run edits what it read and keeps it to itself. */
static bool retire(struct gc *g, struct err *err)
{
    g->report->retired.count = g->report->pinned = 0;
    return choose(g, err) && (g->conf->dry_run || tags_edit(g->store, edit_index, g, err));
}

/* ---- marking ---------------------------------------------------------------------------------*/

/* A bundle that a lease names may be gone already: then there is nothing to keep of it. */
static bool mark_leased(struct gc *g, const struct digest *manifest, struct err *err)
{
    struct index_pack blob = {.digest = *manifest};
    char name[STORE_NAME_MAX];
    struct store_stat st;
    struct err why = {0};

    if (!g->store->ops->stat(g->store, store_blob_name(manifest, name), &st, &why))
        return why.code == ERR_MISSING || err_pass(err, &why);
    blob.bytes = st.bytes;
    return marks_bundle(&g->marks, g->store, &blob, err);
}

static bool mark_leases(struct gc *g, struct err *err)
{
    AUTO(leases) struct leases leases = {0};

    if (!leases_read(g->store, &leases, err))
        return false;
    const struct digest *bundles = leases.bundles.at, *blobs = leases.blobs.at;
    for (size_t i = 0; i < leases.bundles.count; i++)
        if (!mark_leased(g, &bundles[i], err))
            return false;
    for (size_t i = 0; i < leases.blobs.count; i++)
        if (!marks_add(&g->marks, &blobs[i], 0, err))
            return false;
    g->before_ns = g->now_ns - g->conf->grace_ns;
    if (leases.since_ns < g->before_ns)
        g->before_ns = leases.since_ns;
    g->report->leases = leases.living;
    return true;
}

/* Leases before the index: a writer publishes before its lease ends, so it is seen in one of the two,
 * however long ago it wrote its blobs. */
static bool mark(struct gc *g, struct err *err)
{
    AUTO(json) json_t *root = NULL;
    json_t *manifests = NULL;

    if (!mark_leases(g, err) || !read_index(g, &root, &manifests, err))
        return false;
    forget_pinned(g, manifests);
    if ((g->conf->dry_run && !edit_index(g, manifests, err)) ||
        !marks_entries(&g->marks, g->store, manifests, NULL, err))
        return false;
    marks_sort(&g->marks);
    return true;
}

/* What is listed or leased when it is looked up may be removed, and swept by another gc, before its
 * manifest is read. It is neither on a second look; what is damaged stays so. */
static bool mark_again(struct gc *g, struct err *err)
{
    for (unsigned left = g->conf->dry_run ? 1 : MARK_TRIES;; left--) {
        struct err why = {0};

        if (mark(g, &why))
            return true;
        if (left == 1 || (why.code != ERR_DAMAGED && why.code != ERR_MISSING))
            return err_pass(err, &why);
        marks_done(&g->marks);
        g->marks = (struct marks)MARKS;
    }
}

/* ---- sweeping --------------------------------------------------------------------------------*/

static void count(struct gc_count *c, uint64_t bytes)
{
    c->count++;
    c->bytes += bytes;
}

static bool needed(const struct gc *g, const char *name)
{
    struct digest digest;

    return digest_parse(span_of(name + strlen(STORE_BLOBS)), &digest) &&
           marks_has(&g->marks, &digest);
}

static bool look(void *ctx, const char *name, const struct store_stat *st, struct err *err)
{
    struct gc *g = ctx;
    bool blob = span_starts(span_of(name), STORE_BLOBS);

    if (!blob && !span_starts(span_of(name), STORE_TMP))
        return true;
    if (blob && needed(g, name)) {
        count(&g->report->kept, st->bytes);
        return true;
    }
    if (st->mtime_ns >= g->before_ns) {
        if (!lease_is(name))
            count(&g->report->young, st->bytes);
        return true;
    }
    struct object *o = vec_add(&g->unneeded, err);
    if (!o)
        return false;
    snprintf(o->name, sizeof(o->name), "%s", name);
    o->bytes = st->bytes;
    return true;
}

/* Somebody may have stored the same bytes a moment ago: then the object is young again. */
static bool sweep_one(struct gc *g, const struct object *o, struct err *err)
{
    struct err why = {0};
    struct store_stat st;
    bool blob = span_starts(span_of(o->name), STORE_BLOBS);

    if (!g->conf->dry_run) {
        if (!g->store->ops->stat(g->store, o->name, &st, &why))
            return why.code == ERR_MISSING || err_pass(err, &why);
        if (st.mtime_ns >= g->before_ns)
            return true;
        if (!g->store->ops->remove(g->store, o->name, &why))
            return why.code == ERR_MISSING || err_pass(err, &why);
    }
    count(blob ? &g->report->freed : &g->report->litter, o->bytes);
    return true;
}

static bool sweep(struct gc *g, struct err *err)
{
    const struct object *all = NULL;

    if (!g->store->ops->list(g->store, "", look, g, err))
        return err_add(err, "cannot list store '%s'", g->store->url);
    all = g->unneeded.at;
    for (size_t i = 0; i < g->unneeded.count; i++)
        if (!cmd_stop_check(err) || !sweep_one(g, &all[i], err))
            return err_add(err, "stopped after %llu objects",
                           (unsigned long long)(g->report->freed.count + g->report->litter.count));
    return true;
}

/* What is not listed; it needs no room. */
static bool free_unlisted(struct gc *g, struct err *err)
{
    marks_done(&g->marks);
    g->marks = (struct marks)MARKS;
    g->unneeded.count = 0;
    g->report->kept = g->report->young = (struct gc_count){0};
    if (!mark_again(g, err)) {
        err_add(err, "nothing was freed");
        if (err && !err->hint[0])
            err_hint(err, "'rehearse bundle verify --all' says what is damaged, 'bundle rm' takes "
                          "it out");
        return false;
    }
    return sweep(g, err);
}

/* On a full disk nothing can be retired: what is not listed any more makes the room for that. */
static bool retire_anyway(struct gc *g, struct err *err)
{
    const struct gc_report *r = g->report;
    struct err why = {0};
    bool ok = retire(g, &why);

    if (!ok && why.code == ERR_SPACE) {
        g->report->retired.count = 0;
        if (!free_unlisted(g, err))
            return false; /* it needs no room: something else is wrong */
        if (r->freed.count + r->litter.count) {
            err_clear(&why);
            ok = retire(g, &why);
        }
    }
    if (ok)
        return true;
    err_pass(err, &why);
    return err_add(err, "cannot change what is listed");
}

static bool run(struct gc *g, struct err *err)
{
    struct err ignored = {0};

    if (!retire_anyway(g, err))
        return false;
    /* Before the sweep, which takes what it leaves in tmp/. Whoever writes next does the same: on a full
     * disk, or while a living one holds the lock, it is no reason to free nothing. */
    if (!g->conf->dry_run && !g->edits)
        (void)tags_unlock(g->store, &ignored);
    return free_unlisted(g, err);
}

bool bundle_gc(struct store *store, const struct gc_conf *conf, struct gc_report *out,
               struct err *err)
{
    struct gc_report report = {.retired = VEC(struct gc_retired)};
    struct gc g = {.store = store,
                   .conf = conf,
                   .report = &report,
                   .now_ns = clock_wall_ns(),
                   .marks = MARKS,
                   .unneeded = VEC(struct object)};

    clock_iso(g.now_ns, g.now);
    bool ok = run(&g, err);
    marks_done(&g.marks);
    vec_done(&g.unneeded);
    if (!ok) {
        gc_report_done(&report);
        return false;
    }
    *out = report;
    return true;
}
