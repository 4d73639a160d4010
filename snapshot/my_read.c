/* A range of a table into column-wise segments. */
#include "snapshot/my.h"

#include "lib/base/cmd.h"
#include "lib/bundle/columns.h"
#include "lib/db/my_text.h"

/* A row of so many bytes is a segment of its own. */
#define HUGE_ROW ((size_t)16 << 20)

struct reader {
    struct my_source *source;
    const struct my_range *range;
    const struct my_column *columns;
    struct room *room;
    struct buf key_from, key_to;
    uint32_t segments;
};

static void reader_done(struct reader *r)
{
    rooms_give(r->source->conf.rooms, r->room);
    buf_done(&r->key_from);
    buf_done(&r->key_to);
}

static bool select_column(struct db *db, const struct my_column *c, struct buf *out)
{
    if (c->form == MY_FORM_DOUBLE) {
        /* Times one keeps the sign of a zero; adding nothing would not. */
        db_quote_name(db, c->name, out);
        return buf_puts(out, " * 1e0");
    }
    if (c->form == MY_FORM_INDEX) {
        buf_puts(out, "CAST(");
        db_quote_name(db, c->name, out);
        return buf_puts(out, " AS UNSIGNED)");
    }
    return db_quote_name(db, c->name, out);
}

bool my_has_history(const struct my_table *t)
{
    return t->kind == MY_VERSIONED && !t->row_ids;
}

bool my_select(struct my_source *s, const struct my_table *t, struct buf *out)
{
    const struct my_column *c = t->columns.at;

    buf_puts(out, t->columns.count ? "SELECT " : "SELECT NULL");
    for (size_t i = 0; i < t->columns.count; i++) {
        buf_puts(out, i ? ", " : "");
        select_column(s->main, &c[i], out);
    }
    buf_puts(out, " FROM ");
    db_quote_name(s->main, t->name, out);
    if (my_has_history(t))
        buf_puts(out, " FOR SYSTEM_TIME ALL");
    return !out->failed;
}

/* InnoDB keeps rows by this key: reading in its order costs nothing, and makes the same rows fall
 * into the same segments next time. */
static bool order_by_key(struct my_source *s, const struct my_table *t, struct buf *out)
{
    const struct my_column *c = t->columns.at;
    const unsigned *key = t->key.at;

    for (size_t i = 0; t->transactional && i < t->key.count; i++) {
        buf_puts(out, i ? ", " : " ORDER BY ");
        db_quote_name(s->main, c[key[i]].name, out);
    }
    return !out->failed;
}

static bool range_sql(struct my_source *s, const struct my_range *r, struct buf *out,
                      struct err *err)
{
    my_select(s, r->table, out);
    if (r->table->key_name && (r->where[0] || r->table->transactional)) {
        buf_puts(out, " FORCE INDEX (");
        db_quote_name(s->main, r->table->key_name, out);
        buf_puts(out, ")");
    }
    buf_puts(out, r->where);
    order_by_key(s, r->table, out);
    return buf_ok(out, err);
}

/* The first or the last line of a column, which is text of the key already. */
static struct span edge_line(const struct buf *col, bool last)
{
    const char *end = col->at + col->len - 1;
    const char *from = col->at;

    if (last) {
        const char *before = memrchr(from, '\n', col->len - 1);
        from = before ? before + 1 : from;
    } else {
        end = memchr(from, '\n', col->len);
    }
    return (struct span){from, (size_t)(end - from)};
}

static bool key_text(const struct reader *r, bool last, struct buf *out)
{
    const struct my_table *t = r->range->table;
    const unsigned *key = t->key.at;

    buf_clear(out);
    for (size_t i = 0; i < t->key.count; i++) {
        if (i)
            buf_putc(out, '\t');
        buf_span(out, edge_line(&r->room->cols.cols[key[i]], last));
    }
    return !out->failed;
}

static bool write_segment(struct reader *r, uint64_t rows, struct err *err)
{
    if (!buf_ok(&r->room->joined, err) || !buf_ok(&r->key_from, err) || !buf_ok(&r->key_to, err))
        return false;
    struct segment_raw seg = {
        .stream = r->range->table->stream,
        .seq = ((uint64_t)r->range->number << 32) | r->segments++,
        .records = rows,
        .bytes = buf_view(&r->room->joined),
        .key_from = buf_view(&r->key_from),
        .key_to = buf_view(&r->key_to),
        .like = r->range->like,
    };
    if (!bundle_segment(r->source->conf.writer, &seg, err))
        return false;
    progress_add(r->source->conf.progress, seg.bytes.len);
    return lag_wait(r->source->conf.lag, err) && cmd_stop_check(err);
}

static bool flush(struct reader *r, struct err *err)
{
    struct columns *cols = &r->room->cols;

    if (!cols->rows)
        return true;
    buf_clear(&r->room->joined);
    key_text(r, false, &r->key_from);
    key_text(r, true, &r->key_to);
    if (!columns_join(cols, &r->room->joined, err) || !write_segment(r, cols->rows, err))
        return false;
    columns_clear(cols);
    return true;
}

static void add_value(struct buf *to, const struct my_column *c, struct span value)
{
    if (c->form == MY_FORM_BYTES)
        my_text_add(to, value);
    else
        my_text_plain(to, value);
}

/* A segment of one row is its values, one per line: they need no columns to wait in, and the text
 * is the only copy of them beside the connector's. */
static bool huge_row(struct reader *r, const struct db_row *row, struct err *err)
{
    const struct my_table *t = r->range->table;
    const unsigned *key = t->key.at;
    struct buf *joined = &r->room->joined;

    if (!flush(r, err))
        return false;
    buf_done(joined);
    buf_init(joined, SEGMENT_RAW_MAX);
    for (unsigned i = 0; i < row->count; i++) {
        add_value(joined, &r->columns[i], row->value[i]);
        buf_putc(joined, '\n');
    }
    buf_clear(&r->key_from);
    for (size_t i = 0; i < t->key.count; i++) {
        if (i)
            buf_putc(&r->key_from, '\t');
        add_value(&r->key_from, &r->columns[key[i]], row->value[key[i]]);
    }
    buf_clear(&r->key_to);
    buf_span(&r->key_to, buf_view(&r->key_from));
    if (joined->failed)
        return err_set(err, ERR_UNSUPPORTED,
                       "a row takes more than %zu bytes as text, or there is "
                       "not so much memory",
                       SEGMENT_RAW_MAX);
    bool ok = write_segment(r, 1, err);
    buf_done(joined);
    return ok;
}

static size_t row_bytes(const struct db_row *row)
{
    size_t bytes = 0;

    for (unsigned i = 0; i < row->count; i++)
        bytes += row->value[i].len;
    return bytes;
}

/* A row that was made and deleted within one tick of the session's clock: no query about a moment shows
 * it, and no server takes it. Texts of TIMESTAMP(6) compare as what they say. */
static bool never_was(const struct my_table *t, const struct db_row *row)
{
    if (!my_has_history(t) || row->count <= t->from || row->count <= t->until)
        return false;
    struct span from = row->value[t->from], until = row->value[t->until];
    return from.at && until.at && from.len == until.len && memcmp(from.at, until.at, from.len) >= 0;
}

static bool add_row(void *ctx, const struct db_row *row, struct err *err)
{
    struct reader *r = ctx;
    struct columns *c = &r->room->cols;
    size_t bytes = 0;

    if (never_was(r->range->table, row)) {
        atomic_fetch_add(&r->range->table->never, 1);
        return true;
    }
    if (row_bytes(row) >= HUGE_ROW)
        return huge_row(r, row, err);
    for (unsigned i = 0; i < c->count; i++) {
        struct buf *col = &c->cols[i];
        size_t before = col->len;
        add_value(col, &r->columns[i], row->value[i]);
        if (!buf_putc(col, '\n'))
            return buf_ok(col, err);
        bytes += col->len - before;
    }
    c->rows++;
    c->bytes += c->count ? bytes : 1;
    return c->bytes < r->range->segment_bytes || flush(r, err);
}

static bool read_rows(struct my_source *s, struct db *db, struct reader *r, struct err *err)
{
    AUTO(buf) struct buf sql = {0};

    if (!range_sql(s, r->range, &sql, err))
        return false;
    /* Rolling back to a savepoint gives the table's metadata lock back at once and keeps the
     * snapshot: DDL on production must not wait for the whole dump. */
    return db_exec(db, err, "SAVEPOINT rehearse_range") &&
           db->ops->query(db, buf_view(&sql), add_row, r, NULL, err) && flush(r, err) &&
           db_exec(db, err, "ROLLBACK TO SAVEPOINT rehearse_range");
}

bool my_read_range(void *ctx, void *arg, unsigned worker, struct err *err)
{
    struct my_source *s = ctx;
    const struct my_range *range = arg;
    struct reader r = {.source = s, .range = range, .columns = range->table->columns.at};
    struct db *db = NULL;

    progress_note(s->conf.progress, range->table->name);
    bool ok = rooms_take(s->conf.rooms, (unsigned)range->table->columns.count, &r.room, err) &&
              my_session(s, worker, &db, err) && read_rows(s, db, &r, err);
    reader_done(&r);
    if (!ok)
        return err_add(err, "table '%s'", range->table->name);
    return range->table->transactional || my_lock_release(s, err);
}
