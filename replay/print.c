#include "replay/print.h"

#include "lib/base/auto.h"
#include "lib/base/clock.h"
#include "lib/base/cmd.h"
#include "lib/base/json.h"
#include "replay/table.h"

#define ENDPOINTS_SHOWN   40
#define CHANGES_SHOWN     20
#define DIFFERENCES_SHOWN 20
#define EXAMPLE_SHOWN     110 /* bytes: a line of a usual terminal */

/* A change of latency that comes by chance is shown once in twenty such tables. */
#define CHANCE 0.05

static const char *text(const json_t *e, const char *field)
{
    const char *s = json_string_value(json_object_get(e, field));

    return s ? s : "";
}

static double number(const json_t *e, const char *field)
{
    return json_number_value(json_object_get(e, field));
}

static void print_summary(const json_t *e)
{
    printf("%.0f requests on %.0f connections in %.2f s (%.0f/s): %.0f answered, %.0f errors, "
           "%.0f skipped\n",
           number(e, "requests"), number(e, "connections"), number(e, "took_ms") / 1000,
           number(e, "per_second"), number(e, "answered"), number(e, "errors"),
           number(e, "skipped"));
    printf("  sender late   p50 %.2f ms, p99 %.2f ms, max %.2f ms\n",
           number(e, "late_p50_us") / 1000, number(e, "late_p99_us") / 1000,
           number(e, "late_max_us") / 1000);
    printf("  held up       p50 %.2f ms, p99 %.2f ms, max %.2f ms (behind an earlier response, or "
           "connecting)\n",
           number(e, "blocked_p50_us") / 1000, number(e, "blocked_p99_us") / 1000,
           number(e, "blocked_max_us") / 1000);
    printf("  carried       %.0f cookies, tokens and ids\n", number(e, "mapped"));
    if (number(e, "gaps") > 0)
        printf("  the tape      has gaps on %.0f connections (%.0f bytes were lost)\n",
               number(e, "gaps"), number(e, "gap_bytes"));
    if (*text(e, "damage"))
        printf("  the tape      is damaged: %s\n", text(e, "damage"));
}

static void print_compare(const json_t *e)
{
    printf("\n%.0f responses compared with %s: ", number(e, "compared"), text(e, "against"));
    if (number(e, "differing") > 0)
        printf("%.0f differ", number(e, "differing"));
    else
        printf("none differs");
    if (number(e, "noise") > 0)
        printf(", %.0f by noise alone", number(e, "noisy"));
    if (number(e, "missing") > 0)
        printf(", %.0f are on one side only", number(e, "missing"));
    putchar('\n');
}

static void print_example(char sign, const char *value)
{
    printf("    %c ", sign);
    table_safe(span_of(value), EXAMPLE_SHOWN);
    putchar('\n');
}

static void print_difference(const json_t *e)
{
    const json_t *x = json_object_get(e, "example");

    printf("\n%s  %s %s, in %.0f of %.0f\n    ", text(e, "endpoint"), text(e, "where"),
           text(e, "kind"), number(e, "count"), number(e, "requests"));
    table_safe(span_of(text(x, "request")), EXAMPLE_SHOWN);
    putchar('\n');
    if (strcmp(text(e, "kind"), "added") != 0)
        print_example('-', text(x, "old"));
    if (strcmp(text(e, "kind"), "missing") != 0)
        print_example('+', text(x, "new"));
}

static void print_differences(const json_t *rows)
{
    size_t all = json_array_size(rows);

    for (size_t i = 0; i < all && i < DIFFERENCES_SHOWN; i++)
        print_difference(json_array_get(rows, i));
    if (all > DIFFERENCES_SHOWN)
        printf("\n... and %zu more differences (--json lists them all)\n", all - DIFFERENCES_SHOWN);
}

static const struct column endpoint_columns[] = {
    {"endpoint", "endpoint", COLUMN_TEXT}, {"requests", "requests", COLUMN_COUNT},
    {"errors", "errors", COLUMN_COUNT},    {"p50 ms", "p50_us", COLUMN_MILLIS},
    {"p95 ms", "p95_us", COLUMN_MILLIS},   {"p99 ms", "p99_us", COLUMN_MILLIS},
    {"max ms", "max_us", COLUMN_MILLIS},   {"served p50", "service_p50_us", COLUMN_MILLIS},
    {"status", "status", COLUMN_STATUS},
};

static const struct column change_columns[] = {
    {"endpoint", "endpoint", COLUMN_TEXT},       {"requests", "requests", COLUMN_COUNT},
    {"old p50 ms", "old_p50_us", COLUMN_MILLIS}, {"new p50 ms", "new_p50_us", COLUMN_MILLIS},
    {"old p95 ms", "old_p95_us", COLUMN_MILLIS}, {"new p95 ms", "new_p95_us", COLUMN_MILLIS},
    {"times", "ratio_p50", COLUMN_RATIO},        {"p value", "p_value", COLUMN_RATIO},
};

static const struct column noise_columns[] = {
    {"endpoint", "endpoint", COLUMN_TEXT},
    {"count", "count", COLUMN_COUNT},
    {"where", "where", COLUMN_TEXT},
};

/* What may be chance is counted, not shown: forty lines of it would hide the one that matters. */
static bool print_changes(const json_t *rows, struct err *err)
{
    AUTO(json) json_t *changed = json_array();
    json_t *e = NULL;
    size_t i = 0, all = json_array_size(rows);

    if (!changed)
        return err_memory(err);
    json_array_foreach((json_t *)(uintptr_t)rows, i, e)
    {
        if (number(e, "p_value") < CHANCE && json_array_append(changed, e) != 0)
            return err_memory(err);
    }
    size_t count = json_array_size(changed);
    if (all)
        printf("\nlatency, from when each was sent: changed at %zu of %zu endpoints%s\n", count,
               all, count < all ? "; elsewhere it may be chance" : "");
    if (count)
        table_print(changed, CHANGES_SHOWN, change_columns, COUNT(change_columns));
    return true;
}

static bool print_document(const json_t *events, struct err *err)
{
    AUTO(free) char *document = json_pretty(events);

    return document ? puts(document) >= 0 : err_memory(err);
}

bool print_events(const json_t *events, struct err *err)
{
    if (cmd_json())
        return print_document(events, err);

    AUTO(json) json_t *summary = table_pick(events, "replay.summary", "n");
    AUTO(json) json_t *endpoints = table_pick(events, "replay.endpoint", "requests");
    AUTO(json) json_t *noise = table_pick(events, "replay.noise", "count");
    AUTO(json) json_t *compare = table_pick(events, "replay.compare", "n");
    AUTO(json) json_t *differences = table_pick(events, "replay.difference", "count");
    AUTO(json) json_t *latency = table_pick(events, "replay.latency", "ratio_p50");
    if (!summary || !endpoints || !noise || !compare || !differences || !latency)
        return err_memory(err);
    print_summary(json_array_get(summary, 0));
    printf("\nlatency, from when each was due (served: from when it was sent)\n");
    table_print(endpoints, ENDPOINTS_SHOWN, endpoint_columns, COUNT(endpoint_columns));
    if (json_array_size(compare) == 0)
        return true;
    print_compare(json_array_get(compare, 0));
    print_differences(differences);
    if (json_array_size(noise)) {
        printf("\nnoise: differs between two runs of the old release, and is not judged\n");
        table_print(noise, CHANGES_SHOWN, noise_columns, COUNT(noise_columns));
    }
    return print_changes(latency, err);
}
