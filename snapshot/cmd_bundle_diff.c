/* `rehearse bundle diff`. */
#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/bundle/access.h"
#include "lib/bundle/diff.h"
#include "snapshot/cmd.h"
#include "snapshot/print.h"

struct diff_cmd_conf {
    const char *store, *key;
    bool text;
};

static const char *text_of(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s ? s : "";
}

/* What could steer a terminal is shown as a question mark, but for the characters of `kept`. */
static void print_but(const char *text, const char *kept)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        putchar((c < 32 && !strchr(kept, c)) || c == 127 ? '?' : c);
    }
}

static void print_lines(const char *text)
{
    print_but(text, "\n\t");
}

/* Names come from production: one with a newline must not look like another line. */
static void print_name(const char *text)
{
    print_but(text, "");
}

static char sign_of(const json_t *one)
{
    const char *change = text_of(one, "change");

    return change[0] == 'a' ? '+' : change[0] == 'r' ? '-' : '~';
}

static void print_file(const json_t *one)
{
    const json_t *kinds = json_object_get(one, "kinds");

    printf("%c ", sign_of(one));
    print_name(text_of(one, "tree"));
    putchar('/');
    print_name(text_of(one, "path"));
    for (size_t i = 0; i < json_array_size(kinds); i++)
        printf("%s%s", i ? ", " : "  ", json_string_value(json_array_get(kinds, i)));
    putchar('\n');
    print_lines(text_of(one, "diff"));
}

static void print_table(const json_t *one)
{
    char was[ISO_TIME], is[ISO_TIME], before[ISO_TIME], after[ISO_TIME];

    printf("%c %-40s rows %s -> %s, %s -> %s, %.0f %% of the segments changed\n", sign_of(one),
           text_of(one, "stream"), human_count((uint64_t)print_number(one, "rows_before"), was),
           human_count((uint64_t)print_number(one, "rows_after"), is),
           human_bytes((uint64_t)print_number(one, "bytes_before"), before),
           human_bytes((uint64_t)print_number(one, "bytes_after"), after),
           100 * json_real_value(json_object_get(one, "changed_share")));
}

static void print_text(const json_t *one)
{
    printf("%c %s\n", sign_of(one), text_of(one, "stream"));
    print_lines(text_of(one, "diff"));
}

static void print_value(const json_t *value)
{
    AUTO(free) char *text = json_is_string(value) ? NULL : value ? json_text(value) : NULL;

    print_name(json_is_string(value) ? json_string_value(value) : text ? text : "none");
}

static void print_fact(const json_t *one)
{
    const json_t *before = json_object_get(one, "before"), *after = json_object_get(one, "after");

    printf("%c %s ",
           json_is_null(before)  ? '+'
           : json_is_null(after) ? '-'
                                 : '~',
           text_of(one, "fact"));
    print_name(text_of(one, "path"));
    printf("  ");
    print_value(json_is_null(before) ? NULL : before);
    printf(" -> ");
    print_value(json_is_null(after) ? NULL : after);
    putchar('\n');
}

static size_t print_part(const json_t *all, const char *key, const char *title,
                         void (*print)(const json_t *one))
{
    const json_t *list = json_object_get(all, key);

    if (json_array_size(list))
        printf("%s:\n", title);
    for (size_t i = 0; i < json_array_size(list); i++)
        print(json_array_get(list, i));
    return json_array_size(list);
}

static int diff_main(const void *conf_, int argc, char **argv, struct err *err)
{
    const struct diff_cmd_conf *conf = conf_;
    AUTO(store) struct store *store = NULL;
    AUTO(bundle) struct bundle *before = NULL;
    AUTO(bundle) struct bundle *after = NULL;
    AUTO(json) json_t *all = NULL;
    AUTO(access) struct bundle_access access = {0};
    struct diff_conf diff = {.text = conf->text};

    if (argc != 2) {
        err_set(err, ERR_USAGE, "bundle diff takes two bundles, got %d operands", argc);
        return ERR_USAGE;
    }
    if (!cmd_store_open(conf->store, STORE_READ, &store, err) ||
        !access_key(&access, conf->key, err) ||
        !bundle_open_as(store, argv[0], &access, &before, err) ||
        !bundle_open_as(store, argv[1], &access, &after, err) ||
        !bundle_hold(before, "diff", err) || !bundle_hold(after, "diff", err) ||
        !bundle_diff(before, after, &diff, &all, err))
        return (int)err->code;
    if (cmd_json())
        return print_json(all, err) ? 0 : (int)err->code;
    size_t found = print_part(all, "files", "files", print_file) +
                   print_part(all, "tables", "tables", print_table) +
                   print_part(all, "texts", "schema and other texts", print_text) +
                   print_part(all, "facts", "host facts", print_fact);
    if (found == 0)
        printf("no differences\n");
    return 0;
}

static const struct diff_cmd_conf defaults = {0};

#define AT(field) offsetof(struct diff_cmd_conf, field)
static const struct opt opts[] = {
    {"store", OPT_STR, AT(store), "STORE", "the store: a path or a URL"},
    {"key", OPT_STR, AT(key), "FILE", "secret key that opens encrypted bundles"},
    {"text", OPT_FLAG, AT(text), NULL, "line by line for every text file of up to 64 KiB"},
    {0},
};
#undef AT

const struct cmd bundle_diff_cmd = {
    .name = "bundle diff",
    .summary = "what differs between two bundles",
    .usage = "--store STORE [--text] BEFORE AFTER",
    .about = "Files added (+), removed (-) and changed (~) with what changed of them, tables by "
             "rows, size and the share of their segments that changed, the text of schemas, and "
             "host facts: packages and settings. Small text files of the tree 'config' are shown "
             "line by line. Only what the bundles do not share is read.",
    .examples = "$ rehearse bundle diff --store store monday latest\n",
    .opts = opts,
    .defaults = &defaults,
    .conf_size = sizeof(struct diff_cmd_conf),
    .run = diff_main,
};
