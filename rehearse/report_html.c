#include "lib/base/auto.h"
#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "rehearse/chart.h"
#include "rehearse/html.h"
#include "rehearse/report.h"
#include "rehearse/verdict_rules.h"

static const char css[] =
#include "rehearse/report.css.h"
    ;

/* A section is left out when the journal has none of its events. */
struct section {
    const char *title, *about;
    const char *event; /* that makes it worth showing */
    void (*render)(const struct report *r, struct buf *out);
    bool all; /* also of attempts that were interrupted */
};

static const json_t *first(const json_t *events, const char *name)
{
    size_t i;
    const json_t *e;

    json_array_foreach(events, i, e)
    {
        if (event_is(e, name))
            return e;
    }
    return NULL;
}

static const json_t *last(const json_t *events, const char *name)
{
    const json_t *found = NULL, *e;
    size_t i;

    json_array_foreach(events, i, e) found = event_is(e, name) ? e : found;
    return found;
}

/* ---- the head ------------------------------------------------------------------------------- */

static void fact(struct buf *out, const char *name, const char *value)
{
    buf_puts(out, "<p>");
    html_text(out, name);
    buf_puts(out, "<br>");
    html_el(out, "strong", NULL, value);
    buf_puts(out, "</p>\n");
}

static unsigned attempts_of(const json_t *events)
{
    unsigned count = 0;
    size_t i;
    const json_t *e;

    json_array_foreach(events, i, e)
    {
        count += event_is(e, "run.start") || event_is(e, "run.resume");
    }
    return count;
}

static void head(const struct report *r, struct buf *out)
{
    const json_t *start = first(r->events, "run.start"), *done = last(r->counting, "run.done");
    const char *verdict = r->verdict ? event_str(r->verdict, "verdict") : "no verdict yet";
    unsigned attempts = attempts_of(r->events);
    char took[ISO_TIME], number[16];

    buf_puts(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
                  "<meta name=\"viewport\" content=\"width=device-width\">\n<title>");
    html_text(out, verdict);
    buf_puts(out, " - release ");
    html_text(out, event_str(start, "release"));
    buf_printf(out, "</title>\n<style>\n%s</style></head><body>\n<header class=\"", css);
    html_text(out, verdict);
    buf_puts(out, "\">");
    html_el(out, "h1", NULL, verdict);
    fact(out, "release", event_str(start, "release"));
    fact(out, "environment", event_str(start, "environment"));
    fact(out, "begun", event_str(start, "at"));
    if (attempts > 1) {
        snprintf(number, sizeof(number), "%u", attempts);
        fact(out, "attempts", number);
    }
    if (done)
        fact(out, attempts > 1 ? "the last one took" : "took",
             human_time((int64_t)(event_num(done, "took_ms") * 1e6), took));
    fact(out, "by", event_str(start, "by"));
    buf_puts(out, "</header>\n");
}

/* ---- why ------------------------------------------------------------------------------------ */

/* Reasons of one rule that are shown at once; the rest unfolds. */
#define SHOWN_PER_RULE 4

static bool accepted(const json_t *reason)
{
    return json_is_string(json_object_get(reason, "accepted"));
}

static bool same_kind(const json_t *a, const json_t *b)
{
    return a && b && strcmp(event_str(a, "rule"), event_str(b, "rule")) == 0 &&
           strcmp(event_str(a, "severity"), event_str(b, "severity")) == 0 &&
           accepted(a) == accepted(b);
}

static void reason_row(struct buf *out, const json_t *one)
{
    char cls[64];
    const char *state = accepted(one) ? "accepted" : event_str(one, "severity");

    snprintf(cls, sizeof(cls), "tag %s", state);
    buf_puts(out, "<tr><td class=\"state\">");
    html_el(out, "span", cls, state);
    buf_puts(out, "</td>");
    html_el(out, "td", "rule", event_str(one, "rule"));
    html_el(out, "td", "mono about", event_str(one, "subject"));
    buf_puts(out, "<td>");
    html_text(out, event_str(one, "text"));
    if (accepted(one)) {
        buf_puts(out, "<br>");
        html_el(out, "span", "because", event_str(one, "accepted"));
    }
    buf_puts(out, "</td></tr>\n");
}

static size_t run_length(const json_t *list, size_t from)
{
    size_t n = 1;

    while (same_kind(json_array_get(list, from), json_array_get(list, from + n)))
        n++;
    return n;
}

static void reasons(const struct report *r, struct buf *out)
{
    const json_t *list = json_object_get(r->verdict, "reasons");
    size_t count = json_array_size(list);

    if (!count)
        html_el(out, "p", NULL, "Nothing was found that speaks against the release.");
    for (size_t i = 0; i < count;) {
        size_t n = run_length(list, i), shown = n < SHOWN_PER_RULE ? n : SHOWN_PER_RULE;

        buf_puts(out, "<table class=\"why\">");
        for (size_t k = 0; k < shown; k++)
            reason_row(out, json_array_get(list, i + k));
        buf_puts(out, "</table>\n");
        if (n > shown) {
            buf_printf(out, "<details><summary>%zu more of ", n - shown);
            html_text(out, event_str(json_array_get(list, i), "rule"));
            buf_puts(out, "</summary><table class=\"why\">");
            for (size_t k = shown; k < n; k++)
                reason_row(out, json_array_get(list, i + k));
            buf_puts(out, "</table></details>\n");
        }
        i += n;
    }
}

/* ---- tables --------------------------------------------------------------------------------- */

enum form { FORM_TEXT, FORM_MONO, FORM_NUM, FORM_MS, FORM_BOOL };

struct column {
    const char *title, *key;
    enum form form;
};

static void cell(struct buf *out, const json_t *e, const struct column *c)
{
    AUTO(free) char *text = NULL;

    switch (c->form) {
    case FORM_NUM:
        html_num(out, event_num(e, c->key));
        return;
    case FORM_MS:
        html_ms(out, event_num(e, c->key));
        return;
    case FORM_BOOL:
        html_cell(out, event_true(e, c->key) ? "yes" : "no");
        return;
    case FORM_TEXT:
    case FORM_MONO:
        text = html_value(json_object_get(e, c->key));
        html_el(out, "td", c->form == FORM_MONO ? "mono" : NULL, text ? text : "");
        return;
    }
}

/* One row per event; the column list ends with a NULL title. */
static void table_of(const struct report *r, struct buf *out, const char *event,
                     const struct column *columns)
{
    size_t i;
    const json_t *e;

    buf_puts(out, "<table><tr>");
    for (const struct column *c = columns; c->title; c++)
        html_el(out, "th", c->form == FORM_NUM || c->form == FORM_MS ? "n" : NULL, c->title);
    buf_puts(out, "</tr>\n");
    json_array_foreach(r->counting, i, e)
    {
        if (!event_is(e, event))
            continue;
        buf_puts(out, "<tr>");
        for (const struct column *c = columns; c->title; c++)
            cell(out, e, c);
        buf_puts(out, "</tr>\n");
    }
    buf_puts(out, "</table>\n");
}

static void timeline(const struct report *r, struct buf *out)
{
    chart_timeline(r->events, r->counting, out);
}

static bool is_same_input(const json_t *a, const json_t *b)
{
    return strcmp(event_str(a, "kind"), event_str(b, "kind")) == 0 &&
           strcmp(event_str(a, "name"), event_str(b, "name")) == 0;
}

/* Every attempt looks at them again, and uses what it finds: the last one is listed. */
static json_t *distinct_inputs(const json_t *events)
{
    AUTO(json) json_t *out = json_array();
    size_t i, k;
    json_t *e;
    const json_t *other;

    json_array_foreach(events, i, e)
    {
        size_t at = json_array_size(out);

        if (!event_is(e, "input"))
            continue;
        json_array_foreach(out, k, other) at = is_same_input(e, other) ? k : at;
        if (at < json_array_size(out) ? json_array_set(out, at, e) < 0
                                      : json_array_append(out, e) < 0)
            return NULL;
    }
    return TAKE(out);
}

static void inputs(const struct report *r, struct buf *out)
{
    static const struct column columns[] = {{"input", "kind", FORM_TEXT},
                                            {"name", "name", FORM_MONO},
                                            {"SHA-256", "digest", FORM_MONO},
                                            {0}};
    AUTO(json) json_t *once = distinct_inputs(r->counting);
    struct report distinct = {.counting = once ? once : r->counting};
    table_of(&distinct, out, "input", columns);
}

static void collapsed(struct buf *out, const json_t *e)
{
    size_t i;
    const json_t *c;

    buf_puts(out, "<td>");
    json_array_foreach(json_object_get(e, "columns"), i, c)
    {
        buf_puts(out, "<span class=\"tag no-go\">");
        html_text(out, event_str(c, "column"));
        buf_puts(out, event_num(c, "nonnull_after") < 1 ? " is NULL everywhere"
                                                        : " has one value everywhere");
        buf_puts(out, "</span> ");
    }
    buf_puts(out, "</td>");
}

static void changes(const struct report *r, struct buf *out)
{
    static const char *const names[] = {"table",   "statement",     "rows before", "after",
                                        "changed", "columns wiped", NULL};
    size_t i;
    const json_t *e;

    buf_puts(out, "<table>");
    html_head_row(out, names);
    json_array_foreach(r->counting, i, e)
    {
        if (!event_is(e, "migrate.change"))
            continue;
        buf_puts(out, "<tr>");
        html_el(out, "td", "mono", event_str(e, "table"));
        buf_puts(out, "<td>");
        html_text(out, event_str(e, "file"));
        buf_printf(out, ":%.0f<pre>", event_num(e, "line"));
        html_text(out, event_str(e, "sql"));
        buf_puts(out, "</pre></td>");
        html_num(out, event_num(e, "rows_before"));
        html_num(out, event_num(e, "rows_after"));
        html_num(out, event_num(e, "changed"));
        collapsed(out, e);
        buf_puts(out, "</tr>\n");
    }
    buf_puts(out, "</table>\n");
}

/* ---- answers -------------------------------------------------------------------------------- */

static void example_side(struct buf *out, const char *title, const json_t *value)
{
    AUTO(free) char *text = html_value(value);

    buf_puts(out, "<div>");
    html_el(out, "span", "because", title);
    html_el(out, "pre", NULL, text && text[0] ? text : "(nothing)");
    buf_puts(out, "</div>");
}

static void differences(const struct report *r, struct buf *out)
{
    size_t i;
    const json_t *e;

    json_array_foreach(r->counting, i, e)
    {
        const json_t *example = json_object_get(e, "example");
        if (!event_is(e, "replay.difference"))
            continue;
        buf_puts(out, "<div class=\"difference\"><h3>");
        html_text(out, event_str(e, "endpoint"));
        buf_puts(out, " <code>");
        html_text(out, event_str(e, "where"));
        buf_printf(out, "</code> ");
        html_el(out, "span", "tag", event_str(e, "kind"));
        buf_puts(out, "</h3>");
        buf_printf(
            out,
            "<p class=\"about\">in %.0f of %.0f answers, first in request %.0f, last in %.0f; ",
            event_num(e, "count"), event_num(e, "requests"), event_num(e, "first"),
            event_num(e, "last"));
        html_el(out, "code", NULL, event_str(example, "request"));
        buf_puts(out, "</p><div class=\"pair\">");
        example_side(out, "old release", json_object_get(example, "old"));
        example_side(out, "new release", json_object_get(example, "new"));
        buf_puts(out, "</div></div>\n");
    }
}

static void noise(const struct report *r, struct buf *out)
{
    static const struct column columns[] = {{"endpoint", "endpoint", FORM_TEXT},
                                            {"where", "where", FORM_MONO},
                                            {"answers", "count", FORM_NUM},
                                            {0}};
    table_of(r, out, "replay.noise", columns);
}

static void latency(const struct report *r, struct buf *out)
{
    buf_puts(out,
             "<p class=\"legend\"><i class=\"o\"></i>old release<i class=\"c\"></i>new release "
             "(solid: p50, light: p95; logarithmic; from the intended send time)</p>\n");
    chart_latency(r->counting, out);
}

static void endpoints(const struct report *r, struct buf *out)
{
    static const struct column columns[] = {
        {"replay", "label", FORM_TEXT},     {"endpoint", "endpoint", FORM_TEXT},
        {"requests", "requests", FORM_NUM}, {"errors", "errors", FORM_NUM},
        {"status", "status", FORM_MONO},    {0}};
    table_of(r, out, "replay.endpoint", columns);
}

static void replays(const struct report *r, struct buf *out)
{
    static const struct column columns[] = {{"replay", "label", FORM_TEXT},
                                            {"requests", "requests", FORM_NUM},
                                            {"answered", "answered", FORM_NUM},
                                            {"errors", "errors", FORM_NUM},
                                            {"took", "took_ms", FORM_MS},
                                            {"late p99, us", "late_p99_us", FORM_NUM},
                                            {"holes in the tape", "gaps", FORM_NUM},
                                            {0}};
    table_of(r, out, "replay.summary", columns);
}

/* ---- scripts, box, drift -------------------------------------------------------------------- */

static void statements(const struct report *r, struct buf *out)
{
    static const struct column columns[] = {{"database", "database", FORM_TEXT},
                                            {"file", "file", FORM_TEXT},
                                            {"line", "line", FORM_NUM},
                                            {"statement", "sql", FORM_MONO},
                                            {"rows", "rows", FORM_NUM},
                                            {"took", "took_ms", FORM_MS},
                                            {0}};
    table_of(r, out, "migrate.statement", columns);
}

static void restored(const struct report *r, struct buf *out)
{
    static const struct column columns[] = {{"component", "component", FORM_TEXT},
                                            {"rows or files", "rows", FORM_NUM},
                                            {"bytes", "bytes", FORM_NUM},
                                            {"took", "took_ms", FORM_MS},
                                            {0}};
    table_of(r, out, "restore.component", columns);
}

static void drift(const struct report *r, struct buf *out)
{
    static const struct column columns[] = {{"kind", "kind", FORM_TEXT},
                                            {"name", "name", FORM_MONO},
                                            {"production", "production", FORM_MONO},
                                            {"box", "box", FORM_MONO},
                                            {0}};
    table_of(r, out, "drift", columns);
}

static void services(const struct report *r, struct buf *out)
{
    static const struct column columns[] = {{"service", "service", FORM_TEXT},
                                            {"state", "state", FORM_TEXT},
                                            {"took", "took_ms", FORM_MS},
                                            {"detail", "detail", FORM_TEXT},
                                            {0}};
    table_of(r, out, "box.service", columns);
}

static void smoke(const struct report *r, struct buf *out)
{
    static const struct column columns[] = {{"check", "url", FORM_MONO},
                                            {"status", "status", FORM_NUM},
                                            {"passed", "ok", FORM_BOOL},
                                            {"detail", "detail", FORM_TEXT},
                                            {0}};
    table_of(r, out, "smoke", columns);
}

static const struct section sections[] = {
    {"Why", "By rules from a table; what the release file accepts is listed with its reason.",
     "verdict", reasons},
    {"Timeline", NULL, "step.done", timeline, true},
    {"Rows changed", "Per table and statement, measured in the box on production's data.",
     "migrate.change", changes},
    {"Answers that changed", "Against the old release from the same state; one example each.",
     "replay.difference", differences},
    {"Latency", NULL, "replay.latency", latency},
    {"Scripts, statement by statement", NULL, "migrate.statement", statements},
    {"Smoke checks", NULL, "smoke", smoke},
    {"Services", NULL, "box.service", services},
    {"Replays", NULL, "replay.summary", replays},
    {"Endpoints", NULL, "replay.endpoint", endpoints},
    {"Noise", "Differs between two replays of the old release, so it is not judged.",
     "replay.noise", noise},
    {"Differs between production and box", NULL, "drift", drift},
    {"Restored", NULL, "restore.component", restored},
    {"What was rehearsed", NULL, "input", inputs},
};

bool report_html(const struct report *r, struct buf *out, struct err *err)
{
    head(r, out);
    for (size_t i = 0; i < COUNT(sections); i++) {
        const struct section *s = &sections[i];
        if (!first(s->all ? r->events : r->counting, s->event))
            continue;
        html_el(out, "h2", NULL, s->title);
        if (s->about)
            html_el(out, "p", "about", s->about);
        s->render(r, out);
    }
    buf_puts(out, "<footer>Made from the journal with SHA-256 ");
    html_el(out, "code", NULL, r->journal);
    buf_puts(out, " by rehearse " REHEARSE_VERSION ".</footer>\n</body></html>\n");
    return buf_ok(out, err);
}
