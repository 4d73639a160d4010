#include "restore/pg_progress.h"

#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/db/pg_schema.h"
#include "lib/db/pg_session.h"
#include "restore/resume.h"

#define NOTES "rehearse_loading"

static bool add_note(void *ctx, const struct db_row *row, struct err *err)
{
    json_t *to = ctx;
    AUTO(free) char *what = span_dup(row->value[0]);

    return (what && json_object_set_new_nocheck(to, what, json_true()) == 0) || err_memory(err);
}

/* A box remembers how its restore was begun; on a server the notes do. */
static bool add_how(const struct pg_target *t, struct buf *out, struct err *err)
{
    AUTO(json) json_t *how = NULL;

    if (!selection_keep(&t->conf.what, &how, err))
        return false;
    AUTO(free) char *text = json_text(how);
    return text ? buf_printf(out, " by %u: %s", t->conf.jobs, text) : err_memory(err);
}

#define BUNDLE_NOTE "bundle "

/* Options by their name in the note. */
static const struct {
    const char *key, *option;
} options[] = {{"only", "only"},
               {"references", "with-references"},
               {"owners", "owner"},
               {"no_owner", "no-owner"},
               {"no_privileges", "no-privileges"}};

static bool refuse(const char *option, struct err *err)
{
    return resume_refuse(
        option, "give the options that it was begun with; without --resume it is begun anew", err);
}

static bool same_options(const struct pg_target *t, const json_t *then, struct err *err)
{
    AUTO(json) json_t *now = NULL;

    if (!selection_keep(&t->conf.what, &now, err))
        return false;
    for (size_t i = 0; i < COUNT(options); i++)
        if (!json_equal(json_object_get(then, options[i].key),
                        json_object_get(now, options[i].key)))
            return refuse(options[i].option, err);
    return true;
}

/* `note`: what another restore of ours has begun with; see bundle_note(). */
static bool same_begin(const struct pg_target *t, const char *note, struct err *err)
{
    const char *digest = note + strlen(BUNDLE_NOTE), *by = strstr(note, " by "), *how;
    AUTO(json) json_t *then = NULL;
    char hex[HASH_HEX], jobs[16];

    digest_hex(bundle_digest(t->conf.bundle), hex);
    if (strncmp(digest, hex, strlen(hex)) != 0) {
        err_set(err, ERR_USAGE, "the half of database '%s' is of bundle %.12s, not of %.12s",
                t->conf.final, digest, hex);
        return err_hint(err, "name that bundle; without --resume the restore is begun anew");
    }
    snprintf(jobs, sizeof(jobs), " by %u:", t->conf.jobs);
    if (!by || strncmp(by, jobs, strlen(jobs)) != 0)
        return refuse("jobs", err);
    how = strchr(by, ':') + 1;
    return json_parse(span_of(how), "the note of a restore", &then, err) &&
           same_options(t, then, err);
}

static bool check_begin(const struct pg_target *t, json_t *notes, struct err *err)
{
    const char *note;
    json_t *unused;

    json_object_foreach(notes, note, unused)
    {
        if (strncmp(note, BUNDLE_NOTE, strlen(BUNDLE_NOTE)) == 0 && !same_begin(t, note, err))
            return false;
    }
    return true;
}

static bool bundle_note(const struct pg_target *t, struct buf *out, struct err *err)
{
    char hex[HASH_HEX];

    digest_hex(bundle_digest(t->conf.bundle), hex);
    buf_printf(out, BUNDLE_NOTE "%s", hex);
    return (t->conf.owned || add_how(t, out, err)) && buf_ok(out, err);
}

static bool has_notes(struct db *db, bool *there, struct err *err)
{
    AUTO(buf) struct buf name = {0};

    if (!db_value(db, &name, err,
                  "SELECT coalesce(pg_catalog.to_regclass('" NOTES ".done')::text, '')"))
        return false;
    *there = name.len > 0;
    return true;
}

/* ---- unlogged tables ---------------------------------------------------------------------------*/

/* A server that has crashed empties unlogged tables and puts their sequences back; notes stay. */
struct emptied {
    struct pg_target *target;
    json_t *notes;
    struct buf gone; /* notes that do not hold, as a list of literals */
    struct db *db;
    bool any, watched;
};

/* Whether the note is of a piece of the table: "rows 0-7 of TABLE". */
static bool is_rows_of(const char *note, const struct pg_target_table *table)
{
    const char *of = strncmp(note, "rows ", 5) == 0 ? strstr(note, " of ") : NULL;

    return of && strcmp(of + strlen(" of "), table->qualified) == 0;
}

static bool add_emptied(void *ctx, const struct db_row *row, struct err *err)
{
    struct emptied *e = ctx;
    const struct pg_target_table *table = pg_target_find(e->target, row->value[0], row->value[1]);
    const char *note;
    json_t *value;
    void *next;
    bool loaded = false;

    if (!table || !table->stream->records)
        return true;
    json_object_foreach_safe(e->notes, next, note, value)
    {
        if (!is_rows_of(note, table))
            continue;
        buf_puts(&e->gone, e->gone.len ? ", " : "");
        db_quote_text(e->db, note, &e->gone);
        json_object_del(e->notes, note);
        loaded = true;
    }
    e->any = true;
    e->watched |= loaded && (table->config || span_is(row->value[2], "t"));
    return buf_ok(&e->gone, err);
}

/* Without a page: a table whose load was rolled back has some. */
static bool find_emptied(struct emptied *e, struct err *err)
{
    return db_rows(e->db, add_emptied, e, err,
                   "SELECT n.nspname, c.relname, EXISTS (SELECT FROM pg_catalog.pg_trigger g "
                   "WHERE g.tgrelid = c.oid) FROM pg_catalog.pg_class c "
                   "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
                   "WHERE c.relkind = 'r' AND c.relpersistence = 'u' "
                   "AND pg_catalog.pg_relation_size(c.oid) = 0");
}

/* Their rows are loaded again. Where triggers or keys would watch that, and where an extension had
 * put rows of its own, there is nothing to go on with. */
static bool forget_emptied(struct pg_target *t, struct db *db, json_t *notes, bool *anew,
                           struct err *err)
{
    struct emptied e = {.target = t, .notes = notes, .db = db};
    bool ok = find_emptied(&e, err);

    *anew = ok && e.watched;
    if (ok && e.gone.len)
        log_warn("a crash of the server has emptied unlogged tables: they are loaded again",
                 f_str("component", t->conf.component), f_bool("with_all", *anew));
    if (ok && e.gone.len && !*anew)
        ok = db_exec(db, err, "DELETE FROM " NOTES ".done WHERE what IN (%s)", buf_str(&e.gone));
    buf_done(&e.gone);
    return ok;
}

struct sequences {
    const struct pg_target *target;
    struct db *db;
    struct buf found; /* the statements that the database gives now */
    bool same;
};

/* A row: an unlogged one, whose statement of the bundle must be among those. One that was not selected
 * has none. */
static bool compare_sequence(void *ctx, const struct db_row *row, struct err *err)
{
    struct sequences *s = ctx;
    struct span bundle = buf_view(&s->target->part.sequences), line = {0};
    AUTO(buf) struct buf head = {0};

    buf_puts(&head, PG_SEQUENCE_HEAD);
    s->db->ops->quote(s->db, row->value[0], false, &head);
    if (!buf_ok(&head, err))
        return false;
    line.at = bundle.len ? memmem(bundle.at, bundle.len, head.at, head.len) : NULL;
    if (!line.at)
        return true;
    line.len = (size_t)(bundle.at + bundle.len - line.at);
    const char *end = memmem(line.at, line.len, ");\n", 3);
    line.len = end ? (size_t)(end - line.at) : line.len;
    s->same &= s->found.len && memmem(s->found.at, s->found.len, line.at, line.len);
    return true;
}

/* Sequences of unlogged tables are unlogged, too, and tables may be empty by right. */
static bool same_sequences(struct pg_target *t, struct db *db, bool *same, struct err *err)
{
    struct sequences s = {.target = t, .db = db, .same = true};
    AUTO(buf) struct buf unlogged = {0};
    unsigned count = 0;

    *same = true;
    if (!db_value(db, &unlogged, err,
                  "SELECT count(*) FROM pg_catalog.pg_class WHERE relkind = 'S' AND "
                  "relpersistence = 'u'"))
        return false;
    if (span_is(buf_view(&unlogged), "0"))
        return true;
    bool ok = pg_sequences_read(db, &s.found, &count, err) &&
              db_rows(db, compare_sequence, &s, err,
                      "SELECT '\"' || pg_catalog.replace(n.nspname, '\"', '\"\"') || '\".\"' || "
                      "pg_catalog.replace(c.relname, '\"', '\"\"') || '\"' FROM "
                      "pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = "
                      "c.relnamespace WHERE c.relkind = 'S' AND c.relpersistence = 'u'");

    buf_done(&s.found);
    *same = s.same;
    return ok;
}

bool pg_progress_whole(struct pg_target *t, bool *whole, struct err *err)
{
    AUTO(db) struct db *db = NULL;
    struct emptied e = {.target = t};
    struct err why = {0};
    bool noted = false, same = false;

    *whole = false;
    if (!db_open(&t->db_conf, &db, &why))
        return why.code == ERR_MISSING || err_pass(err, &why);
    e.db = db;
    if (!pg_session_fix(db, err) || !has_notes(db, &noted, err) || !find_emptied(&e, err) ||
        !same_sequences(t, db, &same, err))
        return false;
    *whole = !noted && !e.any && same;
    return true;
}

/* ---- notes -------------------------------------------------------------------------------------*/

static bool read_notes(struct pg_target *t, json_t *notes, const char *bundle, bool *ours,
                       struct err *err)
{
    AUTO(db) struct db *db = NULL;
    struct err why = {0};
    bool there = false, anew = false;

    *ours = false;
    if (!db_open(&t->db_conf, &db, &why))
        return why.code == ERR_MISSING || err_pass(err, &why);
    if (!has_notes(db, &there, err))
        return false;
    if (!there)
        return true;
    if (!db_rows(db, add_note, notes, err, "SELECT what FROM " NOTES ".done"))
        return false;
    if (!json_object_get(notes, bundle))
        return t->conf.owned || check_begin(t, notes, err);
    *ours = forget_emptied(t, db, notes, &anew, err) && !anew;
    return *ours || anew;
}

bool pg_progress_find(struct pg_target *t, struct err *err)
{
    AUTO(json) json_t *notes = json_object();
    AUTO(buf) struct buf bundle = {0};
    bool ours = false;

    if (!notes || !bundle_note(t, &bundle, err))
        return err_memory(err);
    if (!read_notes(t, notes, buf_str(&bundle), &ours, err))
        return false;
    if (!ours)
        return true;
    log_info("the load goes on", f_str("component", t->conf.component),
             f_num("done", (int64_t)json_object_size(notes) - 1));
    t->done = TAKE(notes);
    return true;
}

bool pg_progress_begin(struct pg_target *t, struct db *db, struct err *err)
{
    AUTO(buf) struct buf bundle = {0};

    return bundle_note(t, &bundle, err) &&
           db_exec(db, err,
                   "BEGIN; CREATE SCHEMA " NOTES "; "
                   "CREATE TABLE " NOTES ".done (what text PRIMARY KEY)") &&
           pg_progress_note(db, buf_str(&bundle), err) && db_exec(db, err, "COMMIT");
}

bool pg_progress_has(const struct pg_target *t, const char *what)
{
    return json_object_get(t->done, what) != NULL;
}

bool pg_progress_note(struct db *db, const char *what, struct err *err)
{
    AUTO(buf) struct buf literal = {0};

    db_quote_text(db, what, &literal);
    return buf_ok(&literal, err) &&
           db_exec(db, err, "INSERT INTO " NOTES ".done VALUES (%s)", buf_str(&literal));
}

bool pg_progress_step(struct pg_target *t, struct db *db, const struct pg_step *step,
                      bool constraint, struct err *err)
{
    char what[64];

    snprintf(what, sizeof(what), "%s %u", constraint ? "constraint" : "step", step->line);
    if (pg_progress_has(t, what))
        return true;
    if (!db_exec(db, err, "BEGIN"))
        return false;
    if ((constraint ? pg_step_constraint(db, step, err) : pg_step_run(db, step, err)) &&
        pg_progress_note(db, what, err) && db_exec(db, err, "COMMIT"))
        return true;
    db_exec(db, NULL, "ROLLBACK");
    return false;
}

static bool run_event_steps(struct pg_target *t, struct db *db, struct err *err)
{
    const struct pg_step *step = t->steps.at;

    for (size_t i = 0; i < t->steps.count; i++)
        if (step[i].kind == PG_STEP_EVENT && !pg_step_run(db, &step[i], err))
            return false;
    return true;
}

/* Quiet: extensions bring event triggers, too. */
bool pg_progress_end(struct pg_target *t, struct db *db, struct err *err)
{
    pg_config_quiet(db, true);
    bool ok = db_exec(db, err, "BEGIN") &&
              db_exec(db, err, "DROP SCHEMA IF EXISTS " NOTES " CASCADE") &&
              run_event_steps(t, db, err) && db_exec(db, err, "COMMIT");

    if (!ok)
        db_exec(db, NULL, "ROLLBACK");
    pg_config_quiet(db, false);
    return ok;
}
