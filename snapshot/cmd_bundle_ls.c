/* `rehearse bundle ls`. */
#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "snapshot/cmd.h"
#include "snapshot/print.h"

struct ls_conf {
    const char *store, *environment;
};

struct listing {
    const struct ls_conf *conf;
    json_t *bundles; /* array */
    int64_t now_ns;
};

static json_t *tags_json(const struct bundle_info *info)
{
    json_t *tags = json_array();

    for (size_t i = 0; i < info->tag_count; i++)
        json_array_append_new(tags, json_string(info->tags[i]));
    return tags;
}

static bool list_one(void *ctx, const struct bundle_info *info, struct err *err)
{
    struct listing *list = ctx;
    char hex[HASH_HEX];

    if (list->conf->environment && strcmp(list->conf->environment, info->environment) != 0)
        return true;
    digest_hex(&info->manifest, hex);
    json_t *one =
        json_pack("{s:s, s:o, s:s, s:s, s:b, s:O?, s:s?}", "digest", hex, "tags", tags_json(info),
                  "created", info->created, "environment", info->environment, "pinned",
                  info->pinned, "config", info->config, "why", info->why);
    return json_array_append_new(list->bundles, one) == 0 || err_memory(err);
}

static const char *age_of(const struct listing *list, const char *created, char out[ISO_TIME])
{
    int64_t at = 0;

    if (!clock_parse_iso(created, &at))
        return "?";
    return human_time(list->now_ns > at ? list->now_ns - at : 0, out);
}

static const char *bytes_of(const json_t *config, const char *key, char out[ISO_TIME])
{
    return config ? human_bytes((uint64_t)print_number(config, key), out) : "-";
}

/* "a1b2c3d4e5f6" of "sha256:a1b2...". */
static const char *parent_of(const json_t *config)
{
    const char *parent = json_string_value(json_object_get(config, "parent"));

    if (!parent)
        return "-";
    return span_starts(span_of(parent), "sha256:") ? parent + 7 : parent;
}

static void print_positions(const json_t *config)
{
    json_t *components = json_object_get(config, "components"), *facts;
    const char *name;
    char before[128];

    json_object_foreach(components, name, facts)
    {
        snprintf(before, sizeof(before), "              %-24.90s ", name);
        if (print_position(before, json_object_get(facts, "position")))
            putchar('\n');
    }
}

static void print_bundle(const struct listing *list, const json_t *one)
{
    const json_t *config = json_object_get(one, "config"), *tags = json_object_get(one, "tags");
    char age[ISO_TIME], raw[ISO_TIME], stored[ISO_TIME], fresh[ISO_TIME];
    const char *why = json_string_value(json_object_get(one, "why"));

    printf("%.12s  %-14s %10s %10s %10s  %-12.12s ",
           json_string_value(json_object_get(one, "digest")),
           age_of(list, json_string_value(json_object_get(one, "created")), age),
           bytes_of(config, "raw_bytes", raw), bytes_of(config, "stored_bytes", stored),
           bytes_of(config, "new_bytes", fresh), parent_of(config));
    for (size_t i = 0; i < json_array_size(tags); i++)
        printf(" %s", json_string_value(json_array_get(tags, i)));
    if (json_is_true(json_object_get(one, "pinned")))
        printf("  (pinned)");
    if (why)
        printf("  DAMAGED: %s", why);
    putchar('\n');
    print_positions(config);
}

static int ls_main(const void *conf_, int argc, char **argv, struct err *err)
{
    const struct ls_conf *conf = conf_;
    AUTO(store) struct store *store = NULL;
    AUTO(json) json_t *bundles = json_array();
    struct listing list = {conf, bundles, clock_wall_ns()};

    if (argc > 0) {
        err_set(err, ERR_USAGE, "bundle ls takes no operands, got '%s'", argv[0]);
        return ERR_USAGE;
    }
    if (!cmd_store_open(conf->store, STORE_READ, &store, err) ||
        !bundle_list(store, list_one, &list, err))
        return (int)err->code;
    if (cmd_json())
        return print_json(bundles, err) ? 0 : (int)err->code;
    printf("%-12s  %-14s %10s %10s %10s  %-12s  %s\n", "digest", "age", "size", "stored", "new",
           "parent", "tags");
    for (size_t i = 0; i < json_array_size(bundles); i++)
        print_bundle(&list, json_array_get(bundles, i));
    return 0;
}

static const struct ls_conf defaults = {0};

#define AT(field) offsetof(struct ls_conf, field)
static const struct opt opts[] = {
    {"store", OPT_STR, AT(store), "STORE", "the store: a path or a URL"},
    {"environment", OPT_STR, AT(environment), "NAME", "bundles of this environment only"},
    {0},
};
#undef AT

const struct cmd bundle_ls_cmd = {
    .name = "bundle ls",
    .summary = "list the bundles of a store",
    .usage = "--store STORE [--environment NAME]",
    .about = "Newest first: digest, age, size of what was captured, what its data take up in the "
             "store, what it added to the store itself, the bundle that it builds on, tags; below, "
             "the position of each database.",
    .examples = "$ rehearse bundle ls --store /var/lib/rehearse/store\n",
    .opts = opts,
    .defaults = &defaults,
    .conf_size = sizeof(struct ls_conf),
    .run = ls_main,
};
