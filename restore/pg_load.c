/* Rows and large objects. */
#include "lib/base/cmd.h"
#include "lib/base/log.h"
#include "lib/bundle/columns.h"
#include "restore/pg_progress.h"
#include "restore/row_name.h"

/* Of a large object's page; a constant of the server's build (LOBLKSIZE, a quarter of a block). */
#define LARGE_PAGE 2048

struct giving {
    struct pg_target *target;
    const struct pg_target_table *table;
    const struct pg_binary *binary; /* NULL: as text */
    size_t next, to;
    bool begun, ended; /* head and tail of the binary form */
    bool inexact;      /* a value has no binary form */
    struct buf raw, rows;
};

static bool make_rows(struct giving *g, const struct segment *seg, struct err *err)
{
    bool exact = true;

    if (!g->binary)
        return columns_to_rows(buf_view(&g->raw), g->table->columns, seg->records, &g->rows, err);
    if (!pg_binary_rows(g->binary, &g->raw, seg->records, &g->rows, &exact, err))
        return false;
    g->inexact = !exact;
    return exact || err_set(err, ERR_UNSUPPORTED, "a value has no binary form");
}

static bool give_segment(void *ctx, struct span *piece, struct err *err)
{
    struct giving *g = ctx;

    *piece = (struct span){0};
    if (g->binary && !g->begun) {
        g->begun = true;
        *piece = pg_binary_head;
        return true;
    }
    if (g->next == g->to) {
        if (g->binary && !g->ended)
            *piece = pg_binary_tail;
        g->ended = true;
        return true;
    }
    const struct segment *seg = &g->table->stream->segments[g->next++];
    if (!bundle_read(g->target->conf.bundle, seg, &g->raw, err) || !make_rows(g, seg, err))
        return false;
    progress_add(g->target->conf.progress, seg->raw_bytes);
    *piece = buf_view(&g->rows);
    return cmd_stop_check(err);
}

static bool copy(struct giving *g, struct db *db, const char *sql, uint64_t *rows, struct err *err)
{
    bool ok = db->ops->copy_in(db, span_of(sql), give_segment, g, rows, err);

    buf_done(&g->raw);
    buf_done(&g->rows);
    return ok;
}

static uint64_t records(const struct stream *s, size_t from, size_t to)
{
    uint64_t n = 0;

    for (size_t i = from; i < to; i++)
        n += s->segments[i].records;
    return n;
}

/* The server says how many rows it took: one less than given would be a row lost. */
static bool check_rows(struct pg_target *t, uint64_t expected, uint64_t found, struct err *err)
{
    t->rows_expected += expected;
    t->rows_found += found;
    return expected == found || err_set(err, ERR_DIFFERS, "%llu rows loaded, %llu were captured",
                                        (unsigned long long)found, (unsigned long long)expected);
}

static bool loaded_before(struct pg_target *t, const struct pg_target_table *table, size_t from,
                          size_t to)
{
    uint64_t rows = records(table->stream, from, to);

    for (size_t i = from; i < to; i++)
        progress_add(t->conf.progress, table->stream->segments[i].raw_bytes);
    t->rows_expected += rows;
    t->rows_found += rows;
    return true;
}

/* The server counts the lines of this COPY: the row is looked up, and named by its key. */
static bool blame_row(struct pg_target *t, const struct pg_target_table *table, size_t from,
                      struct err *err)
{
    const struct pg_step *step = t->steps.at;
    AUTO(buf) struct buf name = {0}, place = {0};
    uint64_t line = 0;
    struct span key = {0};

    for (size_t i = 0; i < t->steps.count && !key.at; i++)
        if (step[i].table == table)
            key = row_key_columns(step[i].text);
    /* Values of the row stand in the message, too. */
    buf_printf(&place, ", COPY %s, line ", table->name);
    if (err && !place.failed)
        line = row_number(err->text, buf_str(&place));
    if (!line ||
        !row_name(t->conf.bundle, table->stream, from, line, key, t->conf.db->show_values, &name))
        return err_add(err, "cannot load table %s", table->qualified);
    return err_add(err, "cannot load table %s, %s", table->qualified, buf_str(&name));
}

/* One transaction with its note; the rows of a table that was emptied in it can be frozen. */
static bool load_once(struct giving *g, struct db *db, bool truncate, const struct buf *what,
                      struct err *err)
{
    AUTO(buf) struct buf sql = {0};
    size_t from = g->next;
    uint64_t rows = 0;

    buf_printf(&sql, "%s WITH (FORMAT %s%s)", g->table->copy, g->binary ? "binary" : "text",
               truncate ? ", FREEZE" : "");
    if (!buf_ok(&sql, err) || !db_exec(db, err, "BEGIN"))
        return false;
    if ((!truncate || db_exec(db, err, "TRUNCATE ONLY %s", g->table->qualified)) &&
        copy(g, db, buf_str(&sql), &rows, err) &&
        check_rows(g->target, records(g->table->stream, from, g->to), rows, err) &&
        pg_progress_note(db, buf_str(what), err) && db_exec(db, err, "COMMIT"))
        return true;
    db_exec(db, NULL, "ROLLBACK");
    return false;
}

bool pg_load(struct pg_target *t, const struct pg_target_table *table, struct db *db, size_t from,
             size_t to, bool truncate, struct err *err)
{
    struct giving g = {
        .target = t, .table = table, .binary = table->binary, .next = from, .to = to};
    AUTO(buf) struct buf what = {0};

    buf_printf(&what, "rows %zu-%zu of %s", from, to, table->qualified);
    if (!buf_ok(&what, err))
        return false;
    if (pg_progress_has(t, buf_str(&what)))
        return loaded_before(t, table, from, to);
    bool ok = load_once(&g, db, truncate, &what, err);

    if (!ok && g.inexact) {
        log_debug("as text", f_str("table", table->qualified));
        err_clear(err);
        g = (struct giving){.target = t, .table = table, .next = from, .to = to};
        ok = load_once(&g, db, truncate, &what, err);
    }
    return ok || blame_row(t, table, from, err);
}

/* ---- large objects -----------------------------------------------------------------------------*/

/* The objects exist already, made with owner and rights by the schema; here come their pages. */
static bool load_pages(struct pg_target *t, const struct pg_target_table *table, struct db *db,
                       size_t segment, struct err *err)
{
    struct giving g = {.target = t, .table = table, .next = segment, .to = segment + 1};
    uint64_t rows = 0;

    return db_exec(db, err, "BEGIN") &&
           db_exec(db, err,
                   "CREATE TEMPORARY TABLE rehearse_pages (loid oid, pageno int, data bytea) "
                   "ON COMMIT DROP") &&
           copy(&g, db, "COPY rehearse_pages FROM stdin", &rows, err) &&
           db_exec(db, err,
                   "SELECT pg_catalog.count(pg_catalog.lo_put(loid, pageno::int8 * %d, data)) "
                   "FROM rehearse_pages",
                   LARGE_PAGE) &&
           db_exec(db, err, "COMMIT") &&
           check_rows(t, records(table->stream, segment, segment + 1), rows, err);
}

bool pg_load_large(struct pg_target *t, const struct pg_target_table *table, struct db *db,
                   struct err *err)
{
    for (size_t i = 0; i < table->stream->segment_count; i++) {
        if (load_pages(t, table, db, i, err))
            continue;
        db_exec(db, NULL, "ROLLBACK");
        return err_add(err, "cannot load large objects");
    }
    return true;
}
