#include "replay/print.h"

#include "lib/base/cmd.h"
#include "lib/base/json.h"

/* One column of a table: an event's field and how it is written. */
struct column {
    const char *title, *field;
    int width;
    enum { TEXT, NUMBER, MILLIS, REAL } form;
};

static const char *text(const json_t *e, const char *field)
{
    const char *s = json_string_value(json_object_get(e, field));

    return s ? s : "";
}

static double number(const json_t *e, const char *field)
{
    return json_number_value(json_object_get(e, field));
}

static void print_cell(const struct column *c, const json_t *e)
{
    switch (c->form) {
    case TEXT:
        printf("%-*s", c->width, text(e, c->field));
        break;
    case NUMBER:
        printf("%*.0f", c->width, number(e, c->field));
        break;
    case MILLIS:
        printf("%*.2f", c->width, number(e, c->field) / 1000);
        break;
    case REAL:
        printf("%*.3g", c->width, number(e, c->field));
        break;
    }
}

static void print_table(const json_t *events, const char *event, const char *title,
                        const struct column *columns, size_t count)
{
    const json_t *e = NULL;
    size_t i = 0;
    bool begun = false;

    json_array_foreach((json_t *)(uintptr_t)events, i, e)
    {
        if (strcmp(text(e, "event"), event) != 0)
            continue;
        if (!begun) {
            printf("\n%s\n", title);
            for (size_t k = 0; k < count; k++)
                printf("%*s%s", columns[k].form == TEXT ? -columns[k].width : columns[k].width,
                       columns[k].title, k + 1 < count ? "  " : "\n");
        }
        begun = true;
        for (size_t k = 0; k < count; k++) {
            print_cell(&columns[k], e);
            fputs(k + 1 < count ? "  " : "\n", stdout);
        }
    }
}

static void print_summary(const json_t *e)
{
    printf("%.0f requests on %.0f connections: %.0f answered, %.0f errors, %.0f skipped in %.3f s "
           "(%.0f/s)\n",
           number(e, "requests"), number(e, "connections"), number(e, "answered"),
           number(e, "errors"), number(e, "skipped"), number(e, "took_ms") / 1000,
           number(e, "per_second"));
    printf("sender late: p50 %.3f ms, p99 %.3f ms, max %.3f ms; blocked by the server: p50 %.3f "
           "ms, p99 %.3f ms\n",
           number(e, "late_p50_us") / 1000, number(e, "late_p99_us") / 1000,
           number(e, "late_max_us") / 1000, number(e, "blocked_p50_us") / 1000,
           number(e, "blocked_p99_us") / 1000);
    printf("%.0f values carried; the tape has gaps on %.0f connections (%.0f bytes)\n",
           number(e, "mapped"), number(e, "gaps"), number(e, "gap_bytes"));
}

static void print_difference(const json_t *e)
{
    const json_t *x = json_object_get(e, "example");

    printf("%s  %s  %s  in %.0f of %.0f\n    %s\n    - %s\n    + %s\n", text(e, "endpoint"),
           text(e, "where"), text(e, "kind"), number(e, "count"), number(e, "requests"),
           text(x, "request"), text(x, "old"), text(x, "new"));
}

static void print_compare(const json_t *e)
{
    printf("\n%.0f compared: %.0f differ, %.0f by noise alone; %.0f differences in all, %.0f "
           "places are noise\n",
           number(e, "compared"), number(e, "differing"), number(e, "noisy"), number(e, "groups"),
           number(e, "noise"));
}

static void each_event(const json_t *events, const char *event, void (*print)(const json_t *e))
{
    const json_t *e = NULL;
    size_t i = 0;

    json_array_foreach((json_t *)(uintptr_t)events, i, e)
    {
        if (strcmp(text(e, "event"), event) == 0)
            print(e);
    }
}

static const struct column endpoint_columns[] = {
    {"endpoint", "endpoint", 40, TEXT}, {"requests", "requests", 8, NUMBER},
    {"errors", "errors", 6, NUMBER},    {"p50 ms", "p50_us", 9, MILLIS},
    {"p95 ms", "p95_us", 9, MILLIS},    {"p99 ms", "p99_us", 9, MILLIS},
    {"max ms", "max_us", 9, MILLIS},    {"service p50", "service_p50_us", 11, MILLIS},
};

static const struct column latency_columns[] = {
    {"endpoint", "endpoint", 40, TEXT},   {"requests", "requests", 8, NUMBER},
    {"old p50", "old_p50_us", 9, MILLIS}, {"new p50", "new_p50_us", 9, MILLIS},
    {"old p95", "old_p95_us", 9, MILLIS}, {"new p95", "new_p95_us", 9, MILLIS},
    {"ratio p50", "ratio_p50", 9, REAL},  {"p value", "p_value", 8, REAL},
};

static const struct column noise_columns[] = {
    {"endpoint", "endpoint", 40, TEXT}, {"count", "count", 6, NUMBER}, {"where", "where", 1, TEXT}};

bool print_events(const json_t *events, struct err *err)
{
    if (cmd_json()) {
        AUTO(free) char *document = json_pretty(events);
        return document ? puts(document) >= 0 : err_memory(err);
    }
    each_event(events, "replay.summary", print_summary);
    print_table(events, "replay.endpoint", "latency from when each was due", endpoint_columns,
                COUNT(endpoint_columns));
    print_table(events, "replay.noise", "noise between two baselines", noise_columns,
                COUNT(noise_columns));
    print_table(events, "replay.latency", "old and new (ms)", latency_columns,
                COUNT(latency_columns));
    each_event(events, "replay.compare", print_compare);
    each_event(events, "replay.difference", print_difference);
    return true;
}
