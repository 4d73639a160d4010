#include "restore/my_warnings.h"

#include "lib/base/cmd.h"
#include "lib/base/json.h"
#include "lib/base/vec.h"
#include "lib/bundle/columns.h"
#include "lib/db/values.h"

#include <math.h>
#include <stdlib.h>

/* Where the last value of a column was found: warnings come in the order of rows. */
struct cursor {
    const char *at;
    uint64_t row; /* of its segment */
};

struct column {
    char *name;
    struct span type; /* .at is NULL when the bundle does not say it */
};

/* What a warning is of. */
struct place {
    unsigned column;
    struct span type;
    uint64_t row; /* of the load, counted from 1 */
};

struct warnings {
    const struct my_loaded *load;
    const struct db *db;
    size_t segment;     /* that load->raw holds; load->to: none yet */
    uint64_t first;     /* rows of the load before it */
    struct cursor *at;  /* by column */
    struct vec columns; /* struct column: those that are loaded */
    uint64_t seen;
    char told[256];
    bool bad;
};

static void auto_warnings(struct warnings *w)
{
    struct column *c = w->columns.at;

    for (size_t i = 0; i < w->columns.count; i++)
        free(c[i].name);
    vec_done(&w->columns);
    free(w->at);
}

/* ---- the column and the row that a warning is of ----------------------------------------------*/

static bool add_column(struct warnings *w, const json_t *shown, struct err *err)
{
    const char *name = json_string_value(json_object_get(shown, "name"));
    const char *type = json_string_value(json_object_get(shown, "type"));
    struct column *c = vec_add(&w->columns, err);

    if (!c)
        return false;
    *c = (struct column){.name = name ? json_bytes_back(name, NULL) : NULL,
                         .type = type ? span_of(type) : (struct span){0}};
    return c->name || err_memory(err);
}

static bool read_columns(struct warnings *w, struct err *err)
{
    const json_t *columns = json_object_get(w->load->stream->meta, "columns"), *c;
    size_t i;

    json_array_foreach(columns, i, c)
    {
        if (!add_column(w, c, err))
            return false;
    }
    return true;
}

/* Takes the last character off the end of the text, when it is that. */
static bool cut(struct span *text, char c)
{
    if (!text->len || text->at[text->len - 1] != c)
        return false;
    text->len--;
    return true;
}

/* 'name' at the end of the text, or `name` behind the table's, in which a backtick stands twice. What
 * stands before is no help: it may hold the value, and a name may hold quotes. */
static bool ends_with(struct span text, const char *name)
{
    bool backticks = text.len && text.at[text.len - 1] == '`';
    char quote = backticks ? '`' : '\'';

    if (!cut(&text, quote))
        return false;
    for (size_t i = strlen(name); i-- > 0;)
        if (!cut(&text, name[i]) || (backticks && name[i] == '`' && !cut(&text, '`')))
            return false;
    return cut(&text, quote) && (cut(&text, '.') || cut(&text, ' '));
}

/* "... at row 12": takes that off the end. */
static bool cut_row(struct span *text, uint64_t *row)
{
    static const char mark[] = " at row ";
    const size_t len = sizeof(mark) - 1;
    const char *at = memrchr(text->at, ' ', text->len);
    struct span number =
        at ? (struct span){at + 1, (size_t)(text->at + text->len - at - 1)} : (struct span){0};

    if (!at || (size_t)(at + 1 - text->at) < len || memcmp(at + 1 - len, mark, len) != 0 ||
        !span_u64(number, row))
        return false;
    text->len = (size_t)(at + 1 - len - text->at);
    return true;
}

/* ---- what was sent -----------------------------------------------------------------------------*/

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
static bool was_empty(struct warnings *w, const struct place *p, struct span text, struct err *err)
{
    struct span value;

    return span_starts(text, "Data truncated for column ") &&
           (span_starts(p->type, "enum(") || span_starts(p->type, "set(")) &&
           sent_value(w, p->column, p->row, &value, err) && (!value.len || span_is(value, "0"));
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
static bool was_limit(struct warnings *w, const struct place *p, struct span text, struct err *err)
{
    struct span type = p->type, value;
    double limit;

    if (!span_starts(text, "Out of range value for column ") || !limit_of(type, &limit) ||
        !sent_value(w, p->column, p->row, &value, err))
        return false;
    AUTO(free) char *number = span_dup(value);
    double sent = number ? strtod(number, NULL) : 0;
    if (sent < 0 && memmem(type.at, type.len, "unsigned", strlen("unsigned")))
        return false;
    sent = fabs(sent);
    return span_starts(type, "float(") ? (float)sent == (float)limit
                                       : span_starts(type, "double(") && sent == limit;
}

/* Truncated operand, division by 0: of an expression, which names no column. */
static bool is_of_expression(struct span code)
{
    return span_is(code, "1292") || span_is(code, "1365");
}

/* Whether no value that is loaded has changed. A generated column is computed from what is loaded, as it
 * was on the source: what its expression warns of changes none. */
static bool is_harmless(struct warnings *w, const struct db_row *row, struct err *err)
{
    struct span text = row->value[2], head = text;
    const struct column *c = w->columns.at;
    struct place p;

    if (!cut_row(&head, &p.row) ||
        !memmem(head.at, head.len, " for column ", strlen(" for column ")))
        return is_of_expression(row->value[1]);
    for (p.column = 0; p.column < w->columns.count; p.column++) {
        p.type = c[p.column].type;
        if (ends_with(head, c[p.column].name))
            return p.row > 0 && p.type.at &&
                   (was_empty(w, &p, text, err) || was_limit(w, &p, text, err));
    }
    return true;
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
    if (w->bad || row->count < 3 || is_harmless(w, row, err))
        return true;
    w->bad = true;
    return show_warning(w, row, err);
}

bool my_warnings_check(const struct my_loaded *load, struct db *db, bool *unseen, struct err *err)
{
    AUTO(warnings)
    struct warnings w = {
        .load = load, .db = db, .segment = load->to, .columns = VEC(struct column)};
    AUTO(buf) struct buf text = {0};
    uint64_t count = 0;

    if (!db_value(db, &text, err, "SELECT @@warning_count"))
        return false;
    if (!span_u64(buf_view(&text), &count))
        return err_set(err, ERR_UNSUPPORTED, "the server does not count its warnings");
    if (count && !(read_columns(&w, err) && db_rows(db, judge_warning, &w, err, "SHOW WARNINGS")))
        return false;
    if (w.bad)
        return err_set(err, ERR_SQL, "values were changed while loading: %s", w.told);
    *unseen = count > w.seen;
    return true;
}
