/* Rows of a table from segments of the bundle into LOAD DATA. */
#include "restore/my.h"
#include "restore/my_warnings.h"
#include "restore/row_name.h"

#include "lib/base/cmd.h"
#include "lib/base/json.h"
#include "lib/bundle/columns.h"

struct feed {
    struct my_target *target;
    const struct stream *stream;
    size_t at, end; /* segments */
    struct buf raw, rows;
};

static void auto_feed(struct feed *f)
{
    buf_done(&f->raw);
    buf_done(&f->rows);
}

/* A segment of one row is that row but for what stands between its values: what is huge is not
 * copied. Newlines inside values are escaped. */
static void lines_to_row(struct buf *raw)
{
    char *end = raw->at + raw->len - 1;

    for (char *at = raw->at; (at = memchr(at, '\n', (size_t)(end - at))); at++)
        *at = '\t';
}

static bool decode(struct feed *f, const struct segment *seg, struct err *err)
{
    buf_clear(&f->rows);
    return bundle_read(f->target->conf.bundle, seg, &f->raw, err) &&
           columns_to_rows(buf_view(&f->raw), bundle_columns(f->stream), seg->records, &f->rows,
                           err);
}

static bool decode_one(struct feed *f, const struct segment *seg, struct span *piece,
                       struct err *err)
{
    if (!bundle_read(f->target->conf.bundle, seg, &f->raw, err))
        return false;
    if (columns_lines(buf_view(&f->raw)) != bundle_columns(f->stream) || !f->raw.len ||
        f->raw.at[f->raw.len - 1] != '\n')
        return err_set(err, ERR_DAMAGED, "the segment is not one row");
    lines_to_row(&f->raw);
    *piece = buf_view(&f->raw);
    return true;
}

static bool give(void *ctx, struct span *piece, struct err *err)
{
    struct feed *f = ctx;

    *piece = (struct span){0};
    while (!piece->len && f->at < f->end) {
        const struct segment *seg = &f->stream->segments[f->at++];
        bool huge = seg->records == 1 && bundle_columns(f->stream) > 0;
        if (!cmd_stop_check(err) || !(huge ? decode_one(f, seg, piece, err) : decode(f, seg, err)))
            return false;
        progress_add(f->target->conf.progress, seg->raw_bytes);
        if (!huge)
            *piece = buf_view(&f->rows);
    }
    return true;
}

/* ---- a load ----------------------------------------------------------------------------------*/

/* The row that the server counted in this load, by its key; else where the load began. */
static bool blame_row(struct my_target *t, const struct my_target_table *table, size_t from,
                      uint64_t before, struct err *err)
{
    const json_t *columns = json_object_get(table->stream->meta, "key"), *c;
    uint64_t row = err ? row_number(err->text, " at row ") : 0;
    AUTO(buf) struct buf name = {0}, key = {0};
    size_t i;

    json_array_foreach(columns, i, c)
        buf_printf(&key, "%s\"%s\"", i ? ", " : "", json_string_value(c));
    if (!row || !row_name(t->conf.bundle, table->stream, from, row, span_of(buf_str(&key)),
                          t->conf.db->show_values, &name))
        return err_add(err, "table '%s', rows from %llu on", table->name,
                       (unsigned long long)before + 1);
    return err_add(err, "table '%s', %s", table->name, buf_str(&name));
}

bool my_load(struct my_target *t, struct my_target_table *table, struct db *db, size_t from,
             size_t to, struct err *err)
{
    AUTO(feed) struct feed f = {.target = t, .stream = table->stream, .at = from, .end = to};
    uint64_t expected = 0, loaded = 0, before = 0;
    bool unseen = false;

    for (size_t i = 0; i < to; i++)
        *(i < from ? &before : &expected) += table->stream->segments[i].records;
    progress_note(t->conf.progress, table->name);
    struct my_loaded load = {
        .bundle = t->conf.bundle, .stream = table->stream, .from = from, .to = to, .raw = &f.raw};
    bool ok = db->ops->copy_in(db, span_of(table->load), give, &f, &loaded, err) &&
              my_warnings_check(&load, db, &unseen, err);
    if (ok && loaded != expected)
        ok = err_set(err, ERR_SQL, "%llu rows were sent, %llu are stored",
                     (unsigned long long)expected, (unsigned long long)loaded);
    if (unseen)
        atomic_store(&table->unseen, true);
    return ok || blame_row(t, table, from, before, err);
}
