#include "restore/pg_binary.h"

#include "lib/bundle/columns.h"
#include "lib/bundle/scan.h"
#include "restore/pg_binary_value.h"

#include <endian.h>
#include <stdlib.h>

#define SIGNATURE "PGCOPY\n\377\r\n" /* and its own NUL */

const struct span pg_binary_head = {SIGNATURE "\0\0\0\0\0\0\0\0", sizeof(SIGNATURE) + 8};
const struct span pg_binary_tail = {"\377\377", 2};

struct pg_binary {
    unsigned count;
    pg_binary_put put[]; /* one per column */
};

static const struct {
    const char *type;
    pg_binary_put put;
} puts_by_type[] = {
    {"smallint", pg_put_int2},
    {"integer", pg_put_int4},
    {"bigint", pg_put_int8},
    {"boolean", pg_put_bool},
    {"real", pg_put_float4},
    {"double precision", pg_put_float8},
    {"numeric", pg_put_numeric},
    {"text", pg_put_text},
    {"character varying", pg_put_text},
    {"character", pg_put_text},
    {"bpchar", pg_put_text},
    {"json", pg_put_text},
    {"jsonb", pg_put_jsonb},
    {"bytea", pg_put_bytea},
    {"uuid", pg_put_uuid},
    {"date", pg_put_date},
    {"timestamp without time zone", pg_put_timestamp},
    {"timestamp with time zone", pg_put_timestamptz},
};

/* "timestamp(3) with time zone" is "timestamp with time zone". Types of other schemas, and arrays, are
 * written in a way that is none of the names above. */
static bool type_is(const char *full, const char *name)
{
    const char *open = strchr(full, '('), *close = open ? strchr(open, ')') : NULL;
    size_t head = open ? (size_t)(open - full) : 0;

    if (!open || !close)
        return strcmp(full, name) == 0;
    return strncmp(full, name, head) == 0 && strcmp(close + 1, name + head) == 0;
}

static pg_binary_put put_of(const char *type)
{
    for (size_t i = 0; type && i < COUNT(puts_by_type); i++)
        if (type_is(type, puts_by_type[i].type))
            return puts_by_type[i].put;
    return NULL;
}

bool pg_binary_new(const json_t *types, struct pg_binary **out, struct err *err)
{
    size_t count = json_array_size(types);

    *out = NULL;
    if (count == 0 || count > INT16_MAX)
        return true;
    AUTO(pg_binary)
    struct pg_binary *b = calloc(1, sizeof(*b) + count * sizeof(b->put[0]));
    if (!b)
        return err_memory(err);
    for (b->count = 0; b->count < count; b->count++) {
        b->put[b->count] = put_of(json_string_value(json_array_get(types, b->count)));
        if (!b->put[b->count])
            return true;
    }
    *out = TAKE(b);
    return true;
}

void pg_binary_free(struct pg_binary *b)
{
    free(b);
}

/* A length of 4 bytes, then the value; NULL is the length -1. */
static char *put_value(pg_binary_put put, const char *from, size_t len, char *to)
{
    uint32_t size = htobe32(UINT32_MAX);

    if (len == 2 && from[0] == '\\' && from[1] == 'N') {
        memcpy(to, &size, sizeof(size));
        return to + sizeof(size);
    }
    char *end = put(from, len, to + sizeof(size));
    if (!end)
        return NULL;
    size = htobe32((uint32_t)(end - to - (ptrdiff_t)sizeof(size)));
    memcpy(to, &size, sizeof(size));
    return end;
}

/* There is a newline, and a whole step behind it may be read. */
static const char *line_end(const char *p)
{
    unsigned mask;

    while (!(mask = scan_mask(p, '\n')))
        p += SCAN_STEP;
    return p + scan_first(mask);
}

static char *put_row(const struct pg_binary *b, const char **next, char *to)
{
    uint16_t count = htobe16((uint16_t)b->count);

    memcpy(to, &count, sizeof(count));
    to += sizeof(count);
    for (unsigned i = 0; i < b->count && to; i++) {
        const char *from = next[i], *end = line_end(from);

        to = put_value(b->put[i], from, (size_t)(end - from), to);
        next[i] = end + 1;
    }
    return to;
}

bool pg_binary_rows(const struct pg_binary *b, struct buf *segment, uint64_t rows, struct buf *out,
                    bool *exact, struct err *err)
{
    AUTO(free) const char **next = calloc(b->count, sizeof(*next));
    size_t most = segment->len + rows * (2 + (size_t)b->count * (4 + PG_PUT_MORE));

    if (!next)
        return err_memory(err);
    buf_clear(out);
    if (!buf_reserve(segment, PG_PUT_BEHIND))
        return buf_ok(segment, err);
    if (!columns_starts(buf_view(segment), b->count, rows, next))
        return err_set(err, ERR_DAMAGED, "the segment is not %llu rows of %u columns",
                       (unsigned long long)rows, b->count);
    if (!buf_reserve(out, most))
        return buf_ok(out, err);
    char *to = out->at;
    for (uint64_t row = 0; row < rows && to; row++)
        to = put_row(b, next, to);
    *exact = to != NULL;
    out->len = to ? (size_t)(to - out->at) : 0;
    return true;
}
