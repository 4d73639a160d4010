#include "restore/my_progress.h"

#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/base/vec.h"

#define NOTES       MY_NOTES
#define NOTES_TABLE 64

static bool add_note(void *ctx, const struct db_row *row, struct err *err)
{
    json_t *to = ctx;
    AUTO(free) char *what = span_dup(row->value[0]);

    return (what && json_object_set_new_nocheck(to, what, json_true()) == 0) || err_memory(err);
}

/* Of each component a table of its own, for those of one server end on their own: the last one takes
 * the database away. Named by its hash, for a component's name may be longer than a table's. On a
 * server of others it is in the database that is loaded, and goes with it. */
static const char *table_of(const struct my_target *t, char out[NOTES_TABLE])
{
    struct digest digest = hash_of(span_of(t->conf.component));
    char hex[HASH_HEX];

    if (!t->conf.owned) {
        snprintf(out, NOTES_TABLE, "%s." MY_NOTES, t->conf.db->database);
        return out;
    }
    digest_hex(&digest, hex);
    snprintf(out, NOTES_TABLE, NOTES ".`%.32s`", hex);
    return out;
}

static bool note_of(const struct my_target *t, const char *kind, const char *name, struct buf *out)
{
    char hex[HASH_HEX];

    digest_hex(bundle_digest(t->conf.bundle), hex);
    return buf_printf(out, "%.12s %s %s %s", hex, t->conf.component, kind, name);
}

static bool read_notes(struct my_target *t, struct err *err)
{
    char table[NOTES_TABLE];

    t->done = json_object();
    return (t->done || err_memory(err)) &&
           db_rows(t->main, add_note, t->done, err, "SELECT what FROM %s", table_of(t, table));
}

bool my_progress_noted(const struct my_target *t, const char *kind, const char *name)
{
    AUTO(buf) struct buf what = {0};

    return note_of(t, kind, name, &what) && json_object_get(t->done, buf_str(&what));
}

/* A box remembers how its restore was begun; on a server a note does. */
static bool how_of(const struct my_target *t, char out[HASH_HEX], struct err *err)
{
    AUTO(json) json_t *how = NULL;

    if (!selection_keep(&t->conf.what, &how, err))
        return false;
    AUTO(free) char *text = json_text(how);
    if (!text)
        return err_memory(err);
    struct digest digest = hash_of(span_of(text));
    digest_hex(&digest, out);
    return true;
}

static bool same_begin(const struct my_target *t, struct err *err)
{
    char how[HASH_HEX];

    if (!how_of(t, how, err))
        return false;
    if (!my_progress_noted(t, "load", "begun")) {
        err_set(err, ERR_USAGE, "the half of database '%s' is of another bundle", t->conf.final);
        return err_hint(err, "name that bundle; without --resume the restore is begun anew");
    }
    if (my_progress_noted(t, "how", how))
        return true;
    err_set(err, ERR_USAGE, "the half of database '%s' was begun with other options",
            t->conf.final);
    return err_hint(err,
                    "give the options that it was begun with; without --resume it is begun anew");
}

static bool note_begin(struct my_target *t, struct err *err)
{
    char how[HASH_HEX];

    return t->conf.owned ||
           (how_of(t, how, err) && my_progress_note(t, t->main, "load", "begun", err) &&
            my_progress_note(t, t->main, "how", how, err));
}

bool my_progress_find(struct my_target *t, bool *begun, bool *moving, struct err *err)
{
    AUTO(buf) struct buf count = {0};

    *begun = *moving = false;
    if (!db_value(t->main, &count, err,
                  "SELECT count(*) FROM information_schema.tables WHERE table_schema = '%s' AND "
                  "table_name = '" MY_NOTES "'",
                  t->conf.db->database))
        return false;
    if (strcmp(buf_str(&count), "0") == 0)
        return true;
    if (!read_notes(t, err))
        return false;
    if (t->conf.resume && !same_begin(t, err))
        return false;
    *begun = my_progress_noted(t, "load", "begun");
    *moving = my_progress_noted(t, "load", "moving");
    return true;
}

bool my_progress_open(struct my_target *t, struct err *err)
{
    char table[NOTES_TABLE];

    json_decref(TAKE(t->done));
    if ((t->conf.owned && !db_exec(t->main, err, "CREATE DATABASE IF NOT EXISTS " NOTES)) ||
        !db_exec(t->main, err,
                 "CREATE TABLE IF NOT EXISTS %s (what VARBINARY(700) PRIMARY KEY) ENGINE=InnoDB",
                 table_of(t, table)) ||
        !read_notes(t, err) || !note_begin(t, err))
        return false;
    if (t->conf.resume && (t->conf.owned || json_object_size(t->done)))
        log_info("the load goes on", f_str("component", t->conf.component),
                 f_num("done", (int64_t)json_object_size(t->done)));
    return true;
}

bool my_progress_has(const struct my_target *t, const char *kind, const char *name)
{
    return t->conf.resume && my_progress_noted(t, kind, name);
}

bool my_progress_note(struct my_target *t, struct db *db, const char *kind, const char *name,
                      struct err *err)
{
    AUTO(buf) struct buf what = {0}, sql = {0};
    char table[NOTES_TABLE];

    if (!t->done)
        return true;
    note_of(t, kind, name, &what);
    buf_printf(&sql, "INSERT IGNORE INTO %s VALUES (", table_of(t, table));
    db->ops->quote(db, buf_view(&what), false, &sql);
    buf_puts(&sql, ")");
    return buf_ok(&what, err) && buf_ok(&sql, err) && my_run(db, buf_str(&sql), sql.len, err);
}

bool my_progress_drop(struct my_target *t, struct db *db, const char *kind, const char *name,
                      struct err *err)
{
    return !t->conf.resume || my_drop(db, kind, name, err);
}

bool my_progress_end(struct my_target *t, struct err *err)
{
    AUTO(buf) struct buf left = {0};
    char table[NOTES_TABLE];

    if (!t->done || !t->conf.owned)
        return true;
    return db_exec(t->main, err, "DROP TABLE %s", table_of(t, table)) &&
           db_value(t->main, &left, err,
                    "SELECT count(*) FROM information_schema.tables WHERE table_schema = '" NOTES
                    "'") &&
           (strcmp(buf_str(&left), "0") != 0 ||
            db_exec(t->main, err, "DROP DATABASE IF EXISTS " NOTES));
}
