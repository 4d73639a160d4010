#include "snapshot/pg.h"

static const char tables_sql[] =
#include "snapshot/pg_tables.sql.h"
    ;
static const char sizes_sql[] =
#include "snapshot/pg_sizes.sql.h"
    ;
static const char columns_sql[] =
#include "snapshot/pg_columns.sql.h"
    ;

struct reading {
    struct db *db;
    struct pg_tables *tables;
    struct pg_table *current; /* the columns come in the order of the tables */
};

static bool is_true(struct span value)
{
    return span_is(value, "t");
}

static bool dup_value(struct span value, char **out, struct err *err)
{
    *out = value.at ? span_dup(value) : NULL;
    return *out || !value.at || err_memory(err);
}

static bool add_table(void *ctx, const struct db_row *row, struct err *err)
{
    struct reading *r = ctx;
    const struct span *v = row->value;
    AUTO(buf) struct buf quoted = {0};
    struct pg_table *t = vec_add(&r->tables->at, err);

    if (!t)
        return false;
    t->columns = (struct vec)VEC(struct pg_column);
    span_u64(v[0], &t->oid);
    t->kind = *v[3].at;
    t->persistence = *v[4].at;
    t->heap = span_is(v[5], "heap");
    t->is_config = v[6].at != NULL;
    t->readable = is_true(v[7]);
    t->hidden_rows = is_true(v[8]);
    if (!dup_value(v[1], &t->schema, err) || !dup_value(v[2], &t->name, err) ||
        !dup_value(v[6].len ? v[6] : (struct span){0}, &t->condition, err))
        return false;
    db_quote_qualified(r->db, t->schema, t->name, &quoted);
    t->qualified = buf_take(&quoted);
    return t->qualified || err_memory(err);
}

static bool add_column(void *ctx, const struct db_row *row, struct err *err)
{
    struct reading *r = ctx;
    struct pg_table *end = (struct pg_table *)r->tables->at.at + r->tables->at.count;
    uint64_t oid = 0;

    span_u64(row->value[0], &oid);
    while (r->current < end && r->current->oid < oid)
        r->current++;
    if (r->current == end || r->current->oid != oid)
        return true;
    struct pg_column *c = vec_add(&r->current->columns, err);
    return c && dup_value(row->value[1], &c->name, err) && dup_value(row->value[2], &c->type, err);
}

static bool add_size(void *ctx, const struct db_row *row, struct err *err)
{
    uint64_t oid = 0;

    (void)err;
    span_u64(row->value[0], &oid);
    struct pg_table *t = pg_tables_find(ctx, oid);
    if (t && row->value[1].at && row->value[2].at) {
        span_u64(row->value[1], &t->heap_bytes);
        span_u64(row->value[2], &t->all_bytes);
        if (row->value[3].at)
            span_u64(row->value[3], &t->filenode);
    }
    return true;
}

bool pg_tables_measure(struct db *db, struct pg_tables *tables, struct err *err)
{
    return db_rows(db, add_size, tables, err, "%s", sizes_sql) ||
           err_add(err, "cannot measure the tables");
}

static bool make_list(struct db *db, struct pg_table *t, struct err *err)
{
    AUTO(buf) struct buf list = {0};
    const struct pg_column *c = t->columns.at;

    buf_puts(&list, "");
    for (size_t i = 0; i < t->columns.count; i++) {
        buf_puts(&list, i ? ", " : "");
        db_quote_name(db, c[i].name, &list);
    }
    t->list = buf_take(&list);
    return t->list || err_memory(err);
}

bool pg_tables_read(struct db *db, struct pg_tables *out, struct err *err)
{
    struct reading r = {.db = db, .tables = out};

    out->at = (struct vec)VEC(struct pg_table);
    if (!db_rows(db, add_table, &r, err, "%s", tables_sql))
        return err_add(err, "cannot list the tables");
    r.current = out->at.at;
    if (!db_rows(db, add_column, &r, err, "%s", columns_sql))
        return err_add(err, "cannot list the columns");
    struct pg_table *t = out->at.at;
    for (size_t i = 0; i < out->at.count; i++)
        if (!make_list(db, &t[i], err))
            return false;
    return true;
}

void pg_tables_done(struct pg_tables *tables)
{
    struct pg_table *t = tables->at.at;

    for (size_t i = 0; i < tables->at.count; i++) {
        struct pg_column *c = t[i].columns.at;
        for (size_t k = 0; k < t[i].columns.count; k++) {
            free(c[k].name);
            free(c[k].type);
        }
        vec_done(&t[i].columns);
        free(t[i].schema);
        free(t[i].name);
        free(t[i].condition);
        free(t[i].qualified);
        free(t[i].list);
    }
    vec_done(&tables->at);
}

struct pg_table *pg_tables_find(const struct pg_tables *tables, uint64_t oid)
{
    struct pg_table *t = tables->at.at;
    size_t low = 0, high = tables->at.count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (t[mid].oid == oid)
            return &t[mid];
        if (t[mid].oid < oid)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}
