#include "restore/my_progress.h"

#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/base/vec.h"

#define NOTES "rehearse_loading"

static const char names_sql[] =
#include "restore/proof_my_names.sql.h"
    ;

static bool add_note(void *ctx, const struct db_row *row, struct err *err)
{
    json_t *to = ctx;
    AUTO(free) char *what = span_dup(row->value[0]);

    return (what && json_object_set_new_nocheck(to, what, json_true()) == 0) || err_memory(err);
}

static bool note_of(const struct my_target *t, const char *kind, const char *name, struct buf *out)
{
    char hex[HASH_HEX];

    digest_hex(bundle_digest(t->conf.bundle), hex);
    return buf_printf(out, "%.12s %s %s %s", hex, t->conf.component, kind, name);
}

bool my_progress_open(struct my_target *t, struct err *err)
{
    if (!t->conf.owned)
        return true;
    t->done = json_object();
    if (!t->done)
        return err_memory(err);
    if (!db_exec(t->main, err, "CREATE DATABASE IF NOT EXISTS " NOTES) ||
        !db_exec(t->main, err,
                 "CREATE TABLE IF NOT EXISTS " NOTES ".done (what VARBINARY(700) PRIMARY KEY) "
                 "ENGINE=InnoDB") ||
        !db_rows(t->main, add_note, t->done, err, "SELECT what FROM " NOTES ".done"))
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

    if (!t->done)
        return true;
    note_of(t, kind, name, &what);
    buf_puts(&sql, "INSERT IGNORE INTO " NOTES ".done VALUES (");
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
    AUTO(buf) struct buf left = {0}, mine = {0}, sql = {0};

    if (!t->done)
        return true;
    note_of(t, "", "", &mine); /* it ends in two spaces: that of the component's name stays */
    if (!buf_ok(&mine, err))
        return false;
    buf_printf(&sql, "DELETE FROM " NOTES ".done WHERE LEFT(what, %zu) = ", mine.len - 1);
    t->main->ops->quote(t->main, (struct span){mine.at, mine.len - 1}, false, &sql);
    return buf_ok(&sql, err) && my_run(t->main, buf_str(&sql), sql.len, err) &&
           db_value(t->main, &left, err, "SELECT count(*) FROM " NOTES ".done") &&
           (strcmp(buf_str(&left), "0") != 0 || db_exec(t->main, err, "DROP DATABASE " NOTES));
}
