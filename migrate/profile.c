#include "lib/base/json.h"
#include "migrate/table.h"

/* Columns of a query: below the 1664 of PostgreSQL, two or three results for each. */
#define CHUNK 400
/* Rows that are enough to see that most columns hold different values. */
#define PEEK_ROWS 1000

void columns_free(struct vec *columns)
{
    struct column *c = columns->at;

    for (size_t i = 0; i < columns->count; i++) {
        free(c[i].name);
        free(c[i].quoted);
        free(c[i].value);
    }
    vec_done(columns);
}

void gathered_clear(struct gathered *g)
{
    free(g->file);
    free(g->sql);
    *g = (struct gathered){0};
}

void table_done(struct table *t)
{
    free(t->name);
    free(t->quoted);
    columns_free(&t->columns);
    gathered_clear(&t->more);
}

struct column *column_add(struct vec *columns, uint64_t key, struct span name, struct span quoted,
                          const char *value, struct err *err)
{
    AUTO(free) char *name_copy = span_dup(name);
    AUTO(free) char *quoted_copy = span_dup(quoted);
    AUTO(free) char *value_copy = span_dup(span_of(value));

    if (!name_copy || !quoted_copy || !value_copy) {
        err_memory(err);
        return NULL;
    }
    struct column *c = vec_add(columns, err);
    if (!c)
        return NULL;
    *c = (struct column){.key = key};
    c->name = TAKE(name_copy);
    c->quoted = TAKE(quoted_copy);
    c->value = TAKE(value_copy);
    return c;
}

/* ---- reading -----------------------------------------------------------------------------------*/

static bool is_true(struct span v)
{
    return v.at && v.len && (v.at[0] == 't' || v.at[0] == '1');
}

struct peek {
    struct column *from;
    size_t count;
};

static bool take_peek(void *ctx, const struct db_row *row, struct err *err)
{
    struct peek *p = ctx;

    (void)err;
    for (size_t i = 0; i < p->count && i < row->count; i++)
        p->from[i].distinct = is_true(row->value[i]) ? 2 : 0;
    return true;
}

static bool peek(struct db *db, const char *quoted, struct column *from, size_t count,
                 struct err *err)
{
    AUTO(buf) struct buf sql = {0};
    struct peek p = {from, count};

    buf_puts(&sql, "SELECT ");
    for (size_t i = 0; i < count; i++)
        buf_printf(&sql, "%smin(%s) <> max(%s)", i ? ", " : "", from[i].value, from[i].value);
    buf_printf(&sql, " FROM (SELECT * FROM %s LIMIT %d) AS peek", quoted, PEEK_ROWS);
    return buf_ok(&sql, err) && db->ops->query(db, buf_view(&sql), take_peek, &p, NULL, err);
}

struct full {
    struct column *from;
    size_t count;
    uint64_t rows;
};

static bool take_full(void *ctx, const struct db_row *row, struct err *err)
{
    struct full *f = ctx;
    unsigned at = 1;

    if (row->count < 1 || !span_u64(row->value[0], &f->rows))
        return err_set(err, ERR_UNSUPPORTED, "the server gave no row count");
    for (size_t i = 0; i < f->count; i++) {
        struct column *c = &f->from[i];
        if (at >= row->count || !span_u64(row->value[at++], &c->nonnull))
            return err_set(err, ERR_UNSUPPORTED, "the server gave no count of '%s'", c->name);
        if (c->distinct == 2)
            continue;
        bool differ = at < row->count && is_true(row->value[at]);
        at++;
        c->distinct = differ ? 2 : c->nonnull > 0;
    }
    return true;
}

static bool full(struct db *db, const char *quoted, struct full *f, struct err *err)
{
    AUTO(buf) struct buf sql = {0};

    buf_puts(&sql, "SELECT count(*)");
    for (size_t i = 0; i < f->count; i++) {
        const struct column *c = &f->from[i];
        buf_printf(&sql, ", count(%s)", c->quoted);
        if (c->distinct != 2)
            buf_printf(&sql, ", min(%s) <> max(%s)", c->value, c->value);
    }
    buf_printf(&sql, " FROM %s", quoted);
    return buf_ok(&sql, err) && db->ops->query(db, buf_view(&sql), take_full, f, NULL, err);
}

bool profile_read(struct db *db, const char *quoted, struct vec *columns, uint64_t *rows,
                  struct err *err)
{
    struct column *c = columns->at;
    size_t done = 0;

    do {
        size_t left = columns->count - done;
        struct full f = {.from = c + done, .count = left < CHUNK ? left : CHUNK};
        if (f.count && !peek(db, quoted, f.from, f.count, err))
            return false;
        if (!full(db, quoted, &f, err))
            return false;
        *rows = f.rows;
        done += f.count;
    } while (done < columns->count);
    return true;
}

/* ---- comparing ---------------------------------------------------------------------------------*/

static const struct column *same_column(const struct vec *in, const struct column *c)
{
    const struct column *o = in->at;

    for (size_t i = 0; i < in->count; i++) {
        if (c->key ? o[i].key == c->key : strcmp(o[i].name, c->name) == 0)
            return &o[i];
    }
    return NULL;
}

static bool collapsed(const struct column *b, const struct column *a)
{
    bool nulled = b->nonnull > 0 && a->nonnull == 0;
    /* Of one value alone nobody can say that it differed from others. */
    bool flattened = b->distinct == 2 && a->distinct < 2 && a->nonnull > 1;

    return nulled || flattened;
}

static json_t *collapse_json(const struct column *b, const struct column *a)
{
    return json_pack("{s:s, s:I, s:I, s:i, s:i}", "column", a->name, "nonnull_before",
                     (json_int_t)b->nonnull, "nonnull_after", (json_int_t)a->nonnull,
                     "distinct_before", (int)b->distinct, "distinct_after", (int)a->distinct);
}

json_t *profile_collapsed(const struct vec *before, const struct vec *after, uint64_t rows_after,
                          profile_skip skip, void *ctx, struct err *err)
{
    const struct column *a = after->at;
    AUTO(json) json_t *list = json_array();

    for (size_t i = 0; rows_after && i < after->count; i++) {
        const struct column *b = same_column(before, &a[i]);
        bool left = false;
        if (!b || !collapsed(b, &a[i]))
            continue;
        if (skip && !skip(ctx, &a[i], &left, err))
            return NULL;
        if (!left)
            json_array_append_new(list, collapse_json(b, &a[i]));
    }
    return TAKE(list);
}
