/* Options: one const table per command yields parsing, --help, environment names, completion and
 * the man page.
 *
 * Order of precedence: flag, environment (REHEARSE_LOCK_TIMEOUT for --lock-timeout), default (what
 * the struct held before). `--name value`, `--name=value`, `--no-flag` for flags, `--` ends options.
 * Long names only, but for -h, -v and -q. Repeated OPT_LIST options add up. At most 64 options in a
 * table. An empty environment variable counts as unset.
 */
#ifndef LIB_BASE_OPT_H
#define LIB_BASE_OPT_H

#include "lib/base/err.h"
#include "lib/base/span.h"

#include <stddef.h>
#include <stdint.h>

enum opt_type {
    OPT_END = 0,
    OPT_FLAG,    /* bool */
    OPT_STR,     /* const char * (borrowed from argv or the environment) */
    OPT_LIST,    /* struct opt_list */
    OPT_COUNT,   /* uint64_t, >= 0 */
    OPT_SECONDS, /* double; takes 500ms, 30, 30s, 5m, 2h, 1d */
    OPT_BYTES,   /* uint64_t; takes 4096, 64k, 16M, 2G (powers of 1024) */
    OPT_REAL,    /* double */
};

struct opt_list {
    const char *at[64];
    size_t count;
};

struct opt {
    const char *name;
    enum opt_type type;
    size_t offset;
    const char *arg; /* FILE, N ...; NULL for flags */
    const char *help;
    uint64_t min, max; /* for OPT_COUNT; 0, 0: no bound */
};

/* Fills `conf`; *argc and argv are left with the operands only (argv[0] is the first operand). The
 * error names the option, and for an unknown one the nearest known name. */
bool opt_parse(const struct opt *opts, void *conf, int *argc, char **argv, struct err *err);
/* Several tables at once, each with its own struct: a command's options and the common ones. */
#define OPT_SETS_MAX 4
struct opt_set {
    const struct opt *opts;
    void *conf;
};
bool opt_parse_sets(const struct opt_set *sets, size_t count, int *argc, char **argv,
                    struct err *err);
#define OPT_ENV_NAME 96
void opt_env_name(const struct opt *o, char out[OPT_ENV_NAME]); /* REHEARSE_LOCK_TIMEOUT */
/* How far `name` is from what was given, for "did you mean": letters that must change, 1 for a
 * beginning of it, SIZE_MAX when it is another word altogether. */
size_t opt_distance(struct span given, struct span name);
/* Parses one value as the tables do; for YAML and tests. */
bool opt_seconds(const char *text, double *out);
bool opt_bytes(const char *text, uint64_t *out);

#endif
