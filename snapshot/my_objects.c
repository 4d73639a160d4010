/* Views, routines, triggers and events, each with the mode and charsets it was made under. */
#include "snapshot/my.h"
#include "snapshot/my_trigger.h"

static const char objects_sql[] =
#include "snapshot/my_objects.sql.h"
    ;

/* Where SHOW CREATE puts things: in another column for each kind. 0: not there. */
static const struct my_shape {
    const char *kind;
    unsigned mode, zone, create, client, connection, database;
} shapes[] = {
    {"VIEW", 0, 0, 1, 2, 3, 0},      {"TRIGGER", 1, 0, 2, 3, 4, 5},
    {"PROCEDURE", 1, 0, 2, 3, 4, 5}, {"FUNCTION", 1, 0, 2, 3, 4, 5},
    {"PACKAGE", 1, 0, 2, 3, 4, 5},   {"PACKAGE BODY", 1, 0, 2, 3, 4, 5},
    {"EVENT", 1, 2, 3, 4, 5, 6},
};

static const struct my_shape *shape_of(struct span kind)
{
    for (size_t i = 0; i < COUNT(shapes); i++) {
        if (span_is(kind, shapes[i].kind))
            return &shapes[i];
    }
    return NULL;
}

struct listing {
    struct my_source *source;
    struct my_catalog *catalog;
};

static bool add_object(void *ctx, const struct db_row *row, struct err *err)
{
    struct listing *l = ctx;
    const struct my_shape *shape = shape_of(row->value[0]);
    bool ok = true;

    if (!shape) {
        AUTO(free) char *kind = span_dup(row->value[0]);
        AUTO(free) char *name = span_dup(row->value[1]);
        return (kind && name) ? my_leave_out(l->source, kind, name, "a kind that is not known", err)
                              : err_memory(err);
    }
    struct my_object *o = vec_add(&l->catalog->objects, err);
    if (!o)
        return false;
    o->shape = shape;
    o->kind = shape->kind;
    o->name = my_dup(row->value[1], &ok);
    o->status = my_dup(row->value[2], &ok);
    o->definer = my_dup(row->value[8], &ok);
    o->table = !strcmp(o->kind, "TRIGGER") ? my_dup(row->value[4], &ok) : NULL;
    return ok || err_memory(err);
}

static char *cell(const struct db_row *row, unsigned at, bool *ok)
{
    return at && at < row->count ? my_dup(row->value[at], ok) : NULL;
}

static bool take_object(void *ctx, const struct db_row *row, struct err *err)
{
    struct my_object *o = ctx;
    const struct my_shape *shape = o->shape;
    bool ok = true;

    /* The body is NULL, not an error, for an account that may not see it. */
    if (!row->value[shape->create].at) {
        err_set(err, ERR_RIGHTS, "the text of %s '%s' is hidden from this account", o->kind,
                o->name);
        return err_hint(err, "GRANT SELECT ON mysql.proc, or SHOW_ROUTINE, to the account");
    }
    buf_span(&o->create, row->value[shape->create]);
    o->sql_mode = cell(row, shape->mode, &ok);
    o->time_zone = cell(row, shape->zone, &ok);
    o->client = cell(row, shape->client, &ok);
    o->connection = cell(row, shape->connection, &ok);
    o->database = cell(row, shape->database, &ok);
    return ok ? buf_ok(&o->create, err) : err_memory(err);
}

static bool show_object(struct db *db, struct my_object *o, struct err *err)
{
    AUTO(buf) struct buf sql = {0};
    struct db_result result = {0};

    buf_printf(&sql, "SHOW CREATE %s ", o->kind);
    db_quote_name(db, o->name, &sql);
    if (!buf_ok(&sql, err))
        return false;
    if (!db->ops->query(db, buf_view(&sql), take_object, o, &result, err))
        return err_add(err, "%s '%s'", o->kind, o->name);
    o->broken = !strcmp(o->kind, "VIEW") && result.warnings > 0;
    return true;
}

static bool find_lost(const struct my_catalog *c, struct my_object *o, struct err *err)
{
    const struct my_table *t = o->table ? my_catalog_table(c, o->table) : NULL;
    const struct my_trigger_text text = {
        .create = buf_view(&o->create),
        .no_backslash_escapes = o->sql_mode && strstr(o->sql_mode, "NO_BACKSLASH_ESCAPES")};
    struct span lost = {0};

    if (t && !my_trigger_lost(&text, buf_view(&t->create), &lost, err))
        return err_add(err, "%s '%s'", o->kind, o->name);
    o->broken = o->broken || lost.at;
    return true;
}

bool my_objects_read(struct my_source *s, struct my_catalog *c, struct err *err)
{
    struct listing l = {s, c};
    struct db *db = s->main;

    if (!db->ops->query(db, span_of(objects_sql), add_object, &l, NULL, err))
        return false;
    /* Bodies come in the bytes of their creator's charset; only so can they be made again with the
     * same one. */
    if (!db_exec(db, err, "SET character_set_results = NULL"))
        return false;
    struct my_object *o = c->objects.at;
    for (size_t i = 0; i < c->objects.count; i++) {
        if (!show_object(db, &o[i], err) || !find_lost(c, &o[i], err))
            return false;
    }
    return db_exec(db, err, "SET character_set_results = utf8mb4");
}

/* ---- what changed meanwhile ------------------------------------------------------------------*/

static bool altered(const char *kind, const char *name, const char *how, struct err *err)
{
    err_set(err, ERR_LOCK, "%s '%s' was %s by somebody else during the snapshot", kind, name, how);
    return err_hint(err, "repeat when no DDL runs");
}

static const struct my_object *find_object(const struct my_catalog *c, const struct my_object *key)
{
    const struct my_object *o = c->objects.at;

    for (size_t i = 0; i < c->objects.count; i++) {
        if (!strcmp(o[i].kind, key->kind) && !strcmp(o[i].name, key->name))
            return &o[i];
    }
    return NULL;
}

static bool compare_objects(const struct my_catalog *before, const struct my_catalog *after,
                            struct err *err)
{
    const struct my_object *o = before->objects.at;

    for (size_t i = 0; i < before->objects.count; i++) {
        const struct my_object *now = find_object(after, &o[i]);
        if (!now)
            return altered(o[i].kind, o[i].name, "dropped", err);
        if (!span_eq(buf_view(&now->create), buf_view(&o[i].create)))
            return altered(o[i].kind, o[i].name, "altered", err);
    }
    return true;
}

static bool compare_table(const struct my_table *was, const struct my_table *now, struct err *err)
{
    AUTO(buf) struct buf a = {0}, b = {0};

    if (!now)
        return altered("table", was->name, "dropped", err);
    my_ddl_shape(buf_view(&was->create), &a);
    my_ddl_shape(buf_view(&now->create), &b);
    if (!buf_ok(&a, err) || !buf_ok(&b, err))
        return false;
    return span_eq(buf_view(&a), buf_view(&b)) || altered("table", was->name, "altered", err);
}

bool my_catalog_compare(struct my_source *s, const struct my_catalog *before,
                        const struct my_catalog *after, struct err *err)
{
    const struct my_table *was = before->tables.at, *now = after->tables.at;

    for (size_t i = 0; i < before->tables.count; i++) {
        if (!compare_table(&was[i], my_catalog_table(after, was[i].name), err))
            return false;
    }
    for (size_t i = 0; i < after->tables.count; i++) {
        if (!my_catalog_table(before, now[i].name) &&
            !my_leave_out(s, "table", now[i].name, "made during the snapshot", err))
            return false;
    }
    return compare_objects(before, after, err);
}
