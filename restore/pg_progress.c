#include "restore/pg_progress.h"

#include "lib/base/log.h"

#define NOTES "rehearse_loading"

static bool add_note(void *ctx, const struct db_row *row, struct err *err)
{
    json_t *to = ctx;
    AUTO(free) char *what = span_dup(row->value[0]);

    return (what && json_object_set_new_nocheck(to, what, json_true()) == 0) || err_memory(err);
}

static bool bundle_note(const struct pg_target *t, struct buf *out, struct err *err)
{
    char hex[HASH_HEX];

    digest_hex(bundle_digest(t->conf.bundle), hex);
    buf_printf(out, "bundle %s", hex);
    return buf_ok(out, err);
}

static bool read_notes(struct pg_target *t, json_t *notes, struct err *err)
{
    AUTO(db) struct db *db = NULL;
    AUTO(buf) struct buf there = {0};

    if (!db_open(&t->db_conf, &db, err) ||
        !db_value(db, &there, err,
                  "SELECT coalesce(pg_catalog.to_regclass('" NOTES ".done')::text, '')"))
        return false;
    return !there.len || db_rows(db, add_note, notes, err, "SELECT what FROM " NOTES ".done");
}

bool pg_progress_find(struct pg_target *t, struct err *err)
{
    AUTO(json) json_t *notes = json_object();
    AUTO(buf) struct buf bundle = {0};
    struct err why = {0};

    if (!notes || !bundle_note(t, &bundle, err))
        return err_memory(err);
    if (!read_notes(t, notes, &why) && why.code != ERR_MISSING)
        return err_pass(err, &why);
    if (!json_object_get(notes, buf_str(&bundle)))
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

/* As a replica does, without event triggers: production's are there by now. */
bool pg_progress_end(struct db *db, struct err *err)
{
    return db_exec(db, err, "SET session_replication_role = replica") &&
           db_exec(db, err, "DROP SCHEMA IF EXISTS " NOTES " CASCADE") &&
           db_exec(db, err, "RESET session_replication_role");
}
