/* `rehearse bundle show` and `bundle verify`. */
#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/base/sched.h"
#include "lib/bundle/access.h"
#include "lib/bundle/verify.h"
#include "lib/env/env.h"
#include "snapshot/cmd.h"
#include "snapshot/print.h"

struct bundle_cmd_conf {
    const char *store, *key, *env;
    struct opt_list trusted;
    uint64_t jobs, level;
    bool all;
};

#define AT(field) offsetof(struct bundle_cmd_conf, field)
#define OPT_STORE                                                          \
    {                                                                      \
        "store", OPT_STR, AT(store), "STORE", "the store: a path or a URL" \
    }
#define OPT_KEY                                                                      \
    {                                                                                \
        "key", OPT_STR, AT(key), "FILE", "secret key that opens an encrypted bundle" \
    }

static bool open_store(const struct bundle_cmd_conf *conf, struct store **out, struct err *err)
{
    return cmd_store_open(conf->store, STORE_READ, out, err);
}

/* --env says whom to trust, as for a restore. */
static bool trust_env(struct bundle_access *a, const char *path, struct err *err)
{
    AUTO(env) struct env *env = NULL;

    if (!path)
        return true;
    if (!env_load(path, &env, err))
        return false;
    for (unsigned i = 0; env->bundle && i < env->bundle->trusted.count; i++)
        if (!access_trust(a, env->bundle->trusted.at[i], err))
            return err_add(err, "%s", path);
    a->signed_only |= env->bundle && env->bundle->require_signature;
    return true;
}

static bool read_access(const struct bundle_cmd_conf *conf, struct bundle_access *a,
                        struct err *err)
{
    for (size_t i = 0; i < conf->trusted.count; i++)
        if (!access_trust(a, conf->trusted.at[i], err))
            return false;
    a->signed_only = conf->trusted.count > 0;
    return access_key(a, conf->key, err) && trust_env(a, conf->env, err);
}

/* ---- show ------------------------------------------------------------------------------------*/

static uint64_t stored_bytes(const struct stream *s)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < s->segment_count; i++)
        sum += s->segments[i].stored_bytes;
    return sum;
}

static json_t *show_json(const struct bundle *b)
{
    json_t *streams = json_array();
    size_t count = 0;
    const struct stream *all = bundle_streams(b, &count);
    char hex[HASH_HEX];

    for (size_t i = 0; i < count; i++)
        json_array_append_new(streams, json_pack("{s:s, s:s, s:I, s:I, s:I, s:I}", "name",
                                                 all[i].name, "kind", stream_kind_name(all[i].kind),
                                                 "records", (json_int_t)all[i].records, "raw_bytes",
                                                 (json_int_t)all[i].raw_bytes, "stored_bytes",
                                                 (json_int_t)stored_bytes(&all[i]), "segments",
                                                 (json_int_t)all[i].segment_count));
    digest_hex(bundle_digest(b), hex);
    return json_pack("{s:s, s:O, s:o}", "digest", hex, "config", bundle_config(b), "streams",
                     streams);
}

static void show_text(const struct bundle *b)
{
    const json_t *config = bundle_config(b);
    const char *parent = json_string_value(json_object_get(config, "parent"));
    size_t count = 0;
    const struct stream *all = bundle_streams(b, &count);
    char hex[HASH_HEX], rows[ISO_TIME], raw[ISO_TIME], stored[ISO_TIME];

    digest_hex(bundle_digest(b), hex);
    printf("bundle sha256:%s\n", hex);
    printf("  environment %s%s\n  created     %s\n  parent      %s\n",
           json_string_value(json_object_get(config, "environment")),
           json_is_true(json_object_get(config, "production")) ? " (production)" : "",
           json_string_value(json_object_get(config, "created")), parent ? parent : "none");
    print_new(config);
    print_components(json_object_get(config, "components"));
    printf("  %-40s %-8s %14s %10s %10s\n", "stream", "kind", "records", "raw", "stored");
    for (size_t i = 0; i < count; i++)
        printf("  %-40s %-8s %14s %10s %10s\n", all[i].name, stream_kind_name(all[i].kind),
               human_count(all[i].records, rows), human_bytes(all[i].raw_bytes, raw),
               human_bytes(stored_bytes(&all[i]), stored));
}

static int show_main(const void *conf_, int argc, char **argv, struct err *err)
{
    AUTO(store) struct store *store = NULL;
    AUTO(bundle) struct bundle *b = NULL;
    AUTO(access) struct bundle_access access = {0};

    if (argc > 1) {
        err_set(err, ERR_USAGE, "bundle show takes one bundle, got %d operands", argc);
        return ERR_USAGE;
    }
    if (!read_access(conf_, &access, err) || !open_store(conf_, &store, err) ||
        !bundle_open_as(store, argc ? argv[0] : "latest", &access, &b, err))
        return (int)err->code;
    if (!cmd_json()) {
        show_text(b);
        return 0;
    }
    AUTO(json) json_t *all = show_json(b);
    if (!all)
        err_memory(err);
    return all && print_json(all, err) ? 0 : (int)err->code;
}

/* ---- verify ----------------------------------------------------------------------------------*/

static json_t *report_json(const char *ref, const struct verify_report *r)
{
    const struct verify_fault *faults = r->faults.at;
    json_t *list = json_array();
    char hex[HASH_HEX];

    for (size_t i = 0; i < r->faults.count; i++) {
        digest_hex(&faults[i].blob, hex);
        json_array_append_new(list, json_pack("{s:s, s:s, s:O}", "blob", hex, "what",
                                              faults[i].what, "breaks", faults[i].breaks));
    }
    return json_pack("{s:s, s:b, s:I, s:I, s:I, s:o}", "bundle", ref, "ok", r->faults.count == 0,
                     "blobs", (json_int_t)r->blobs, "segments", (json_int_t)r->segments, "bytes",
                     (json_int_t)r->bytes, "faults", list);
}

static void print_report(const char *ref, const struct verify_report *r)
{
    const struct verify_fault *faults = r->faults.at;
    char hex[HASH_HEX], bytes[ISO_TIME], blobs[ISO_TIME], segments[ISO_TIME];

    for (size_t i = 0; i < r->faults.count; i++) {
        const json_t *names = faults[i].breaks;

        digest_hex(&faults[i].blob, hex);
        printf("DAMAGED blob sha256:%s\n  %s\n", hex, faults[i].what);
        for (size_t k = 0; k < json_array_size(names); k++)
            printf("  breaks %s\n", json_string_value(json_array_get(names, k)));
    }
    printf("%s  %s: %s blobs, %s segments, %s\n", r->faults.count ? "BAD" : "good", ref,
           human_count(r->blobs, blobs), human_count(r->segments, segments),
           human_bytes(r->bytes, bytes));
}

struct verifying {
    const struct bundle_cmd_conf *conf;
    const struct bundle_access *access;
    struct store *store;
    struct progress *progress;
    json_t *reports;
    size_t bad;
};

/* A bundle whose manifest or index cannot be read is as bad as one with a bad pack. */
static bool verify_one(struct verifying *v, const char *ref, struct err *err)
{
    AUTO(verify_report) struct verify_report r = {0};
    struct verify_conf conf = {.level = (enum verify_level)v->conf->level,
                               .jobs = jobs_or_cores(v->conf->jobs),
                               .progress = v->progress,
                               .access = v->access};
    struct err why = {0};

    if (!bundle_verify(v->store, ref, &conf, &r, &why)) {
        if (why.code != ERR_DAMAGED || !v->conf->all)
            return err_pass(err, &why);
        v->bad++;
        json_array_append_new(
            v->reports, json_pack("{s:s, s:b, s:s}", "bundle", ref, "ok", false, "why", why.text));
        if (!cmd_json())
            printf("DAMAGED %s\n  %s\n", ref, why.text);
        return true;
    }
    v->bad += r.faults.count > 0;
    json_array_append_new(v->reports, report_json(ref, &r));
    if (!cmd_json())
        print_report(ref, &r);
    return true;
}

static bool verify_listed(void *ctx, const struct bundle_info *info, struct err *err)
{
    char hex[HASH_HEX];

    digest_hex(&info->manifest, hex);
    return verify_one(ctx, hex, err);
}

static int verify_main(const void *conf_, int argc, char **argv, struct err *err)
{
    AUTO(store) struct store *store = NULL;
    AUTO(json) json_t *reports = json_array();
    AUTO(progress) struct progress *progress = NULL;
    AUTO(access) struct bundle_access access = {0};
    struct verifying v = {.conf = conf_, .access = &access, .reports = reports};
    bool ok = true;

    if (v.conf->all && argc) {
        err_set(err, ERR_USAGE, "either --all or bundles, not both");
        return ERR_USAGE;
    }
    if (!read_access(conf_, &access, err) || !open_store(conf_, &store, err))
        return (int)err->code;
    v.store = store;
    v.progress = progress = progress_open("verify", 0);
    if (v.conf->all)
        ok = bundle_list(store, verify_listed, &v, err);
    else if (argc == 0)
        ok = verify_one(&v, "latest", err);
    for (int i = 0; ok && i < argc; i++)
        ok = verify_one(&v, argv[i], err);
    if (!ok || (cmd_json() && !print_json(reports, err)))
        return (int)err->code;
    if (v.bad == 0)
        return 0;
    err_set(err, ERR_DAMAGED, "%zu of %zu bundles are damaged", v.bad, json_array_size(reports));
    err_hint(err, "streams that are not named above are still good; copy the blobs from another "
                  "store, or take a new snapshot");
    return (int)err->code;
}

/* ---- the commands ----------------------------------------------------------------------------*/

static const struct bundle_cmd_conf defaults = {.level = VERIFY_CONTENT};

static const struct opt show_opts[] = {OPT_STORE, OPT_KEY, {0}};

const struct cmd bundle_show_cmd = {
    .name = "bundle show",
    .summary = "show what a bundle holds",
    .usage = "--store STORE [BUNDLE]",
    .about = "Components with their positions, what was left out, and every stream with its "
             "records and sizes. BUNDLE is a tag, a digest, the beginning of one, or \"latest\", "
             "which is the default.",
    .examples = "$ rehearse bundle show --store store shop-20260131T120000Z\n",
    .opts = show_opts,
    .defaults = &defaults,
    .conf_size = sizeof(struct bundle_cmd_conf),
    .run = show_main,
};

static const struct opt verify_opts[] = {
    OPT_STORE,
    OPT_KEY,
    {"env", OPT_STR, AT(env), "FILE", "environment file that says whose signature counts"},
    {"trusted", OPT_LIST, AT(trusted), "KEY",
     "refuse bundles that this public signing key, or one of several, has not signed"},
    {"level", OPT_COUNT, AT(level), "N", "1: hashes of all blobs; 2: also decode every segment",
     VERIFY_BLOBS, VERIFY_CONTENT},
    {"jobs", OPT_COUNT, AT(jobs), "N", "packs at the same time; one per core when left out", 1,
     256},
    {"all", OPT_FLAG, AT(all), NULL, "every bundle of the store"},
    {0},
};
#undef AT

const struct cmd bundle_verify_cmd = {
    .name = "bundle verify",
    .summary = "check that bundles are whole and unaltered",
    .usage = "--store STORE [OPTIONS] [BUNDLE]...",
    .about = "Reads every blob of the bundles and compares it with its hash; at level 2 decodes "
             "every segment and compares its content and counts with the index. Each bad blob is "
             "named with the streams that it breaks. Exit status 16 when something is damaged.\n\n"
             "Level 1 needs no key, also where bundles are encrypted. A bundle that is not signed "
             "as --env or --trusted ask is refused with status 13.",
    .examples = "# the newest one, thoroughly\n"
                "$ rehearse bundle verify --store store\n"
                "# hashes of the whole store\n"
                "$ rehearse bundle verify --store store --all --level 1\n",
    .opts = verify_opts,
    .defaults = &defaults,
    .conf_size = sizeof(struct bundle_cmd_conf),
    .run = verify_main,
};
