/* `rehearse snapshot`. */
#include "snapshot/cmd.h"

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "snapshot/print.h"

static bool print_plan(const json_t *result, struct err *err)
{
    char bytes[ISO_TIME];

    if (cmd_json())
        return print_json(result, err);
    printf("nothing was written: %lld sources of '%s' answer, about %s would be read\n",
           (long long)print_number(result, "sources"),
           json_string_value(json_object_get(result, "environment")),
           human_bytes((uint64_t)print_number(result, "raw_bytes"), bytes));
    return true;
}

static bool print_result(const struct bundle_ref *ref, const json_t *result, int64_t took_ns,
                         struct err *err)
{
    char hex[HASH_HEX], raw[ISO_TIME], stored[ISO_TIME], fresh[ISO_TIME], took[ISO_TIME];

    digest_hex(&ref->manifest, hex);
    if (cmd_json()) {
        AUTO(json)
        json_t *all = json_pack("{s:s, s:s, s:f, s:O}", "bundle", hex, "tag", ref->tag, "took_ms",
                                (double)took_ns / 1e6, "config", result);
        return all ? print_json(all, err) : err_memory(err);
    }
    printf("bundle %s\n", ref->tag);
    printf("  digest   sha256:%s\n", hex);
    printf("  captured %s in %s; stored %s, of it new %s\n",
           human_bytes((uint64_t)print_number(result, "raw_bytes"), raw), human_time(took_ns, took),
           human_bytes((uint64_t)print_number(result, "stored_bytes"), stored),
           human_bytes((uint64_t)print_number(result, "new_bytes"), fresh));
    print_components(json_object_get(result, "components"));
    return true;
}

static int snapshot_main(const void *conf_, int argc, char **argv, struct err *err)
{
    const struct snapshot_conf *conf = conf_;
    AUTO(journal) struct journal *journal = NULL;
    AUTO(json) json_t *result = NULL;
    struct bundle_ref ref = {0};
    int64_t began = clock_mono_ns();

    if (argc > 0) {
        err_set(err, ERR_USAGE, "snapshot takes no operands, got '%s'", argv[0]);
        return ERR_USAGE;
    }
    if (conf->journal && !journal_open(conf->journal, &journal, err))
        return (int)err->code;
    if (!snapshot_take(conf, journal, &ref, &result, err))
        return (int)err->code;
    bool ok = conf->dry_run ? print_plan(result, err)
                            : print_result(&ref, result, clock_mono_ns() - began, err);
    return ok ? 0 : (int)err->code;
}

static const struct snapshot_conf defaults = {.lock_timeout_s = 30, .lag_timeout_s = 300};

#define AT(field) offsetof(struct snapshot_conf, field)
static const struct opt opts[] = {
    {"env", OPT_STR, AT(env), "FILE", "environment file: what to capture"},
    {"to", OPT_STR, AT(to), "STORE", "store to write to; made when it does not exist"},
    {"tag", OPT_STR, AT(tag), "TAG", "a name for the bundle, beside the dated one; it moves"},
    {"parent", OPT_STR, AT(parent), "BUNDLE",
     "store only what differs from this one; the newest of the environment when left out, or none"},
    {"jobs", OPT_COUNT, AT(jobs), "N", "readers at the same time; one per core when left out", 1,
     256},
    {"level", OPT_COUNT, AT(level), "N", "zstd level; the best measured one when left out", 1, 19},
    {"rate", OPT_BYTES, AT(rate), "BYTES", "read at most so many bytes per second"},
    {"lock-timeout", OPT_SECONDS, AT(lock_timeout_s), "T",
     "give up when a database lock is not had within this time"},
    {"paranoid", OPT_FLAG, AT(paranoid), NULL,
     "read all files, also those whose size, times and inode say that they did not change"},
    {"max-lag", OPT_SECONDS, AT(max_lag_s), "T",
     "hold reading while a replica is further behind than this: the one that is captured, or those "
     "of the server that is"},
    {"lag-timeout", OPT_SECONDS, AT(lag_timeout_s), "T",
     "give up when replicas stay behind for so long"},
    {"journal", OPT_STR, AT(journal), "FILE", "append what was done to this journal"},
    {"dry-run", OPT_FLAG, AT(dry_run), NULL,
     "connect, look at everything, say how much it is; write nothing"},
    {0},
};
#undef AT

const struct cmd snapshot_cmd = {
    .name = "snapshot",
    .summary = "capture an environment into a bundle",
    .usage = "--env FILE --to STORE [OPTIONS]",
    .about =
        "Reads the file trees, the databases and the host's facts that the environment file names, "
        "all at the same time, and writes them as one bundle into STORE. Every database is read "
        "at one consistent instant, which is recorded with its position.\n\n"
        "The bundle exists only when it is whole: an interrupt, an error or a full disk leaves the "
        "store as it was. What could not be captured exactly is listed in the output and in the "
        "bundle.",
    .examples = "# production, into a local store\n"
                "$ rehearse snapshot --env production.yaml --to /var/lib/rehearse/store\n"
                "# gently, under a name\n"
                "$ rehearse snapshot --env production.yaml --to store --tag before-release-2 "
                "--jobs 1 --rate 20M\n",
    .opts = opts,
    .defaults = &defaults,
    .conf_size = sizeof(struct snapshot_conf),
    .run = snapshot_main,
};
