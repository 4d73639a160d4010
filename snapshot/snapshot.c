/* The body of `rehearse snapshot`: open every source, plan, read, finish, publish. */
#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/base/vec.h"
#include "lib/bundle/cache.h"
#include "lib/db/db.h"
#include "lib/seal/key.h"
#include "lib/store/discard.h"
#include "snapshot/cmd.h"
#include "snapshot/source.h"

struct snapshot {
    const struct snapshot_conf *conf;
    struct env *env;
    struct store *store;
    struct bundle_writer *writer;
    struct err parent_why;         /* why there is none */
    struct cache *cache;           /* NULL: none */
    struct key_public *recipients; /* as many as encrypt_to has */
    struct key_secret *signer;
    struct sched *sched;
    struct progress *progress;
    struct source_conf source_conf;
    struct seats *seats;
    struct dump_slots dumps;
    struct rooms *rooms;
    struct lag *lag;    /* NULL: replicas are not watched */
    struct vec sources; /* struct source * */
    int64_t began_ns;
};

static void snapshot_done(struct snapshot *s)
{
    struct source **all = s->sources.at;

    sched_free(s->sched);
    for (size_t i = s->sources.count; i-- > 0;)
        all[i]->ops->close(all[i]);
    seats_free(s->seats);
    rooms_free(s->rooms);
    vec_done(&s->sources);
    lag_close(s->lag);
    progress_close(s->progress);
    bundle_abandon(s->writer);
    cache_close(s->cache);
    free(s->recipients);
    key_free(s->signer);
    store_close(s->store);
    env_free(s->env);
}

static inline void auto_snapshot(struct snapshot *s)
{
    snapshot_done(s);
}

/* ---- before ----------------------------------------------------------------------------------*/

/* The newest bundle of the environment, unless another was asked for by name; *ref is empty when
 * there is none. */
static bool choose_parent(struct snapshot *s, char ref[HASH_HEX], const char **out, struct err *err)
{
    struct digest newest;
    struct err why = {0};

    *out = s->conf->parent;
    if (s->conf->parent) {
        if (strcmp(s->conf->parent, "none") == 0)
            *out = NULL;
        return true;
    }
    if (!bundle_newest(s->store, s->env->name, &newest, &why))
        return why.code == ERR_MISSING || err_pass(err, &why);
    digest_hex(&newest, ref);
    *out = ref;
    return true;
}

/* Who may read the bundle and who signs it. */
static bool read_keys(struct snapshot *s, struct bundle_conf *conf, struct err *err)
{
    const struct env_bundle *keys = s->env->bundle;

    if (!keys)
        return true;
    s->recipients = calloc(keys->encrypt_to.count + 1, sizeof(*s->recipients));
    if (!s->recipients)
        return err_memory(err);
    for (unsigned i = 0; i < keys->encrypt_to.count; i++)
        if (!key_parse(span_of(keys->encrypt_to.at[i]), KEY_SEAL, &s->recipients[i], err))
            return err_add(err, "'encrypt_to' of %s", s->env->path);
    if (keys->sign_with && !key_read(keys->sign_with, KEY_SIGN, &s->signer, err))
        return err_add(err, "'sign_with' of %s", s->env->path);
    conf->encrypt_to = s->recipients;
    conf->encrypt_count = keys->encrypt_to.count;
    conf->sign_with = s->signer;
    return true;
}

/* Who encrypts holds public keys only: what was captured before is known from the cache alone. */
static bool open_cache(struct snapshot *s, struct bundle_conf *conf, struct err *err)
{
    const struct env_bundle *b = s->env->bundle;
    struct err why = {0};

    if (!conf->encrypt_count || !b->cache)
        return true;
    if (cache_open(b->cache, s->env->name, b->cache_bytes, &s->cache, &why)) {
        conf->cache = s->cache;
        return true;
    }
    if (why.code == ERR_LOCK) {
        log_warn("the cache cannot be used: everything is stored anew", f_str("why", why.text));
        return true;
    }
    err_pass(err, &why);
    return err_add(err, "'cache' of %s", s->env->path);
}

/* A parent that cannot be read is no reason not to take a snapshot, unless it was asked for by
 * name; and not even then where the cache decides. */
static bool create_writer(struct snapshot *s, struct bundle_conf *conf, struct err *err)
{
    struct err *why = &s->parent_why;
    char ref[HASH_HEX];

    if (!choose_parent(s, ref, &conf->parent, err))
        return false;
    if (conf->encrypt_count && !conf->cache) {
        if (s->conf->parent && conf->parent)
            log_warn("an encrypted bundle is stored whole without a cache",
                     f_str("parent", s->conf->parent));
        conf->parent = NULL;
    }
    if (!s->conf->parent || conf->cache)
        conf->parent_why = why;
    if (!bundle_create(s->store, conf, &s->writer, err))
        return false;
    if (why->code)
        log_warn("the bundle before cannot be the parent: everything is stored anew",
                 f_str("why", why->text), f_str("hint", why->hint));
    return true;
}

static bool open_writer(struct snapshot *s, struct err *err)
{
    struct bundle_conf conf = {.environment = s->env->name,
                               .production = s->env->production,
                               .level = (int)s->conf->level,
                               .tag = s->conf->tag,
                               .rate_bytes = s->conf->rate};

    if (!read_keys(s, &conf, err))
        return false;
    if (s->conf->dry_run)
        return store_discard(&s->store, err) && bundle_create(s->store, &conf, &s->writer, err);
    return open_cache(s, &conf, err) && store_open(s->conf->to, STORE_WRITE, &s->store, err) &&
           create_writer(s, &conf, err);
}

static bool open_source(struct snapshot *s, const struct source_ops *ops, unsigned index,
                        struct err *err)
{
    struct source *opened = NULL;

    if (!ops->open(&s->source_conf, index, &opened, err))
        return false;
    struct source **to = vec_add(&s->sources, err);
    if (to)
        *to = opened;
    else
        ops->close(opened);
    return to != NULL;
}

static bool open_database(struct snapshot *s, unsigned index, struct err *err)
{
    const struct env_database *db = &s->env->databases[index];
    enum db_engine engine;

    if (!db_engine_parse(db->engine, &engine))
        return err_set(err, ERR_CONFIG, "database '%s' has the unknown engine '%s'", db->name,
                       db->engine);
    return open_source(s, engine == DB_MARIADB ? &source_mariadb : &source_postgresql, index, err);
}

/* One behind the other when all are open, so that their instants lie close together. */
static bool take_points(struct snapshot *s, struct err *err)
{
    struct source **all = s->sources.at;

    for (size_t i = 0; i < s->sources.count; i++)
        if (!cmd_stop_check(err) || (all[i]->ops->point && !all[i]->ops->point(all[i], err)))
            return false;
    return true;
}

static bool open_sources(struct snapshot *s, struct err *err)
{
    for (unsigned i = 0; i < s->env->databases_count; i++)
        if (!cmd_stop_check(err) || !open_database(s, i, err))
            return false;
    if (!take_points(s, err))
        return false;
    for (unsigned i = 0; i < s->env->files_count; i++)
        if (!open_source(s, &source_files, i, err))
            return false;
    return open_source(s, &source_facts, 0, err);
}

static bool open_lag(struct snapshot *s, struct journal *journal, struct err *err)
{
    const struct lag_conf conf = {
        .max_s = s->conf->max_lag_s, .patience_s = s->conf->lag_timeout_s, .journal = journal};

    return conf.max_s <= 0 || lag_open(&conf, &s->lag, err);
}

static bool prepare(struct snapshot *s, struct journal *journal, struct err *err)
{
    unsigned jobs = jobs_or_cores(s->conf->jobs);

    if (!env_load(s->conf->env, &s->env, err) || !open_writer(s, err) ||
        !sched_new(jobs, &s->sched, err) || !seats_new(jobs, SEATS_KEEP, &s->seats, err) ||
        !rooms_new(&s->rooms, err) || !open_lag(s, journal, err))
        return false;
    s->dumps.most = s->env->databases_count; /* all, where there is room */
    s->progress = progress_open("snapshot", 0);
    s->source_conf = (struct source_conf){.env = s->env,
                                          .writer = s->writer,
                                          .journal = journal,
                                          .progress = s->progress,
                                          .jobs = jobs,
                                          .opened = &s->sources,
                                          .seats = s->seats,
                                          .dumps = &s->dumps,
                                          .rooms = s->rooms,
                                          .lock_timeout_s = s->conf->lock_timeout_s,
                                          .lag = s->lag,
                                          .rate_bytes = s->conf->rate,
                                          .dry_run = s->conf->dry_run,
                                          .paranoid = s->conf->paranoid};
    return open_sources(s, err);
}

/* ---- the work --------------------------------------------------------------------------------*/

static bool plan(struct snapshot *s, struct err *err)
{
    struct source **all = s->sources.at;

    for (size_t i = 0; i < s->sources.count; i++)
        if (!all[i]->ops->plan(all[i], s->sched, err))
            return false;
    progress_total(s->progress, sched_cost(s->sched));
    return true;
}

static bool finish_sources(struct snapshot *s, struct err *err)
{
    struct source **all = s->sources.at;

    for (size_t i = 0; i < s->sources.count; i++)
        if (!cmd_stop_check(err) || !all[i]->ops->finish(all[i], err))
            return false;
    return true;
}

/* ---- after -----------------------------------------------------------------------------------*/

static int64_t count(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

static double ms_since(int64_t began_ns)
{
    return (double)(clock_mono_ns() - began_ns) / 1e6;
}

static bool write_component(struct snapshot *s, const char *name, const json_t *facts,
                            struct err *err)
{
    return JOURNAL(s->source_conf.journal, err, "snapshot.component", f_str("component", name),
                   f_json("position", json_object_get(facts, "position")),
                   f_json("version", json_object_get(facts, "version")),
                   f_num("streams", count(facts, "streams")),
                   f_num("rows", count(facts, "records")),
                   f_num("bytes", count(facts, "raw_bytes")),
                   f_num("stored_bytes", count(facts, "stored_bytes")),
                   f_real("took_ms", ms_since(s->began_ns)),
                   f_json("left_out", json_object_get(facts, "left_out")));
}

static bool write_events(struct snapshot *s, const struct bundle_ref *ref, struct err *err)
{
    const json_t *config = bundle_result(s->writer);
    char hex[HASH_HEX];
    const char *name = NULL;
    json_t *facts = NULL;

    digest_hex(&ref->manifest, hex);
    json_object_foreach(json_object_get(config, "components"), name, facts)
    {
        if (!write_component(s, name, facts, err))
            return false;
    }
    return JOURNAL(s->source_conf.journal, err, "snapshot.done", f_str("bundle", hex),
                   f_str("tag", ref->tag), f_num("bytes", count(config, "raw_bytes")),
                   f_num("stored_bytes", count(config, "stored_bytes")),
                   f_num("jobs", s->source_conf.jobs), f_num("rate", (int64_t)s->conf->rate),
                   f_real("max_lag_s", s->conf->max_lag_s), f_real("lag_s", lag_max_s(s->lag)),
                   f_real("held_ms", lag_paused_ms(s->lag)),
                   f_real("took_ms", ms_since(s->began_ns)));
}

/* Nothing is wrong with the bundle; but the next one is larger than it has to be. */
static void tell_cache(struct snapshot *s)
{
    struct cache_account a = {0};

    if (s->cache)
        a = cache_account(s->cache);
    if (a.missed)
        log_warn("frames were missing or damaged in the cache: stored whole",
                 f_num("frames", a.missed));
    if (a.why.code)
        log_warn("the cache cannot be written", f_num("frames", a.refused),
                 f_str("why", a.why.text));
    else if (a.refused)
        log_warn("the cache is full: what it lacks is stored whole when it changes",
                 f_num("frames", a.refused), f_num("bytes", a.bytes),
                 f_str("hint", "raise 'cache_size' in the environment file"));
}

static bool run(struct snapshot *s, struct bundle_ref *out, json_t **result, struct err *err)
{
    if (!plan(s, err))
        return false;
    if (s->conf->dry_run) {
        *result = json_pack("{s:b, s:s, s:I, s:I}", "dry_run", true, "environment", s->env->name,
                            "raw_bytes", (json_int_t)sched_cost(s->sched), "sources",
                            (json_int_t)s->sources.count);
        return *result || err_memory(err);
    }
    if (!lag_start(s->lag, err) || !sched_run(s->sched, err) || !finish_sources(s, err) ||
        !bundle_finish(s->writer, out, err))
        return false;
    tell_cache(s);
    if (!write_events(s, out, err))
        return false;
    *result = json_incref((json_t *)(uintptr_t)bundle_result(s->writer));
    return true;
}

bool snapshot_take(const struct snapshot_conf *conf, struct journal *journal,
                   struct bundle_ref *out, json_t **result, struct err *err)
{
    AUTO(snapshot)
    struct snapshot s = {
        .conf = conf, .sources = VEC(struct source *), .began_ns = clock_mono_ns()};
    struct bundle_ref ref = {0};

    if (!conf->env || (!conf->to && !conf->dry_run)) {
        err_set(err, ERR_USAGE, "a snapshot needs --env and --to");
        return err_hint(err, "rehearse snapshot --env FILE --to STORE");
    }
    if (!prepare(&s, journal, err) || !run(&s, &ref, result, err))
        return false;
    *out = ref;
    return true;
}

bool snapshot_run(const struct snapshot_conf *conf, struct journal *journal, struct bundle_ref *out,
                  struct err *err)
{
    AUTO(json) json_t *result = NULL;

    return snapshot_take(conf, journal, out, &result, err);
}
