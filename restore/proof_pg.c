/* PostgreSQL: rows, schema and sequences of a box's database against the bundle. */
#include "restore/proof_pg.h"

#include "lib/base/fd.h"
#include "lib/base/json.h"
#include "lib/db/pg_schema.h"
#include "lib/db/pg_session.h"
#include "restore/pg_part.h"

#include <sys/mman.h>

#define PIECE_BLOCKS ((uint64_t)4096)
#define LARGE        "pg_catalog." /* the pages of large objects are the one table there */
#define TID_RANGES   140000u /* from this version on the server reads a range of blocks alone */

struct pg_proof;

struct pg_proof_table {
    struct proof_table base;
    struct pg_proof *proof;
    char *qualified, *list;
    char *condition; /* of an extension's configuration table; "": all rows */
};

struct pg_proof {
    struct proof_part *part;
    struct place_db place;
    struct pg_part what;
    struct pg_proof_table *tables;
    size_t table_count;
};

static void pg_proof_close(struct proof_part *p)
{
    struct pg_proof *g = TAKE(p->own);

    seats_leave(p->seats, g);
    for (size_t i = 0; i < g->table_count; i++) {
        proof_table_done(&g->tables[i].base);
        free(g->tables[i].qualified);
        free(g->tables[i].list);
        free(g->tables[i].condition);
    }
    free(g->tables);
    pg_part_done(&g->what);
    free(g);
}

/* The settings that the snapshot reads with. */
static bool open_worker(void *of, unsigned worker, struct db **out, struct err *err)
{
    struct pg_proof *g = of;
    AUTO(db) struct db *db = NULL;

    (void)worker;
    if (!db_open(&g->place.conf, &db, err) || !pg_session_fix(db, err) ||
        !db_exec(db, err,
                 "SET max_parallel_workers_per_gather = 0; SET jit = off; "
                 "SET enable_seqscan = off"))
        return false;
    *out = TAKE(db);
    return true;
}

static bool pg_worker(struct pg_proof *g, unsigned worker, struct db **out, struct err *err)
{
    return seats_take(g->part->seats, worker, g, open_worker, out, err);
}

/* ---- rows --------------------------------------------------------------------------------------*/

static bool pg_read(struct proof_table *base, unsigned worker, size_t piece, proof_take take,
                    void *ctx, struct err *err)
{
    struct pg_proof_table *t = (struct pg_proof_table *)base;
    struct db *db = NULL;
    AUTO(buf) struct buf sql = {0};

    if (!pg_worker(t->proof, worker, &db, err))
        return false;
    if (piece == PROOF_WHOLE && !*t->condition) {
        buf_printf(&sql, "COPY %s%s%s%s TO STDOUT", t->qualified, *t->list ? " (" : "", t->list,
                   *t->list ? ")" : "");
        return buf_ok(&sql, err) && db->ops->copy_out(db, buf_view(&sql), take, ctx, err);
    }
    buf_printf(&sql, "COPY (SELECT %s FROM ONLY %s %s", t->list, t->qualified, t->condition);
    if (piece != PROOF_WHOLE)
        buf_printf(&sql, " WHERE ctid >= '(%llu,0)'", (unsigned long long)(piece * PIECE_BLOCKS));
    if (piece != PROOF_WHOLE && piece + 1 < base->pieces)
        buf_printf(&sql, " AND ctid < '(%llu,0)'",
                   (unsigned long long)((piece + 1) * PIECE_BLOCKS));
    buf_puts(&sql, ") TO STDOUT");
    return buf_ok(&sql, err) && db->ops->copy_out(db, buf_view(&sql), take, ctx, err);
}

struct keys {
    const struct stream *stream;
    struct vec *columns;
};

static bool add_key(void *ctx, const struct db_row *row, struct err *err)
{
    struct keys *k = ctx;
    const json_t *columns = json_object_get(k->stream->meta, "columns"), *c;
    size_t i;

    json_array_foreach(columns, i, c)
    {
        if (!span_is(row->value[0], json_string_value(c)))
            continue;
        unsigned *at = vec_add(k->columns, err);
        if (!at)
            return false;
        *at = (unsigned)i;
    }
    return true;
}

static bool pg_key(struct proof_table *base, unsigned worker, struct vec *columns, struct err *err)
{
    struct pg_proof_table *t = (struct pg_proof_table *)base;
    struct keys k = {base->stream, columns};
    struct db *db = NULL;
    AUTO(buf) struct buf name = {0};

    if (!pg_worker(t->proof, worker, &db, err))
        return false;
    db_quote_text(db, t->qualified, &name);
    return buf_ok(&name, err) &&
           db_rows(db, add_key, &k, err,
                   "SELECT a.attname FROM pg_catalog.pg_index i JOIN pg_catalog.pg_attribute a "
                   "ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey::int2[]) "
                   "WHERE i.indrelid = pg_catalog.to_regclass(%s) AND i.indisprimary "
                   "ORDER BY pg_catalog.array_position(i.indkey::int2[], a.attnum)",
                   buf_str(&name));
}

struct looks {
    struct pg_proof_table *table;
    bool found, heap;
    uint64_t blocks;
};

static bool take_looks(void *ctx, const struct db_row *row, struct err *err)
{
    struct looks *l = ctx;

    l->found = true;
    span_u64(row->value[0], &l->blocks);
    l->heap = span_is(row->value[1], "t");
    free(l->table->condition);
    l->table->condition = span_dup(row->value[2]);
    return l->table->condition || err_memory(err);
}

static bool look(struct pg_proof_table *t, struct db *db, struct looks *l, struct err *err)
{
    AUTO(buf) struct buf name = {0};

    db_quote_text(db, t->qualified, &name);
    return buf_ok(&name, err) &&
           db_rows(db, take_looks, l, err,
                   "SELECT pg_catalog.pg_relation_size(c.oid) / "
                   "pg_catalog.current_setting('block_size')::int, a.amname = 'heap', "
                   "coalesce((SELECT e.extcondition[pg_catalog.array_position(e.extconfig, c.oid)] "
                   "FROM pg_catalog.pg_extension e WHERE c.oid = ANY (e.extconfig) LIMIT 1), '') "
                   "FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_am a ON a.oid = c.relam "
                   "WHERE c.oid = pg_catalog.to_regclass(%s)",
                   buf_str(&name));
}

static bool name_table(struct pg_proof_table *t, struct db *db, struct err *err)
{
    const json_t *meta = t->base.stream->meta, *c;
    const char *schema = NULL, *name = NULL;
    AUTO(buf) struct buf quoted = {0}, list = {0}, plain = {0};
    json_t *columns = NULL;
    size_t i;

    if (!json_want_str(meta, "schema", &schema, err) || !json_want_str(meta, "table", &name, err) ||
        !json_want_arr(meta, "columns", &columns, err))
        return err_add(err, "stream '%s'", t->base.stream->name);
    db_quote_qualified(db, schema, name, &quoted);
    buf_puts(&list, "");
    json_array_foreach(columns, i, c)
    {
        buf_puts(&list, i ? ", " : "");
        db_quote_name(db, json_is_string(c) ? json_string_value(c) : "", &list);
    }
    buf_printf(&plain, "%s.%s", schema, name);
    t->base.columns = (unsigned)json_array_size(columns);
    t->qualified = buf_take(&quoted);
    t->list = strdup(buf_str(&list));
    t->base.name = buf_take(&plain);
    t->condition = strdup("");
    return (t->qualified && t->list && t->base.name && t->condition && !list.failed) ||
           err_memory(err);
}

static bool plan_table(struct pg_proof *g, struct db *db, const struct stream *s,
                       struct sched *sched, struct err *err)
{
    struct pg_proof_table *t = &g->tables[g->table_count++];
    struct looks l = {.table = t};

    t->base.part = g->part;
    t->base.stream = s;
    t->base.read = pg_read;
    t->base.key = pg_key;
    t->proof = g;
    if (!proof_table_init(&t->base, err) || !name_table(t, db, err) || !look(t, db, &l, err))
        return false;
    if (g->what.owner.limited && strncmp(t->base.name, LARGE, sizeof(LARGE) - 1) == 0)
        return proof_skip(g->part, "large objects: only a superuser may read their pages", err);
    if (!l.found)
        return proof_note_kind(g->part, "table", span_of(t->base.name), "missing", err);
    bool ranges = l.heap && db->version >= TID_RANGES && !*t->condition;
    t->base.pieces = ranges ? (size_t)(l.blocks / PIECE_BLOCKS) + 1 : 1;
    return proof_table_plan(&t->base, sched, err);
}

static bool plan_tables(struct pg_proof *g, struct db *db, struct sched *sched, struct err *err)
{
    size_t count = 0;
    const struct stream *s = bundle_streams(g->part->conf->bundle, &count);

    g->tables = calloc(count + 1, sizeof(*g->tables));
    if (!g->tables)
        return err_memory(err);
    for (size_t i = 0; i < count; i++)
        if (s[i].kind == STREAM_COLUMNS && strcmp(s[i].component, g->part->component) == 0 &&
            pg_part_has(&g->what, &s[i]) && !plan_table(g, db, &s[i], sched, err))
            return false;
    return true;
}

/* ---- schema and sequences ----------------------------------------------------------------------*/

static bool dump(struct pg_proof *g, struct db *db, int fd, struct err *err)
{
    AUTO(buf) struct buf encoding = {0}, archive = {0};
    struct db_tool_env env = {0};

    if (!db_value(db, &encoding, err, "SHOW client_encoding") ||
        !db_tool_env(&g->place.conf, &env, err))
        return false;
    struct pg_schema_conf conf = {
        .env = (const char *const *)env.env, .encoding = buf_str(&encoding), .lock_timeout_s = 60};
    bool ok =
        pg_schema_archive(&conf, &archive, err) && fd_write_all(fd, archive.at, archive.len, err);
    db_tool_env_done(&env);
    return ok;
}

static bool compare_section(struct pg_proof *g, int fd, const char *section,
                            const struct buf *bundle, const json_t *tablespaces, struct err *err)
{
    AUTO(buf) struct buf box = {0}, part = {0};

    buf_span(&part, buf_view(bundle));
    return pg_schema_section(fd, section, &box, err) && buf_ok(&part, err) &&
           pg_owner_blur(&g->what.owner, &part, err) && pg_owner_blur(&g->what.owner, &box, err) &&
           proof_statements(g->part, "schema:", buf_view(&part), buf_view(&box), err) &&
           proof_pg_tablespaces(g->part, tablespaces, buf_view(&part), buf_view(&box), err);
}

/* Another version of pg_dump writes the same schema in other words. */
static bool same_version(struct pg_proof *g, struct db *db)
{
    const json_t *all = json_object_get(bundle_config(g->part->conf->bundle), "components");
    const json_t *c = json_object_get(all, g->part->component);
    const char *version = json_string_value(json_object_get(c, "version"));

    return version && strtoul(version, NULL, 10) == db->version / 10000;
}

static bool run_schema(void *ctx, void *arg, unsigned worker, struct err *err)
{
    struct pg_proof *g = ctx;
    struct db *db = NULL;
    AUTO(fd) int fd = memfd_create("schema", MFD_CLOEXEC);
    AUTO(json) json_t *tablespaces = NULL; /* of a box: it has all of them */

    (void)arg;
    if (!pg_worker(g, worker, &db, err))
        return false;
    if (!same_version(g, db))
        return proof_skip(g->part, "the schema: the server is of another version", err);
    if (fd < 0)
        return err_sys(err, ERR_IO, "cannot hold the schema archive");
    if (pg_owner_blurs(&g->what.owner) &&
        !proof_skip(g->part, "privileges: objects belong to other roles than in production", err))
        return false;
    if (!g->part->conf->place.box &&
        !db_names(db, &tablespaces, err, "SELECT spcname FROM pg_catalog.pg_tablespace"))
        return false;
    return (dump(g, db, fd, err) &&
            compare_section(g, fd, "pre-data", &g->what.pre_data, tablespaces, err) &&
            compare_section(g, fd, "post-data", &g->what.post_data, tablespaces, err)) ||
           err_add(err, "cannot verify the schema of '%s'", g->part->component);
}

/* A pg_dump is a session more, beside those of the workers. */
static struct task schema_task(struct pg_proof *g)
{
    return (struct task){.run = run_schema,
                         .ctx = g,
                         .cost = UINT64_MAX / 2,
                         .name = "schema",
                         .max_same = seats_are_few(g->part->seats) ? 1 : g->part->conf->jobs,
                         .lane = "pg_dump"};
}

static bool run_sequences(void *ctx, void *arg, unsigned worker, struct err *err)
{
    struct pg_proof *g = ctx;
    AUTO(buf) struct buf box = {0};
    struct db *db = NULL;
    unsigned count = 0;

    (void)arg;
    return pg_worker(g, worker, &db, err) && pg_sequences_read(db, &box, &count, err) &&
           proof_statements(g->part, "value of", buf_view(&g->what.sequences), buf_view(&box), err);
}

/* Roles are the server's own; what is set for a database is what the account could set. */
static bool around_on_server(struct pg_proof *g, struct db *db, struct err *err)
{
    if (!proof_skip(g->part, "roles: they are the server's own", err))
        return false;
    if (g->what.owner.limited)
        return proof_skip(g->part, "what is set for the database: the account is no superuser's",
                          err);
    return proof_pg_database(g->part, &g->what.owner, db, err);
}

static bool run_around(void *ctx, void *arg, unsigned worker, struct err *err)
{
    struct pg_proof *g = ctx;
    struct db *db = NULL;

    (void)arg;
    if (!pg_worker(g, worker, &db, err))
        return false;
    if (!g->part->conf->place.box)
        return around_on_server(g, db, err);
    return proof_pg_database(g->part, &g->what.owner, db, err) &&
           (!proof_pg_is_first(g->part) || proof_pg_globals(g->part, db, err));
}

static bool pg_proof_plan(struct proof_part *p, struct sched *sched, struct err *err)
{
    struct pg_proof *g = calloc(1, sizeof(*g));
    struct db *db = NULL;

    if (!g)
        return err_memory(err);
    p->own = g;
    g->part = p;
    struct task schema = schema_task(g);
    struct task sequences = {.run = run_sequences, .ctx = g, .cost = 1, .name = "sequences"};
    struct task around = {.run = run_around, .ctx = g, .cost = 1, .name = "roles"};
    if (!place_db(&p->conf->place, p->name, &g->place, err))
        return false;
    g->place.conf.show_values = p->conf->show_values;
    return pg_worker(g, 0, &db, err) &&
           pg_part_open(p->conf->bundle, p->component, &p->conf->what, db, &g->what, err) &&
           sched_add(sched, &schema, NULL, 0, NULL, err) &&
           sched_add(sched, &sequences, NULL, 0, NULL, err) &&
           sched_add(sched, &around, NULL, 0, NULL, err) && plan_tables(g, db, sched, err);
}

const struct proof_ops proof_postgresql = {.plan = pg_proof_plan, .close = pg_proof_close};
