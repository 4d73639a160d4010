/* What a database holds: tables, their columns, the key to read them by, SHOW CREATE. */
#include "lib/db/my_shown.h"
#include "snapshot/my.h"
#include "snapshot/my_default.h"

static const char tables_sql[] =
#include "snapshot/my_tables.sql.h"
    ;
static const char columns_sql[] =
#include "snapshot/my_columns.sql.h"
    ;
static const char keys_sql[] =
#include "snapshot/my_keys.sql.h"
    ;

char *my_dup(struct span value, bool *ok)
{
    char *copy = value.at ? span_dup(value) : NULL;

    if (value.at && !copy)
        *ok = false;
    return copy;
}

static bool is_one_of(struct span s, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (span_is_nocase(s, list[i]))
            return true;
    }
    return false;
}

/* ---- tables ----------------------------------------------------------------------------------*/

static void table_done(struct my_table *t)
{
    struct my_column *columns = t->columns.at;

    for (size_t i = 0; i < t->columns.count; i++) {
        free(columns[i].name);
        free(columns[i].type);
        free(columns[i].full);
        free(columns[i].charset);
    }
    vec_done(&t->columns);
    vec_done(&t->key);
    free(t->name);
    free(t->engine);
    free(t->key_name);
    buf_done(&t->create);
}

static void object_done(struct my_object *o)
{
    free(o->name);
    free(o->sql_mode);
    free(o->time_zone);
    free(o->client);
    free(o->connection);
    free(o->database);
    free(o->status);
    free(o->definer);
    free(o->table);
    buf_done(&o->create);
}

void my_catalog_done(struct my_catalog *c)
{
    struct vec *lists[] = {&c->tables, &c->others};

    for (size_t l = 0; l < COUNT(lists); l++) {
        struct my_table *t = lists[l]->at;
        for (size_t i = 0; i < lists[l]->count; i++)
            table_done(&t[i]);
        vec_done(lists[l]);
    }
    struct my_object *o = c->objects.at;
    for (size_t i = 0; i < c->objects.count; i++)
        object_done(&o[i]);
    vec_done(&c->objects);
    free(c->charset);
    free(c->collation);
    *c = (struct my_catalog){0};
}

static enum my_kind kind_of(struct span type)
{
    if (span_is(type, "VIEW") || span_is(type, "SYSTEM VIEW"))
        return MY_VIEW;
    if (span_is(type, "SEQUENCE"))
        return MY_SEQUENCE;
    return span_is(type, "SYSTEM VERSIONED") ? MY_VERSIONED : MY_TABLE;
}

static bool add_table(void *ctx, const struct db_row *row, struct err *err)
{
    static const char *const transactional[] = {"InnoDB", "ROCKSDB", "TokuDB"};
    static const char *const without_data[] = {"MRG_MyISAM", "MERGE", "BLACKHOLE"};
    struct my_catalog *c = ctx;
    enum my_kind kind = kind_of(row->value[1]);
    bool ok = true;
    struct my_table *t = vec_add(kind <= MY_VERSIONED ? &c->tables : &c->others, err);

    if (!t)
        return false;
    t->columns = (struct vec)VEC(struct my_column);
    t->key = (struct vec)VEC(unsigned);
    t->kind = kind;
    t->name = my_dup(row->value[0], &ok);
    t->engine = my_dup(row->value[2], &ok);
    t->transactional = is_one_of(row->value[2], transactional, COUNT(transactional));
    t->has_data = !is_one_of(row->value[2], without_data, COUNT(without_data));
    span_u64(row->value[3], &t->rows);
    span_u64(row->value[4], &t->bytes);
    return ok || err_memory(err);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct my_table *)a)->name, ((const struct my_table *)b)->name);
}

struct my_table *my_catalog_table(const struct my_catalog *c, const char *name)
{
    struct my_table key = {.name = (char *)(uintptr_t)name};

    return c->tables.count ? bsearch(&key, c->tables.at, c->tables.count, sizeof(key), by_name)
                           : NULL;
}

static struct my_table *table_of(const struct my_catalog *c, struct span name)
{
    AUTO(free) char *text = span_dup(name);
    struct my_table key = {.name = text};
    struct my_table *t = text ? my_catalog_table(c, text) : NULL;

    if (!t && text && c->others.count)
        t = bsearch(&key, c->others.at, c->others.count, sizeof(key), by_name);
    return t;
}

/* ---- columns ---------------------------------------------------------------------------------*/

static enum my_form form_of(const struct my_column *col, bool is_mysql)
{
    static const char *const plain[] = {"tinyint", "smallint", "mediumint", "int",
                                        "bigint",  "decimal",  "year",      "date",
                                        "time",    "datetime", "timestamp"};
    static const char *const typed[] = {"uuid", "inet6", "inet4"};
    struct span type = span_of(col->type);

    if (is_one_of(type, plain, COUNT(plain)))
        return MY_FORM_PLAIN;
    if (span_is(type, "float") || (span_is(type, "double") && strchr(col->full, ',')))
        return MY_FORM_DOUBLE;
    if (is_one_of(type, typed, COUNT(typed)) || (is_mysql && span_is(type, "json")))
        return MY_FORM_CONVERT;
    if ((span_is(type, "enum") || span_is(type, "set")) &&
        (strstr(col->full, "('',") || strstr(col->full, ",'',") || strstr(col->full, ",'')") ||
         strstr(col->full, "('')")))
        return MY_FORM_INDEX;
    return span_is(type, "double") ? MY_FORM_PLAIN : MY_FORM_BYTES;
}

static enum my_key key_of(const struct my_column *col)
{
    static const char *const integers[] = {"tinyint", "smallint", "mediumint", "int", "bigint"};
    static const char *const texts[] = {"decimal", "date",  "datetime", "timestamp",
                                        "uuid",    "inet6", "inet4"};
    static const char *const chars[] = {"char", "varchar"};
    static const char *const bytes[] = {"binary", "varbinary"};
    struct span type = span_of(col->type);

    if (is_one_of(type, integers, COUNT(integers)))
        return MY_KEY_INTEGER;
    if (is_one_of(type, texts, COUNT(texts)))
        return MY_KEY_TEXT;
    if (is_one_of(type, chars, COUNT(chars)))
        return col->charset ? MY_KEY_CHARS : MY_KEY_NONE;
    return is_one_of(type, bytes, COUNT(bytes)) ? MY_KEY_BYTES : MY_KEY_NONE;
}

struct reading {
    struct my_catalog *catalog;
    bool is_mysql;
    const struct my_table *key_table; /* the key whose columns are coming */
    char *key_name;
    bool key_open;
};

static bool is_row_time(struct span expression)
{
    return span_is(expression, "ROW START") || span_is(expression, "ROW END");
}

static bool add_column(void *ctx, const struct db_row *row, struct err *err)
{
    struct reading *r = ctx;
    struct my_table *t = table_of(r->catalog, row->value[0]);
    bool ok = true;

    if (!t)
        return true;
    /* DEFAULT_GENERATED says only that the default is an expression. */
    bool generated = row->value[6].len > 0;
    if (generated && is_row_time(row->value[6])) {
        *(span_is(row->value[6], "ROW START") ? &t->from : &t->until) = (unsigned)t->columns.count;
        t->row_times = true;
        t->row_ids = span_is(row->value[2], "bigint");
        generated = t->row_ids;
    }
    if (generated)
        return true;
    struct my_column *col = vec_add(&t->columns, err);
    if (!col)
        return false;
    col->name = my_dup(row->value[1], &ok);
    col->type = my_dup(row->value[2], &ok);
    col->full = my_dup(row->value[3], &ok);
    col->charset = my_dup(row->value[4], &ok);
    if (!ok)
        return err_memory(err);
    col->form = form_of(col, r->is_mysql);
    col->key = key_of(col);
    return true;
}

/* ---- keys ------------------------------------------------------------------------------------*/

static void key_drop(struct my_table *t)
{
    free(t->key_name);
    t->key_name = NULL;
    t->key.count = 0;
}

/* The place of a column that can be written in a condition and compares as the index orders it. */
static const unsigned *key_place(const struct my_table *t, struct span name, unsigned *place)
{
    const struct my_column *columns = t->columns.at;

    for (*place = 0; *place < t->columns.count; ++*place) {
        if (span_is(name, columns[*place].name))
            return columns[*place].key == MY_KEY_NONE ? NULL : place;
    }
    return NULL;
}

/* The primary key as far as it can be used, else the first unique one that can be used as a whole:
 * that is the one by which InnoDB keeps the rows. */
static bool add_key(void *ctx, const struct db_row *row, struct err *err)
{
    struct reading *r = ctx;
    struct my_table *t = table_of(r->catalog, row->value[0]);
    bool primary = span_is(row->value[1], "PRIMARY"), ok = true;
    unsigned place;

    if (!t)
        return true;
    if (t != r->key_table || !span_is(row->value[1], r->key_name)) {
        r->key_table = t;
        free(r->key_name);
        r->key_name = my_dup(row->value[1], &ok);
        r->key_open = !t->key_name;
        if (r->key_open)
            t->key_name = my_dup(row->value[1], &ok);
        if (!ok)
            return err_memory(err);
    }
    if (!r->key_open)
        return true;
    if (!row->value[3].at && !span_is(row->value[4], "YES") &&
        key_place(t, row->value[2], &place)) {
        unsigned *column = vec_add(&t->key, err);
        if (!column)
            return false;
        *column = place;
        return true;
    }
    r->key_open = false;
    if (!primary || !t->key.count)
        key_drop(t);
    return true;
}

/* ---- SHOW CREATE -----------------------------------------------------------------------------*/

static bool take_create(void *ctx, const struct db_row *row, struct err *err)
{
    struct my_table *t = ctx;

    buf_span(&t->create, row->value[1]);
    return buf_ok(&t->create, err);
}

/* MySQL before 8.0 shows a binary default as the bytes that it is, in a text of UTF-8. */
static bool take_bytes(void *ctx, const struct db_row *row, struct err *err)
{
    struct my_table *t = ctx;

    my_ddl_bytes(row->value[1], &t->create);
    return buf_ok(&t->create, err);
}

static bool show_create(struct db *db, struct my_table *t, struct err *err)
{
    AUTO(buf) struct buf sql = {0};

    buf_printf(&sql, "SHOW CREATE %s ", t->kind == MY_SEQUENCE ? "SEQUENCE" : "TABLE");
    db_quote_name(db, t->name, &sql);
    if (!buf_ok(&sql, err))
        return false;
    return db->ops->query(db, buf_view(&sql), db->is_mysql ? take_bytes : take_create, t, NULL,
                          err) ||
           err_add(err, "table '%s'", t->name);
}

static bool give_defaults(struct my_source *s, struct my_table *t, struct err *err)
{
    AUTO(buf) struct buf text = {0};

    if (s->main->is_mysql || s->main->version < 100201)
        return true;
    if (!my_default_null(buf_view(&t->create), &text, &t->no_default, err))
        return err_add(err, "table '%s'", t->name);
    buf_clear(&t->create);
    return buf_span(&t->create, buf_view(&text)) || err_memory(err);
}

static bool show_creates(struct my_source *s, struct my_catalog *c, struct err *err)
{
    struct my_table *t = c->tables.at;

    /* MySQL's binary defaults would lose every byte that is no UTF-8. */
    if (s->main->is_mysql && !db_exec(s->main, err, "SET character_set_results = NULL"))
        return false;
    for (size_t i = 0; i < c->tables.count; i++) {
        if (!show_create(s->main, &t[i], err) || !give_defaults(s, &t[i], err) ||
            !my_shown_whole(s->main, t[i].name, &t[i].create, &t[i].unsure, err))
            return false;
    }
    t = c->others.at;
    for (size_t i = 0; i < c->others.count; i++) {
        if (t[i].kind == MY_SEQUENCE && !show_create(s->main, &t[i], err))
            return false;
    }
    return !s->main->is_mysql || db_exec(s->main, err, "SET character_set_results = utf8mb4");
}

static bool take_charset(void *ctx, const struct db_row *row, struct err *err)
{
    struct my_catalog *c = ctx;
    bool ok = true;

    c->charset = my_dup(row->value[0], &ok);
    c->collation = my_dup(row->value[1], &ok);
    return ok || err_memory(err);
}

/* WITH SYSTEM VERSIONING alone adds two columns that information_schema does not list. */
static bool add_row_times(struct my_catalog *c, struct err *err)
{
    static const char *const names[] = {"row_start", "row_end"};
    struct my_table *t = c->tables.at;

    for (size_t i = 0; i < c->tables.count; i++) {
        for (size_t k = 0; t[i].kind == MY_VERSIONED && !t[i].row_times && k < COUNT(names); k++) {
            *(k ? &t[i].until : &t[i].from) = (unsigned)t[i].columns.count;
            struct my_column *col = vec_add(&t[i].columns, err);
            if (!col)
                return false;
            *col = (struct my_column){.name = strdup(names[k]),
                                      .type = strdup("timestamp"),
                                      .full = strdup("timestamp(6)"),
                                      .form = MY_FORM_PLAIN};
            if (!col->name || !col->type || !col->full)
                return err_memory(err);
        }
    }
    return true;
}

/* What a column is made from. Servers that do not show it say at least that it is made. */
static const char *generated(const struct db *db)
{
    return db->version >= (db->is_mysql ? 50706u : 100205u)
               ? "generation_expression"
               : "if(extra IN ('VIRTUAL', 'PERSISTENT'), extra, '')";
}

bool my_catalog_read(struct my_source *s, struct my_catalog *out, struct err *err)
{
    struct db *db = s->main;
    struct my_catalog c = {.tables = VEC(struct my_table),
                           .others = VEC(struct my_table),
                           .objects = VEC(struct my_object)};
    struct reading r = {.catalog = &c, .is_mysql = db->is_mysql};

    bool ok = db_rows(db, take_charset, &c, err,
                      "SELECT default_character_set_name, default_collation_name "
                      "FROM information_schema.schemata WHERE schema_name = database()") &&
              db->ops->query(db, span_of(tables_sql), add_table, &c, NULL, err);
    if (ok && c.tables.count)
        qsort(c.tables.at, c.tables.count, sizeof(struct my_table), by_name);
    if (ok && c.others.count)
        qsort(c.others.at, c.others.count, sizeof(struct my_table), by_name);
    ok = ok && db_rows(db, add_column, &r, err, columns_sql, generated(db)) &&
         db->ops->query(db, span_of(keys_sql), add_key, &r, NULL, err) && add_row_times(&c, err) &&
         show_creates(s, &c, err) && my_objects_read(s, &c, err);
    free(r.key_name);
    if (!ok) {
        my_catalog_done(&c);
        return err_add(err, "cannot read the schema");
    }
    *out = c;
    return true;
}
