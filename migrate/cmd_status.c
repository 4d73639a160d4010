/* `migrate status`: what a ledger holds, and what of some folders it does not. */
#include "lib/base/fd.h"
#include "lib/base/json.h"
#include "migrate/cmd.h"
#include "migrate/ledger.h"
#include "migrate/order.h"
#include "migrate/target.h"
#include "migrate/tell.h"

#define NAME_WIDTH 60

struct status_conf {
    struct target_choice target;
    const char *engine;
    bool data;
};

struct line {
    const char *database, *file; /* borrowed from the ledger, or of `orders` */
    const char *at;              /* "" when pending */
    bool data;
    char state[80];
};

struct status {
    const struct status_conf *conf;
    struct ledger *ledger;
    enum db_engine engine;
    const char *database; /* of the folders */
    struct vec orders;    /* struct order, one per folder */
    struct vec lines;     /* struct line */
};

static void auto_status(struct status *s)
{
    for (size_t i = 0; i < s->orders.count; i++)
        order_done(&((struct order *)s->orders.at)[i]);
    vec_done(&s->orders);
    vec_done(&s->lines);
    ledger_close(s->ledger);
}

static void describe(const struct ledger_entry *e, char *text, size_t size)
{
    if (e->done)
        snprintf(text, size, "applied");
    else if (e->in_doubt)
        snprintf(text, size, "in doubt: statements %u-%u", e->doubt_first + 1, e->doubt_last + 1);
    else if (e->statements)
        snprintf(text, size, "in part: %u statements", e->statements);
    else
        snprintf(text, size, "failed, rolled back");
}

static struct line *add_line(struct status *s, const char *file, const struct ledger_entry *e,
                             struct err *err)
{
    struct line *l = vec_add(&s->lines, err);

    if (!l)
        return NULL;
    *l = (struct line){.database = e ? e->database : s->database,
                       .file = file,
                       .at = e ? e->at : "",
                       .data = e ? e->data : s->conf->data,
                       .state = "pending"};
    if (e)
        describe(e, l->state, sizeof(l->state));
    return l;
}

/* ---- a folder ---- */

/* The ledger's only database, where none is named: whose scripts else could they be? */
static bool choose_database(struct status *s, struct err *err)
{
    size_t count;
    const struct ledger_entry *e = ledger_entries(s->ledger, &count);

    s->database = s->conf->target.database;
    for (size_t i = 0; !s->conf->target.database && i < count; i++) {
        if (s->database && strcmp(s->database, e[i].database) != 0) {
            err_set(err, ERR_USAGE, "the ledger holds scripts of '%s' and of '%s'", s->database,
                    e[i].database);
            return err_hint(err, "give --database, so that it is known whose the folder is");
        }
        s->database = e[i].database;
    }
    s->database = s->database ? s->database : "";
    return true;
}

static bool add_script(struct status *s, const char *dir, const char *name, struct err *err)
{
    const struct ledger_entry *e = ledger_find(s->ledger, s->database, s->conf->data, name);
    struct line *l = add_line(s, name, e, err);
    AUTO(free) char *path = path_join(dir, name);
    struct digest now;

    if (!l)
        return false;
    if (!path)
        return err_memory(err);
    if (!e || !e->done)
        return true;
    if (!hash_file(path, &now, err))
        return false;
    if (!digest_eq(&now, &e->raw))
        snprintf(l->state, sizeof(l->state), "applied, its text changed since");
    return true;
}

static bool add_folder(struct status *s, const char *dir, struct err *err)
{
    struct order *o = vec_add(&s->orders, err);

    if (!o || !order_resolve(dir, s->engine, o, err))
        return false;
    for (size_t i = 0; i < o->files.count; i++)
        if (!add_script(s, dir, order_files(o)[i].name, err))
            return false;
    return true;
}

static bool is_listed(const struct status *s, const struct ledger_entry *e)
{
    const struct line *l = s->lines.at;

    for (size_t i = 0; i < s->lines.count; i++)
        if (l[i].data == e->data && strcmp(l[i].file, e->file) == 0 &&
            strcmp(l[i].database, e->database) == 0)
            return true;
    return false;
}

/* Without folders: all there is. With them: what they lack, for it was taken out of the release. */
static bool add_rest(struct status *s, bool folders, struct err *err)
{
    size_t count;
    const struct ledger_entry *e = ledger_entries(s->ledger, &count);

    for (size_t i = 0; i < count; i++) {
        const char *wanted = folders ? s->database : s->conf->target.database;
        if ((wanted && strcmp(wanted, e[i].database) != 0) ||
            (folders && (e[i].data != s->conf->data || is_listed(s, &e[i]))))
            continue;
        struct line *l = add_line(s, e[i].file, &e[i], err);
        if (!l)
            return false;
        if (folders && e[i].done)
            snprintf(l->state, sizeof(l->state), "applied, not in the folder");
    }
    return true;
}

/* ---- telling ---- */

static bool show_json(const struct status *s, struct err *err)
{
    const struct line *l = s->lines.at;
    AUTO(json) json_t *doc = json_array();

    for (size_t i = 0; i < s->lines.count; i++)
        if (json_array_append_new(doc, json_pack("{s:o, s:b, s:o, s:s, s:s?}", "database",
                                                 json_bytes(span_of(l[i].database)), "data",
                                                 (int)l[i].data, "file",
                                                 json_bytes(span_of(l[i].file)), "state",
                                                 l[i].state, "at", *l[i].at ? l[i].at : NULL)) != 0)
            return err_memory(err);
    return tell_json(doc, err);
}

static void show_table(const struct status *s)
{
    const struct line *l = s->lines.at;
    size_t database = strlen("database"), file = strlen("file"), pending = 0;

    for (size_t i = 0; i < s->lines.count; i++) {
        size_t d = tell_width(l[i].database, NAME_WIDTH), f = tell_width(l[i].file, NAME_WIDTH);
        database = d > database ? d : database;
        file = f > file ? f : file;
        pending += !*l[i].at;
    }
    if (s->lines.count)
        printf("%-*s  %-*s  kind    %-24s  state\n", (int)database, "database", (int)file, "file",
               "when");
    for (size_t i = 0; i < s->lines.count; i++) {
        tell_name(l[i].database, database);
        fputs("  ", stdout);
        tell_name(l[i].file, file);
        printf("  %-6s  %-24s  %s\n", l[i].data ? "data" : "schema", *l[i].at ? l[i].at : "-",
               l[i].state);
    }
    if (s->orders.count)
        printf("%zu of %zu pending\n", pending, s->lines.count);
    else if (!s->lines.count)
        puts("nothing was applied");
}

/* A box without a ledger has none applied; a folder that is no box was mistyped. The box is not
 * opened, for that would wait for whoever applies something just now. */
static bool check_box(const char *box, struct err *err)
{
    AUTO(free) char *state = box ? path_join(box, "box.json") : NULL;

    if (!box || (state && path_exists(state)))
        return true;
    err_set(err, ERR_MISSING, "there is no box in '%s'", box);
    return err_hint(err, "rehearse box ls DIR shows the boxes in DIR");
}

static bool show(struct status *s, int argc, char **argv, struct err *err)
{
    AUTO(free) char *path = NULL;

    if (s->conf->engine && !db_engine_parse(s->conf->engine, &s->engine))
        return err_set(err, ERR_USAGE, "unknown engine '%s' (hint: postgresql or mariadb)",
                       s->conf->engine);
    if (!check_box(s->conf->target.box, err) || !target_ledger(&s->conf->target, &path, err) ||
        !ledger_open(path, false, &s->ledger, err) || (argc && !choose_database(s, err)))
        return false;
    for (int i = 0; i < argc; i++)
        if (!add_folder(s, argv[i], err))
            return false;
    if (!add_rest(s, argc > 0, err))
        return false;
    if (cmd_json())
        return show_json(s, err);
    show_table(s);
    return true;
}

static int run(const void *conf, int argc, char **argv, struct err *err)
{
    AUTO(status)
    struct status s = {.conf = conf, .orders = VEC(struct order), .lines = VEC(struct line)};

    return show(&s, argc, argv, err) ? 0 : (int)err->code;
}

static const struct status_conf defaults = {0};

#define AT(field) offsetof(struct status_conf, field)
static const struct opt opts[] = {
    {"box", OPT_STR, AT(target.box), "DIR", "box whose ledger is shown"},
    {"database", OPT_STR, AT(target.database), "NAME", "only this one"},
    {"ledger", OPT_STR, AT(target.ledger), "FILE", "the ledger (default: the box's)"},
    {"data", OPT_FLAG, AT(data), NULL, "the directories hold data scripts"},
    {"engine", OPT_STR, AT(engine), "NAME",
     "postgresql or mariadb, where a script's name says for which it is"},
    {0},
};
#undef AT

const struct cmd migrate_status_cmd = {
    .name = "migrate status",
    .summary = "show what is applied, and what is pending",
    .usage = "[OPTIONS] [DIR...]",
    .about =
        "Lists each script that was applied, failed, or is half applied, with the time. With "
        "directories: each of their scripts, in order, those that are pending among them; and what "
        "was applied and is in none of them. Nothing is connected to.",
    .examples = "$ rehearse migrate status --box boxes/shop\n"
                "# what is still to come\n"
                "$ rehearse migrate status --box boxes/shop --database shop migrations/\n",
    .opts = opts,
    .defaults = &defaults,
    .conf_size = sizeof(defaults),
    .run = run,
};
