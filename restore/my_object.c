/* Sequences, views, routines, triggers and events, each under the mode and charsets of its maker. */
#include "restore/my_progress.h"

#include "lib/base/json.h"

bool my_run(struct db *db, const char *sql, size_t len, struct err *err)
{
    return db->ops->query(db, (struct span){sql, len}, NULL, NULL, NULL, err);
}

/* The array under `key` in the meta of one of the component's texts; *out is NULL without it. */
static bool text_list(struct my_target *t, const char *file, const char *key, const json_t **out,
                      struct err *err)
{
    AUTO(free) char *name = stream_name(t->conf.component, NULL, file);

    if (!name)
        return err_memory(err);
    const struct stream *s = bundle_find(t->conf.bundle, name);
    if (!s)
        return err_set(err, ERR_DAMAGED, "the bundle has no stream '%s'", name);
    *out = json_object_get(s->meta, key);
    return true;
}

static bool run_meta(struct db *db, const json_t *meta, const char *key, struct err *err)
{
    size_t len = 0;
    AUTO(free) char *sql = my_meta_text(meta, key, &len, err);

    return sql && my_run(db, sql, len, err);
}

bool my_sequences(struct my_target *t, struct db *db, struct err *err)
{
    const json_t *list = NULL;
    size_t i;
    json_t *one;

    if (!text_list(t, "sequences.sql", "sequences", &list, err))
        return false;
    json_array_foreach(list, i, one)
    {
        if (!my_select_sequence(t->select, one))
            continue;
        AUTO(free) char *name = my_meta_text(one, "name", NULL, err);
        if (!name || !my_progress_drop(t, db, "SEQUENCE", name, err))
            return false;
        if (!run_meta(db, one, "create", err) || !run_meta(db, one, "set", err))
            return err_add(err, "sequence '%s'", json_string_value(json_object_get(one, "name")));
    }
    return true;
}

/* ---- objects ---------------------------------------------------------------------------------*/

static size_t quoted_len(struct span s)
{
    for (size_t i = 1; i < s.len; i++) {
        if (s.at[i] == '\\' && s.at[0] != '`')
            i++;
        else if (s.at[i] == s.at[0])
            return i + 1;
    }
    return s.len;
}

bool my_event_disabled(struct span create, struct buf *out)
{
    static const char state[] = "PRESERVE ENABLE";
    const size_t len = sizeof(state) - 1;

    for (size_t i = 0; i < create.len; i++) {
        char c = create.at[i];
        if (c == '`' || c == '\'' || c == '"') {
            size_t skip = quoted_len((struct span){create.at + i, create.len - i});
            buf_add(out, create.at + i, skip);
            i += skip - 1;
        } else if (create.len - i >= len && !memcmp(create.at + i, state, len)) {
            buf_puts(out, "PRESERVE DISABLE");
            /* What follows is the comment and the body: it is left as it is. */
            return buf_add(out, create.at + i + len, create.len - i - len);
        } else {
            buf_putc(out, c);
        }
    }
    return !out->failed;
}

static bool set_text(struct db *db, const json_t *o, const char *key, struct err *err)
{
    const char *value = json_string_value(json_object_get(o, key));
    AUTO(buf) struct buf text = {0};

    if (!value)
        return true;
    db_quote_text(db, value, &text);
    return buf_ok(&text, err) && db_exec(db, err, "SET SESSION %s = %s", key, buf_str(&text));
}

/* Routines and triggers remember the database's collation of the day they were made. */
static bool database_collation(struct my_target *t, struct db *db, const char *collation,
                               struct err *err)
{
    AUTO(buf) struct buf name = {0};

    db_quote_name(db, t->database, &name);
    return buf_ok(&name, err) &&
           db_exec(db, err, "ALTER DATABASE %s COLLATE = %s", buf_str(&name), collation);
}

static bool create_object(struct db *db, const json_t *o, struct err *err)
{
    const char *kind = json_string_value(json_object_get(o, "kind"));
    AUTO(buf) struct buf text = {0};
    AUTO(buf) struct buf replace = {0};
    size_t len = 0;
    AUTO(free) char *create = my_meta_text(o, "create", &len, err);

    if (!create)
        return false;
    struct span sql = {create, len};
    if (kind && !strcmp(kind, "EVENT")) {
        my_event_disabled(sql, &text);
        sql = buf_view(&text);
    } else if (kind && !strcmp(kind, "VIEW") && span_starts(sql, "CREATE ")) {
        buf_puts(&replace, "CREATE OR REPLACE ");
        buf_add(&replace, create + strlen("CREATE "), len - strlen("CREATE "));
        sql = buf_view(&replace);
    }
    return buf_ok(&text, err) && buf_ok(&replace, err) && my_run(db, sql.at, sql.len, err);
}

static bool make_object(struct my_target *t, struct db *db, const json_t *o, struct err *err)
{
    static const char *const settings[] = {"sql_mode", "time_zone", "collation_connection",
                                           "character_set_client"};
    const char *was = json_string_value(json_object_get(o, "database_collation"));
    const char *ours = json_string_value(json_object_get(t->facts, "collation"));
    bool other = was && ours && strcmp(was, ours) != 0;

    if (other && !database_collation(t, db, was, err))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < COUNT(settings); i++)
        ok = set_text(db, o, settings[i], err);
    ok = ok && create_object(db, o, err) &&
         db_exec(db, err,
                 "SET SESSION sql_mode = '', character_set_client = utf8mb4, "
                 "time_zone = '+00:00'");
    return ok && (!other || database_collation(t, db, ours, err));
}

static bool make_all(struct my_target *t, struct db *db, const char *file, bool stand_ins,
                     struct err *err)
{
    const json_t *list = NULL;
    size_t i;
    json_t *o;

    if (!text_list(t, file, "objects", &list, err))
        return false;
    json_array_foreach(list, i, o)
    {
        if (!my_select_object(t->select, o))
            continue;
        if (stand_ins ? run_meta(db, o, "stand_in", err) : make_object(t, db, o, err))
            continue;
        const char *kind = json_string_value(json_object_get(o, "kind"));
        const char *name = json_string_value(json_object_get(o, "name"));
        return err_add(err, "cannot make %s '%s'", kind ? kind : "?", name ? name : "?");
    }
    return true;
}

bool my_objects(struct my_target *t, struct db *db, struct err *err)
{
    return make_all(t, db, "routines.sql", false, err) && make_all(t, db, "views.sql", true, err) &&
           make_all(t, db, "views.sql", false, err) &&
           make_all(t, db, "triggers.sql", false, err) && make_all(t, db, "events.sql", false, err);
}
