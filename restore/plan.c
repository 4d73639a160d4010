#include "restore/plan.h"

#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/cmd.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/opt.h"
#include "lib/base/vec.h"
#include "restore/only.h"
#include "restore/resume.h"

static const struct target_ops *const drivers[] = {&target_files, &target_postgresql,
                                                   &target_mariadb};

/* ---- components -----------------------------------------------------------------------------------*/

struct component {
    struct span name; /* "files/code", "postgresql.shop"; in the bundle's memory */
    const struct target_ops *ops;
    uint64_t rows, bytes;
    struct target *target;
    bool whole; /* nothing of it is left to be done */
    char *text; /* name, NUL-terminated */
    char *dir;
    struct place_db db;
    struct target_conf conf; /* borrowed by the target until it is closed */
};

static void component_done(struct component *c)
{
    if (c->target)
        c->ops->close(c->target);
    free(c->text);
    free(c->dir);
}

static void components_done(struct vec *v)
{
    struct component *at = v->at;

    for (size_t i = 0; i < v->count; i++)
        component_done(&at[i]);
    vec_done(v);
}

static inline void auto_components(struct vec *v)
{
    components_done(v);
}

static struct span until(const char *s, const char *stop)
{
    return (struct span){s, strcspn(s, stop)};
}

static const struct target_ops *driver_of(struct span component)
{
    struct span kind = until(component.at, "./");

    for (size_t i = 0; i < COUNT(drivers); i++)
        if (span_is(kind, drivers[i]->name))
            return drivers[i];
    return NULL;
}

/* What a stream belongs to: each tree of files is a component of its own. */
static struct span component_of(const struct stream *s)
{
    return strcmp(s->component, "files") == 0 ? span_of(s->name) : span_of(s->component);
}

/* NAME of "files/NAME" and "ENGINE.NAME". */
static const char *local_name(const struct component *c)
{
    return c->text + strcspn(c->text, "./") + 1;
}

static bool add_stream(struct vec *v, const struct stream *s, struct err *err)
{
    struct span name = component_of(s);
    struct component *at = v->at;

    for (size_t i = 0; i < v->count; i++)
        if (span_eq(at[i].name, name)) {
            at[i].rows += s->records;
            at[i].bytes += s->raw_bytes;
            return true;
        }
    struct component *c = vec_add(v, err);
    if (!c)
        return false;
    *c = (struct component){
        .name = name, .ops = driver_of(name), .rows = s->records, .bytes = s->raw_bytes};
    c->text = span_dup(name);
    return c->text || err_memory(err);
}

static bool find_components(struct bundle *bundle, const struct opt_list *only, struct vec *out,
                            struct err *err)
{
    size_t count = 0;
    const struct stream *streams = bundle_streams(bundle, &count);

    for (size_t i = 0; i < count; i++) {
        struct span name = component_of(&streams[i]);
        if (driver_of(name) && only_component(only, name) && !add_stream(out, &streams[i], err))
            return false;
    }
    return true;
}

/* ---- checks ---------------------------------------------------------------------------------------*/

static bool check_only(const struct vec *v, const struct opt_list *only, struct err *err)
{
    const struct component *at = v->at;

    for (size_t i = 0; only && i < only->count; i++) {
        bool found = false;

        for (size_t j = 0; j < v->count; j++)
            found |= only_is(only->at[i], at[j].name);
        if (!found) {
            err_set(err, ERR_MISSING, "the bundle has no component '%s'", only->at[i]);
            return err_hint(err, "rehearse bundle show names them");
        }
    }
    return true;
}

static bool in_env(const struct component *c, const struct env *env)
{
    const char *name = local_name(c);
    const struct env_database *db = env_find_database(env, name);

    if (c->ops == &target_files)
        return env_find_files(env, name) != NULL;
    return db && span_is(until(c->text, "."), db->engine);
}

static bool in_bundle(const struct vec *v, const char *kind, const char *name)
{
    const struct component *at = v->at;

    for (size_t i = 0; i < v->count; i++)
        if (span_is(until(at[i].text, "./"), kind) && strcmp(local_name(&at[i]), name) == 0)
            return true;
    return false;
}

static bool missing(const char *kind, const char *name, struct err *err)
{
    err_set(err, ERR_MISSING, "the bundle does not hold %s '%s' of the environment file", kind,
            name);
    return err_hint(err, "take a new snapshot, or leave --env out to use the bundle's own");
}

static bool check_held(const struct vec *v, const struct env *env, struct err *err)
{
    for (unsigned i = 0; i < env->databases_count; i++)
        if (!in_bundle(v, env->databases[i].engine, env->databases[i].name))
            return missing("database", env->databases[i].name, err);
    for (unsigned i = 0; i < env->files_count; i++)
        if (!in_bundle(v, "files", env->files[i].name))
            return missing("the files", env->files[i].name, err);
    return true;
}

bool plan_check(struct bundle *bundle, const struct env *env, const struct opt_list *only,
                struct err *err)
{
    AUTO(components) struct vec v = VEC(struct component);

    if (!find_components(bundle, only, &v, err) || !check_only(&v, only, err))
        return false;
    for (size_t i = 0; i < v.count; i++) {
        const struct component *c = (const struct component *)v.at + i;
        if (in_env(c, env))
            continue;
        err_set(err, ERR_CONFIG, "the environment file does not name '%s' of the bundle", c->text);
        return err_hint(err, "add it to %s, or leave it out with --only", env->path);
    }
    return (only && only->count) || check_held(&v, env, err);
}

/* ---- servers --------------------------------------------------------------------------------------*/

static bool on_server(const struct component *c, const struct env *env)
{
    return c->ops != &target_files && in_env(c, env);
}

static bool is_given(const struct opt_list *only, const struct component *c)
{
    for (size_t i = 0; i < only->count; i++)
        if (only_is(only->at[i], c->name))
            return true;
    return false;
}

static bool leave_component(const struct component *c, const struct env *env,
                            const struct opt_list *only, json_t *left_out, struct err *err)
{
    const char *why = c->ops == &target_files ? "a server takes databases alone"
                                              : "the file of --to does not name it";

    if (is_given(only, c)) {
        err_set(err, ERR_CONFIG, "%s does not name '%s'", env->path, c->text);
        return c->ops == &target_files ? err_hint(err, "trees of files go into a box: --into DIR")
                                       : err_hint(err, "add it, or leave it out of --only");
    }
    json_t *one = json_pack("{s:s, s:s}", "what", c->text, "why", why);
    return json_array_append_new(left_out, one) == 0 || err_memory(err);
}

bool plan_check_servers(struct bundle *bundle, const struct env *env, const struct opt_list *only,
                        json_t *left_out, struct err *err)
{
    AUTO(components) struct vec v = VEC(struct component);
    const struct component *c;
    size_t here = 0;

    if (!find_components(bundle, only, &v, err) || !check_only(&v, only, err))
        return false;
    c = v.at;
    for (size_t i = 0; i < v.count; i++) {
        here += on_server(&c[i], env);
        if (!on_server(&c[i], env) && !leave_component(&c[i], env, only, left_out, err))
            return false;
    }
    for (unsigned i = 0; !only->count && i < env->databases_count; i++)
        if (!in_bundle(&v, env->databases[i].engine, env->databases[i].name))
            return missing("database", env->databases[i].name, err);
    return here || err_set(err, ERR_MISSING, "%s names no database of the bundle", env->path);
}

static void keep_here(struct vec *v, const struct place *place)
{
    struct component *at = v->at;
    size_t kept = 0;

    for (size_t i = 0; i < v->count; i++) {
        if (place->box || on_server(&at[i], place->env))
            at[kept++] = at[i];
        else
            component_done(&at[i]);
    }
    v->count = kept;
}

/* ---- the plan -------------------------------------------------------------------------------------*/

struct plan {
    struct plan_conf conf;
    struct vec components;
    json_t *placed; /* of plan_placed() */
    struct progress *progress;
    struct seats *seats;
};

void plan_close(struct plan *p)
{
    if (!p)
        return;
    components_done(&p->components);
    seats_free(p->seats);
    json_decref(p->placed);
    progress_close(p->progress);
    free(p);
}

static bool may_replace(const struct opt_list *names, const char *database)
{
    for (size_t i = 0; names && database && i < names->count; i++)
        if (strcmp(names->at[i], database) == 0)
            return true;
    return false;
}

/* Databases behind this one that the same account restores. */
static unsigned opened_later(const struct plan *p, const struct component *c)
{
    const struct env *env = p->conf.place.env;
    const struct component *end = (const struct component *)p->components.at + p->components.count;
    const struct env_database *mine = env ? env_find_database(env, local_name(c)) : NULL;
    unsigned count = 0;

    for (const struct component *o = c + 1; mine && o < end; o++) {
        const struct env_database *other = env_find_database(env, local_name(o));
        count += other && env_same_account(other, mine);
    }
    return count;
}

static bool set_conf(struct plan *p, struct component *c, struct err *err)
{
    c->conf = (struct target_conf){.bundle = p->conf.bundle,
                                   .place = &p->conf.place,
                                   .component = c->text,
                                   .what = p->conf.what,
                                   .journal = p->conf.journal,
                                   .progress = p->progress,
                                   .jobs = p->conf.jobs,
                                   .seats = p->seats,
                                   .later = opened_later(p, c),
                                   .verify = p->conf.verify,
                                   .resume = p->conf.resume,
                                   .owned = p->conf.place.box != NULL};

    if (c->ops == &target_files) {
        free(c->dir);
        c->dir = box_files(p->conf.place.box, local_name(c));
        c->conf.dir = c->dir;
        return c->dir || err_memory(err);
    }
    if (!place_db(&p->conf.place, local_name(c), &c->db, err))
        return false;
    c->db.conf.show_values = p->conf.show_values;
    c->conf.db = &c->db.conf;
    c->conf.final = c->db.final;
    c->conf.replace = may_replace(p->conf.replace, c->db.final);
    return true;
}

static bool open_target(struct plan *p, struct component *c, struct err *err)
{
    if (!set_conf(p, c, err))
        return false;
    if (c->dir && p->conf.resume && path_exists(c->dir) && !dir_remove(c->dir, err))
        return false;
    if (!c->ops->open(&c->conf, &c->target, err))
        return err_add(err, "cannot restore '%s'", c->text);
    if (c->target->partial) {
        c->rows = c->target->rows;
        c->bytes = c->target->bytes;
    }
    return true;
}

/* A crash since may have cost it something: then it counts as none that is complete. */
static bool recheck(struct plan *p, struct component *c, json_t *done, struct err *err)
{
    bool whole = true;

    if (!json_object_get(done, c->text) || !c->ops->whole)
        return true;
    if (!set_conf(p, c, err) || !c->ops->whole(&c->conf, &whole, err))
        return err_add(err, "cannot go on with '%s'", c->text);
    if (whole)
        return true;
    log_warn("what was complete has lost something since: it is restored anew",
             f_str("component", c->text));
    json_object_del(done, c->text);
    return resume_remove(p->conf.place.box, c->text, err);
}

static bool check_whole(struct plan *p, struct component *c, struct err *err)
{
    bool whole = true;

    if (!c->ops->whole)
        return true;
    if (!set_conf(p, c, err) || !c->ops->whole(&c->conf, &whole, err))
        return err_add(err, "cannot look at '%s'", c->text);
    if (whole)
        return true;
    err_set(err, ERR_FAILED, "'%s' has lost something: its server has crashed since it was loaded",
            c->text);
    return err_hint(err, "see its log, and restore again: --resume, where no box was replaced");
}

bool plan_whole(const struct plan_conf *conf, struct err *err)
{
    AUTO(components) struct vec v = VEC(struct component);
    struct plan p = {.conf = *conf};

    if (!find_components(conf->bundle, conf->what.only, &v, err))
        return false;
    for (size_t i = 0; i < v.count; i++)
        if (!check_whole(&p, (struct component *)v.at + i, err))
            return false;
    return true;
}

/* Components that a restore before us has brought to their end. */
static bool leave_complete(struct plan *p, struct err *err)
{
    struct component *at = p->components.at;
    AUTO(json) json_t *done = NULL;
    size_t kept = 0;

    if (!resume_done(p->conf.place.box, &done, err))
        return false;
    for (size_t i = 0; i < p->components.count; i++)
        if (!recheck(p, &at[i], done, err))
            return false;
    for (size_t i = 0; i < p->components.count; i++) {
        /* Trees are laid down anew: rules have rewritten them, or have not. */
        if (at[i].ops != &target_files && json_object_get(done, at[i].text))
            free(at[i].text);
        else
            at[kept++] = at[i];
    }
    p->components.count = kept;
    return true;
}

static bool find_placed(struct plan *p, struct err *err)
{
    const struct component *at = p->components.at;

    p->placed = json_object();
    for (size_t i = 0; p->placed && i < p->components.count; i++)
        if (at[i].target->placed &&
            json_object_set_new_nocheck(p->placed, at[i].text, json_true()) != 0)
            return err_memory(err);
    p->conf.place.placed = p->placed;
    return p->placed || err_memory(err);
}

struct seats *plan_seats(struct plan *p)
{
    return p->seats;
}

const json_t *plan_placed(const struct plan *p)
{
    return p->placed;
}

bool plan_open(const struct plan_conf *conf, struct plan **out, struct err *err)
{
    AUTO(plan) struct plan *p = calloc(1, sizeof(*p));
    uint64_t bytes = 0;

    if (!p)
        return err_memory(err);
    p->conf = *conf;
    p->components = (struct vec)VEC(struct component);
    if (!seats_new(conf->jobs, SEATS_KEEP, &p->seats, err))
        return false;
    if (!find_components(conf->bundle, conf->what.only, &p->components, err))
        return false;
    struct component *at = p->components.at;
    keep_here(&p->components, &conf->place);
    if (conf->resume && conf->place.box && !leave_complete(p, err))
        return false;
    p->progress = progress_open("restore", 0);
    for (size_t i = 0; i < p->components.count; i++) {
        if (!open_target(p, &at[i], err))
            return false;
        bytes += at[i].bytes;
    }
    progress_total(p->progress, bytes);
    if (!find_placed(p, err))
        return false;
    *out = TAKE(p);
    return true;
}

/* The end of each target: what comes last, and its line in the journal. */
static bool finish(struct plan *p, int64_t began, struct err *err)
{
    struct component *at = p->components.at;

    for (size_t i = 0; i < p->components.count; i++) {
        struct component *c = &at[i];

        if (!c->ops->finish(c->target, err))
            return err_add(err, "cannot finish '%s'", c->text);
        if (p->conf.place.box && !resume_add(p->conf.place.box, c->text, err))
            return false;
        if (!JOURNAL(p->conf.journal, err, "restore.component", f_str("component", c->text),
                     f_num("rows", (int64_t)c->rows), f_num("bytes", (int64_t)c->bytes),
                     f_real("took_ms", (double)(clock_mono_ns() - began) / 1e6)))
            return false;
    }
    return true;
}

static bool plan_one(struct component *c, struct sched *sched, struct vec *ready, struct err *err)
{
    task_id id;

    if (!c->ops->plan(c->target, sched, &id, err))
        return err_add(err, "cannot plan '%s'", c->text);
    if (!c->ops->plan_last)
        return true;
    task_id *slot = vec_add(ready, err);
    if (slot)
        *slot = id;
    return slot != NULL;
}

static bool plan_all(struct plan *p, struct sched *sched, struct err *err)
{
    struct component *at = p->components.at;
    AUTO(vec) struct vec ready = VEC(task_id);

    for (size_t i = 0; i < p->components.count; i++)
        if (!plan_one(&at[i], sched, &ready, err))
            return false;
    for (size_t i = 0; i < p->components.count; i++)
        if (at[i].ops->plan_last && !at[i].ops->plan_last(at[i].target, sched, &ready, err))
            return err_add(err, "cannot plan '%s'", at[i].text);
    return true;
}

bool plan_run(struct plan *p, struct err *err)
{
    AUTO(sched) struct sched *sched = NULL;
    int64_t began = clock_mono_ns();

    return sched_new(p->conf.jobs, &sched, err) && plan_all(p, sched, err) &&
           sched_run(sched, err) && finish(p, began, err);
}

/* Views and events of one may name what belongs to the next. */
static bool clear(struct plan *p, size_t count, struct err *err)
{
    struct component *at = p->components.at;
    bool all = count == p->components.count;
    struct err why = {0};
    size_t left = 1;

    for (size_t pass = 0; left && pass <= count; pass++) {
        left = 0;
        for (size_t i = 0; i < count; i++) {
            struct err one = {0};
            if (at[i].whole || !at[i].ops->keep)
                continue;
            at[i].whole = at[i].ops->clear(at[i].target, all, &one);
            if (!at[i].whole && !left++) {
                err_add(&one, "cannot complete '%s'", at[i].text);
                why = one;
            }
        }
    }
    return !left || err_pass(err, &why);
}

/* One behind the other: each is whole, whatever becomes of the next. Nothing is dropped before all
 * have their names: until then there is a way back. */
bool plan_keep(struct plan *p, struct err *err)
{
    struct component *at = p->components.at;
    size_t kept = 0;

    if (!cmd_stop_check(err))
        return false;
    while (kept < p->components.count &&
           (!at[kept].ops->keep || at[kept].ops->keep(at[kept].target, err)))
        kept++;
    if (kept == p->components.count)
        return clear(p, kept, err);
    err_add(err, "cannot put '%s' in its place", at[kept].text);
    struct err why = {0};
    if (!clear(p, kept, &why))
        log_warn("what has its name already is not complete", f_str("why", why.text));
    return false;
}

bool plan_report(const struct plan *p, json_t **out, struct err *err)
{
    AUTO(json) json_t *list = json_array();
    const struct component *at = p->components.at;

    for (size_t i = 0; i < p->components.count; i++) {
        const struct target *t = at[i].target;
        AUTO(json) json_t *none = json_array();
        json_t *one =
            json_pack("{s:s, s:o, s:I, s:I, s:b, s:O}", "component", at[i].text, "database",
                      json_bytes(span_of(at[i].db.final)), "rows", (json_int_t)at[i].rows, "bytes",
                      (json_int_t)at[i].bytes, "replaced", t->replaced, "left_out",
                      t->left_out ? t->left_out : none);
        if (json_array_append_new(list, one) != 0)
            return err_memory(err);
    }
    *out = TAKE(list);
    return *out || err_memory(err);
}
