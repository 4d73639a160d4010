#include "snapshot/print.h"

#include "lib/base/clock.h"
#include "lib/base/json.h"

#include <stdio.h>

#define LEFT_OUT_SHOWN 20

int64_t print_number(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

bool print_json(const json_t *value, struct err *err)
{
    AUTO(free) char *text = json_text(value);

    if (!text)
        return err_memory(err);
    return puts(text) >= 0 || err_sys(err, ERR_IO, "cannot write the result");
}

/* Positions are objects whose members the engines choose: "lsn 0/15D4A28, timeline 1". */
bool print_position(const char *before, const json_t *position)
{
    const char *key, *between = before;
    const json_t *value;

    if (json_is_string(position)) {
        printf("%s%s", between, json_string_value(position));
        between = ", ";
    }
    json_object_foreach((json_t *)(uintptr_t)position, key, value)
    {
        const char *text = json_string_value(value);

        if (text && strlen(text) <= 60) {
            printf("%s%s %s", between, key, text);
            between = ", ";
        } else if (json_is_integer(value)) {
            printf("%s%s %lld", between, key, (long long)json_integer_value(value));
            between = ", ";
        }
    }
    return between != before;
}

void print_new(const json_t *config)
{
    char all[ISO_TIME], fresh[ISO_TIME], deltas[ISO_TIME];

    printf("  stored new  %s of %s: %lld segments, %lld of them referenced, %lld stored as deltas "
           "(%s)\n",
           human_bytes((uint64_t)print_number(config, "new_bytes"), fresh),
           human_bytes((uint64_t)print_number(config, "stored_bytes"), all),
           (long long)print_number(config, "segments"),
           (long long)print_number(config, "references"), (long long)print_number(config, "deltas"),
           human_bytes((uint64_t)print_number(config, "delta_bytes"), deltas));
}

static void print_component(const char *name, const json_t *facts)
{
    char rows[ISO_TIME], raw[ISO_TIME], stored[ISO_TIME];

    printf("  %-24s %14s %10s %10s  ", name,
           human_count((uint64_t)print_number(facts, "records"), rows),
           human_bytes((uint64_t)print_number(facts, "raw_bytes"), raw),
           human_bytes((uint64_t)print_number(facts, "stored_bytes"), stored));
    print_position("", json_object_get(facts, "position"));
    putchar('\n');
}

static size_t print_left_out(const json_t *list, size_t shown)
{
    size_t count = json_array_size(list);

    for (size_t i = 0; i < count; i++, shown++) {
        const json_t *one = json_array_get(list, i);
        const char *what = json_string_value(json_object_get(one, "what"));
        const char *why = json_string_value(json_object_get(one, "why"));

        if (shown == 0)
            printf("left out or not exact:\n");
        if (shown < LEFT_OUT_SHOWN)
            printf("  %s: %s\n", what ? what : "?", why ? why : "?");
    }
    return shown;
}

void print_components(const json_t *components)
{
    json_t *all = (json_t *)(uintptr_t)components, *facts;
    const char *name;
    size_t shown = 0;

    printf("  %-24s %14s %10s %10s  %s\n", "component", "records", "raw", "stored", "position");
    json_object_foreach(all, name, facts) print_component(name, facts);
    json_object_foreach(all, name, facts) shown =
        print_left_out(json_object_get(facts, "left_out"), shown);
    if (shown > LEFT_OUT_SHOWN)
        printf("  and %zu more: see 'bundle show --json'\n", shown - LEFT_OUT_SHOWN);
}

bool cmd_store_open(const char *url, enum store_mode mode, struct store **out, struct err *err)
{
    if (url)
        return store_open(url, mode, out, err);
    err_set(err, ERR_USAGE, "no store was named");
    return err_hint(err, "give --store STORE, or set REHEARSE_STORE");
}

bool cmd_store_change(const char *url, struct store **out, struct err *err)
{
    struct store *there = NULL;

    if (!cmd_store_open(url, STORE_READ, &there, err))
        return false;
    store_close(there);
    return store_open(url, STORE_WRITE, out, err);
}
