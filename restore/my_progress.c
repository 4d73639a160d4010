#include "restore/my_progress.h"

#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/base/vec.h"

#define NOTES       "rehearse_loading"
#define NOTES_TABLE 64

static const char names_sql[] =
#include "restore/proof_my_names.sql.h"
    ;

static bool add_note(void *ctx, const struct db_row *row, struct err *err)
{
    json_t *to = ctx;
    AUTO(free) char *what = span_dup(row->value[0]);

    return (what && json_object_set_new_nocheck(to, what, json_true()) == 0) || err_memory(err);
}

/* Of each component a table of its own, for those of one server end on their own: the last one takes
 * the database away. Named by its hash, for a component's name may be longer than a table's. */
static const char *table_of(const struct my_target *t, char out[NOTES_TABLE])
{
    struct digest digest = hash_of(span_of(t->conf.component));
    char hex[HASH_HEX];

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

bool my_progress_open(struct my_target *t, struct err *err)
{
    char table[NOTES_TABLE];

    if (!t->conf.owned)
        return true;
    t->done = json_object();
    if (!t->done)
        return err_memory(err);
    if (!db_exec(t->main, err, "CREATE DATABASE IF NOT EXISTS " NOTES) ||
        !db_exec(t->main, err,
                 "CREATE TABLE IF NOT EXISTS %s (what VARBINARY(700) PRIMARY KEY) ENGINE=InnoDB",
                 table_of(t, table)) ||
        !db_rows(t->main, add_note, t->done, err, "SELECT what FROM %s", table))
        return false;
    if (t->conf.resume)
        log_info("the load goes on", f_str("component", t->conf.component),
                 f_num("done", (int64_t)json_object_size(t->done)));
    return true;
}

bool my_progress_has(const struct my_target *t, const char *kind, const char *name)
{
    AUTO(buf) struct buf what = {0};

    return t->conf.resume && note_of(t, kind, name, &what) &&
           json_object_get(t->done, buf_str(&what));
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
    AUTO(buf) struct buf quoted = {0};

    if (!t->conf.resume)
        return true;
    db_quote_name(db, name, &quoted);
    return buf_ok(&quoted, err) && db_exec(db, err, "DROP %s IF EXISTS %s", kind, buf_str(&quoted));
}

struct object {
    char *kind, *name;
};

static bool add_object(void *ctx, const struct db_row *row, struct err *err)
{
    struct object *o = vec_add(ctx, err);

    if (!o)
        return false;
    *o = (struct object){span_dup(row->value[0]), span_dup(row->value[1])};
    return (o->kind && o->name) || err_memory(err);
}

bool my_progress_drop_objects(struct my_target *t, struct db *db, struct err *err)
{
    AUTO(vec) struct vec list = VEC(struct object);

    if (!t->conf.resume)
        return true;
    bool ok = db->ops->query(db, span_of(names_sql), add_object, &list, NULL, err);
    struct object *o = list.at;
    for (size_t i = 0; i < list.count; i++) {
        bool stays = o[i].kind && (!strcmp(o[i].kind, "TABLE") || !strcmp(o[i].kind, "SEQUENCE"));
        ok = ok && (stays || my_progress_drop(t, db, o[i].kind, o[i].name, err));
        free(o[i].kind);
        free(o[i].name);
    }
    return ok;
}

bool my_progress_end(struct my_target *t, struct err *err)
{
    AUTO(buf) struct buf left = {0};
    char table[NOTES_TABLE];

    if (!t->done)
        return true;
    return db_exec(t->main, err, "DROP TABLE %s", table_of(t, table)) &&
           db_value(t->main, &left, err,
                    "SELECT count(*) FROM information_schema.tables WHERE table_schema = '" NOTES
                    "'") &&
           (strcmp(buf_str(&left), "0") != 0 ||
            db_exec(t->main, err, "DROP DATABASE IF EXISTS " NOTES));
}
