/* `rehearse bundle gc`. */
#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/bundle/gc.h"
#include "snapshot/cmd.h"
#include "snapshot/print.h"

struct gc_cmd_conf {
    const char *store, *environment;
    uint64_t last, daily, weekly, monthly;
    double grace_s;
    bool dry_run;
};

static json_t *count_json(const struct gc_count *c)
{
    return json_pack("{s:I, s:I}", "count", (json_int_t)c->count, "bytes", (json_int_t)c->bytes);
}

static json_t *report_json(const struct gc_report *r, bool dry_run)
{
    const struct gc_retired *retired = r->retired.at;
    json_t *list = json_array();
    char text[DIGEST_TEXT];

    for (size_t i = 0; i < r->retired.count; i++)
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:s}", "digest", digest_text(&retired[i].manifest, text),
                            "environment", retired[i].environment, "created", retired[i].created));
    return json_pack("{s:b, s:o, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o}", "dry_run", dry_run,
                     "removed", list, "bundles", (json_int_t)r->bundles, "pinned",
                     (json_int_t)r->pinned, "waiting", (json_int_t)r->waiting, "at_work",
                     (json_int_t)r->leases, "freed", count_json(&r->freed), "temporary",
                     count_json(&r->litter), "young", count_json(&r->young), "kept",
                     count_json(&r->kept));
}

static void print_count(const char *what, const struct gc_count *c)
{
    char count[ISO_TIME], bytes[ISO_TIME];

    if (c->count)
        printf("%-8s %s objects, %s\n", what, human_count(c->count, count),
               human_bytes(c->bytes, bytes));
}

static void print_report(const struct gc_report *r, bool dry_run)
{
    const struct gc_retired *retired = r->retired.at;
    char hex[HASH_HEX], bytes[ISO_TIME], kept[ISO_TIME];

    for (size_t i = 0; i < r->retired.count; i++) {
        digest_hex(&retired[i].manifest, hex);
        printf("%s  %.12s  %s  %s\n", dry_run ? "would remove" : "removed", hex, retired[i].created,
               retired[i].environment);
    }
    print_count("litter", &r->litter);
    print_count("young", &r->young);
    printf("%s  %s; %llu bundles stay, %s", dry_run ? "would free" : "freed",
           human_bytes(r->freed.bytes + r->litter.bytes, bytes), (unsigned long long)r->bundles,
           human_bytes(r->kept.bytes, kept));
    if (r->pinned)
        printf("; %llu of them only because they are pinned", (unsigned long long)r->pinned);
    if (r->waiting)
        printf("; %llu removed ones wait for the grace period", (unsigned long long)r->waiting);
    if (r->leases)
        printf("; %llu others are at work here", (unsigned long long)r->leases);
    putchar('\n');
}

static int gc_main(const void *conf_, int argc, char **argv, struct err *err)
{
    const struct gc_cmd_conf *conf = conf_;
    AUTO(store) struct store *store = NULL;
    AUTO(gc_report) struct gc_report report = {0};
    struct gc_conf gc = {.rules = {conf->last, conf->daily, conf->weekly, conf->monthly},
                         .environment = conf->environment,
                         .grace_ns = (int64_t)(conf->grace_s * 1e9),
                         .dry_run = conf->dry_run};

    if (argc > 0) {
        err_set(err, ERR_USAGE, "bundle gc takes no operands, got '%s'", argv[0]);
        return ERR_USAGE;
    }
    bool opened = conf->dry_run ? cmd_store_open(conf->store, STORE_READ, &store, err)
                                : cmd_store_change(conf->store, &store, err);
    if (!opened || !bundle_gc(store, &gc, &report, err))
        return (int)err->code;
    if (!cmd_json()) {
        print_report(&report, conf->dry_run);
        return 0;
    }
    AUTO(json) json_t *all = report_json(&report, conf->dry_run);
    if (!all)
        err_memory(err);
    return all && print_json(all, err) ? 0 : (int)err->code;
}

static const struct gc_cmd_conf defaults = {.grace_s = 3600};

#define AT(field) offsetof(struct gc_cmd_conf, field)
static const struct opt opts[] = {
    {"store", OPT_STR, AT(store), "STORE", "the store: a path or a URL"},
    {"keep-last", OPT_COUNT, AT(last), "N", "keep the newest N bundles of each environment"},
    {"keep-daily", OPT_COUNT, AT(daily), "N", "and the newest of each of the last N days"},
    {"keep-weekly", OPT_COUNT, AT(weekly), "N", "and of each of the last N weeks"},
    {"keep-monthly", OPT_COUNT, AT(monthly), "N", "and of each of the last N months"},
    {"environment", OPT_STR, AT(environment), "NAME", "the rules apply to this one only"},
    {"grace", OPT_SECONDS, AT(grace_s), "T", "how long data stay that nothing needs"},
    {"dry-run", OPT_FLAG, AT(dry_run), NULL, "change nothing, say what would be done"},
    {0},
};
#undef AT

const struct cmd bundle_gc_cmd = {
    .name = "bundle gc",
    .summary = "remove old bundles by rules, and free what nothing needs",
    .usage = "--store STORE [OPTIONS]",
    .about =
        "Without rules every bundle stays, and only what no bundle needs is freed: data of removed "
        "bundles, and files that a crash left. The rules count days, ISO weeks and months (UTC) "
        "that have a bundle, of each environment by itself; pinned bundles always stay. What is "
        "removed is freed only after the grace period, so that whoever reads it can finish; "
        "snapshots and copies at work keep what they build on however long they take.",
    .examples = "# every night\n"
                "$ rehearse bundle gc --store store --keep-daily 14 --keep-weekly 8\n"
                "# what would it do?\n"
                "$ rehearse bundle gc --store store --keep-last 3 --dry-run\n",
    .opts = opts,
    .defaults = &defaults,
    .conf_size = sizeof(struct gc_cmd_conf),
    .run = gc_main,
};
