#include "restore/my_warnings.h"

#include "lib/base/cmd.h"
#include "lib/base/json.h"
#include "lib/bundle/columns.h"
#include "lib/db/values.h"

#include <math.h>
#include <stdlib.h>

/* Where the last value of a column was found: warnings come in the order of rows. */
struct cursor {
    const char *at;
    uint64_t row; /* of its segment */
};

struct warnings {
    const struct my_loaded *load;
    const struct db *db;
    size_t segment;    /* that load->raw holds; load->to: none yet */
    uint64_t first;    /* rows of the load before it */
    struct cursor *at; /* by column */
    uint64_t seen;
    char told[256];
    bool bad;
};

static void auto_warnings(struct warnings *w)
{
    free(w->at);
}

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

/* Makes it the one that is held. */
static bool hold(struct warnings *w, size_t segment, uint64_t first, struct err *err)
{
    const struct segment *seg = &w->load->stream->segments[segment];
    unsigned columns = bundle_columns(w->load->stream);
    AUTO(free) const char **starts = calloc(columns + 1, sizeof(*starts));

    w->segment = w->load->to;
    if (!w->at)
        w->at = calloc(columns + 1, sizeof(*w->at));
    if (!starts || !w->at)
        return err_memory(err);
    if (!bundle_read(w->load->bundle, seg, w->load->raw, err))
        return false;
    if (!columns_starts(buf_view(w->load->raw), columns, seg->records, starts))
        return err_set(err, ERR_DAMAGED, "the segment is not %llu rows",
                       (unsigned long long)seg->records);
    for (unsigned i = 0; i < columns; i++)
        w->at[i] = (struct cursor){starts[i], 0};
    w->segment = segment;
    w->first = first;
    return true;
}

/* The segment of a row of the load, counted from 0; false: there is none, or it cannot be read. */
static bool find_segment(struct warnings *w, uint64_t row, struct err *err)
{
    const struct my_loaded *l = w->load;
    bool ahead = w->segment < l->to && row >= w->first;
    size_t i = ahead ? w->segment : l->from;
    uint64_t first = ahead ? w->first : 0;

    for (; i < l->to && row - first >= l->stream->segments[i].records; i++)
        first += l->stream->segments[i].records;
    return i < l->to && (i == w->segment || hold(w, i, first, err));
}

/* What the bundle holds there; false: it cannot be read, or there is no such row. */
static bool sent_value(struct warnings *w, unsigned column, uint64_t row, struct span *value,
                       struct err *err)
{
    if (column >= bundle_columns(w->load->stream) || !find_segment(w, --row, err))
        return false;
    struct cursor *c = &w->at[column];
    struct span text = buf_view(w->load->raw);
    const char *end = text.at + text.len;

    row -= w->first;
    if (row < c->row && !hold(w, w->segment, w->first, err))
        return false;
    c->at = columns_skip(c->at, end, row - c->row);
    c->row = row;
    struct span rest = {c->at, (size_t)(end - c->at)};
    return span_split(&rest, '\n', value);
}

/* An ENUM or SET that holds "" (or the number 0) in production, too. */
static bool was_empty(struct warnings *w, const struct db_row *row, struct err *err)
{
    struct span column, type, value;
    unsigned place;
    uint64_t at;

    return parse_place(row->value[2], "Data truncated for column '", &column, &at) &&
           find_column(w->load->stream, column, &place, &type) && type.at &&
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
        !find_column(w->load->stream, column, &place, &type) || !type.at ||
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
        return !find_column(w->load->stream, column, &place, &type);
    for (size_t i = 0; i < COUNT(expressions); i++)
        if (span_is(row->value[1], expressions[i]))
            return true;
    return false;
}

static bool show_warning(struct warnings *w, const struct db_row *row, struct err *err)
{
    AUTO(buf) struct buf text = {0};

    values_warning(w->db, row, &text);
    snprintf(w->told, sizeof(w->told), "%s", buf_str(&text));
    return buf_ok(&text, err);
}

static bool judge_warning(void *ctx, const struct db_row *row, struct err *err)
{
    struct warnings *w = ctx;

    w->seen++;
    if (!cmd_stop_check(err))
        return false;
    if (w->bad || row->count < 3 || is_generated(w, row) || was_empty(w, row, err) ||
        was_limit(w, row, err))
        return true;
    w->bad = true;
    return show_warning(w, row, err);
}

bool my_warnings_check(const struct my_loaded *load, struct db *db, bool *unseen, struct err *err)
{
    AUTO(warnings) struct warnings w = {.load = load, .db = db, .segment = load->to};
    AUTO(buf) struct buf text = {0};
    uint64_t count = 0;

    if (!db_value(db, &text, err, "SELECT @@warning_count"))
        return false;
    if (!span_u64(buf_view(&text), &count))
        return err_set(err, ERR_UNSUPPORTED, "the server does not count its warnings");
    if (count && !db_rows(db, judge_warning, &w, err, "SHOW WARNINGS"))
        return false;
    if (w.bad)
        return err_set(err, ERR_SQL, "values were changed while loading: %s", w.told);
    *unseen = count > w.seen;
    return true;
}
