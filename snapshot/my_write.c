/* Schema, settings and facts of a MariaDB database into the bundle.
 *
 * Every table is a stream whose meta says how to make and load it; the .sql texts hold the same for
 * people and for the mariadb client alone.
 */
#include "snapshot/my.h"

#include "lib/base/json.h"

#include <jansson.h>

/* ---- tables ----------------------------------------------------------------------------------*/

/* A table whose name has a dot gets the database in front, where dots are encoded: so no table can
 * take the name of a text like "views.sql". */
char *my_table_stream(const struct my_source *s, const char *table)
{
    return stream_name(s->component, strchr(table, '.') ? s->from->database : NULL, table);
}

/* LOAD DATA that takes the stream's rows: what every column is named or made from. */
static bool load_statement(struct my_source *s, const struct my_table *t, struct buf *out)
{
    const struct my_column *c = t->columns.at;
    AUTO(buf) struct buf set = {0};

    buf_puts(out, "LOAD DATA LOCAL INFILE 'rows' INTO TABLE ");
    db_quote_name(s->main, t->name, out);
    buf_puts(out, " CHARACTER SET binary FIELDS TERMINATED BY '\\t' ESCAPED BY '\\\\' "
                  "LINES TERMINATED BY '\\n' (");
    for (size_t i = 0; i < t->columns.count; i++) {
        buf_puts(out, i ? ", " : "");
        if (c[i].form != MY_FORM_CONVERT && c[i].form != MY_FORM_INDEX) {
            db_quote_name(s->main, c[i].name, out);
            continue;
        }
        buf_printf(out, "@c%zu", i);
        buf_puts(&set, set.len ? ", " : " SET ");
        db_quote_name(s->main, c[i].name, &set);
        buf_printf(&set,
                   c[i].form == MY_FORM_INDEX ? " = CAST(@c%zu AS UNSIGNED)"
                                              : " = CONVERT(@c%zu USING utf8mb4)",
                   i);
    }
    buf_puts(out, t->columns.count ? ")" : "@c0)");
    return !set.failed && buf_span(out, buf_view(&set));
}

static bool put_bytes(json_t *into, const char *key, struct span text)
{
    return json_object_set_new(into, key, json_bytes(text)) == 0;
}

/* The SELECT that gives the stream's values again. Tables without rows of their own have none. */
static bool put_select(struct my_source *s, const struct my_table *t, json_t *meta, struct err *err)
{
    AUTO(buf) struct buf select = {0};

    if (!t->has_data)
        return true;
    my_select(s, t, &select);
    return buf_ok(&select, err) &&
           (put_bytes(meta, "select", buf_view(&select)) || err_memory(err));
}

/* What is added after the rows: indexes and foreign keys as parts of an ALTER TABLE. */
static bool put_later(json_t *meta, const struct my_ddl *d)
{
    const struct my_def *defs = d->defs.at;
    json_t *indexes = json_array(), *foreign = json_array();
    bool ok = true;

    for (size_t i = 0; i < d->defs.count; i++) {
        if (my_ddl_stays(d, &defs[i]))
            continue;
        json_t *list = defs[i].part == MY_PART_FOREIGN ? foreign : indexes;
        ok = ok && json_array_append_new(list, json_bytes(defs[i].text)) == 0;
    }
    ok = json_object_set_new(meta, "indexes", indexes) == 0 && ok;
    return json_object_set_new(meta, "foreign_keys", foreign) == 0 && ok;
}

static bool put_ddl(json_t *meta, const struct my_table *t, struct err *err)
{
    AUTO(my_ddl) struct my_ddl d = {.defs = VEC(struct my_def)};
    AUTO(buf) struct buf create = {0};

    if (!my_ddl_split(buf_view(&t->create), &d, err))
        return false;
    /* Other engines build their indexes by sorting at the end of a load by themselves. */
    if (strcasecmp(t->engine, "InnoDB")) {
        const struct my_def *defs = d.defs.at;
        bool has_foreign = false;
        for (size_t i = 0; i < d.defs.count; i++)
            has_foreign = has_foreign || defs[i].part == MY_PART_FOREIGN;
        if (!has_foreign) {
            json_object_set_new(meta, "indexes", json_array());
            json_object_set_new(meta, "foreign_keys", json_array());
            return put_bytes(meta, "create", buf_view(&t->create)) || err_memory(err);
        }
    }
    my_ddl_create(&d, &create);
    if (!buf_ok(&create, err))
        return false;
    return (put_bytes(meta, "create", buf_view(&create)) && put_later(meta, &d)) || err_memory(err);
}

static bool put_columns(json_t *meta, const struct my_table *t)
{
    const struct my_column *c = t->columns.at;
    json_t *list = json_array();
    bool ok = true;

    for (size_t i = 0; i < t->columns.count; i++) {
        json_t *one = json_pack("{s:o, s:o}", "name", json_bytes(span_of(c[i].name)), "type",
                                json_bytes(span_of(c[i].full)));
        if (c[i].charset)
            json_object_set_new(one, "charset", json_string(c[i].charset));
        ok = json_array_append_new(list, one) == 0 && ok;
    }
    return json_object_set_new(meta, "columns", list) == 0 && ok;
}

static bool table_meta(struct my_source *s, const struct my_table *t, json_t *meta, struct err *err)
{
    const struct my_column *c = t->columns.at;
    const unsigned *key = t->key.at;
    AUTO(buf) struct buf load = {0};
    char shape[HASH_HEX];

    load_statement(s, t, &load);
    if (!buf_ok(&load, err) || !my_shape_digest(s, t, shape, err))
        return false;
    json_t *keys = json_array();
    for (size_t i = 0; i < t->key.count; i++)
        json_array_append_new(keys, json_bytes(span_of(c[key[i]].name)));
    bool ok = put_bytes(meta, "table", span_of(t->name)) &&
              json_object_set_new(meta, "engine", json_string(t->engine)) == 0 &&
              json_object_set_new(meta, "versioned", json_boolean(t->kind == MY_VERSIONED)) == 0 &&
              json_object_set_new(meta, "history", json_boolean(my_has_history(t))) == 0 &&
              json_object_set_new(meta, "key", keys) == 0 &&
              json_object_set_new(meta, "shape", json_string(shape)) == 0 &&
              put_bytes(meta, "load", buf_view(&load)) && put_columns(meta, t);
    if (!ok)
        return err_memory(err);
    return put_select(s, t, meta, err) && put_ddl(meta, t, err);
}

static bool declare(struct my_source *s, struct my_table *t, struct err *err)
{
    AUTO(json) json_t *meta = json_object();
    AUTO(free) char *name = my_table_stream(s, t->name);

    if (!meta || !name)
        return err_memory(err);
    struct err why = {0};
    if (!table_meta(s, t, meta, &why)) {
        err_pass(err, &why);
        return err_add(err, "table '%s'", t->name);
    }
    return bundle_stream(s->conf.writer, STREAM_COLUMNS, name, meta, &t->stream, err);
}

static bool name_what_is_lost(struct my_source *s, const struct my_table *t, struct err *err)
{
    if (!t->has_data &&
        !my_leave_out(s, "rows of table", t->name, "the engine keeps none of its own", err))
        return false;
    if (!strcasecmp(t->engine, "MEMORY") &&
        !my_leave_out(s, "rows of table", t->name,
                      "a MEMORY table is empty again once the box's server was stopped", err))
        return false;
    if (t->no_default &&
        !my_leave_out(s, "columns without a default of table", t->name,
                      "no statement makes a nullable one; NULL is their default", err))
        return false;
    if (t->unsure &&
        !my_leave_out(s, "characters of defaults and elements of table", t->name,
                      "what the server shows as '?' in a default or an element of ENUM or SET may "
                      "be a character beyond utf8mb3, which it does not tell; so it is made as '?'",
                      err))
        return false;
    return !t->row_ids || my_leave_out(s, "history of table", t->name,
                                       "its periods are ids of transactions, which no server "
                                       "takes from another; what is current is kept",
                                       err);
}

bool my_write_streams(struct my_source *s, struct err *err)
{
    struct my_table *t = s->catalog.tables.at;

    for (size_t i = 0; i < s->catalog.tables.count; i++) {
        if (!declare(s, &t[i], err) || !name_what_is_lost(s, &t[i], err))
            return false;
    }
    return true;
}

/* ---- texts -----------------------------------------------------------------------------------*/

bool my_write_text(struct my_source *s, const char *file, const json_t *meta,
                   const struct buf *text, struct err *err)
{
    AUTO(free) char *name = stream_name(s->component, NULL, file);

    if (!name)
        return err_memory(err);
    return buf_ok(text, err) && bundle_text(s->conf.writer, name, meta, buf_view(text), err);
}

static bool write_tables(struct my_source *s, struct err *err)
{
    const struct my_table *t = s->catalog.tables.at;
    AUTO(buf) struct buf text = {0};

    buf_puts(&text, "SET foreign_key_checks = 0;\n");
    for (size_t i = 0; i < s->catalog.tables.count; i++) {
        buf_span(&text, buf_view(&t[i].create));
        buf_puts(&text, ";\n\n");
    }
    return my_write_text(s, "tables.sql", NULL, &text, err);
}

static bool write_sequence(struct my_source *s, const struct my_table *t, json_t *list,
                           struct buf *text, struct err *err)
{
    AUTO(buf) struct buf name = {0};
    AUTO(buf) struct buf next = {0};
    AUTO(buf) struct buf set = {0};

    db_quote_name(s->main, t->name, &name);
    /* Not transactional: read now, after the rows, so that no row is ahead of it. */
    if (!db_value(s->main, &next, err, "SELECT next_not_cached_value FROM %s", buf_str(&name)))
        return err_add(err, "sequence '%s'", t->name);
    buf_printf(&set, "SELECT setval(%s, %s, 0)", buf_str(&name), buf_str(&next));
    buf_span(text, buf_view(&t->create));
    buf_printf(text, ";\n%s;\n\n", buf_str(&set));
    json_t *one = json_pack("{s:o, s:o, s:o}", "name", json_bytes(span_of(t->name)), "create",
                            json_bytes(buf_view(&t->create)), "set", json_bytes(buf_view(&set)));
    return json_array_append_new(list, one) == 0 || err_memory(err);
}

static bool write_sequences(struct my_source *s, struct err *err)
{
    const struct my_table *t = s->catalog.others.at;
    AUTO(json) json_t *meta = json_pack("{s:[]}", "sequences");
    AUTO(buf) struct buf text = {0};

    for (size_t i = 0; meta && i < s->catalog.others.count; i++) {
        if (t[i].kind == MY_SEQUENCE &&
            !write_sequence(s, &t[i], json_object_get(meta, "sequences"), &text, err))
            return false;
    }
    return meta ? my_write_text(s, "sequences.sql", meta, &text, err) : err_memory(err);
}

static const struct my_table *view_columns(const struct my_source *s, const char *name)
{
    const struct my_table *t = s->catalog.others.at;

    for (size_t i = 0; i < s->catalog.others.count; i++) {
        if (t[i].kind == MY_VIEW && !strcmp(t[i].name, name))
            return &t[i];
    }
    return NULL;
}

/* A view of the same columns that depends on nothing: with all of them there first, the real ones
 * may come in any order. */
static bool view_stand_in(struct my_source *s, const struct my_object *o, struct buf *out)
{
    const struct my_table *v = view_columns(s, o->name);
    const struct my_column *c = v ? v->columns.at : NULL;

    buf_puts(out, "CREATE OR REPLACE VIEW ");
    db_quote_name(s->main, o->name, out);
    buf_puts(out, " AS SELECT ");
    for (size_t i = 0; v && i < v->columns.count; i++) {
        buf_puts(out, i ? ", 1 AS " : "1 AS ");
        db_quote_name(s->main, c[i].name, out);
    }
    return !out->failed;
}

static bool object_json(struct my_source *s, const struct my_object *o, json_t *list,
                        struct err *err)
{
    const struct {
        const char *key, *value;
    } parts[] = {{"sql_mode", o->sql_mode},           {"time_zone", o->time_zone},
                 {"character_set_client", o->client}, {"collation_connection", o->connection},
                 {"database_collation", o->database}, {"status", o->status}};
    AUTO(buf) struct buf stand_in = {0};
    json_t *one =
        json_pack("{s:s, s:o, s:o}", "kind", o->kind, "name", json_bytes(span_of(o->name)),
                  "create", json_bytes(buf_view(&o->create)));

    for (size_t i = 0; i < COUNT(parts); i++) {
        if (parts[i].value)
            json_object_set_new(one, parts[i].key, json_bytes(span_of(parts[i].value)));
    }
    if (!strcmp(o->kind, "VIEW") && view_stand_in(s, o, &stand_in))
        json_object_set_new(one, "stand_in", json_bytes(buf_view(&stand_in)));
    return json_array_append_new(list, one) == 0 || err_memory(err);
}

/* A view may have it only over views that take rows, which a stand-in does not. */
static struct span without_check(struct span create)
{
    static const char *const checks[] = {" WITH CASCADED CHECK OPTION", " WITH LOCAL CHECK OPTION"};

    for (size_t i = 0; i < COUNT(checks); i++) {
        size_t len = strlen(checks[i]);
        if (create.len > len && !memcmp(create.at + create.len - len, checks[i], len))
            create.len -= len;
    }
    return create;
}

/* For the mariadb client: session settings in front, and a delimiter that no body holds. */
static bool object_text(const struct my_object *o, struct span create, struct buf *out)
{
    if (o->client)
        buf_printf(out, "SET character_set_client = %s;\n", o->client);
    if (o->connection)
        buf_printf(out, "SET collation_connection = %s;\n", o->connection);
    if (o->sql_mode)
        buf_printf(out, "SET sql_mode = '%s';\n", o->sql_mode);
    if (o->time_zone)
        buf_printf(out, "SET time_zone = '%s';\n", o->time_zone);
    buf_puts(out, "DELIMITER ;;\n");
    if (!strcmp(o->kind, "VIEW") && span_starts(create, "CREATE ")) { /* a stand-in is there */
        buf_puts(out, "CREATE OR REPLACE ");
        create = (struct span){create.at + 7, create.len - 7};
    }
    buf_span(out, create);
    return buf_puts(out, " ;;\nDELIMITER ;\n\n");
}

static bool is_routine(const char *kind)
{
    return strcmp(kind, "VIEW") != 0 && strcmp(kind, "TRIGGER") != 0 && strcmp(kind, "EVENT") != 0;
}

static bool belongs(const struct my_object *o, const char *kind)
{
    return kind ? !strcmp(o->kind, kind) : is_routine(o->kind);
}

static void stand_ins(struct my_source *s, struct buf *text)
{
    const struct my_object *o = s->catalog.objects.at;

    for (size_t i = 0; i < s->catalog.objects.count; i++) {
        if (strcmp(o[i].kind, "VIEW") != 0 || o[i].broken)
            continue;
        view_stand_in(s, &o[i], text);
        buf_puts(text, ";\n");
    }
}

/* Those with a CHECK OPTION once more, with it, when all of them are there. */
static void checked_views(const struct my_source *s, struct buf *text)
{
    const struct my_object *o = s->catalog.objects.at;

    for (size_t i = 0; i < s->catalog.objects.count; i++) {
        struct span create = buf_view(&o[i].create);
        if (!strcmp(o[i].kind, "VIEW") && !o[i].broken && without_check(create).len < create.len)
            object_text(&o[i], create, text);
    }
}

/* kind NULL: routines of every kind. */
static bool write_objects(struct my_source *s, const char *file, const char *kind, struct err *err)
{
    const struct my_object *o = s->catalog.objects.at;
    AUTO(json) json_t *meta = json_pack("{s:[]}", "objects");
    AUTO(buf) struct buf text = {0};
    bool view = kind && !strcmp(kind, "VIEW");

    if (!meta)
        return err_memory(err);
    if (view)
        stand_ins(s, &text);
    for (size_t i = 0; i < s->catalog.objects.count; i++) {
        if (!belongs(&o[i], kind))
            continue;
        if (o[i].broken) {
            if (!my_leave_out(s, o[i].kind, o[i].name, "it refers to what is not there", err))
                return false;
            continue;
        }
        struct span create = buf_view(&o[i].create);
        object_text(&o[i], view ? without_check(create) : create, &text);
        if (!object_json(s, &o[i], json_object_get(meta, "objects"), err))
            return false;
    }
    if (view)
        checked_views(s, &text);
    return my_write_text(s, file, meta, &text, err);
}

bool my_write_schema(struct my_source *s, struct err *err)
{
    return write_tables(s, err) && write_sequences(s, err) &&
           write_objects(s, "routines.sql", NULL, err) &&
           write_objects(s, "views.sql", "VIEW", err) &&
           write_objects(s, "triggers.sql", "TRIGGER", err) &&
           write_objects(s, "events.sql", "EVENT", err);
}
