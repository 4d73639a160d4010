/* Sequences, views, routines, triggers and events, each under the mode and charsets of its maker. */
#include "restore/my_progress.h"

#include "lib/base/json.h"
#include "lib/base/vec.h"

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

/* as_it_was: an event is on when it was. */
static bool create_text(struct my_target *t, const json_t *o, bool as_it_was, struct buf *out,
                        struct err *err)
{
    const char *kind = json_string_value(json_object_get(o, "kind"));
    AUTO(buf) struct buf here = {0};
    size_t len = 0;
    AUTO(free) char *create = my_meta_text(o, "create", &len, err);

    if (!create || !my_here_object(&t->here, o, (struct span){create, len}, &here, err))
        return false;
    struct span sql = buf_view(&here);
    if (kind && !strcmp(kind, "EVENT") && !as_it_was)
        my_event_disabled(sql, out);
    else if (kind && !strcmp(kind, "VIEW") && span_starts(sql, "CREATE ")) {
        buf_puts(out, "CREATE OR REPLACE ");
        buf_add(out, sql.at + strlen("CREATE "), sql.len - strlen("CREATE "));
    } else {
        buf_span(out, sql);
    }
    return buf_ok(out, err);
}

static bool create_object(struct my_target *t, struct db *db, const json_t *o, bool as_it_was,
                          struct err *err)
{
    AUTO(buf) struct buf text = {0};

    return create_text(t, o, as_it_was, &text, err) && my_run(db, buf_str(&text), text.len, err);
}

bool my_object_session(struct db *db, const json_t *o, struct err *err)
{
    static const char *const settings[] = {"sql_mode", "time_zone", "collation_connection",
                                           "character_set_client"};

    for (size_t i = 0; i < COUNT(settings); i++)
        if (!set_text(db, o, settings[i], err))
            return false;
    return true;
}

bool my_object_session_back(struct db *db, struct err *err)
{
    return db_exec(db, err,
                   "SET SESSION sql_mode = '', character_set_client = utf8mb4, "
                   "time_zone = '+00:00'");
}

static bool make_object(struct my_target *t, struct db *db, const json_t *o, bool as_it_was,
                        struct err *err)
{
    const char *was = json_string_value(json_object_get(o, "database_collation"));
    const char *ours = json_string_value(json_object_get(t->facts, "collation"));
    bool other = was && ours && strcmp(was, ours) != 0;

    if (other && !database_collation(t, db, was, err))
        return false;
    bool ok = my_object_session(db, o, err) && create_object(t, db, o, as_it_was, err);
    /* Also behind an error: the next object has its own. */
    ok = my_object_session_back(db, ok ? err : NULL) && ok;
    return (!other || database_collation(t, db, ours, ok ? err : NULL)) && ok;
}

bool my_object_make(struct my_target *t, struct db *db, const json_t *object, struct err *err)
{
    return make_object(t, db, object, false, err);
}

static bool blame(const json_t *o, struct err *err)
{
    const char *kind = json_string_value(json_object_get(o, "kind"));
    const char *name = json_string_value(json_object_get(o, "name"));

    return err_add(err, "cannot make %s '%s'", kind ? kind : "?", name ? name : "?");
}

bool my_object_list(struct my_target *t, enum my_kind kind, const json_t **out, struct err *err)
{
    static const char *const files[] = {[MY_ROUTINES] = "routines.sql",
                                        [MY_TRIGGERS] = "triggers.sql",
                                        [MY_VIEWS] = "views.sql",
                                        [MY_EVENTS] = "events.sql"};

    return text_list(t, files[kind], "objects", out, err);
}

bool my_object_each(struct my_target *t, enum my_kind kind,
                    bool (*each)(void *ctx, const json_t *o, struct err *err), void *ctx,
                    struct err *err)
{
    const json_t *list = NULL, *o;
    size_t i;

    if (!my_object_list(t, kind, &list, err))
        return false;
    json_array_foreach(list, i, o)
    {
        if (my_select_object(t->select, o) && !each(ctx, o, err))
            return false;
    }
    return true;
}

struct making {
    struct my_target *target;
    struct db *db;
};

static bool make_one(void *ctx, const json_t *o, struct err *err)
{
    const struct making *m = ctx;

    return make_object(m->target, m->db, o, false, err) || blame(o, err);
}

bool my_objects(struct my_target *t, struct db *db, enum my_kind kind, struct err *err)
{
    return my_object_each(t, kind, make_one, &(struct making){t, db}, err);
}

static bool make_stand_in(void *db, const json_t *o, struct err *err)
{
    return run_meta(db, o, "stand_in", err) || blame(o, err);
}

bool my_stand_ins(struct my_target *t, struct db *db, struct err *err)
{
    return my_object_each(t, MY_VIEWS, make_stand_in, db, err);
}

/* One look at all that are left; *first says why the first of those that failed has. */
static bool views_pass(struct my_target *t, struct db *db, const json_t *list, json_t *made,
                       size_t *left, struct err *first)
{
    const json_t *o;
    size_t i;

    *left = 0;
    json_array_foreach(list, i, o)
    {
        const char *name = json_string_value(json_object_get(o, "name"));
        struct err why = {0};
        if (!name || !my_select_object(t->select, o) || json_object_get(made, name))
            continue;
        if (make_object(t, db, o, false, &why)) {
            if (json_object_set_new_nocheck(made, name, json_true()) != 0)
                return err_memory(first);
            continue;
        }
        if (!(*left)++) {
            blame(o, &why);
            *first = why;
        }
    }
    return true;
}

/* A view in use is never one of another meaning: what cannot be made yet waits for a next look. */
bool my_views_sorted(struct my_target *t, struct db *db, struct err *err)
{
    AUTO(json) json_t *made = json_object();
    const json_t *list = NULL;
    struct err why = {0};
    size_t left, before;

    if (!made)
        return err_memory(err);
    if (!my_object_list(t, MY_VIEWS, &list, err))
        return false;
    left = json_array_size(list) + 1;
    do {
        before = left;
        err_clear(&why);
        if (!views_pass(t, db, list, made, &left, &why))
            return err_pass(err, &why);
    } while (left && left < before);
    return !left || err_pass(err, &why);
}

static bool switch_on(void *ctx, const json_t *o, struct err *err)
{
    const struct making *m = ctx;
    AUTO(free) char *name = my_meta_text(o, "name", NULL, err);

    return (name && my_drop(m->db, "EVENT", name, err) &&
            make_object(m->target, m->db, o, true, err)) ||
           blame(o, err);
}

bool my_events_on(struct my_target *t, struct db *db, struct err *err)
{
    return my_object_each(t, MY_EVENTS, switch_on, &(struct making){t, db}, err);
}

/* ---- dropping ----------------------------------------------------------------------------------*/

static const char names_sql[] =
#include "restore/proof_my_names.sql.h"
    ;

struct there {
    char *kind, *name;
};

static bool add_there(void *ctx, const struct db_row *row, struct err *err)
{
    struct there *o = vec_add(ctx, err);

    if (!o)
        return false;
    *o = (struct there){span_dup(row->value[0]), span_dup(row->value[1])};
    return (o->kind && o->name) || err_memory(err);
}

bool my_drop(struct db *db, const char *kind, const char *name, struct err *err)
{
    AUTO(buf) struct buf quoted = {0};

    /* Another mode does not know the word. */
    bool package = strncmp(kind, "PACKAGE", strlen("PACKAGE")) == 0;

    db_quote_name(db, name, &quoted);
    if (!buf_ok(&quoted, err) || (package && !db_exec(db, err, "SET SESSION sql_mode = 'ORACLE'")))
        return false;
    return db_exec(db, err, "DROP %s IF EXISTS %s", kind, buf_str(&quoted)) &&
           (!package || db_exec(db, err, "SET SESSION sql_mode = ''"));
}

bool my_objects_drop(struct db *db, struct err *err)
{
    AUTO(vec) struct vec list = VEC(struct there);
    bool ok = db->ops->query(db, span_of(names_sql), add_there, &list, NULL, err);
    struct there *o = list.at;

    for (size_t i = 0; i < list.count; i++) {
        bool stays = o[i].kind && (!strcmp(o[i].kind, "TABLE") || !strcmp(o[i].kind, "SEQUENCE"));
        ok = ok && (stays || my_drop(db, o[i].kind, o[i].name, err));
        free(o[i].kind);
        free(o[i].name);
    }
    return ok;
}
