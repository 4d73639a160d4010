/* `rehearse box verify`: whether a box still is what its bundle says. */
#include "restore/cmd.h"

#include <stdlib.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/base/sched.h"
#include "lib/bundle/access.h"
#include "lib/bundle/bundle.h"
#include "lib/store/store.h"
#include "restore/proof.h"

struct verify_conf {
    const char *from, *key, *journal;
    struct opt_list trusted, only;
    uint64_t jobs;
    bool show_values;
};

struct verify {
    const struct verify_conf *conf;
    struct journal *journal;
    struct box *box;
    struct store *store;
    struct bundle *bundle;
    json_t *shown;
    struct chosen what; /* as it was restored; --only of the command line wins */
    bool running;
};

static void verify_done(struct verify *v)
{
    bundle_close(v->bundle);
    store_close(v->store);
    box_close(v->box);
    journal_close(v->journal);
    json_decref(v->shown);
}

static inline void auto_verify(struct verify *v)
{
    verify_done(v);
}

static bool open_bundle(struct verify *v, const char *ref, struct err *err)
{
    AUTO(access) struct bundle_access access = {0};

    for (size_t i = 0; i < v->conf->trusted.count; i++)
        if (!access_trust(&access, v->conf->trusted.at[i], err))
            return false;
    access.signed_only = v->conf->trusted.count > 0;
    return access_key(&access, v->conf->key, err) &&
           store_open(v->conf->from, STORE_READ, &v->store, err) &&
           bundle_open_as(v->store, ref, &access, &v->bundle, err) &&
           bundle_hold(v->bundle, "verify", err);
}

/* The bundle that the box says it was restored from. */
static bool open_both(struct verify *v, const char *where, struct err *err)
{
    const char *state, *ref;

    if (!box_open(where, &v->box, err) || !box_show(v->box, &v->shown, err) ||
        !json_want_str(v->shown, "state", &state, err))
        return false;
    ref = json_string_value(json_object_get(v->shown, "bundle"));
    selection_take(json_object_get(v->shown, "restore"), &v->what);
    if (v->conf->only.count)
        v->what.only = v->conf->only;
    v->running = strcmp(state, "running") == 0;
    if ((!v->running && strcmp(state, "ready") != 0) || !ref || !*ref) {
        err_set(err, ERR_FAILED, "box '%s' is %s: there is nothing to verify", where, state);
        return err_hint(err, "restore it first");
    }
    return open_bundle(v, ref, err);
}

/* Databases of a box that is stopped are up for as long as it takes. */
static bool prove(struct verify *v, json_t **report, struct err *err)
{
    struct proof_conf conf = {.bundle = v->bundle,
                              .place = {.box = v->box},
                              .journal = v->journal,
                              .what = selection_of(&v->what),
                              .jobs = jobs_or_cores(v->conf->jobs),
                              .show_values = v->conf->show_values};
    struct err ignored = {0};

    if (!v->running && !v->box->ops->databases(v->box, BOX_NORMAL, true, err))
        return false;
    bool ok = proof_run(&conf, report, err);
    if (v->running)
        return ok;
    return v->box->ops->databases(v->box, BOX_NORMAL, false, ok ? err : &ignored) && ok;
}

/* ---- what is printed -----------------------------------------------------------------------------*/

static void print_texts(const json_t *list, const char *label)
{
    const json_t *one;
    size_t i;

    json_array_foreach(list, i, one) printf("  %-9s %s\n", label, json_string_value(one));
}

static bool print_component(const json_t *c, struct err *err)
{
    const json_t *listed = json_object_get(c, "listed"), *one;
    uint64_t count = (uint64_t)json_integer_value(json_object_get(c, "differences"));
    uint64_t records = (uint64_t)json_integer_value(json_object_get(c, "records"));
    uint64_t bytes = (uint64_t)json_integer_value(json_object_get(c, "bytes"));
    char number[ISO_TIME], size[ISO_TIME], differ[ISO_TIME];
    size_t i;

    printf("%-24s %s records, %s: %s%s\n", json_string_value(json_object_get(c, "component")),
           human_count(records, number), human_bytes(bytes, size),
           count ? human_count(count, differ) : "the same", count ? " differ" : "");
    json_array_foreach(listed, i, one)
    {
        AUTO(buf) struct buf words = {0};
        proof_words(one, &words);
        if (!buf_ok(&words, err))
            return false;
        printf("  %-9s %s\n", "differs", buf_str(&words));
    }
    print_texts(json_object_get(c, "rewritten"), "rewritten");
    print_texts(json_object_get(c, "skipped"), "skipped");
    return true;
}

static bool print_report(const json_t *report, struct err *err)
{
    const json_t *components = json_object_get(report, "components"), *c;
    size_t i;

    if (cmd_json()) {
        AUTO(free) char *text = json_text(report);
        return text ? puts(text) >= 0 : err_memory(err);
    }
    json_array_foreach(components, i, c) if (!print_component(c, err)) return false;
    return true;
}

static int verify_main(const void *conf_, int argc, char **argv, struct err *err)
{
    const struct verify_conf *conf = conf_;
    AUTO(verify) struct verify v = {.conf = conf};
    AUTO(json) json_t *report = NULL;

    if (argc != 1 || !conf->from) {
        err_set(err, ERR_USAGE, "box verify needs --from and one box");
        err_hint(err, "rehearse box verify --from STORE BOX");
        return ERR_USAGE;
    }
    if (conf->journal && !journal_open(conf->journal, &v.journal, err))
        return (int)err->code;
    if (!open_both(&v, argv[0], err) || !prove(&v, &report, err) || !print_report(report, err) ||
        !proof_judge(report, err))
        return (int)err->code;
    return 0;
}

static const struct verify_conf defaults = {0};

#define AT(field) offsetof(struct verify_conf, field)
static const struct opt opts[] = {
    {"from", OPT_STR, AT(from), "STORE", "store that holds the bundle: a path or a URL"},
    {"only", OPT_LIST, AT(only), "WHAT",
     "verify this alone, as of restore; what was restored when left out"},
    {"jobs", OPT_COUNT, AT(jobs), "N", "tasks at the same time; one per core when left out", 1,
     256},
    {"show-values", OPT_FLAG, AT(show_values), NULL,
     "name rows that differ by the values of their keys; else by number and key column"},
    {"key", OPT_STR, AT(key), "FILE", "secret key that opens an encrypted bundle"},
    {"trusted", OPT_LIST, AT(trusted), "KEY",
     "refuse bundles that this public signing key, or one of several, has not signed"},
    {"journal", OPT_STR, AT(journal), "FILE", "append what was found to this journal"},
    {0},
};
#undef AT

const struct cmd box_verify_cmd = {
    .name = "box verify",
    .summary = "compare a box with the bundle it was restored from",
    .usage = "--from STORE [OPTIONS] BOX",
    .about =
        "Reads the box's databases and trees again and compares them with the bundle: every row, "
        "the schema, sequences, and of each file its content, mode, owner, time, attributes and "
        "links. Names what differs and ends with status 23; a single bit is enough. Files that a "
        "rewrite rule changed are listed as rewritten, what cannot be compared as skipped.\n\n"
        "What has been used since it was restored differs: reset the box first, or stop its "
        "services. Databases of a stopped box are started and stopped again.",
    .examples = "# is the box still as it was restored?\n"
                "$ rehearse box verify --from /var/lib/rehearse/store boxes/shop\n"
                "# one database alone\n"
                "$ rehearse box verify --from store --only postgresql.shop boxes/shop\n",
    .opts = opts,
    .defaults = &defaults,
    .conf_size = sizeof(struct verify_conf),
    .run = verify_main,
};
