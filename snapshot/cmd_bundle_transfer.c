/* `rehearse bundle push` and `rehearse bundle pull`. */
#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/bundle/transfer.h"
#include "snapshot/cmd.h"
#include "snapshot/print.h"

struct transfer_cmd_conf {
    const char *store, *to, *from;
    uint64_t jobs;
    bool all;
};

struct sending {
    struct store *from, *to;
    struct transfer_conf conf;
    struct transfer_report report;
    uint64_t bundles;
};

static bool send_ref(struct sending *s, const char *ref, struct err *err)
{
    progress_note(s->conf.progress, ref);
    s->bundles++;
    return bundle_transfer(s->from, ref, s->to, &s->conf, &s->report, err);
}

static bool send_listed(void *ctx, const struct bundle_info *info, struct err *err)
{
    char hex[HASH_HEX];

    digest_hex(&info->manifest, hex);
    return send_ref(ctx, hex, err);
}

static bool send_each(struct sending *s, const struct transfer_cmd_conf *conf, int argc,
                      char **argv, struct err *err)
{
    if (conf->all)
        return bundle_list(s->from, send_listed, s, err);
    if (argc == 0)
        return send_ref(s, "latest", err);
    for (int i = 0; i < argc; i++)
        if (!send_ref(s, argv[i], err))
            return false;
    return true;
}

static bool print_sent(const struct sending *s, struct err *err)
{
    const struct transfer_report *r = &s->report;
    char sent[ISO_TIME], there[ISO_TIME];

    if (!cmd_json()) {
        printf("sent  %llu bundles: %s in %llu objects; %s were there\n",
               (unsigned long long)s->bundles, human_bytes(r->sent_bytes, sent),
               (unsigned long long)r->sent, human_bytes(r->there_bytes, there));
        return true;
    }
    AUTO(json)
    json_t *all = json_pack("{s:I, s:I, s:I, s:I, s:I}", "bundles", (json_int_t)s->bundles, "sent",
                            (json_int_t)r->sent, "sent_bytes", (json_int_t)r->sent_bytes, "there",
                            (json_int_t)r->there, "there_bytes", (json_int_t)r->there_bytes);
    return all ? print_json(all, err) : err_memory(err);
}

static int transfer(const struct transfer_cmd_conf *conf, const char *from_url, const char *to_url,
                    int argc, char **argv, struct err *err)
{
    AUTO(store) struct store *from = NULL;
    AUTO(store) struct store *to = NULL;
    AUTO(progress) struct progress *progress = NULL;

    if (conf->all && argc) {
        err_set(err, ERR_USAGE, "either --all or bundles, not both");
        return ERR_USAGE;
    }
    if (!cmd_store_open(from_url, STORE_READ, &from, err) ||
        !cmd_store_open(to_url, STORE_WRITE, &to, err))
        return (int)err->code;
    progress = progress_open("send", 0);
    struct sending s = {.from = from, .to = to, .conf = {(unsigned)conf->jobs, progress}};
    if (!send_each(&s, conf, argc, argv, err)) {
        if (!err->hint[0])
            err_hint(err, "the same command goes on where this one stopped");
        return (int)err->code;
    }
    return print_sent(&s, err) ? 0 : (int)err->code;
}

static int push_main(const void *conf_, int argc, char **argv, struct err *err)
{
    const struct transfer_cmd_conf *conf = conf_;

    if (!conf->to) {
        err_set(err, ERR_USAGE, "it was not said where to");
        err_hint(err, "give --to STORE");
        return ERR_USAGE;
    }
    return transfer(conf, conf->store, conf->to, argc, argv, err);
}

static int pull_main(const void *conf_, int argc, char **argv, struct err *err)
{
    const struct transfer_cmd_conf *conf = conf_;

    if (!conf->from) {
        err_set(err, ERR_USAGE, "it was not said where from");
        err_hint(err, "give --from STORE");
        return ERR_USAGE;
    }
    return transfer(conf, conf->from, conf->store, argc, argv, err);
}

static const struct transfer_cmd_conf defaults = {.jobs = 4};

#define AT(field) offsetof(struct transfer_cmd_conf, field)
static const struct opt push_opts[] = {
    {"store", OPT_STR, AT(store), "STORE", "the store that has the bundles: a path or a URL"},
    {"to", OPT_STR, AT(to), "STORE", "the store that gets them; made when it is not there"},
    {"all", OPT_FLAG, AT(all), NULL, "every bundle"},
    {"jobs", OPT_COUNT, AT(jobs), "N", "objects sent at the same time", 1, 64},
    {0},
};
static const struct opt pull_opts[] = {
    {"store", OPT_STR, AT(store), "STORE", "the store that gets the bundles: a path or a URL"},
    {"from", OPT_STR, AT(from), "STORE", "the store that has them"},
    {"all", OPT_FLAG, AT(all), NULL, "every bundle"},
    {"jobs", OPT_COUNT, AT(jobs), "N", "objects fetched at the same time", 1, 64},
    {0},
};
#undef AT

const struct cmd bundle_push_cmd = {
    .name = "bundle push",
    .summary = "send bundles to another store",
    .usage = "--store STORE --to STORE [OPTIONS] [BUNDLE]...",
    .about = "Sends only what the other store lacks, then the tags; everything is compared with "
             "its hash on the way. After an interruption the same command goes on. Without BUNDLE "
             "the newest one is sent. Encrypted bundles need no key.",
    .examples = "$ rehearse bundle push --store store --to sftp://backup@vault/srv/bundles\n",
    .opts = push_opts,
    .defaults = &defaults,
    .conf_size = sizeof(struct transfer_cmd_conf),
    .run = push_main,
};

const struct cmd bundle_pull_cmd = {
    .name = "bundle pull",
    .summary = "fetch bundles from another store",
    .usage = "--store STORE --from STORE [OPTIONS] [BUNDLE]...",
    .about = "As push, the other way round.",
    .examples = "$ rehearse bundle pull --store store --from sftp://qa@vault/srv/bundles latest\n",
    .opts = pull_opts,
    .defaults = &defaults,
    .conf_size = sizeof(struct transfer_cmd_conf),
    .run = pull_main,
};
