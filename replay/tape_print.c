#include "replay/tape_print.h"

#include "lib/base/auto.h"
#include "lib/base/clock.h"
#include "replay/table.h"

#define ENDPOINTS_SHOWN 40
#define VALUE_MAX       200

static int64_t number(const json_t *o, const char *key)
{
    return (int64_t)json_integer_value(json_object_get(o, key));
}

static void title(const char *name)
{
    printf("%-12s", name);
}

/* The tape's own words: whoever wrote the file chose them. */
static void said(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);

    if (json_is_string(v))
        table_safe((struct span){json_string_value(v), json_string_length(v)}, VALUE_MAX);
    else
        putchar('?');
}

static void print_count(const json_t *o, const char *key)
{
    char text[ISO_TIME];

    fputs(human_count((uint64_t)number(o, key), text), stdout);
}

static void print_bytes(const json_t *o, const char *key)
{
    char text[ISO_TIME];

    fputs(human_bytes((uint64_t)number(o, key), text), stdout);
}

static void print_file(const char *path, const json_t *o)
{
    const json_t *damage = json_object_get(o, "damage");
    bool closed = json_is_true(json_object_get(o, "closed"));

    title(strcmp(json_string_value(json_object_get(o, "content")), "results") ? "tape" : "results");
    table_safe(span_of(path), VALUE_MAX);
    fputs(": ", stdout);
    print_bytes(o, "good_bytes");
    printf(" in %lld blocks, %s\n", (long long)number(o, "blocks"),
           json_is_string(damage) ? "and damage behind them"
           : closed               ? "closed in order"
                                  : "not closed: its writer ended by force");
}

static void print_lasted(const json_t *o)
{
    const json_t *end = json_object_get(o, "end");
    char text[ISO_TIME];

    title("lasted");
    fputs(human_time(number(o, "spans_ms") * 1000000, text), stdout);
    if (json_object_get(end, "stopped")) {
        fputs(", ended by: ", stdout);
        said(end, "stopped");
    }
    putchar('\n');
}

/* ---- a recording ---- */

static void print_recorded(const json_t *meta)
{
    const json_t *ports = json_object_get(meta, "ports"), *port = NULL;
    size_t i = 0;

    title("recorded");
    said(meta, "start");
    fputs(" on ", stdout);
    said(meta, "host");
    fputs(", interface ", stdout);
    said(meta, "interface");
    json_array_foreach((json_t *)(uintptr_t)ports, i, port)
        printf("%s %lld", i ? "," : ", port", (long long)json_integer_value(port));
    putchar('\n');
}

static void print_status(const json_t *status)
{
    const char *code = NULL;
    const json_t *n = NULL;
    const char *between = ": ";

    json_object_foreach((json_t *)(uintptr_t)status, code, n)
    {
        printf("%s%s x %lld", between, code, (long long)json_integer_value(n));
        between = ", ";
    }
}

static void print_messages(const json_t *o)
{
    title("connections");
    print_count(o, "connections");
    if (number(o, "midstream"))
        printf(", of them %lld open before", (long long)number(o, "midstream"));
    putchar('\n');
    title("requests");
    print_count(o, "requests");
    fputs(", bodies ", stdout);
    print_bytes(o, "request_bytes");
    putchar('\n');
    title("responses");
    print_count(o, "responses");
    fputs(", bodies ", stdout);
    print_bytes(o, "response_bytes");
    print_status(json_object_get(o, "status"));
    putchar('\n');
}

static void print_lost(const json_t *o)
{
    int64_t dropped = number(json_object_get(o, "end"), "dropped");

    title("lost");
    if (!number(o, "gaps") && !dropped) {
        puts("nothing");
        return;
    }
    print_bytes(o, "gap_bytes");
    printf(" in %lld gaps; %lld packets dropped by the kernel\n", (long long)number(o, "gaps"),
           (long long)dropped);
}

/* ---- a replay ---- */

static void print_replayed(const json_t *o)
{
    const json_t *meta = json_object_get(o, "meta");

    title("replayed");
    said(meta, "start");
    fputs(" from ", stdout);
    said(meta, "tape");
    fputs(", as ", stdout);
    said(meta, "label");
    if (json_is_true(json_object_get(meta, "no_wait")))
        puts(", without waiting");
    else
        printf(", speed %g\n", json_number_value(json_object_get(meta, "speed")));
}

static void print_results(const json_t *o)
{
    title("requests");
    print_count(o, "results");
    print_status(json_object_get(o, "status"));
    if (number(o, "errors"))
        printf("; %lld errors", (long long)number(o, "errors"));
    putchar('\n');
    title("carried");
    print_count(o, "mapped");
    puts(" cookies, tokens and ids");
}

static const struct column columns[] = {
    {"endpoint", "endpoint", COLUMN_TEXT},
    {"requests", "requests", COLUMN_COUNT},
    {"status", "status", COLUMN_STATUS},
};

static const struct column result_columns[] = {
    {"endpoint", "endpoint", COLUMN_TEXT},
    {"requests", "requests", COLUMN_COUNT},
    {"errors", "errors", COLUMN_COUNT},
    {"status", "status", COLUMN_STATUS},
};

void tape_print(const char *path, const json_t *o)
{
    const json_t *endpoints = json_object_get(o, "endpoints");
    bool results = strcmp(json_string_value(json_object_get(o, "content")), "results") == 0;

    print_file(path, o);
    if (results) {
        print_replayed(o);
        print_lasted(o);
        print_results(o);
    } else {
        print_recorded(json_object_get(o, "meta"));
        print_lasted(o);
        print_messages(o);
        print_lost(o);
    }
    if (json_array_size(endpoints) == 0)
        return;
    putchar('\n');
    if (results)
        table_print(endpoints, ENDPOINTS_SHOWN, result_columns, COUNT(result_columns));
    else
        table_print(endpoints, ENDPOINTS_SHOWN, columns, COUNT(columns));
}
