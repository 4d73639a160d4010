/* Manual pages in roff, man(7). */
#include "lib/base/cmd_doc.h"

#include "lib/base/auto.h"

#include <ctype.h>

/* A hyphen would be set as a dash, and a dot or quote in front would be read as a request. */
static void put_char(char c, bool first, FILE *to)
{
    if (first && (c == '.' || c == '\''))
        fputs("\\&", to);
    if (c == '\\')
        fputs("\\e", to);
    else if (c == '-')
        fputs("\\-", to);
    else
        fputc(c, to);
}

static void put_roff(struct span s, FILE *to)
{
    for (size_t i = 0; i < s.len; i++)
        put_char(s.at[i], i == 0, to);
}

static void put_paragraphs(const char *text, FILE *to)
{
    struct span rest = span_of(text), line;
    bool verbatim = false, apart = true; /* a paragraph has just been begun */

    while (span_split(&rest, '\n', &line)) {
        bool example = line.len && line.at[0] == ' ';
        if (example != verbatim)
            fputs(!example ? ".fi\n" : apart ? ".nf\n" : ".PP\n.nf\n", to);
        verbatim = example;
        if (!line.len && !apart)
            fputs(".PP\n", to);
        apart = !line.len;
        if (apart)
            continue;
        put_roff(line, to);
        fputc('\n', to);
    }
    if (verbatim)
        fputs(".fi\n", to);
}

static void put_head(const char *name, const char *summary, FILE *to)
{
    fputs(".TH REHEARSE", to);
    for (const char *c = name; *c; c++)
        fputc(*c == ' ' ? '-' : toupper((unsigned char)*c), to);
    fputs(" 1 \"\" \"rehearse " REHEARSE_VERSION "\"\n.SH NAME\nrehearse", to);
    for (const char *c = name; *c; c++)
        put_char(*c == ' ' ? '-' : *c, false, to);
    fputs(" \\- ", to);
    put_roff(span_of(summary), to);
    fputc('\n', to);
}

static void put_options(const struct opt *o, const void *defaults, FILE *to)
{
    char text[128];

    for (; o && o->type != OPT_END; o++) {
        fprintf(to, ".TP\n\\fB\\-\\-%s", doc_is_on(o, defaults) ? "[no\\-]" : "");
        put_roff(span_of(o->name), to);
        fprintf(to, "\\fR%s%s%s\n", o->arg ? " \\fI" : "", o->arg ? o->arg : "",
                o->arg ? "\\fR" : "");
        put_roff(span_of(o->help), to);
        if (*doc_default(o, defaults, text, sizeof(text))) {
            fputs(" (default ", to);
            put_roff(span_of(text), to);
            fputc(')', to);
        }
        fputc('\n', to);
    }
}

static void put_exit_status(FILE *to)
{
    fputs(".SH EXIT STATUS\n.TP\n0\nsuccess, or the verdict GO\n.TP\n1\nthe verdict NO\\-GO\n"
          ".TP\n2\nthe verdict INCONCLUSIVE\n",
          to);
    for (const struct err_class *c = err_classes; c->code != ERR_NONE; c++) {
        fprintf(to, ".TP\n%d\n", (int)c->code);
        put_roff(span_of(c->means), to);
        fputc('\n', to);
    }
}

void cmd_man(const struct cmd *cmd, FILE *to)
{
    char name[64];

    snprintf(name, sizeof(name), " %s", cmd->name);
    put_head(name, cmd->summary, to);
    fprintf(to, ".SH SYNOPSIS\n.B rehearse %s\n", cmd->name);
    put_roff(span_of(cmd->usage ? cmd->usage : ""), to);
    fputc('\n', to);
    if (cmd->about) {
        fputs(".SH DESCRIPTION\n", to);
        put_paragraphs(cmd->about, to);
    }
    fputs(".SH OPTIONS\n", to);
    put_options(cmd->opts, cmd->defaults, to);
    put_options(common_opts, NULL, to);
    fputs(
        ".SH ENVIRONMENT\nEvery option can be given as \\fBREHEARSE_\\fINAME\\fR, in capitals and "
        "with _ for \\-;\nthe command line goes before the environment.\n",
        to);
    put_exit_status(to);
    if (cmd->examples) {
        struct span rest = span_of(cmd->examples), line;
        fputs(".SH EXAMPLES\n.nf\n", to);
        while (span_split(&rest, '\n', &line)) {
            put_roff(line, to);
            fputc('\n', to);
        }
        fputs(".fi\n", to);
    }
    fputs(".SH SEE ALSO\n.BR rehearse (1)\n", to);
}

void doc_man_overview(const struct cmd *const *table, const char *about, FILE *to)
{
    put_head("", "rehearse a release on a copy of production", to);
    fputs(".SH SYNOPSIS\n.B rehearse\n\\fICOMMAND\\fR [OPTIONS]\n.SH DESCRIPTION\n", to);
    put_paragraphs(about, to);
    fputs(".SH COMMANDS\n", to);
    for (; *table; table++) {
        fputs(".TP\n.B ", to);
        put_roff(span_of((*table)->name), to);
        fputc('\n', to);
        put_roff(span_of((*table)->summary), to);
        fputc('\n', to);
    }
    put_exit_status(to);
}
