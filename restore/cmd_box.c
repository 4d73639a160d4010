/* `rehearse box ...`: looking at boxes, starting, stopping, resetting and removing them. */
#include "restore/cmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/json.h"

struct none_conf {
    bool unused;
};
static const struct none_conf none = {false};
static const struct opt no_opts[] = {{0}};

static const char *text_of(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

static bool is_true(const json_t *o, const char *key)
{
    return json_is_true(json_object_get(o, key));
}

static bool print_json(const json_t *value, struct err *err)
{
    AUTO(free) char *text = json_text(value);

    return text ? puts(text) >= 0 : err_memory(err);
}

/* The one operand that every command here but ls and exec takes. */
static bool want_box(const char *verb, int argc, char **argv, struct box **out, struct err *err)
{
    if (argc == 1)
        return box_open(argv[0], out, err);
    err_set(err, ERR_USAGE, "box %s takes one box, got %d operands", verb, argc);
    return err_hint(err, "rehearse box %s DIR", verb);
}

/* A restore without its process was cut off. */
static const char *state_words(const json_t *shown)
{
    const char *state = text_of(shown, "state");
    bool moving = strcmp(state, "ready") != 0 && strcmp(state, "running") != 0 &&
                  strcmp(state, "broken") != 0;

    return moving && !is_true(shown, "busy") ? "interrupted" : state;
}

/* ---- ls -------------------------------------------------------------------------------------------*/

struct listing {
    const char *dir;
    json_t *boxes;
};

static bool list_one(void *ctx, const char *name, struct err *err)
{
    struct listing *l = ctx;
    AUTO(free) char *path = path_join(l->dir, name);
    AUTO(box) struct box *b = NULL;
    json_t *shown = NULL;
    struct err why = {0};

    if (!path)
        return err_memory(err);
    if (!box_is(path))
        return true;
    if (!box_open(path, &b, &why) || !box_show(b, &shown, &why)) /* one bad box hides no other */
        shown = json_pack("{s:o, s:s, s:o}", "where", json_bytes(span_of(path)), "state",
                          "unreadable", "why", json_bytes(span_of(why.text)));
    return json_array_append_new(l->boxes, shown) == 0 || err_memory(err);
}

static void print_row(const json_t *box)
{
    const char *bundle = text_of(box, "bundle");

    printf("%-12s %-16s %-12.12s %s%s%s\n", state_words(box), text_of(box, "name"),
           *bundle ? bundle : "-", text_of(box, "where"), *text_of(box, "why") ? "  " : "",
           text_of(box, "why"));
}

static bool list(const char *dir, struct err *err)
{
    AUTO(json) json_t *boxes = json_array();
    struct listing l = {dir, boxes};
    size_t i;
    json_t *box;

    if (!boxes)
        return err_memory(err);
    if (!dir_each(dir, list_one, &l, err))
        return false;
    if (cmd_json())
        return print_json(boxes, err);
    if (json_array_size(boxes))
        printf("%-12s %-16s %-12s %s\n", "STATE", "NAME", "BUNDLE", "BOX");
    json_array_foreach(boxes, i, box) print_row(box);
    return true;
}

struct ls_conf {
    const char *boxes;
};

static int ls_main(const void *conf_, int argc, char **argv, struct err *err)
{
    const struct ls_conf *conf = conf_;

    if (argc > 1) {
        err_set(err, ERR_USAGE, "box ls takes one directory, got %d operands", argc);
        return ERR_USAGE;
    }
    return list(argc ? argv[0] : conf->boxes, err) ? 0 : (int)err->code;
}

static const struct ls_conf ls_defaults = {"."};
static const struct opt ls_opts[] = {
    {"boxes", OPT_STR, offsetof(struct ls_conf, boxes), "DIR",
     "where to look when no directory is named"},
    {0},
};

const struct cmd box_ls_cmd = {
    .name = "box ls",
    .summary = "list the boxes in a directory",
    .usage = "[DIR]",
    .about = "Prints state, name, bundle and place of every box directly below DIR; without one, "
             "below --boxes or $REHEARSE_BOXES, else below the current directory.",
    .examples = "# which boxes are there, and which of them run?\n"
                "$ rehearse box ls /var/lib/rehearse/boxes\n",
    .opts = ls_opts,
    .defaults = &ls_defaults,
    .conf_size = sizeof(struct ls_conf),
    .run = ls_main,
};

/* ---- show -----------------------------------------------------------------------------------------*/

static void print_entry(const char *kind, const json_t *entry)
{
    json_t *port = json_object_get(entry, "port");

    printf("%-11s %-20s %-8s", kind, text_of(entry, "name"),
           is_true(entry, "alive") ? "up" : "down");
    if (port)
        printf(" 127.0.0.1:%d", (int)json_integer_value(port));
    if (*text_of(entry, "socket"))
        printf("  %s", text_of(entry, "socket"));
    putchar('\n');
}

static void explain(const json_t *shown)
{
    const char *words = state_words(shown);

    if (*text_of(shown, "why"))
        printf("why         %s\n", text_of(shown, "why"));
    if (is_true(shown, "busy"))
        printf("busy        a process works on it now\n");
    if (strcmp(words, "interrupted") == 0)
        printf("note        '%s' was cut off: %s\n", text_of(shown, "state"),
               is_true(shown, "holds_before")
                   ? "what the box held before is kept, the next command brings it back"
                   : "the next command that works on the box ends it or takes it back");
}

static void print_box(const json_t *shown)
{
    static const char *const keys[] = {"name", "bundle", "created", "environment"};
    size_t i;
    json_t *entry;

    printf("box         %s\n", text_of(shown, "where"));
    printf("state       %s\n", state_words(shown));
    explain(shown);
    for (size_t k = 0; k < COUNT(keys); k++)
        if (*text_of(shown, keys[k]))
            printf("%-11s %s\n", keys[k], text_of(shown, keys[k]));
    json_array_foreach(json_object_get(shown, "servers"), i, entry) print_entry("server", entry);
    json_array_foreach(json_object_get(shown, "services"), i, entry) print_entry("service", entry);
}

static bool show(struct box *b, struct err *err)
{
    AUTO(json) json_t *shown = NULL;

    if (!box_show(b, &shown, err))
        return false;
    if (cmd_json())
        return print_json(shown, err);
    print_box(shown);
    return true;
}

static int show_main(const void *conf, int argc, char **argv, struct err *err)
{
    AUTO(box) struct box *b = NULL;

    (void)conf;
    return want_box("show", argc, argv, &b, err) && show(b, err) ? 0 : (int)err->code;
}

const struct cmd box_show_cmd = {
    .name = "box show",
    .summary = "say what a box is, what runs in it and where it listens",
    .usage = "BOX",
    .about = "Prints the box's state, the bundle it was restored from, and each server and service "
             "with its port and socket. A restore or reset that was cut off is told as such.",
    .examples = "# where do I point psql and the browser?\n"
                "$ rehearse box show boxes/shop\n"
                "# the port of the first service\n"
                "$ rehearse box show boxes/shop --json | jq '.services[0].port'\n",
    .opts = no_opts,
    .defaults = &none,
    .conf_size = sizeof(struct none_conf),
    .run = show_main,
};

/* ---- start, stop, reset, destroy ------------------------------------------------------------------*/

static int start_main(const void *conf, int argc, char **argv, struct err *err)
{
    AUTO(box) struct box *b = NULL;

    (void)conf;
    return want_box("start", argc, argv, &b, err) && box_start(b, err) && show(b, err)
               ? 0
               : (int)err->code;
}

const struct cmd box_start_cmd = {
    .name = "box start",
    .summary = "start the databases and services of a box",
    .usage = "BOX",
    .about = "Starts the database servers, then the services in their order, each awaited by its "
             "health check. A service that dies is told at once, with the last line of its log, "
             "and everything is stopped again.",
    .examples = "# start, and see the ports\n$ rehearse box start boxes/shop\n",
    .opts = no_opts,
    .defaults = &none,
    .conf_size = sizeof(struct none_conf),
    .run = start_main,
};

static int stop_main(const void *conf, int argc, char **argv, struct err *err)
{
    AUTO(box) struct box *b = NULL;

    (void)conf;
    return want_box("stop", argc, argv, &b, err) && box_stop(b, err) ? 0 : (int)err->code;
}

const struct cmd box_stop_cmd = {
    .name = "box stop",
    .summary = "stop the services and databases of a box",
    .usage = "BOX",
    .about = "Stops the services in reverse order, then the database servers. A box that is "
             "stopped already is fine.",
    .examples = "# leave nothing running\n$ rehearse box stop boxes/shop\n",
    .opts = no_opts,
    .defaults = &none,
    .conf_size = sizeof(struct none_conf),
    .run = stop_main,
};

static bool was_running(struct box *b, bool *running, struct err *err)
{
    AUTO(json) json_t *shown = NULL;

    if (!box_show(b, &shown, err))
        return false;
    *running = strcmp(text_of(shown, "state"), "running") == 0;
    return true;
}

static int reset_main(const void *conf, int argc, char **argv, struct err *err)
{
    AUTO(box) struct box *b = NULL;
    bool running = false;

    (void)conf;
    if (want_box("reset", argc, argv, &b, err) && was_running(b, &running, err) &&
        box_reset(b, err) && (!running || box_start(b, err)))
        return 0;
    return (int)err->code;
}

const struct cmd box_reset_cmd = {
    .name = "box reset",
    .summary = "bring a box back to its restored state",
    .usage = "BOX",
    .about = "Puts files and databases back to what they were right after the restore. A box that "
             "ran is stopped and started again. Interrupted, it is finished by the next command "
             "that works on the box.",
    .examples = "# undo what the last test did\n$ rehearse box reset boxes/shop\n",
    .opts = no_opts,
    .defaults = &none,
    .conf_size = sizeof(struct none_conf),
    .run = reset_main,
};

static int destroy_main(const void *conf, int argc, char **argv, struct err *err)
{
    AUTO(box) struct box *b = NULL;

    (void)conf;
    return want_box("destroy", argc, argv, &b, err) && box_destroy(b, err) ? 0 : (int)err->code;
}

const struct cmd box_destroy_cmd = {
    .name = "box destroy",
    .summary = "stop and remove a box",
    .usage = "BOX",
    .about = "Stops everything that runs in the box and removes its directory. A directory that is "
             "not a box, or holds anything that is not the box's, is refused.",
    .examples = "# free the disk\n$ rehearse box destroy boxes/shop\n",
    .opts = no_opts,
    .defaults = &none,
    .conf_size = sizeof(struct none_conf),
    .run = destroy_main,
};

/* ---- exec -----------------------------------------------------------------------------------------*/

static int exec_main(const void *conf, int argc, char **argv, struct err *err)
{
    AUTO(box) struct box *b = NULL;
    int status = 0;

    (void)conf;
    if (argc < 2) {
        err_set(err, ERR_USAGE, "box exec takes a box and a command");
        err_hint(err, "rehearse box exec BOX -- COMMAND [ARGUMENTS]");
        return ERR_USAGE;
    }
    if (!box_open(argv[0], &b, err) ||
        !b->ops->exec(b, (const char *const *)(argv + 1), &status, err))
        return (int)err->code;
    return status;
}

const struct cmd box_exec_cmd = {
    .name = "box exec",
    .summary = "run a command in a box",
    .usage = "BOX -- COMMAND [ARGUMENTS]",
    .about =
        "Runs the command as you, in the directory of the captured trees. psql and mariadb find "
        "the box's first database of their kind by PGHOST, PGPORT, PGUSER, PGDATABASE, "
        "MYSQL_UNIX_PORT and MYSQL_TCP_PORT. Further variables: BOX, BOX_FILES_NAME, "
        "BOX_PORT_SERVICE, BOX_DB_NAME_HOST (_PORT, _SOCKET, _USER, _DATABASE, _PASSWORD), with "
        "names in upper case and other characters as '_'. The exit status is the command's.",
    .examples =
        "# look into the box's database\n"
        "$ rehearse box exec boxes/shop -- psql -c 'SELECT count(*) FROM orders'\n"
        "# ask the application\n"
        "$ rehearse box exec boxes/shop -- sh -c 'curl -s http://127.0.0.1:$BOX_PORT_WEB/'\n",
    .opts = no_opts,
    .defaults = &none,
    .conf_size = sizeof(struct none_conf),
    .run = exec_main,
};
