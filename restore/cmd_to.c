#include "restore/cmd_to.h"

#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/base/sched.h"
#include "lib/bundle/bundle.h"
#include "lib/store/store.h"
#include "restore/owner.h"
#include "restore/plan.h"
#include "restore/proof.h"

struct to {
    const struct restore_conf *conf;
    struct journal *journal;
    struct env *env;
    struct store *store;
    struct bundle *bundle;
    json_t *left_out;
};

static void to_done(struct to *t)
{
    json_decref(t->left_out);
    bundle_close(t->bundle);
    store_close(t->store);
    env_free(t->env);
}

static inline void auto_to(struct to *t)
{
    to_done(t);
}

/* ---- checks ------------------------------------------------------------------------------------*/

static bool check_options(const struct restore_conf *conf, struct err *err)
{
    const char *given = conf->into      ? "--into"
                        : conf->env     ? "--env"
                        : conf->start   ? "--start"
                        : conf->replace ? "--replace"
                                        : NULL;

    if (!conf->from) {
        err_set(err, ERR_USAGE, "a restore needs --from");
        return err_hint(err, "rehearse restore --from STORE --to FILE");
    }
    if (!given)
        return true;
    err_set(err, ERR_USAGE, "%s is for boxes, --to for servers that are there already", given);
    return conf->replace
               ? err_hint(err, "--replace-database NAME names each one that may be replaced")
               : err_hint(err, "leave one of them out");
}

/* The name alone must say which one goes: the file may name several servers. */
static bool check_replaced(const struct env *env, const char *database, struct err *err)
{
    const struct env_database *found = NULL;

    for (unsigned i = 0; i < env->databases_count; i++) {
        if (strcmp(env->databases[i].database, database) != 0)
            continue;
        if (found) {
            err_set(err, ERR_USAGE, "--replace-database '%s' is both '%s' and '%s' of %s", database,
                    found->name, env->databases[i].name, env->path);
            return err_hint(err, "replace one after the other, each with a file of its own");
        }
        found = &env->databases[i];
    }
    if (found)
        return true;
    err_set(err, ERR_USAGE, "--replace-database '%s' is no database of %s", database, env->path);
    return err_hint(err, "give its name on the server, as 'database' in the file");
}

static bool check_env(const struct to *t, struct err *err)
{
    const struct opt_list *replace = &t->conf->replace_databases;

    if (t->env->production) {
        err_set(err, ERR_CONFIG, "%s says that it is production, which is never restored into",
                t->env->path);
        return err_hint(err, "name another environment, or restore into a box with --into");
    }
    for (size_t i = 0; i < replace->count; i++)
        if (!check_replaced(t->env, replace->at[i], err))
            return false;
    return true;
}

static bool open_all(struct to *t, const char *ref, struct err *err)
{
    AUTO(access) struct bundle_access access = {0};

    t->left_out = json_array();
    return (t->left_out || err_memory(err)) && env_load(t->conf->to, &t->env, err) &&
           check_env(t, err) && restore_access(t->conf, t->env, &access, err) &&
           store_open(t->conf->from, STORE_READ, &t->store, err) &&
           bundle_open_as(t->store, ref, &access, &t->bundle, err) &&
           bundle_hold(t->bundle, "restore", err) &&
           plan_check_servers(t->bundle, t->env, &t->conf->what.only, t->left_out, err);
}

/* ---- the restore -------------------------------------------------------------------------------*/

static bool prove(struct to *t, struct plan *plan, json_t **proof, struct err *err)
{
    struct proof_conf conf = {.bundle = t->bundle,
                              .place = {.env = t->env, .placed = plan_placed(plan)},
                              .journal = t->journal,
                              .what = selection_of(&t->conf->what),
                              .jobs = jobs_or_cores(t->conf->jobs),
                              .seats = plan_seats(plan),
                              .show_values = t->conf->show_values};

    return !t->conf->verify || (proof_run(&conf, proof, err) && proof_judge(*proof, err));
}

/* Proven before it gets its name: what is not what was captured never stands there. */
static bool run(struct to *t, json_t **databases, json_t **proof, struct err *err)
{
    struct plan_conf conf = {.bundle = t->bundle,
                             .place = {.env = t->env},
                             .journal = t->journal,
                             .what = selection_of(&t->conf->what),
                             .jobs = jobs_or_cores(t->conf->jobs),
                             .show_values = t->conf->show_values,
                             .verify = t->conf->verify,
                             .resume = t->conf->resume,
                             .replace = &t->conf->replace_databases};
    AUTO(plan) struct plan *plan = NULL;

    return plan_open(&conf, &plan, err) && plan_run(plan, err) && prove(t, plan, proof, err) &&
           plan_keep(plan, err) && plan_report(plan, databases, err);
}

bool restore_to(const struct restore_conf *conf, const char *ref, struct journal *journal,
                json_t **report, struct err *err)
{
    AUTO(to) struct to t = {.conf = conf, .journal = journal};
    AUTO(json) json_t *databases = NULL, *proof = NULL, *all = NULL;
    int64_t began = clock_mono_ns();
    char digest[HASH_HEX];

    if (!check_options(conf, err) || !owner_check(&conf->what.owners, err) ||
        !open_all(&t, ref, err) || !run(&t, &databases, &proof, err))
        return false;
    digest_hex(bundle_digest(t.bundle), digest);
    double took_ms = (double)(clock_mono_ns() - began) / 1e6;
    all = json_pack("{s:s, s:s, s:O, s:O, s:b, s:f}", "bundle", digest, "environment", t.env->name,
                    "databases", databases, "left_out", t.left_out, "verified", conf->verify,
                    "took_ms", took_ms);
    if (!all || (proof && json_object_set(all, "proof", proof) != 0))
        return err_memory(err);
    if (!JOURNAL(journal, err, "restore.done", f_str("bundle", digest),
                 f_str("servers", t.env->path), f_json("databases", databases),
                 f_json("left_out", t.left_out), f_real("took_ms", took_ms)))
        return false;
    *report = TAKE(all);
    return true;
}

/* ---- what is printed ---------------------------------------------------------------------------*/

static const char *text(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s ? s : "";
}

static void print_left_out(const json_t *list)
{
    const json_t *one;
    size_t i;

    json_array_foreach(list, i, one)
        printf("  left out: %s (%s)\n", text(one, "what"), text(one, "why"));
}

bool restore_to_print(const json_t *report, struct err *err)
{
    const json_t *databases = json_object_get(report, "databases"), *one;
    double took_ms = json_real_value(json_object_get(report, "took_ms"));
    char took[ISO_TIME], rows[ISO_TIME];
    size_t i;

    if (cmd_json()) {
        AUTO(free) char *line = json_text(report);
        return line ? puts(line) >= 0 : err_memory(err);
    }
    printf("restored bundle %.12s into %s in %s%s\n", text(report, "bundle"),
           text(report, "environment"), human_time((int64_t)(took_ms * 1e6), took),
           json_is_true(json_object_get(report, "verified")) ? ", proven to be the same" : "");
    json_array_foreach(databases, i, one)
    {
        uint64_t count = (uint64_t)json_integer_value(json_object_get(one, "rows"));
        printf("%s as database %s: %s rows%s\n", text(one, "component"), text(one, "database"),
               human_count(count, rows),
               json_is_true(json_object_get(one, "replaced")) ? ", in the place of the old one"
                                                              : "");
        print_left_out(json_object_get(one, "left_out"));
    }
    print_left_out(json_object_get(report, "left_out"));
    return true;
}
