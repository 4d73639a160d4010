#include "lib/base/json.h"
#include "replay/cmd.h"
#include "replay/print.h"
#include "replay/replay.h"

static const struct replay_conf defaults = {.speed = 1.0, .timeout_s = 30, .label = "replay"};

#define AT(field) offsetof(struct replay_conf, field)
static const struct opt opts[] = {
    {"to", OPT_LIST, AT(to), "[PORT=]HOST:PORT", "where to; PORT: of the recorded server"},
    {"results", OPT_STR, AT(results), "FILE", "keep every response and its times there"},
    {"against", OPT_STR, AT(against), "FILE",
     "compare with these results, or with \"tape\": the recorded responses"},
    {"noise", OPT_STR, AT(noise), "FILE",
     "results of the same release as --against: what differs between them is noise"},
    {"speed", OPT_REAL, AT(speed), "X", "2 is twice as fast as recorded"},
    {"no-wait", OPT_FLAG, AT(no_wait), NULL,
     "as fast as the server answers, not when it was recorded"},
    {"timeout", OPT_SECONDS, AT(timeout_s), "T", "give up on a response"},
    {"connections-max", OPT_COUNT, AT(connections_max), "N",
     "open at once (default: as many as were recorded)"},
    {"threads", OPT_COUNT, AT(threads), "N", "threads that send (default: cores, at most 4)", 0,
     64},
    {"keep-host", OPT_FLAG, AT(keep_host), NULL, "send the recorded Host, Origin and Referer"},
    {"allow-source", OPT_FLAG, AT(allow_source), NULL,
     "permit the very server that was recorded as target"},
    {"label", OPT_STR, AT(label), "NAME", "name of this replay in the journal"},
    {"journal", OPT_STR, AT(journal), "FILE", "journal to write what was measured to"},
    {0},
};
#undef AT

static bool run_and_print(const struct replay_conf *conf, struct err *err)
{
    AUTO(journal) struct journal *journal = NULL;
    AUTO(json) json_t *all = json_array();
    struct events events = {.all = all};

    if (!all)
        return err_memory(err);
    if (conf->journal && !journal_open(conf->journal, &journal, err))
        return false;
    events.journal = journal;
    return replay_with_events(conf, &events, err) && print_events(all, err);
}

static int run(const void *base, int argc, char **argv, struct err *err)
{
    struct replay_conf conf = *(const struct replay_conf *)base;

    if (argc != 1) {
        err_set(err, ERR_USAGE, argc ? "one tape at a time" : "no tape is named");
        err_hint(err, "name a file that 'rehearse record' wrote");
        return (int)err->code;
    }
    conf.tape = argv[0];
    return run_and_print(&conf, err) ? 0 : (int)err->code;
}

const struct cmd replay_cmd = {
    .name = "replay",
    .summary = "replay a tape against a service, measure and compare",
    .usage = "--to HOST:PORT [OPTIONS] TAPE",
    .about =
        "Sends every recorded request at its recorded time (an absolute schedule: a slow server\n"
        "does not slow the sender down), on as many connections as were recorded, each with its\n"
        "own order. Cookies, tokens and ids that the server makes up are carried: where a replayed\n"
        "response has another value than the recorded one, later requests get the new value.\n"
        "\n"
        "Latency is counted from when a request was due, so that a stall counts for all whom it\n"
        "kept waiting; beside it, from when it was sent. How late the sender itself was stands in\n"
        "the summary: over its budget the figures prove nothing.\n"
        "\n"
        "With --against, status, headers and bodies are compared by structure, and latencies by a\n"
        "paired test. The request's order and times come from the tape, so two results files of\n"
        "one tape compare request by request. Without --results they are kept until they are\n"
        "compared, in TMPDIR or beside the tape.",
    .examples = "# does it still answer as it did when it was recorded?\n"
                "$ rehearse replay --to 127.0.0.1:18080 --against tape monday.tape\n"
                "# the old release, twice, to know the noise; then the new one\n"
                "$ rehearse replay --to 127.0.0.1:18080 --results old.res monday.tape\n"
                "$ rehearse replay --to 127.0.0.1:18080 --results noise.res monday.tape\n"
                "$ rehearse replay --to 127.0.0.1:18080 --results new.res --against old.res \\\n"
                "    --noise noise.res monday.tape\n"
                "# two recorded ports to two services\n"
                "$ rehearse replay --to 80=127.0.0.1:18080 --to 8081=127.0.0.1:18081 monday.tape\n",
    .opts = opts,
    .defaults = &defaults,
    .conf_size = sizeof(defaults),
    .run = run,
};
