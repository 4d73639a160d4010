/* Help on a terminal and for the shell. */
#include "lib/base/cmd_doc.h"

#include "lib/base/auto.h"
#include "lib/base/buf.h"

#include <inttypes.h>

#define WIDTH  80
#define COLUMN 30 /* where what an option does begins */

/* One paragraph, filled to WIDTH. Lines that begin with a blank are left as they are. */
static void put_words(struct span text, int indent, int at, FILE *to)
{
    struct span word;

    while (span_split(&text, ' ', &word)) {
        if (!word.len)
            continue;
        if (at > indent && at + 1 + (int)word.len > WIDTH) {
            fputc('\n', to);
            at = 0;
        }
        int blanks = at < indent ? indent - at : (at > indent);
        fprintf(to, "%*s%.*s", blanks, "", (int)word.len, word.at);
        at += blanks + (int)word.len;
    }
    fputc('\n', to);
}

/* A line break in a paragraph is a blank, but for lines that begin with one: those are examples. */
static void put_text(const char *text, FILE *to)
{
    AUTO(buf) struct buf filled = {0};
    struct span rest = span_of(text), line;

    while (span_split(&rest, '\n', &line)) {
        bool plain = line.len && line.at[0] != ' ';
        if (plain) {
            buf_span(&filled, line);
            buf_putc(&filled, ' ');
        }
        if (filled.len && (!plain || !rest.at)) {
            put_words(buf_view(&filled), 0, 0, to);
            buf_clear(&filled);
        }
        if (!plain && (line.len || rest.at))
            fprintf(to, "%.*s\n", (int)line.len, line.at);
    }
}

/* As it is given: 4M. */
static void put_bytes(uint64_t n, char *out, size_t size)
{
    static const char units[] = "kMG";
    size_t unit = 0;

    while (n % 1024 == 0 && unit < COUNT(units) - 1) {
        n /= 1024;
        unit++;
    }
    snprintf(out, size, "%" PRIu64 "%.1s", n, unit ? &units[unit - 1] : "");
}

const char *doc_default(const struct opt *o, const void *defaults, char *out, size_t size)
{
    const void *at = defaults ? (const char *)defaults + o->offset : NULL;

    out[0] = 0;
    if (!at)
        return out;
    switch (o->type) {
    case OPT_STR:
        if (*(const char *const *)at)
            snprintf(out, size, "%s", *(const char *const *)at);
        break;
    case OPT_COUNT:
        if (*(const uint64_t *)at)
            snprintf(out, size, "%" PRIu64, *(const uint64_t *)at);
        break;
    case OPT_BYTES:
        if (*(const uint64_t *)at)
            put_bytes(*(const uint64_t *)at, out, size);
        break;
    case OPT_SECONDS:
        if (*(const double *)at > 0)
            snprintf(out, size, "%gs", *(const double *)at);
        break;
    case OPT_REAL:
        if (*(const double *)at > 0)
            snprintf(out, size, "%g", *(const double *)at);
        break;
    case OPT_FLAG:
    case OPT_LIST:
    case OPT_END:
        break;
    }
    return out;
}

bool doc_is_on(const struct opt *o, const void *defaults)
{
    return o->type == OPT_FLAG && defaults && *(const bool *)((const char *)defaults + o->offset);
}

static void put_option(const struct opt *o, const void *defaults, FILE *to)
{
    char value[128], text[512];

    int at = fprintf(to, "  --%s%s%s%s", doc_is_on(o, defaults) ? "[no-]" : "", o->name,
                     o->arg ? " " : "", o->arg ? o->arg : "");
    if (at >= COLUMN) {
        fputc('\n', to);
        at = 0;
    }
    doc_default(o, defaults, value, sizeof(value));
    snprintf(text, sizeof(text), *value ? "%s (default %s)" : "%s", o->help, value);
    put_words(span_of(text), COLUMN, at, to);
}

static void put_options(const char *title, const struct opt *opts, const void *defaults, FILE *to)
{
    if (!opts || opts->type == OPT_END)
        return;
    fprintf(to, "\n%s:\n", title);
    for (; opts->type != OPT_END; opts++)
        put_option(opts, defaults, to);
}

void cmd_help(const struct cmd *cmd, FILE *to)
{
    fprintf(to, "rehearse %s: %s\n\nusage: rehearse %s %s\n", cmd->name, cmd->summary, cmd->name,
            cmd->usage ? cmd->usage : "");
    if (cmd->about) {
        fputc('\n', to);
        put_text(cmd->about, to);
    }
    put_options("options", cmd->opts, cmd->defaults, to);
    put_options("common options", common_opts, NULL, to);
    fputs("\nEvery option can be given in the environment: REHEARSE_NAME for --name.\n", to);
    if (cmd->examples) {
        struct span rest = span_of(cmd->examples), line;
        fputs("\nexamples:\n", to);
        while (span_split(&rest, '\n', &line))
            if (line.len)
                fprintf(to, "  %.*s\n", (int)line.len, line.at);
    }
}

static void put_commands(const struct cmd *const *table, const char *group, FILE *to)
{
    size_t len = group ? strlen(group) : 0;

    for (; *table; table++) {
        const char *name = (*table)->name;
        if (group && (strncmp(name, group, len) != 0 || name[len] != ' '))
            continue;
        int at = fprintf(to, "  %s", name);
        put_words(span_of((*table)->summary), 22, at, to);
    }
}

void doc_group(const struct cmd *const *table, const char *group, FILE *to)
{
    fprintf(to, "usage: rehearse %s COMMAND [OPTIONS]\n\ncommands:\n", group);
    put_commands(table, group, to);
    fprintf(to, "\n'rehearse help %s COMMAND' tells more.\n", group);
}

void doc_overview(const struct cmd *const *table, const char *about, FILE *to)
{
    put_text(about, to);
    fputs("\nusage: rehearse COMMAND [OPTIONS]\n\ncommands:\n", to);
    put_commands(table, NULL, to);
    put_options("common options", common_opts, NULL, to);
    fputs("\n'rehearse help COMMAND' tells more about one, 'rehearse --version' the version.\n",
          to);
}

static void put_names(const struct opt *opts, FILE *to)
{
    for (; opts && opts->type != OPT_END; opts++)
        fprintf(to, " --%s", opts->name);
}

/* Commands and options; names of files where neither fits. */
void cmd_completion(const struct cmd *const *table, FILE *to)
{
    fputs("_rehearse()\n{\n    local cur=${COMP_WORDS[COMP_CWORD]} words= opts=\n"
          "    case \"${COMP_WORDS[1]} ${COMP_WORDS[2]}\" in\n",
          to);
    for (const struct cmd *const *c = table; *c; c++) {
        fprintf(to, "    \"%s%s\"*) opts='", (*c)->name, strchr((*c)->name, ' ') ? "" : " ");
        put_names((*c)->opts, to);
        put_names(common_opts, to);
        fputs("' ;;\n", to);
    }
    fputs("    esac\n    [ \"$COMP_CWORD\" -le 2 ] && words=$(rehearse commands 2>/dev/null |\n"
          "        if [ \"$COMP_CWORD\" = 1 ]; then cut -d' ' -f1 | uniq\n"
          "        else sed -n \"s/^${COMP_WORDS[1]} //p\"; fi)\n"
          "    case $cur in -*) words=$opts ;; esac\n"
          "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\n"
          "complete -o default -F _rehearse rehearse\n",
          to);
}
