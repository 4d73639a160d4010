/* The first byte says which types, the second how many rows; the rest is the segment. Refused, not
 * exact, or rows of the promised number of values; and no value takes more room than promised, which
 * memory of exactly that size shows to the sanitizer. */
#include "restore/pg_binary.h"
#include "restore/pg_binary_value.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const char *const types[] = {"smallint",
                                    "integer",
                                    "bigint",
                                    "boolean",
                                    "real",
                                    "double precision",
                                    "numeric",
                                    "text",
                                    "jsonb",
                                    "bytea",
                                    "uuid",
                                    "date",
                                    "timestamp without time zone",
                                    "timestamp with time zone"};

static const pg_binary_put writers[] = {
    pg_put_int2,   pg_put_int4,    pg_put_int8,      pg_put_bool,       pg_put_float4,
    pg_put_float8, pg_put_numeric, pg_put_text,      pg_put_jsonb,      pg_put_bytea,
    pg_put_uuid,   pg_put_date,    pg_put_timestamp, pg_put_timestamptz};

static void one_value(pg_binary_put put, const uint8_t *bytes, size_t len)
{
    char *text = malloc(len + PG_PUT_BEHIND), *to = malloc(len + PG_PUT_MORE);

    if (!text || !to)
        abort();
    memcpy(text, bytes, len);
    memset(text + len, '9', PG_PUT_BEHIND);
    text[len] = '\n';
    const char *end = put(text, len, to);
    if (end && (end < to || end > to + len + PG_PUT_MORE))
        abort();
    free(text);
    free(to);
}

static void one_segment(unsigned type, uint64_t rows, struct span bytes)
{
    json_t *list = json_pack("[s,s]", types[type], "text");
    struct pg_binary *b = NULL;
    struct buf segment = {0}, out = {0};
    struct err err = {0};
    bool exact = false;

    if (!list || !pg_binary_new(list, &b, &err) || !b || !buf_span(&segment, bytes))
        abort();
    if (pg_binary_rows(b, &segment, rows, &out, &exact, &err) && exact && out.len < rows * 10)
        abort();
    buf_done(&segment);
    buf_done(&out);
    pg_binary_free(b);
    json_decref(list);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len < 2)
        return 0;
    unsigned type = bytes[0] % COUNT(types);
    one_value(writers[type], bytes + 2, len - 2);
    one_segment(type, bytes[1], (struct span){(const char *)bytes + 2, len - 2});
    return 0;
}
