/* Rows of a table from segments of the bundle into LOAD DATA. */
#include "lib/db/values.h"
#include "restore/my.h"
#include "restore/row_name.h"

#include "lib/base/cmd.h"
#include "lib/base/json.h"
#include "lib/bundle/columns.h"

#include <math.h>

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

/* ---- warnings --------------------------------------------------------------------------------*/

/* LOCAL turns errors of single values into warnings. Two kinds are no loss: ENUM and SET hold "" for
 * a value that was refused long ago, and storing that again warns again; and FLOAT(M,D) holds its
 * limit rounded, which may be beyond it. */
struct warnings {
    struct feed *feed;
    const struct db *db;
    size_t from; /* first segment of the load */
    char first[256];
    bool bad;
};

/* Of "Data truncated for column 'name' at row 12", without the name and what follows it. */
static bool parse_place(struct span text, const char *before, struct span *column, uint64_t *row)
{
    static const char between[] = "' at row ";

    if (!span_starts(text, before))
        return false;
    column->at = text.at + strlen(before);
    const char *end = memmem(column->at, text.len - strlen(before), between, sizeof(between) - 1);
    if (!end)
        return false;
    column->len = (size_t)(end - column->at);
    const char *number = end + sizeof(between) - 1;
    return span_u64((struct span){number, (size_t)(text.at + text.len - number)}, row) && *row > 0;
}

/* The column in "... for column 'name' at row 12" or "... for column `db`.`table`.`name` at row 12". */
static bool parse_column(struct span text, struct span *column)
{
    static const char before[] = " for column ", after[] = " at row ";
    const char *from = memmem(text.at, text.len, before, sizeof(before) - 1);
    const char *end = memmem(text.at, text.len, after, sizeof(after) - 1);

    if (!from || !end || end < from + sizeof(before) + 1)
        return false;
    from += sizeof(before) - 1;
    const char *quote = memrchr(from, *from, (size_t)(end - 1 - from));
    if (!quote)
        return false;
    *column = (struct span){quote + 1, (size_t)(end - 1 - (quote + 1))};
    return true;
}

/* The place of a column, and its type; false: there is none that is loaded. */
static bool find_column(const struct stream *s, struct span name, unsigned *at, struct span *type)
{
    const json_t *columns = json_object_get(s->meta, "columns");
    size_t i;
    json_t *c;

    json_array_foreach(columns, i, c)
    {
        const char *shown = json_string_value(json_object_get(c, "name"));
        AUTO(free) char *own = shown ? json_bytes_back(shown, NULL) : NULL;
        if (own && span_is(name, own)) {
            *at = (unsigned)i;
            *type = span_of(json_string_value(json_object_get(c, "type")));
            return true;
        }
    }
    return false;
}

/* Line `n` of the text. */
static struct span nth_line(struct span text, uint64_t n)
{
    struct span line = {0};

    for (uint64_t i = 0; i <= n; i++) {
        if (!span_split(&text, '\n', &line))
            return (struct span){0};
    }
    return line;
}

/* What the bundle holds there; false: it cannot be read, or there is no such row. */
static bool sent_value(struct warnings *w, unsigned column, uint64_t row, struct span *value,
                       struct err *err)
{
    const struct stream *s = w->feed->stream;

    row--;
    for (size_t i = w->from; i < w->feed->end; i++) {
        const struct segment *seg = &s->segments[i];
        if (row >= seg->records) {
            row -= seg->records;
            continue;
        }
        if (!bundle_read(w->feed->target->conf.bundle, seg, &w->feed->raw, err))
            return false;
        *value = nth_line(buf_view(&w->feed->raw), column * seg->records + row);
        return value->at != NULL;
    }
    return false;
}

/* An ENUM or SET that holds "" (or the number 0) in production, too. */
static bool was_empty(struct warnings *w, const struct db_row *row, struct err *err)
{
    struct span column, type, value;
    unsigned place;
    uint64_t at;

    return parse_place(row->value[2], "Data truncated for column '", &column, &at) &&
           find_column(w->feed->stream, column, &place, &type) && type.at &&
           (span_starts(type, "enum(") || span_starts(type, "set(")) &&
           sent_value(w, place, at, &value, err) && (!value.len || span_is(value, "0"));
}

/* "float(30,0)": the greatest number of so many digits, as the server makes it. */
static bool limit_of(struct span type, double *limit)
{
    uint64_t digits = 0, decimals = 0;
    struct span kind, first, second;

    if (!span_split(&type, '(', &kind) || !span_split(&type, ',', &first) ||
        !span_split(&type, ')', &second) || !span_u64(first, &digits) ||
        !span_u64(second, &decimals) || decimals > digits || digits > 255)
        return false;
    *limit = pow(10, (double)(digits - decimals)) - pow(10, -(double)decimals);
    return true;
}

/* A FLOAT(M,D) or DOUBLE(M,D) at its limit: that is stored again, and is what was sent. */
static bool was_limit(struct warnings *w, const struct db_row *row, struct err *err)
{
    struct span column, type, value;
    unsigned place;
    uint64_t at;
    double limit;

    if (!parse_place(row->value[2], "Out of range value for column '", &column, &at) ||
        !find_column(w->feed->stream, column, &place, &type) || !type.at ||
        !limit_of(type, &limit) || !sent_value(w, place, at, &value, err))
        return false;
    AUTO(free) char *text = span_dup(value);
    double sent = text ? strtod(text, NULL) : 0;
    if (sent < 0 && memmem(type.at, type.len, "unsigned", strlen("unsigned")))
        return false;
    sent = fabs(sent);
    return span_starts(type, "float(") ? (float)sent == (float)limit
                                       : span_starts(type, "double(") && sent == limit;
}

/* A generated column is computed from what is loaded, as it was on the source: what its expression
 * warns of changes no value that is loaded. */
static bool is_generated(const struct warnings *w, const struct db_row *row)
{
    static const char *const expressions[] = {"1292",
                                              "1365"}; /* truncated operand, division by 0 */
    struct span column, type;
    unsigned place;

    if (parse_column(row->value[2], &column))
        return !find_column(w->feed->stream, column, &place, &type);
    for (size_t i = 0; i < COUNT(expressions); i++)
        if (span_is(row->value[1], expressions[i]))
            return true;
    return false;
}

static bool show_warning(struct warnings *w, const struct db_row *row, struct err *err)
{
    AUTO(buf) struct buf text = {0};

    values_warning(w->db, row, &text);
    snprintf(w->first, sizeof(w->first), "%s", buf_str(&text));
    return buf_ok(&text, err);
}

static bool judge_warning(void *ctx, const struct db_row *row, struct err *err)
{
    struct warnings *w = ctx;

    if (w->bad || row->count < 3 || is_generated(w, row) || was_empty(w, row, err) ||
        was_limit(w, row, err))
        return true;
    w->bad = true;
    return show_warning(w, row, err);
}

static bool check_warnings(struct warnings *w, struct db *db, struct err *err)
{
    AUTO(buf) struct buf count = {0};

    if (!db_value(db, &count, err, "SELECT @@warning_count"))
        return false;
    if (!strcmp(buf_str(&count), "0"))
        return true;
    if (!db_rows(db, judge_warning, w, err, "SHOW WARNINGS"))
        return false;
    return !w->bad || err_set(err, ERR_SQL, "values were changed while loading: %s", w->first);
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

bool my_load(struct my_target *t, const struct my_target_table *table, struct db *db, size_t from,
             size_t to, struct err *err)
{
    AUTO(feed) struct feed f = {.target = t, .stream = table->stream, .at = from, .end = to};
    uint64_t expected = 0, loaded = 0, before = 0;

    for (size_t i = 0; i < to; i++)
        *(i < from ? &before : &expected) += table->stream->segments[i].records;
    progress_note(t->conf.progress, table->name);
    struct warnings w = {.feed = &f, .db = db, .from = from};
    bool ok = db->ops->copy_in(db, span_of(table->load), give, &f, &loaded, err) &&
              check_warnings(&w, db, err);
    if (ok && loaded != expected)
        ok = err_set(err, ERR_SQL, "%llu rows were sent, %llu are stored",
                     (unsigned long long)expected, (unsigned long long)loaded);
    return ok || blame_row(t, table, from, before, err);
}
