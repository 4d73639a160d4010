/* `rehearse restore`: a bundle into a box. */
#include "restore/cmd.h"

#include <stdlib.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/base/sched.h"
#include "lib/box/early.h"
#include "lib/bundle/access.h"
#include "lib/bundle/bundle.h"
#include "lib/db/values.h"
#include "lib/store/store.h"
#include "restore/cmd_to.h"
#include "restore/owner.h"
#include "restore/plan.h"
#include "restore/proof.h"
#include "restore/resume.h"

#define ENV_MAX ((size_t)1 << 20)

struct restore {
    const struct restore_conf *conf;
    struct journal *journal;
    struct store *store;
    struct bundle *bundle;
    struct env *env;
    struct box *box;
    char digest[HASH_HEX];
    int64_t began;
    bool ran;                  /* the box that is to be replaced */
    struct restore_conf begun; /* on resume: conf as it was begun with */
    json_t *shown;             /* of the box; `begun` borrows from it */
};

static void restore_done(struct restore *r)
{
    box_close(r->box);
    env_free(r->env);
    bundle_close(r->bundle);
    store_close(r->store);
    json_decref(r->shown);
}

static inline void auto_restore(struct restore *r)
{
    restore_done(r);
}

/* The environment file of --env, or the one that the snapshot put into the bundle. */
static bool load_env(struct restore *r, struct err *err)
{
    AUTO(buf) struct buf text = {0};

    buf_init(&text, ENV_MAX);
    if (r->conf->env)
        return env_load(r->conf->env, &r->env, err);
    if (r->box) /* to be gone on with: its own */
        return env_parse(span_of(r->box->env->text), r->box->env->path, &r->env, err);
    if (!bundle_read_text(r->bundle, "facts/environment.yaml", &text, err)) {
        err_add(err, "cannot read the environment kept in the bundle");
        return err_hint(err, "name the environment file with --env");
    }
    return env_parse(buf_view(&text), "/environment.yaml", &r->env, err);
}

/* Whose signature counts: those of --trusted and of the environment file. */
static bool add_trust(struct bundle_access *a, const struct env *env, struct err *err)
{
    for (unsigned i = 0; env->bundle && i < env->bundle->trusted.count; i++)
        if (!access_trust(a, env->bundle->trusted.at[i], err))
            return err_add(err, "%s", env->path);
    a->signed_only |= env->bundle && env->bundle->require_signature;
    return true;
}

bool restore_access(const struct restore_conf *conf, const struct env *env, struct bundle_access *a,
                    struct err *err)
{
    for (size_t i = 0; i < conf->trusted.count; i++)
        if (!access_trust(a, conf->trusted.at[i], err))
            return false;
    a->signed_only = conf->trusted.count > 0;
    return access_key(a, conf->key, err) && (!env || add_trust(a, env, err));
}

/* The file of --env says whom to trust before anything is read; the one in the bundle can only ask
 * for more than that. */
static bool open_bundle(struct restore *r, const char *ref, struct err *err)
{
    AUTO(access) struct bundle_access access = {0};

    if ((r->conf->env && !load_env(r, err)) || !restore_access(r->conf, r->env, &access, err) ||
        !store_open(r->conf->from, STORE_READ, &r->store, err) ||
        !bundle_open_as(r->store, ref, &access, &r->bundle, err) ||
        !bundle_hold(r->bundle, "restore", err))
        return false;
    digest_hex(bundle_digest(r->bundle), r->digest);
    if (!r->conf->env && (!load_env(r, err) || !add_trust(&access, r->env, err) ||
                          !bundle_trusted(r->bundle, &access, err)))
        return false;
    return plan_check(r->bundle, r->env, &r->conf->what.only, err);
}

struct rewrites {
    struct restore *r;
    bool ok;
    struct err *err;
};

static void note_rewrite(void *ctx, const struct env_rewrite *rule, unsigned hits)
{
    struct rewrites *w = ctx;

    w->ok = w->ok && JOURNAL(w->r->journal, w->err, "restore.rewrite", f_str("file", rule->file),
                             f_str("match", rule->match), f_num("hits", hits));
}

/* Rules whose tree was not restored (--only) have nothing to do. */
static bool rewrite(struct restore *r, struct err *err)
{
    struct err journal_err = {0};
    struct rewrites w = {r, true, &journal_err};

    if (r->conf->what.only.count) {
        log_warn("rewrite rules are left out", f_str("why", "only a part is restored"));
        return true;
    }
    if (!box_rewrite(r->box, &(struct box_rewriting){.report = note_rewrite, .ctx = &w}, err))
        return false;
    return w.ok || err_pass(err, &journal_err);
}

/* The box's servers answer, fail and plan as production's do. */
static bool take_settings(struct restore *r, const struct env_database *db, struct err *err)
{
    AUTO(free) char *leaf = NULL, *stream = NULL;
    AUTO(buf) struct buf text = {0};
    AUTO(json) json_t *facts = NULL;

    if (asprintf(&leaf, "%s.%s", db->engine, db->name) < 0)
        return err_memory(err);
    stream = stream_name("facts", NULL, leaf);
    if (!stream)
        return err_memory(err);
    if (!bundle_find(r->bundle, stream)) {
        log_warn("the bundle does not tell the settings of a server", f_str("database", db->name));
        return true;
    }
    return bundle_read_text(r->bundle, stream, &text, err) &&
           json_parse(buf_view(&text), stream, &facts, err) &&
           box_keep_settings(r->box, db->name, facts, err);
}

/* Started under them before anything is loaded: what does not suit is told now, and not after hours
 * of loading. */
static bool try_settings(struct restore *r, struct err *err)
{
    for (unsigned i = 0; i < r->env->databases_count; i++)
        if (!take_settings(r, &r->env->databases[i], err))
            return false;
    return r->box->ops->databases(r->box, BOX_NORMAL, true, err);
}

static struct plan_conf plan_conf(const struct restore *r)
{
    return (struct plan_conf){.bundle = r->bundle,
                              .place = {.box = r->box},
                              .journal = r->journal,
                              .what = selection_of(&r->conf->what),
                              .jobs = jobs_or_cores(r->conf->jobs),
                              .show_values = r->conf->show_values,
                              .verify = r->conf->verify,
                              .resume = r->conf->resume};
}

static bool load(struct restore *r, struct err *err)
{
    struct plan_conf conf = plan_conf(r);

    if (!r->box->ops->databases(r->box, BOX_LOADING, true, err))
        return false;
    struct box_early *early = box_early_begin(r->box);
    AUTO(plan) struct plan *plan = NULL;
    bool ok = plan_open(&conf, &plan, err) && plan_run(plan, err);
    box_early_end(early);
    return ok;
}

/* Of what the box will be: under its own settings, with its files rewritten. */
static bool prove(struct restore *r, struct err *err)
{
    struct proof_conf conf = {.bundle = r->bundle,
                              .place = {.box = r->box},
                              .journal = r->journal,
                              .what = selection_of(&r->conf->what),
                              .jobs = jobs_or_cores(r->conf->jobs),
                              .show_values = r->conf->show_values};
    AUTO(json) json_t *report = NULL;

    return !r->conf->verify || (proof_run(&conf, &report, err) && proof_judge(report, err));
}

/* Servers start once under the box's settings before the state is kept: what they change at their
 * first start is then part of it. Those that are wanted up, and not copied, stay up. */
static bool settle(struct restore *r, struct err *err)
{
    struct box *b = r->box;
    bool stay = r->conf->start && !r->conf->pristine;
    struct plan_conf conf = plan_conf(r);

    return rewrite(r, err) && b->ops->databases(b, BOX_LOADING, false, err) &&
           b->ops->databases(b, BOX_NORMAL, true, err) && prove(r, err) && plan_whole(&conf, err) &&
           (stay || b->ops->databases(b, BOX_NORMAL, false, err)) &&
           (!r->conf->pristine || box_save(b, err)) && resume_end(b, err) &&
           box_set_state(b, "ready", r->digest, err);
}

static bool note_how(struct restore *r, struct err *err)
{
    struct selection what = selection_of(&r->conf->what);

    return r->conf->resume || resume_begin(r->box, &what, jobs_or_cores(r->conf->jobs), err);
}

static bool fill(struct restore *r, struct err *err)
{
    return box_set_state(r->box, "restoring", r->digest, err) && note_how(r, err) &&
           try_settings(r, err) && load(r, err) && settle(r, err);
}

bool restore_note_service(void *journal, const struct box_service *s, struct err *err)
{
    return JOURNAL(journal, err, "box.service", f_str("service", s->name), f_str("state", s->state),
                   f_real("took_ms", s->took_ms), f_str("detail", s->detail));
}

static bool is_running(struct box *b)
{
    AUTO(json) json_t *shown = NULL;
    struct err ignored = {0};
    const char *state =
        box_show(b, &shown, &ignored) ? json_string_value(json_object_get(shown, "state")) : NULL;

    return state && strcmp(state, "running") == 0;
}

/* Before it is stopped for its successor. What cannot be read is the replacing's to refuse. */
static bool ran_before(const char *where)
{
    AUTO(box) struct box *b = NULL;
    struct err ignored = {0};

    return box_is(where) && box_open(where, &b, &ignored) && is_running(b);
}

/* The old box as it was: up when it was up. */
static void stand_again(struct restore *r)
{
    AUTO(box) struct box *old = NULL;
    struct err why = {0};

    box_close(TAKE(r->box)); /* and its lock */
    if (!r->ran) {
        log_warn("the box is as it was before", f_str("box", r->conf->into));
        return;
    }
    if (box_open(r->conf->into, &old, &why)) {
        old->watch = (struct box_watch){restore_note_service, r->journal};
        if (is_running(old) || box_start(old, &why)) {
            log_warn("the box is as it was before, and runs", f_str("box", r->conf->into));
            return;
        }
    }
    log_error("the box is as it was before, but stopped", f_str("box", r->conf->into),
              f_str("why", why.text), f_str("mend", "start it with: rehearse box start"));
}

/* The old box stands again, or the new one says why it is none. */
static bool give_up(struct restore *r, struct err *err)
{
    struct err why = *err, mine = {0};
    char line[1400];

    if (!r->box) { /* there was no new one yet; the old one was put back by who could not make it */
        if (r->ran)
            stand_again(r);
        return err_pass(err, &why);
    }
    if (box_holds_before(r->box)) {
        if (!box_bring_back(r->box, &mine))
            log_error("what the box held could not be brought back", f_str("why", mine.text));
        else
            stand_again(r);
        return err_pass(err, &why);
    }
    struct err ignored = {0};
    box_stop(r->box, &ignored);
    if (!box_set_broken(r->box, err_line(&why, line, sizeof(line)), &mine))
        log_error("the box's state could not be noted", f_str("why", mine.text));
    return err_pass(err, &why);
}

static bool as_begun(bool same, const char *option, struct err *err)
{
    char mend[96];

    snprintf(mend, sizeof(mend), "leave --%s out, or begin anew with --replace", option);
    return same || resume_refuse(option, mend, err);
}

/* An option that says what is so anyway may come from the caller's environment. */
static bool check_as_begun(const struct restore *r, struct err *err)
{
    const struct restore_conf *now = r->conf, *begun = &r->begun;
    AUTO(env) struct env *env = NULL;

    if (now->env && !env_load(now->env, &env, err))
        return false;
    return as_begun(!env || strcmp(env->text, r->box->env->text) == 0, "env", err) &&
           as_begun(!now->jobs || now->jobs == begun->jobs, "jobs", err) &&
           as_begun(!now->what.references || begun->what.references, "with-references", err);
}

/* The box with the half of a restore in it, and how that was begun. */
static bool take_up(struct restore *r, const char **ref, struct err *err)
{
    const struct chosen *what = &r->conf->what;
    const char *bundle = NULL;

    if (r->conf->replace || what->only.count || what->owners.count || what->no_owner ||
        what->no_privileges) {
        err_set(err, ERR_USAGE,
                "--resume goes on as the restore was begun: no --replace, no --only, no --owner");
        return err_hint(err, "rehearse restore --resume --from STORE --into DIR");
    }
    r->begun = *r->conf;
    if (!box_open(r->conf->into, &r->box, err) || !box_show(r->box, &r->shown, err) ||
        !resume_read(r->shown, &r->begun.what, &r->begun.jobs, err) || !check_as_begun(r, err) ||
        !json_want_str(r->shown, "bundle", &bundle, err))
        return false;
    if (strcmp(*ref, "latest") != 0 && strncmp(*ref, bundle, strlen(*ref)) != 0) {
        err_set(err, ERR_USAGE, "the restore in '%s' is of bundle %.12s, not of '%s'",
                r->conf->into, bundle, *ref);
        return err_hint(err, "leave the bundle out, or begin anew with --replace");
    }
    r->conf = &r->begun;
    *ref = bundle;
    return true;
}

static bool restore_all(struct restore *r, const char *ref, struct err *err)
{
    if ((r->conf->resume && !take_up(r, &ref, err)) || !open_bundle(r, ref, err))
        return false;
    r->ran = r->conf->replace && ran_before(r->conf->into);
    if ((!r->box && !box_create(r->conf->into, r->env, r->conf->replace, &r->box, err)) ||
        !fill(r, err))
        return give_up(r, err);
    if (!JOURNAL(r->journal, err, "restore.done", f_str("bundle", r->digest),
                 f_str("box", r->box->where),
                 f_real("took_ms", (double)(clock_mono_ns() - r->began) / 1e6)))
        return false;
    r->box->watch = (struct box_watch){restore_note_service, r->journal};
    return !r->conf->start || box_start(r->box, err);
}

bool restore_run(const struct restore_conf *conf, const char *ref, struct journal *journal,
                 struct err *err)
{
    AUTO(restore)
    struct restore r = {.conf = conf, .journal = journal, .began = clock_mono_ns()};

    if (!conf->from || !conf->into) {
        err_set(err, ERR_USAGE, "a restore needs --from and --into");
        return err_hint(err, "rehearse restore --from STORE --into DIR");
    }
    if (conf->replace_databases.count) {
        err_set(err, ERR_USAGE, "--replace-database is for servers that --to names");
        return err_hint(err, "a box is replaced as a whole, with --replace");
    }
    return owner_check(&conf->what.owners, err) && restore_all(&r, ref, err);
}

/* ---- the command ----------------------------------------------------------------------------------*/

static bool print_result(const struct restore_conf *conf, int64_t took_ns, struct err *err)
{
    AUTO(box) struct box *b = NULL;
    AUTO(json) json_t *shown = NULL;
    char took[ISO_TIME];

    if (!box_open(conf->into, &b, err) || !box_show(b, &shown, err))
        return false;
    json_object_set_new(shown, "took_ms", json_real((double)took_ns / 1e6));
    if (cmd_json()) {
        AUTO(free) char *text = json_text(shown);
        return text ? puts(text) >= 0 : err_memory(err);
    }
    printf("restored bundle %.12s into %s in %s: %s\n",
           json_string_value(json_object_get(shown, "bundle")), b->where, human_time(took_ns, took),
           json_string_value(json_object_get(shown, "state")));
    return true;
}

/* It is told where it stands, and the option is this command's. */
static int refused(struct err *err)
{
    if (!*err->hint && strstr(err->text, VALUES_HIDDEN))
        err_hint(err, "--show-values shows what is hidden");
    return (int)err->code;
}

static int restore_servers(const struct restore_conf *conf, const char *ref,
                           struct journal *journal, struct err *err)
{
    AUTO(json) json_t *report = NULL;

    return restore_to(conf, ref, journal, &report, err) && restore_to_print(report, err)
               ? 0
               : refused(err);
}

static int restore_main(const void *conf_, int argc, char **argv, struct err *err)
{
    const struct restore_conf *conf = conf_;
    AUTO(journal) struct journal *journal = NULL;
    int64_t began = clock_mono_ns();

    if (argc > 1) {
        err_set(err, ERR_USAGE, "restore takes one bundle, got %d operands", argc);
        return ERR_USAGE;
    }
    if (conf->journal && !journal_open(conf->journal, &journal, err))
        return (int)err->code;
    if (conf->to)
        return restore_servers(conf, argc ? argv[0] : "latest", journal, err);
    if (!restore_run(conf, argc ? argv[0] : "latest", journal, err) ||
        !print_result(conf, clock_mono_ns() - began, err))
        return refused(err);
    return 0;
}

static const struct restore_conf defaults = {.pristine = true};

#define AT(field) offsetof(struct restore_conf, field)
static const struct opt opts[] = {
    {"from", OPT_STR, AT(from), "STORE", "store that holds the bundle: a path or a URL"},
    {"into", OPT_STR, AT(into), "DIR", "directory of the box"},
    {"to", OPT_STR, AT(to), "FILE",
     "instead of a box: environment file that names databases on servers that are there already"},
    {"replace-database", OPT_LIST, AT(replace_databases), "NAME",
     "with --to: the database of this name on its server is replaced once the new one is whole"},
    {"env", OPT_STR, AT(env), "FILE", "environment file; the bundle's own when left out"},
    {"replace", OPT_FLAG, AT(replace), NULL,
     "put the new box in the place of the one that is there"},
    {"resume", OPT_FLAG, AT(resume), NULL,
     "go on with the restore that was killed or has failed in DIR; with --to, with the one that was "
     "killed, given its options again"},
    {"only", OPT_LIST, AT(what.only), "WHAT",
     "restore this alone and what it needs: files, files/NAME, postgresql.NAME, mariadb.NAME, a "
     "schema as postgresql.NAME/SCHEMA, objects as postgresql.NAME/SCHEMA.TABLE or "
     "mariadb.NAME/TABLE; * and ? stand for any characters"},
    {"with-references", OPT_FLAG, AT(what.references), NULL,
     "of a part, restore the tables that foreign keys and bodies of functions name, too"},
    {"owner", OPT_LIST, AT(what.owners), "OLD=NEW",
     "PostgreSQL: role OLD becomes NEW wherever the schema names it; MariaDB: what runs as account "
     "OLD (user@host, or a user of any host) runs as NEW"},
    {"no-owner", OPT_FLAG, AT(what.no_owner), NULL,
     "objects belong to the account that restores, and run as it"},
    {"no-privileges", OPT_FLAG, AT(what.no_privileges), NULL, "grants are not restored"},
    {"jobs", OPT_COUNT, AT(jobs), "N", "tasks at the same time; one per core when left out", 1,
     256},
    {"pristine", OPT_FLAG, AT(pristine), NULL, "keep a copy of the restored state for box reset"},
    {"verify", OPT_FLAG, AT(verify), NULL,
     "read all of it again and compare it with the bundle; what differs fails the restore"},
    {"show-values", OPT_FLAG, AT(show_values), NULL,
     "show values of rows that are refused or differ; else they are told by number and key column"},
    {"start", OPT_FLAG, AT(start), NULL, "start databases and services at the end"},
    {"key", OPT_STR, AT(key), "FILE", "secret key that opens an encrypted bundle"},
    {"trusted", OPT_LIST, AT(trusted), "KEY",
     "refuse bundles that this public signing key, or one of several, has not signed"},
    {"journal", OPT_STR, AT(journal), "FILE", "append what was done to this journal"},
    {0},
};
#undef AT

const struct cmd restore_cmd = {
    .name = "restore",
    .summary = "rebuild a bundle in a box, or on servers that are there",
    .usage = "--from STORE (--into DIR | --to FILE) [OPTIONS] [BUNDLE]",
    .about =
        "Makes a box in DIR: private database servers on sockets and ports of their own, the "
        "captured trees, and the services that the environment file names. BUNDLE is a tag, a "
        "digest or \"latest\", which is the default. Configuration is rewritten by the rules of "
        "the environment file. The box is left stopped unless --start is given.\n\n"
        "A box that is there already is never overwritten without --replace. With it, what the "
        "box held is kept until the new one stands, and comes back when the restore fails.\n\n"
        "With --to the databases that FILE names are restored on servers that are there already, "
        "with the account, the database's name and the password's place that it gives. Each is "
        "loaded under a name of its own, and gets its name when it is whole, and proven with "
        "--verify: a restore that fails leaves the server as it was, and the next one removes what "
        "a killed one has left. A database that exists is refused, unless --replace-database names "
        "it; so are the bundle's own source, an environment that says production: true, and an "
        "older version. What is replaced is called rehearse_old_... until it is dropped; of several "
        "databases all get their names before the first old one is dropped, each in a transaction of "
        "its own. Roles must be there already; what is missing is told before anything is "
        "loaded.",
    .examples =
        "# yesterday's production, ready to be started\n"
        "$ rehearse restore --from /var/lib/rehearse/store --into /var/lib/rehearse/boxes/shop\n"
        "# a certain bundle in the place of the box that is there, and start it\n"
        "$ rehearse restore --from store --into boxes/shop --replace --start "
        "shop-20260131T120000Z\n"
        "# one database alone, proved to be what was captured\n"
        "$ rehearse restore --from store --into boxes/db --only postgresql.shop --verify\n"
        "# onto the staging server, in the place of its database shop, owned by its own role\n"
        "$ rehearse restore --from store --to staging.yaml --replace-database shop "
        "--owner shop_prod=shop_staging --verify\n",
    .opts = opts,
    .defaults = &defaults,
    .conf_size = sizeof(struct restore_conf),
    .run = restore_main,
};
