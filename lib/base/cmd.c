#include "lib/base/cmd.h"

#include "lib/base/auto.h"
#include "lib/base/cmd_doc.h"
#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/base/stop.h"

#include <stdlib.h>

static bool json_wanted;

#define AT(field) offsetof(struct common_conf, field)
const struct opt common_opts[] = {
    {"help", OPT_FLAG, AT(help), NULL, "say what the command does and takes (-h)"},
    {"json", OPT_FLAG, AT(json), NULL, "results on stdout, and errors on stderr, as JSON"},
    {"quiet", OPT_FLAG, AT(quiet), NULL, "warnings and errors only, no progress (-q)"},
    {"verbose", OPT_FLAG, AT(verbose), NULL, "tell every detail (-v)"},
    {"log", OPT_STR, AT(log), "FORM", "log lines on stderr as text or json"},
    {0},
};
#undef AT

bool cmd_json(void)
{
    return json_wanted;
}

/* ---- reporting -------------------------------------------------------------------------------- */

static void print_json_error(const struct err *err)
{
    AUTO(json)
    json_t *fields =
        fields_json(FIELDS(f_num("code", err->code), f_str("class", err_class_name(err->code)),
                           f_str("text", err->text), f_str("hint", err->hint)));
    AUTO(json) json_t *o = json_pack("{s:O}", "error", fields);
    AUTO(free) char *text = o ? json_text(o) : NULL;

    fprintf(stderr, "%s\n", text ? text : "{\"error\":{}}");
}

static int report(const struct err *err)
{
    char line[sizeof(err->text) + sizeof(err->hint) + 16];

    if (json_wanted)
        print_json_error(err);
    else if (term_colours(STDERR_FILENO))
        fprintf(stderr, "\r\033[K\033[31mrehearse:\033[0m %s\n", err_line(err, line, sizeof(line)));
    else
        fprintf(stderr, "rehearse: %s\n", err_line(err, line, sizeof(line)));
    return err->code;
}

/* A result that did not reach the file is an error, however well the work went. */
static int flush_results(int status)
{
    struct err err = {0};

    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    err_sys(&err, ERR_IO, "cannot write the results");
    return report(&err);
}

/* ---- finding the command ---------------------------------------------------------------------- */

struct line {
    const struct cmd *const *table;
    const char *about;
    int argc; /* without the program's name and the words of the command */
    char **argv;
    const char *word[2];
};

static bool takes_value(const char *word)
{
    return strcmp(word, "--log") == 0;
}

/* Takes the first operand out of the line; common options may stand in front of it. */
static const char *take_word(struct line *l)
{
    for (int i = 0; i < l->argc; i++) {
        char *word = l->argv[i];
        if (takes_value(word))
            i++;
        if (word[0] == '-')
            continue;
        memmove(&l->argv[i], &l->argv[i + 1], (size_t)(l->argc - i) * sizeof(*l->argv));
        l->argc--;
        return word;
    }
    return NULL;
}

static const struct cmd *find(const struct cmd *const *table, const char *first, const char *second)
{
    for (; *table; table++) {
        struct span rest = span_of((*table)->name), word;
        span_split(&rest, ' ', &word);
        if (!span_is(word, first))
            continue;
        if (second ? span_is(rest, second) : !rest.at)
            return *table;
    }
    return NULL;
}

static bool is_group(const struct cmd *const *table, const char *first)
{
    size_t len = strlen(first);

    for (; *table; table++)
        if (strncmp((*table)->name, first, len) == 0 && (*table)->name[len] == ' ')
            return true;
    return false;
}

static bool unknown(const struct cmd *const *table, const char *first, const char *second,
                    struct err *err)
{
    char name[128];
    const char *near = NULL;
    size_t best = SIZE_MAX;

    snprintf(name, sizeof(name), "%s%s%s", first, second ? " " : "", second ? second : "");
    for (; *table; table++) {
        size_t far = opt_distance(span_of(name), span_of((*table)->name));
        if (far < best) {
            best = far;
            near = (*table)->name;
        }
    }
    err_set(err, ERR_USAGE, "unknown command '%s'", name);
    if (near)
        return err_hint(err, "did you mean '%s'?", near);
    return err_hint(err, "'rehearse help' lists the commands");
}

/* The words of the command are taken out of the line; *out is NULL for a group by itself. */
static bool choose(struct line *l, const struct cmd **out, struct err *err)
{
    l->word[0] = take_word(l);
    *out = NULL;
    if (!l->word[0])
        return true;
    if (!is_group(l->table, l->word[0])) {
        *out = find(l->table, l->word[0], NULL);
        return *out || unknown(l->table, l->word[0], NULL, err);
    }
    l->word[1] = take_word(l);
    *out = l->word[1] ? find(l->table, l->word[0], l->word[1]) : find(l->table, l->word[0], NULL);
    return *out || !l->word[1] || unknown(l->table, l->word[0], l->word[1], err);
}

/* ---- running it ------------------------------------------------------------------------------- */

static bool set_up(const struct common_conf *common, struct err *err)
{
    enum log_level level = common->verbose ? LOG_LEVEL_DEBUG
                           : common->quiet ? LOG_LEVEL_WARN
                                           : LOG_LEVEL_INFO;
    bool json = common->log && strcmp(common->log, "json") == 0;

    json_wanted = common->json;
    if (common->log && !json && strcmp(common->log, "text") != 0) {
        err_set(err, ERR_USAGE, "unknown log form '%s'", common->log);
        return err_hint(err, "text or json");
    }
    log_setup(level, json ? LOG_FORM_JSON : LOG_FORM_TEXT);
    return true;
}

static int run_cmd(const struct cmd *cmd, struct line *l)
{
    struct err err = {0};
    struct common_conf common = {0};
    AUTO(free) void *conf = calloc(1, cmd->conf_size ? cmd->conf_size : 1);
    const struct opt_set sets[] = {{cmd->opts, conf}, {common_opts, &common}};

    if (!conf) {
        err_memory(&err);
        return report(&err);
    }
    if (cmd->defaults && cmd->conf_size)
        memcpy(conf, cmd->defaults, cmd->conf_size);
    bool parsed = opt_parse_sets(sets, COUNT(sets), &l->argc, l->argv, &err);
    if (common.help) {
        cmd_help(cmd, stdout);
        return flush_results(0);
    }
    if (!parsed || !set_up(&common, &err)) {
        if (!err.hint[0])
            err_hint(&err, "see 'rehearse help %s'", cmd->name);
        return report(&err);
    }
    int status = cmd->run(conf, l->argc, l->argv, &err);
    if (status != 0 && err.code != ERR_NONE) {
        fflush(stdout);
        return report(&err);
    }
    return flush_results(status);
}

/* Nothing but options, or a group by itself: only the common ones can be meant. */
static int run_bare(struct line *l)
{
    struct err err = {0};
    struct common_conf common = {0};
    const struct opt_set set = {common_opts, &common};

    for (int i = 0; i < l->argc; i++)
        if (strcmp(l->argv[i], "--version") == 0) {
            puts("rehearse " REHEARSE_VERSION);
            return flush_results(0);
        }
    if (!opt_parse_sets(&set, 1, &l->argc, l->argv, &err))
        return report(&err);
    if (l->word[0])
        doc_group(l->table, l->word[0], stdout);
    else
        doc_overview(l->table, l->about, stdout);
    return flush_results(0);
}

static int run_help(struct line *l)
{
    struct err err = {0};
    const struct cmd *cmd = NULL;

    if (!choose(l, &cmd, &err))
        return report(&err);
    if (!cmd)
        return run_bare(l);
    cmd_help(cmd, stdout);
    return flush_results(0);
}

static int run_man(struct line *l)
{
    struct err err = {0};
    const struct cmd *cmd = NULL;

    if (!choose(l, &cmd, &err))
        return report(&err);
    if (cmd)
        cmd_man(cmd, stdout);
    else
        doc_man_overview(l->table, l->about, stdout);
    return flush_results(0);
}

static int run_completion(struct line *l)
{
    struct err err = {0};
    const char *shell = take_word(l);

    if (!shell || strcmp(shell, "bash") != 0) {
        err_set(&err, ERR_USAGE, "unknown shell '%s'", shell ? shell : "");
        err_hint(&err, "rehearse completion bash");
        return report(&err);
    }
    cmd_completion(l->table, stdout);
    return flush_results(0);
}

static int run_names(struct line *l)
{
    for (const struct cmd *const *c = l->table; *c; c++)
        puts((*c)->name);
    return flush_results(0);
}

/* Made from the tables, for the documentation and for help; not commands of the trade. */
static const struct {
    const char *name;
    int (*run)(struct line *l);
} built_in[] = {
    {"help", run_help},
    {"man", run_man},
    {"completion", run_completion},
    {"commands", run_names},
};

int cmd_main(const struct cmd *const *table, const char *about, int argc, char **argv)
{
    struct err err = {0};
    const struct cmd *cmd = NULL;
    int skip = argc > 0;

    stop_listen();
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        json_wanted |= strcmp(argv[i], "--json") == 0;
    struct line l = {.table = table, .about = about, .argc = argc - skip, .argv = argv + skip};
    for (size_t i = 0; l.argc && i < COUNT(built_in); i++)
        if (strcmp(l.argv[0], built_in[i].name) == 0) {
            take_word(&l);
            return built_in[i].run(&l);
        }
    if (!choose(&l, &cmd, &err))
        return report(&err);
    return cmd ? run_cmd(cmd, &l) : run_bare(&l);
}
