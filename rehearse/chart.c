#include "rehearse/chart.h"

#include "lib/base/clock.h"
#include "rehearse/html.h"
#include "rehearse/verdict_rules.h"

#include <math.h>

#define WIDTH 880.0
#define LABEL 260.0
#define ROW   22.0
#define BARS  (WIDTH - LABEL - 145.0) /* beside them "12345.6 / 12345.6 ms" */
#define PAIR  34.0

static double total_ms(const json_t *events, double *rows)
{
    double total = 0;
    size_t i;
    const json_t *e;

    *rows = 0;
    json_array_foreach(events, i, e)
    {
        if (!event_is(e, "step.done"))
            continue;
        total += event_num(e, "took_ms");
        *rows += 1;
    }
    return total > 0 ? total : 1;
}

static void label(struct buf *out, double x, double y, const char *anchor, const char *text)
{
    buf_printf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
    html_text(out, text);
    buf_puts(out, "</text>");
}

static void bar(struct buf *out, const char *cls, double x, double y, double width, double height)
{
    buf_printf(out,
               "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"2\"/>",
               cls, x, y, width < 1.5 ? 1.5 : width, height);
}

static void open_svg(struct buf *out, double height, const char *title)
{
    buf_printf(out,
               "<svg viewBox=\"0 0 %.0f %.0f\" width=\"100%%\" role=\"img\" aria-label=\"%s\">\n",
               WIDTH, height, title);
}

/* The very same event, for both lists hold it. */
static bool is_among(const json_t *events, const json_t *event)
{
    size_t i;
    const json_t *e;

    json_array_foreach(events, i, e)
    {
        if (e == event)
            return true;
    }
    return false;
}

struct timeline {
    double total_ms, at_ms, y;
};

static void step(struct timeline *t, const json_t *e, struct buf *out)
{
    char text[128], took[ISO_TIME];
    double ms = event_num(e, "took_ms");
    bool ok = strcmp(event_str(e, "status"), "ok") == 0;
    double x = LABEL + t->at_ms / t->total_ms * BARS, width = ms / t->total_ms * BARS;

    snprintf(text, sizeof(text), "%.0f  %s", event_num(e, "step"), event_str(e, "title"));
    label(out, 0, t->y + 14, "start", text);
    bar(out, ok ? "ok" : "bad", x, t->y + 3, width, ROW - 8);
    label(out, x + (width < 1.5 ? 1.5 : width) + 6, t->y + 14, "start",
          human_time((int64_t)(ms * 1e6), took));
    t->at_ms += ms;
    t->y += ROW;
}

void chart_timeline(const json_t *events, const json_t *counting, struct buf *out)
{
    double rows;
    struct timeline t = {.total_ms = total_ms(events, &rows), .y = 4};
    bool pale = false;
    size_t i;
    const json_t *e;

    open_svg(out, rows * ROW + 8, "timeline of the steps");
    json_array_foreach(events, i, e)
    {
        if (!event_is(e, "step.done"))
            continue;
        bool gone = !is_among(counting, e);
        buf_puts(out, gone ? "<g class=\"gone\">" : "<g>");
        step(&t, e, out);
        buf_puts(out, "</g>\n");
        pale |= gone;
    }
    buf_puts(out, "</svg>\n");
    if (pale)
        buf_puts(out,
                 "<p class=\"about\">Pale: steps of an attempt that was interrupted. They were "
                 "repeated, and what they found does not count.</p>\n");
}

/* A logarithmic scale: a page of 2 ms and one of 2 s must both be readable. */
static double log_width(double us, double top_us)
{
    if (us < 100)
        us = 100;
    return log10(us / 100) / log10(top_us / 100) * BARS;
}

static void ticks(struct buf *out, double top_us, double height)
{
    static const double at_us[] = {1e3, 1e4, 1e5, 1e6, 1e7};
    static const char *const names[] = {"1 ms", "10 ms", "100 ms", "1 s", "10 s"};

    for (size_t i = 0; i < sizeof(at_us) / sizeof(at_us[0]) && at_us[i] < top_us; i++) {
        double x = LABEL + log_width(at_us[i], top_us);
        buf_printf(out, "<line x1=\"%.1f\" y1=\"16\" x2=\"%.1f\" y2=\"%.1f\"/>", x, x, height);
        label(out, x, 12, "middle", names[i]);
    }
    buf_putc(out, '\n');
}

/* The solid bar ends at p50, the light one at p95. */
static void latency_bar(struct buf *out, const char *cls, double y, double p50, double p95,
                        double top)
{
    char light[32], text[64];

    snprintf(light, sizeof(light), "%s light", cls);
    bar(out, light, LABEL, y, log_width(p95, top), 11);
    bar(out, cls, LABEL, y, log_width(p50, top), 11);
    snprintf(text, sizeof(text), "%.1f / %.1f ms", p50 / 1000, p95 / 1000);
    label(out, LABEL + log_width(p95, top) + 5, y + 10, "start", text);
}

void chart_latency(const json_t *events, struct buf *out)
{
    double rows = 0, top = 2000, y = 22;
    size_t i;
    const json_t *e;

    json_array_foreach(events, i, e)
    {
        if (!event_is(e, "replay.latency"))
            continue;
        rows++;
        top = fmax(top, fmax(event_num(e, "old_p95_us"), event_num(e, "new_p95_us")) * 1.3);
    }
    if (rows < 1)
        return;
    open_svg(out, rows * PAIR + 26, "latency of each endpoint, old and new");
    ticks(out, top, rows * PAIR + 22);
    json_array_foreach(events, i, e)
    {
        if (!event_is(e, "replay.latency"))
            continue;
        label(out, LABEL - 8, y + 16, "end", event_str(e, "endpoint"));
        latency_bar(out, "old", y, event_num(e, "old_p50_us"), event_num(e, "old_p95_us"), top);
        latency_bar(out, "new", y + 13, event_num(e, "new_p50_us"), event_num(e, "new_p95_us"),
                    top);
        buf_putc(out, '\n');
        y += PAIR;
    }
    buf_puts(out, "</svg>\n");
}
