#include "replay/cmd.h"

static const struct record_conf defaults = {.body_max = (uint64_t)4 << 20,
                                            .memory_max = (uint64_t)128 << 20,
                                            .buffer_bytes = (uint64_t)32 << 20};

#define AT(field) offsetof(struct record_conf, field)
static const struct opt opts[] = {
    {"interface", OPT_STR, AT(interface), "NAME", "interface to listen on (default lo)"},
    {"port", OPT_LIST, AT(ports), "N", "server port to record; again, or 80,8080, for more"},
    {"env", OPT_STR, AT(env), "FILE", "environment file: interface and ports of its traffic"},
    {"to", OPT_STR, AT(to), "FILE", "tape to write; it must not exist"},
    {"duration", OPT_SECONDS, AT(duration_s), "T", "stop after this time (default: on a signal)"},
    {"max-bytes", OPT_BYTES, AT(max_bytes), "SIZE", "stop when the tape has grown to this size"},
    {"body-max", OPT_BYTES, AT(body_max), "SIZE", "keep so much of each body"},
    {"memory-max", OPT_BYTES, AT(memory_max), "SIZE", "memory for traffic in work"},
    {"buffer", OPT_BYTES, AT(buffer_bytes), "SIZE", "the kernel's capture buffer"},
    {"cpu-max", OPT_REAL, AT(cpu_max), "PERCENT",
     "stop by itself when more of one core is used for 10 s"},
    {"journal", OPT_STR, AT(journal), "FILE", "journal to write the totals to"},
    {0},
};
#undef AT

static int run(const void *conf, int argc, char **argv, struct err *err)
{
    const struct record_conf *c = conf;
    AUTO(journal) struct journal *journal = NULL;

    if (argc > 0)
        err_set(err, ERR_USAGE, "unexpected operand '%s'", argv[0]);
    else if ((!c->journal || journal_open(c->journal, &journal, err)) &&
             record_run(c, journal, err))
        return 0;
    return (int)err->code;
}

const struct cmd record_cmd = {
    .name = "record",
    .summary = "capture HTTP traffic into a tape",
    .usage = "--port N --to FILE [OPTIONS]",
    .about =
        "Listens passively (libpcap) and writes every HTTP/1.1 request and response of the given\n"
        "server ports, with their times, to a tape. The log line \"recording\" says that it\n"
        "listens; SIGINT or SIGTERM ends it in order. Lost bytes are written as gaps, never\n"
        "passed over.\n"
        "\n"
        "The tape holds what clients sent, passwords and cookies included. It is made with mode\n"
        "0600; keep it so. HTTPS and HTTP/2 are not seen: record behind the proxy that ends TLS.\n"
        "\n"
        "The right to capture: root, or setcap cap_net_raw,cap_net_admin=ep on the program.",
    .examples = "# an hour of production's web traffic\n"
                "$ rehearse record --interface eth0 --port 8080 --to monday.tape --duration 1h\n"
                "# as the environment file says, with at most a quarter of a core\n"
                "$ rehearse record --env shop.yaml --to monday.tape --cpu-max 25\n",
    .opts = opts,
    .defaults = &defaults,
    .conf_size = sizeof(defaults),
    .run = run,
};
