#include "restore/row_name.h"

#include "lib/bundle/columns.h"
#include "lib/sql/split.h"
#include "restore/pg.h"

#define VALUE_SHOWN 60

uint64_t row_number(const char *message, const char *before)
{
    const char *at = strstr(message, before);
    uint64_t number = 0;

    if (!at)
        return 0;
    at += strlen(before);
    span_u64((struct span){at, strspn(at, "0123456789")}, &number);
    return number;
}

struct span row_key_columns(struct span sql)
{
    struct span rest = sql, token, before = {0};

    while (sql_token_next(SQL_POSTGRESQL, &rest, &token) != SQL_END) {
        bool key = span_is_nocase(before, "primary") && span_is_nocase(token, "key");
        before = token;
        if (!key || sql_token_next(SQL_POSTGRESQL, &rest, &token) == SQL_END ||
            !span_is(token, "("))
            continue;
        const char *end = memchr(rest.at, ')', rest.len);
        return end ? (struct span){rest.at, (size_t)(end - rest.at)} : (struct span){0};
    }
    return (struct span){0};
}

/* The values of a row in the order of the columns. */
static struct span value_at(struct span row, size_t column)
{
    struct span value = {0};

    for (size_t i = 0; i <= column; i++)
        if (!span_split(&row, '\t', &value))
            return (struct span){0};
    return value;
}

static void add_value(struct buf *out, const char *column, struct span value)
{
    bool cut = value.len > VALUE_SHOWN;

    buf_printf(out, "%s%s=%.*s%s", *buf_str(out) ? ", " : "", column,
               (int)(cut ? VALUE_SHOWN : value.len), value.at, cut ? "..." : "");
}

static const char *name_of(const json_t *column)
{
    return json_string_value(json_is_object(column) ? json_object_get(column, "name") : column);
}

static bool in_key(struct span key, const char *column)
{
    AUTO(buf) struct buf name = {0};
    struct span rest = key, token;

    while (sql_token_next(SQL_POSTGRESQL, &rest, &token) != SQL_END)
        if (pg_name(token, &name) && strcmp(buf_str(&name), column) == 0)
            return true;
    return false;
}

static void add_values(const struct stream *s, struct span row, struct span key, struct buf *out)
{
    const json_t *columns = json_object_get(s->meta, "columns"), *c;
    AUTO(buf) struct buf values = {0};
    size_t i;

    json_array_foreach(columns, i, c)
    {
        if (name_of(c) && in_key(key, name_of(c)))
            add_value(&values, name_of(c), value_at(row, i));
    }
    c = json_array_get(columns, 0);
    if (!values.len && c && name_of(c))
        add_value(&values, name_of(c), value_at(row, 0));
    if (values.len)
        buf_printf(out, " (%s)", buf_str(&values));
}

static bool add_key(const struct stream *s, struct span key, struct buf *out)
{
    const json_t *columns = json_object_get(s->meta, "columns"), *c;
    const char *lead = " (key ";
    size_t i;

    json_array_foreach(columns, i, c)
    {
        if (!name_of(c) || !in_key(key, name_of(c)))
            continue;
        buf_printf(out, "%s%s", lead, name_of(c));
        lead = ", ";
    }
    return buf_puts(out, *lead == ',' ? ")" : "");
}

bool row_name(struct bundle *bundle, const struct stream *s, size_t from, uint64_t number,
              struct span key, bool values, struct buf *out)
{
    AUTO(buf) struct buf raw = {0}, rows = {0};
    struct err ignored = {0};
    uint64_t before = 0, left = number;
    struct span rest, row = {0};

    for (size_t i = 0; i < from; i++)
        before += s->segments[i].records;
    buf_printf(out, "row %llu", (unsigned long long)(before + number));
    if (!values)
        return add_key(s, key, out);
    size_t at = from;
    while (at < s->segment_count && left > s->segments[at].records)
        left -= s->segments[at++].records;
    if (at == s->segment_count || !left || !bundle_read(bundle, &s->segments[at], &raw, &ignored) ||
        !columns_to_rows(buf_view(&raw), bundle_columns(s), s->segments[at].records, &rows,
                         &ignored))
        return !out->failed;
    rest = buf_view(&rows);
    while (left--)
        span_split(&rest, '\n', &row);
    add_values(s, row, key, out);
    return !out->failed;
}
