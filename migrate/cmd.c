#include "migrate/cmd.h"

#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/base/log.h"
#include "migrate/target.h"
#include "migrate/tell.h"
#include "migrate/work.h"

#define NAME_WIDTH 60

struct migrate_conf {
    struct target_choice target;
    const char *engine, *journal, *resume_at;
    double lock_timeout_s;
    bool profile, data, out_of_order, forget;
};

static const struct migrate_conf defaults = {.profile = true};

#define AT(field) offsetof(struct migrate_conf, field)
#define TARGET_OPTS                                                                        \
    {"box", OPT_STR, AT(target.box), "DIR", "box whose database is migrated"},             \
        {"env", OPT_STR, AT(target.env), "FILE", "environment file; never of production"}, \
        {"database", OPT_STR, AT(target.database), "NAME",                                 \
         "as in the environment file; needed where there are several"},                    \
    {                                                                                      \
        "ledger", OPT_STR, AT(target.ledger), "FILE",                                      \
            "what was applied is kept here (default: in the box)"                          \
    }
static const struct opt plan_opts[] = {
    TARGET_OPTS,
    {"engine", OPT_STR, AT(engine), "NAME",
     "postgresql or mariadb: read the scripts without a server"},
    {"data", OPT_FLAG, AT(data), NULL, "data scripts, not schema migrations"},
    {0},
};
static const struct opt apply_opts[] = {
    TARGET_OPTS,
    {"data", OPT_FLAG, AT(data), NULL, "data scripts, not schema migrations"},
    {"journal", OPT_STR, AT(journal), "FILE", "record what was done and measured"},
    {"lock-timeout", OPT_SECONDS, AT(lock_timeout_s), "T",
     "a statement gives up waiting for a lock"},
    {"profile", OPT_FLAG, AT(profile), NULL,
     "read every table before, and changed ones after: finds wiped columns (default)"},
    {"out-of-order", OPT_FLAG, AT(out_of_order), NULL,
     "apply versions below one that is applied already"},
    {"forget", OPT_FLAG, AT(forget), NULL, "the database was reset: begin its ledger anew"},
    {"resume-at", OPT_STR, AT(resume_at), "FILE:N",
     "an interrupted script goes on with statement N"},
    {0},
};
#undef AT

static int no_directory(struct err *err)
{
    err_set(err, ERR_USAGE, "no directory is named");
    err_hint(err, "name the directory of the scripts");
    return (int)err->code;
}

/* ---- plan --------------------------------------------------------------------------------------*/

static const char *state_of(const struct plan_file *f)
{
    return f->action == ACTION_SKIP ? "applied" : f->from ? "in part" : "pending";
}

static json_t *file_json(const struct plan_file *f)
{
    char raw[HASH_HEX];
    json_t *o = json_object();

    digest_hex(&f->script->raw, raw);
    json_object_set_new(o, "file", json_bytes(span_of(f->script->name)));
    json_object_set_new(o, "version", json_bytes(span_of(f->script->version)));
    json_object_set_new(o, "state", json_string(state_of(f)));
    json_object_set_new(o, "statements", json_integer((json_int_t)f->script->statements.count));
    json_object_set_new(o, "transaction",
                        json_string(script_one_transaction(f->script) ? "one" : "none"));
    json_object_set_new(o, "checksum", json_string(raw));
    json_object_set_new(o, "why", json_string(f->why));
    return o;
}

static json_t *order_json(const struct order *o)
{
    json_t *doc = json_object(), *left = json_array();

    json_object_set_new(doc, "dir", json_bytes(span_of(o->dir)));
    json_object_set_new(doc, "convention", json_string(o->convention));
    for (size_t i = 0; i < o->left.count; i++)
        json_array_append_new(left, json_pack("{s:o, s:s}", "file",
                                              json_bytes(span_of(order_lefts(o)[i].name)), "why",
                                              order_lefts(o)[i].why));
    json_object_set_new(doc, "left_out", left);
    return doc;
}

static void print_head(const struct order *o)
{
    tell_name(o->dir, 0);
    printf(": %s, %zu script%s\n", o->convention, o->files.count, o->files.count == 1 ? "" : "s");
}

static void print_left(const struct order *o)
{
    for (size_t i = 0; i < o->left.count; i++) {
        printf("  left out: ");
        tell_name(order_lefts(o)[i].name, 0);
        printf(" (%s)\n", order_lefts(o)[i].why);
    }
}

/* Names alone, when no engine is known to read the scripts by. */
static bool plan_names(const char *dir, json_t *doc, struct err *err)
{
    AUTO(order) struct order o = {0};
    json_t *one, *files = json_array();

    if (!order_resolve(dir, DB_POSTGRESQL, &o, err)) {
        json_decref(files);
        return false;
    }
    if (!cmd_json())
        print_head(&o);
    for (size_t i = 0; i < o.files.count; i++) {
        const struct order_file *f = &order_files(&o)[i];
        json_array_append_new(files, json_pack("{s:o, s:o}", "file", json_bytes(span_of(f->name)),
                                               "version", json_bytes(span_of(f->version))));
        if (cmd_json())
            continue;
        printf("%4zu  ", i + 1);
        tell_name(f->name, 0);
        putchar('\n');
    }
    if (!cmd_json())
        print_left(&o);
    one = order_json(&o);
    json_object_set_new(one, "files", files);
    json_array_append_new(doc, one);
    return true;
}

static void print_file(size_t at, const struct plan_file *f)
{
    size_t count = f->script->statements.count;

    printf("%4zu  ", at);
    tell_name(f->script->name, 0);
    printf("  %s, %zu statement%s, %s%s%s\n", state_of(f), count, count == 1 ? "" : "s",
           script_one_transaction(f->script) ? "one transaction" : "statement by statement",
           f->why[0] ? ": " : "", f->why);
}

static bool plan_work(struct work *w, const struct work_conf *conf, json_t *doc, struct err *err)
{
    json_t *one, *files;

    if (!work_decide(w, conf, err))
        return false;
    if (!cmd_json())
        print_head(&w->order);
    files = json_array();
    for (size_t i = 0; i < w->files.count; i++) {
        json_array_append_new(files, file_json(&work_files(w)[i]));
        if (!cmd_json())
            print_file(i + 1, &work_files(w)[i]);
    }
    if (!cmd_json())
        print_left(&w->order);
    one = order_json(&w->order);
    json_object_set_new(one, "files", files);
    json_array_append_new(doc, one);
    return true;
}

static bool plan_read(const struct migrate_item *item, const struct work_conf *conf, json_t *doc,
                      struct err *err)
{
    static const struct script_modes modes = {0};
    struct work w;

    if (!work_read(item, &modes, &w, err))
        return false;
    bool ok = plan_work(&w, conf, doc, err);
    work_done(&w);
    return ok;
}

/* The engine that the scripts are read for; *known is false when nobody says it. */
static bool plan_engine(const struct migrate_conf *c, struct migrate_target *t, bool *known,
                        struct err *err)
{
    *known = c->engine || c->target.box || c->target.env;
    if (c->target.box || c->target.env) {
        struct target_choice choice = c->target;
        if (!choice.ledger && choice.env)
            choice.ledger = "";
        return target_resolve(&choice, t, err);
    }
    if (c->target.ledger && !(t->ledger = span_dup(span_of(c->target.ledger))))
        return err_memory(err);
    t->name = c->target.database ? c->target.database : "";
    return !c->engine || db_engine_parse(c->engine, &t->db.engine) ||
           err_set(err, ERR_USAGE, "unknown engine '%s' (hint: postgresql or mariadb)", c->engine);
}

static int plan_run(const void *conf, int argc, char **argv, struct err *err)
{
    const struct migrate_conf *c = conf;
    AUTO(migrate_target) struct migrate_target t = {0};
    AUTO(ledger) struct ledger *ledger = NULL;
    AUTO(json) json_t *doc = json_array();
    struct migrate_job job = {.out_of_order = true};
    bool known;

    if (argc < 1)
        return no_directory(err);
    if (!plan_engine(c, &t, &known, err))
        return (int)err->code;
    if (t.ledger && *t.ledger && !ledger_open(t.ledger, false, &ledger, err))
        return (int)err->code;
    struct work_conf work = {.job = &job, .ledger = ledger};
    for (int i = 0; i < argc; i++) {
        struct migrate_item item = {
            .database = t.name, .db = &t.db, .dir = argv[i], .data = c->data};
        if (known ? !plan_read(&item, &work, doc, err) : !plan_names(argv[i], doc, err))
            return (int)err->code;
    }
    return !cmd_json() || tell_json(doc, err) ? 0 : (int)err->code;
}

/* ---- apply -------------------------------------------------------------------------------------*/

struct tally {
    uint64_t applied, skipped;
    int64_t rows; /* of the file in hand */
    json_t *files;
};

static void report_progress(void *ctx, const char *what, const struct field *fields)
{
    struct tally *t = ctx;
    json_t *file;

    t->applied += strcmp(what, "applied") == 0;
    t->skipped += strcmp(what, "skipped") == 0;
    log_fields(LOG_LEVEL_INFO, what, fields);
    if (strcmp(what, "statement done") == 0) {
        for (; fields->type != FIELD_END; fields++)
            t->rows += strcmp(fields->name, "rows") == 0 ? fields->num : 0;
        return;
    }
    file = fields_json(fields);
    json_object_set_new(file, "status", json_string(what));
    json_object_set_new(file, "rows", json_integer(t->rows));
    json_array_append_new(t->files, file);
    t->rows = 0;
}

static void print_one(const json_t *file, size_t width)
{
    const char *status = json_string_value(json_object_get(file, "status"));
    char text[ISO_TIME];

    tell_name(json_string_value(json_object_get(file, "file")), width);
    printf("  %-7s  %10lld", status,
           (long long)json_integer_value(json_object_get(file, "statements")));
    if (strcmp(status, "applied") == 0) {
        printf("  %12s",
               human_count((uint64_t)json_integer_value(json_object_get(file, "rows")), text));
        printf("  %9s",
               human_time(json_integer_value(json_object_get(file, "took_ms")) * 1000000, text));
    }
    putchar('\n');
}

static void print_table(const struct tally *t)
{
    size_t width = strlen("file"), i = 0;
    const json_t *file = NULL;

    json_array_foreach(t->files, i, file)
    {
        size_t w = tell_width(json_string_value(json_object_get(file, "file")), NAME_WIDTH);
        width = w > width ? w : width;
    }
    if (i)
        printf("%-*s  %-7s  %10s  %12s  %9s\n", (int)width, "file", "status", "statements", "rows",
               "time");
    json_array_foreach(t->files, i, file) print_one(file, width);
    printf("applied %llu, skipped %llu\n", (unsigned long long)t->applied,
           (unsigned long long)t->skipped);
}

static bool apply_dirs(const struct migrate_conf *c, const struct migrate_target *t, int argc,
                       char **argv, struct tally *tally, struct err *err)
{
    AUTO(journal) struct journal *journal = NULL;
    AUTO(free) struct migrate_item *items = calloc((size_t)argc, sizeof(*items));

    if (!items)
        return err_memory(err);
    if (c->journal && !journal_open(c->journal, &journal, err))
        return false;
    for (int i = 0; i < argc; i++)
        items[i] = (struct migrate_item){
            .database = t->name, .db = &t->db, .dir = argv[i], .data = c->data};
    struct migrate_job job = {.items = items,
                              .count = (size_t)argc,
                              .ledger = t->ledger,
                              .lock_timeout_s = c->lock_timeout_s,
                              .profile = c->profile,
                              .out_of_order = c->out_of_order,
                              .forget = c->forget,
                              .resume_at = c->resume_at,
                              .report = report_progress,
                              .report_ctx = tally};
    return migrate_run(&job, journal, err);
}

static int apply_run(const void *conf, int argc, char **argv, struct err *err)
{
    const struct migrate_conf *c = conf;
    AUTO(migrate_target) struct migrate_target t = {0};
    AUTO(json) json_t *files = json_array();
    struct tally tally = {.files = files};

    if (argc < 1)
        return no_directory(err);
    if (!target_resolve(&c->target, &t, err) || !apply_dirs(c, &t, argc, argv, &tally, err))
        return (int)err->code;
    if (cmd_json())
        return tell_json(files, err) ? 0 : (int)err->code;
    print_table(&tally);
    return 0;
}

const struct cmd migrate_plan_cmd = {
    .name = "migrate plan",
    .summary = "show which scripts would be applied, and in which order",
    .usage = "[OPTIONS] DIR...",
    .about =
        "Orders the scripts of each directory by Flyway, golang-migrate, dbmate, goose, sqitch, "
        "Diesel or plain numbers, or by an explicit list in a file 'order' or 'manifest.txt', "
        "which always wins. Nothing is connected to. With an engine the scripts are split and "
        "checked as well; with a ledger what is applied is told.",
    .examples = "# the order alone\n$ rehearse migrate plan migrations/\n"
                "# what is still to be applied to the box\n"
                "$ rehearse migrate plan --box boxes/shop --database shop migrations/\n",
    .opts = plan_opts,
    .defaults = &defaults,
    .conf_size = sizeof(defaults),
    .run = plan_run,
};

const struct cmd migrate_apply_cmd = {
    .name = "migrate apply",
    .summary = "apply migrations and data scripts to a box, measured",
    .usage = "[OPTIONS] DIR...",
    .about =
        "Applies what the ledger does not hold yet: on PostgreSQL one transaction per file where "
        "that is possible, on MariaDB statement by statement. Each statement is timed, with the "
        "rows and locks it took, and the columns it wiped. When something fails the error says "
        "exactly what is committed; run again, it resumes there. Production is never a target.",
    .examples = "# a release's migrations, with a record for the report\n"
                "$ rehearse migrate apply --box boxes/shop --database shop --journal run.journal "
                "migrations/\n",
    .opts = apply_opts,
    .defaults = &defaults,
    .conf_size = sizeof(defaults),
    .run = apply_run,
};
