/* Subcommands: a const table entry each.
 *
 * `run` gets the operands in argv (argv[0] is the first operand, not the command) and the filled
 * conf through `conf_size` bytes made from `defaults`. It returns an exit status: 0, a verdict
 * (1, 2), or (int)err->code when it failed; main prints err. Only cmd*.c and main.c print.
 */
#ifndef LIB_BASE_CMD_H
#define LIB_BASE_CMD_H

#include "lib/base/opt.h"

#include <stdio.h>

struct cmd {
    const char *name;     /* "box ls": two words for a subcommand of a group */
    const char *summary;  /* one line, lower case */
    const char *usage;    /* "[OPTIONS] BUNDLE" */
    const char *about;    /* paragraphs for --help and the man page */
    const char *examples; /* lines, "# comment" and "$ command" */
    const struct opt *opts;
    const void *defaults;
    size_t conf_size;
    int (*run)(const void *conf, int argc, char **argv, struct err *err);
};

/* Options that every command has; read by main before the command's own. */
struct common_conf {
    bool help, json, quiet, verbose;
    const char *log; /* text or json */
};
extern const struct opt common_opts[];

/* Finds the command in the NULL-terminated table, parses, runs, prints help or the error.
 * argv as main() got it. Returns the exit status. */
int cmd_main(const struct cmd *const *table, const char *about, int argc, char **argv);
/* Whether --json was given: results on stdout as one JSON document. */
bool cmd_json(void);
/* Prints --help of one command / a man page in roff / a bash completion; for docs and main. */
void cmd_help(const struct cmd *cmd, FILE *to);
void cmd_man(const struct cmd *cmd, FILE *to);
void cmd_completion(const struct cmd *const *table, FILE *to);
/* Set by SIGINT and SIGTERM (a second signal ends the process at once). Long loops ask it. */
bool cmd_stopping(void);
bool cmd_stop_check(struct err *err); /* false with ERR_STOPPED when stopping */

#endif
