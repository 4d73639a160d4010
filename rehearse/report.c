#include "rehearse/report.h"

#include "lib/base/fd.h"
#include "lib/base/hash.h"
#include "lib/base/json.h"
#include "lib/journal/journal.h"
#include "rehearse/cmd.h"
#include "rehearse/verdict.h"
#include "rehearse/verdict_rules.h"

const struct report_format report_formats[] = {
    {"html", "one page to read and to sign", report_html},
    {"junit", "JUnit XML for a pipeline", report_junit},
    {"json", "verdict, reasons and events", report_json},
    {0},
};

static const struct report_format *find_format(const char *name, struct err *err)
{
    for (const struct report_format *f = report_formats; f->name; f++) {
        if (strcmp(f->name, name) == 0)
            return f;
    }
    err_set(err, ERR_USAGE, "unknown report format '%s'", name);
    err_hint(err, "html, junit or json");
    return NULL;
}

/* The digest of the file as it is: a report names exactly the journal that it was made from. */
static bool render(const struct report_format *format, const char *journal_path, struct buf *out,
                   struct err *err)
{
    AUTO(json) json_t *events = NULL;
    struct digest digest;
    char hex[HASH_HEX];
    size_t i;
    const json_t *e;

    if (!journal_load(journal_path, &events, err) || !hash_file(journal_path, &digest, err))
        return false;
    digest_hex(&digest, hex);
    AUTO(json) json_t *counting = verdict_events(events);
    if (!counting)
        return err_memory(err);
    struct report r = {.events = events, .counting = counting, .journal = hex};
    json_array_foreach(counting, i, e) r.verdict = event_is(e, "verdict") ? e : r.verdict;
    return format->render(&r, out, err) && buf_ok(out, err);
}

bool report_write(const char *journal_path, const char *format_name, const char *path,
                  struct err *err)
{
    const struct report_format *format = find_format(format_name, err);
    AUTO(buf) struct buf out = {0};

    if (!format || !render(format, journal_path, &out, err))
        return false;
    if (path)
        return file_replace(path, buf_view(&out), 0644, err);
    return fd_write_all(STDOUT_FILENO, out.at, out.len, err);
}

bool report_json(const struct report *r, struct buf *out, struct err *err)
{
    AUTO(json)
    json_t *o = json_pack("{s:s, s:O?, s:O}", "journal", r->journal, "verdict", r->verdict,
                          "events", r->events);
    AUTO(free) char *text = o ? json_pretty(o) : NULL;

    if (!text)
        return err_memory(err);
    buf_puts(out, text);
    return buf_putc(out, '\n') || buf_ok(out, err);
}

struct report_conf {
    const char *format, *out;
};

static int report_main(const void *conf, int argc, char **argv, struct err *err)
{
    const struct report_conf *c = conf;
    AUTO(free) char *inside = NULL;

    if (argc != 1) {
        err_set(err, ERR_USAGE, "report takes one journal, got %d operands", argc);
        return ERR_USAGE;
    }
    /* The folder of a run is as good as the journal in it. */
    inside = path_join(argv[0], "journal.jsonl");
    const char *journal = inside && path_exists(inside) ? inside : argv[0];
    const char *format = cmd_json() ? "json" : c->format;
    return report_write(journal, format, c->out, err) ? 0 : (int)err->code;
}

static const struct report_conf defaults = {.format = "html"};

#define AT(field) offsetof(struct report_conf, field)
static const struct opt opts[] = {
    {"format", OPT_STR, AT(format), "NAME", "html, junit or json"},
    {"out", OPT_STR, AT(out), "FILE", "write here instead of stdout"},
    {0},
};
#undef AT

const struct cmd report_cmd = {
    .name = "report",
    .summary = "render a journal as HTML, JUnit XML or JSON",
    .usage = "[OPTIONS] JOURNAL|DIR",
    .about = "Reads a journal, checks its chain of hashes and renders it. The report is a pure "
             "function of the journal: it can be made again years later.",
    .examples = "$ rehearse report out/release2 --out report.html\n"
                "$ rehearse report --format junit out/release2/journal.jsonl\n",
    .opts = opts,
    .defaults = &defaults,
    .conf_size = sizeof(struct report_conf),
    .run = report_main,
};
