/* MariaDB and MySQL: rows of a box's database against the bundle. */
#include "restore/proof_my.h"

#include "lib/base/json.h"
#include "lib/db/my_text.h"
#include "restore/my.h"

#define GIVE_BYTES         ((size_t)256 << 10)
#define SEGMENTS_PER_PIECE 8

static void my_proof_close(struct proof_part *p)
{
    struct my_proof *m = TAKE(p->own);

    my_select_free(m->select);
    seats_leave(p->seats, m);
    my_here_done(&m->here);
    for (size_t i = 0; i < m->table_count; i++) {
        struct my_proof_table *t = &m->tables[i];
        char **bound = t->bounds.at;
        proof_table_done(&t->base);
        for (size_t j = 0; j < t->bounds.count; j++)
            free(bound[j]);
        vec_done(&t->bounds);
        free(t->select);
        free(t->key);
    }
    free(m->tables);
    free(m);
}

bool my_proof_session(struct my_proof *m, bool bytes, struct db **out, struct err *err)
{
    AUTO(db) struct db *db = NULL;

    if (!db_open(&m->place.conf, &db, err) ||
        (bytes && !db_exec(db, err, "SET SESSION character_set_results = NULL")))
        return false;
    *out = TAKE(db);
    return true;
}

static bool open_worker(void *of, unsigned worker, struct db **out, struct err *err)
{
    (void)worker;
    return my_proof_session(of, true, out, err);
}

static bool my_seat(struct my_proof *m, unsigned worker, struct db **out, struct err *err)
{
    return seats_take(m->part->seats, worker, m, open_worker, out, err);
}

/* ---- reading -----------------------------------------------------------------------------------*/

struct giving {
    unsigned columns;
    struct buf rows;
    proof_take take;
    void *ctx;
};

static bool give(struct giving *g, struct err *err)
{
    bool ok = buf_ok(&g->rows, err) && (!g->rows.len || g->take(g->ctx, buf_view(&g->rows), err));

    buf_clear(&g->rows);
    return ok;
}

static bool add_row(void *ctx, const struct db_row *row, struct err *err)
{
    struct giving *g = ctx;

    for (unsigned i = 0; i < g->columns && i < row->count; i++) {
        if (i)
            buf_putc(&g->rows, '\t');
        my_text_add(&g->rows, row->value[i]);
    }
    buf_putc(&g->rows, '\n');
    return g->rows.len < GIVE_BYTES || give(g, err);
}

static bool my_read(struct proof_table *base, unsigned worker, size_t piece, proof_take take,
                    void *ctx, struct err *err)
{
    struct my_proof_table *t = (struct my_proof_table *)base;
    struct db *db = NULL;
    struct giving g = {.columns = base->columns, .take = take, .ctx = ctx};
    char *const *bound = t->bounds.at;
    AUTO(buf) struct buf sql = {0};

    if (!my_seat(t->proof, worker, &db, err))
        return false;
    buf_puts(&sql, t->select);
    if (piece != PROOF_WHOLE && piece > 0)
        buf_printf(&sql, " WHERE %s >= %s", t->key, bound[piece - 1]);
    if (piece != PROOF_WHOLE && piece + 1 < base->pieces)
        buf_printf(&sql, " %s %s < %s", piece ? "AND" : "WHERE", t->key, bound[piece]);
    bool ok = buf_ok(&sql, err) && db->ops->query(db, buf_view(&sql), add_row, &g, NULL, err) &&
              give(&g, err);
    buf_done(&g.rows);
    return ok;
}

static bool my_key(struct proof_table *t, unsigned worker, struct vec *columns, struct err *err)
{
    const json_t *key = json_object_get(t->stream->meta, "key"), *k;
    const json_t *all = json_object_get(t->stream->meta, "columns"), *c;
    size_t i, j;

    (void)worker;
    json_array_foreach(key, i, k) json_array_foreach(all, j, c)
    {
        if (!json_equal(k, json_object_get(c, "name")))
            continue;
        unsigned *at = vec_add(columns, err);
        if (!at)
            return false;
        *at = (unsigned)j;
    }
    return true;
}

/* ---- pieces ------------------------------------------------------------------------------------*/

static bool is_whole_number(const char *type)
{
    static const char *const types[] = {"tinyint", "smallint", "mediumint", "int", "bigint"};

    for (size_t i = 0; type && i < COUNT(types); i++)
        if (strncmp(type, types[i], strlen(types[i])) == 0)
            return true;
    return false;
}

/* The only column of the key, when pieces can be cut by it; NULL: none. */
static const char *cut_column(const struct stream *s)
{
    const json_t *key = json_object_get(s->meta, "key"), *c;
    const json_t *columns = json_object_get(s->meta, "columns");
    size_t i;

    if (json_array_size(key) != 1)
        return NULL;
    json_array_foreach(columns, i, c)
    {
        const json_t *name = json_object_get(c, "name");
        if (json_equal(name, json_array_get(key, 0)))
            return is_whole_number(json_string_value(json_object_get(c, "type")))
                       ? json_string_value(name)
                       : NULL;
    }
    return NULL;
}

static bool add_bound(struct my_proof_table *t, struct span text, struct err *err)
{
    char **bound = vec_add(&t->bounds, err);

    if (!bound)
        return false;
    *bound = span_dup(text);
    return *bound || err_memory(err);
}

static bool is_less(struct span a, struct span b)
{
    int64_t x, y;

    return span_i64(a, &x) && span_i64(b, &y) && x < y;
}

/* Where the bundle's segments begin: whatever stands there, pieces meet without a gap. */
static bool cut(struct my_proof_table *t, struct db *db, struct err *err)
{
    const struct stream *s = t->base.stream;
    const char *shown = cut_column(s);
    struct span last = {0};

    t->base.pieces = 1;
    if (!shown)
        return true;
    AUTO(free) char *name = json_bytes_back(shown, NULL);
    AUTO(buf) struct buf quoted = {0};
    if (!name)
        return err_memory(err);
    db_quote_name(db, name, &quoted);
    t->key = buf_take(&quoted);
    for (size_t i = SEGMENTS_PER_PIECE; i < s->segment_count; i += SEGMENTS_PER_PIECE) {
        struct span from = s->segments[i].key_from;
        int64_t number;
        if (!span_i64(from, &number) || (last.at && !is_less(last, from)))
            continue;
        if (!add_bound(t, from, err))
            return false;
        last = from;
    }
    t->base.pieces = t->bounds.count + 1;
    return t->key || err_memory(err);
}

/* ---- planning ----------------------------------------------------------------------------------*/

/* Rows of a MEMORY table are gone with the server that was stopped. */
static bool has_rows(const struct stream *s)
{
    const char *engine = json_string_value(json_object_get(s->meta, "engine"));

    return my_has_rows(s) && engine && strcasecmp(engine, "MEMORY") != 0;
}

static bool skip_rows(struct my_proof *m, const char *name, struct err *err)
{
    AUTO(buf) struct buf text = {0};

    buf_printf(&text, "rows of table %s: its engine keeps none", name);
    return buf_ok(&text, err) && proof_skip(m->part, buf_str(&text), err);
}

static bool plan_table(struct my_proof *m, struct db *db, const struct stream *s,
                       struct sched *sched, struct err *err)
{
    struct my_proof_table *t = &m->tables[m->table_count++];

    *t = (struct my_proof_table){.proof = m, .bounds = VEC(char *)};
    t->base.part = m->part;
    t->base.stream = s;
    t->base.read = my_read;
    t->base.key = my_key;
    t->base.columns = bundle_columns(s);
    if (!proof_table_init(&t->base, err))
        return false;
    t->base.name = my_meta_text(s->meta, "table", NULL, err);
    if (!t->base.name)
        return false;
    if (!has_rows(s))
        return skip_rows(m, t->base.name, err);
    if (!json_object_get(s->meta, "select")) {
        err_set(err, ERR_UNSUPPORTED, "the bundle does not say how table '%s' was read",
                t->base.name);
        return err_hint(err, "it is of an older rehearse: take a new snapshot");
    }
    t->select = my_meta_text(s->meta, "select", NULL, err);
    return t->select && cut(t, db, err) && proof_table_plan(&t->base, sched, err);
}

static bool plan_tables(struct my_proof *m, struct db *db, struct sched *sched, struct err *err)
{
    size_t count = 0;
    const struct stream *s = bundle_streams(m->part->conf->bundle, &count);

    m->tables = calloc(count + 1, sizeof(*m->tables));
    if (!m->tables)
        return err_memory(err);
    for (size_t i = 0; i < count; i++)
        if (s[i].kind == STREAM_COLUMNS && strcmp(s[i].component, m->part->component) == 0 &&
            my_select_table(m->select, &s[i]) && !plan_table(m, db, &s[i], sched, err))
            return false;
    return true;
}

static bool run_objects(void *ctx, void *arg, unsigned worker, struct err *err)
{
    struct my_proof *m = ctx;

    (void)arg;
    (void)worker;
    return (my_proof_objects(m, err) && my_proof_accounts(m, err)) ||
           err_add(err, "cannot verify the schema of '%s'", m->part->component);
}

static bool find_here(struct my_proof *m, struct db *db, struct err *err)
{
    const struct proof_conf *conf = m->part->conf;
    struct my_here_conf here = {.bundle = conf->bundle,
                                .place = &conf->place,
                                .component = m->part->component,
                                .database = m->place.conf.database,
                                .what = &conf->what};

    return my_here_open(&here, db, &m->here, err);
}

static bool my_proof_plan(struct proof_part *p, struct sched *sched, struct err *err)
{
    struct my_proof *m = calloc(1, sizeof(*m));
    struct db *db = NULL;

    if (!m)
        return err_memory(err);
    p->own = m;
    m->part = p;
    if (!my_select_new(p->conf->bundle, p->component, &p->conf->what, &m->select, err))
        return false;
    struct task objects = {.run = run_objects, .ctx = m, .cost = UINT64_MAX / 2, .name = "schema"};
    if (!place_db(&p->conf->place, p->name, &m->place, err))
        return false;
    m->place.conf.show_values = p->conf->show_values;
    return my_seat(m, 0, &db, err) && find_here(m, db, err) &&
           sched_add(sched, &objects, NULL, 0, NULL, err) && plan_tables(m, db, sched, err);
}

const struct proof_ops proof_mariadb = {.plan = my_proof_plan, .close = my_proof_close};
