#include "restore/pg_weight.h"

#include "lib/base/auto.h"
#include "lib/sql/split.h"
#include "restore/pg.h"

#define WEIGHT_READ  2
#define WEIGHT_OTHER 2 /* a key of any other type */

/* tuplesort.c: what one run takes while it is merged with others, and what a row takes beside its key.
 * A key is taken for a quarter of its row at most: a longer one costs a second merge, no more. */
#define SORT_RUN_BYTES ((uint64_t)272 << 10)
#define SORT_ROW_BYTES 64
#define SORT_MIN_KB    8192u
#define SORT_MAX_KB    (1u << 20)

static const struct {
    const char *type; /* how its name begins */
    unsigned weight;
} by_type[] = {{"text", 5}, {"character", 5}, {"numeric", 5}, {"uuid", 3}};

/* Against a btree of the same columns. */
static const struct {
    const char *method;
    unsigned times;
} by_method[] = {{"gin", 6}, {"gist", 6}, {"spgist", 4}};

static unsigned weight_of_type(const char *type)
{
    for (size_t i = 0; type && i < COUNT(by_type); i++)
        if (strncmp(type, by_type[i].type, strlen(by_type[i].type)) == 0)
            return by_type[i].weight;
    return WEIGHT_OTHER;
}

/* 0: the token names no column. */
static unsigned weight_of_name(struct span token, const json_t *columns, const json_t *types)
{
    AUTO(buf) struct buf name = {0};

    if (!pg_name(token, &name))
        return 0;
    for (size_t i = 0; i < json_array_size(columns); i++) {
        const char *column = json_string_value(json_array_get(columns, i));
        if (column && strcmp(column, buf_str(&name)) == 0)
            return weight_of_type(json_string_value(json_array_get(types, i)));
    }
    return 0;
}

/* The word behind USING; .at NULL when there is none. */
static struct span method_of(struct span sql)
{
    struct span rest = sql, token;
    enum sql_token kind;
    bool using = false;

    while ((kind = sql_token_next(SQL_POSTGRESQL, &rest, &token)) != SQL_END) {
        if (using)
            return token;
        if (kind == SQL_PUNCT && span_is(token, "("))
            break;
        using = kind == SQL_WORD &&span_is_nocase(token, "using");
    }
    return (struct span){0};
}

/* Runs of m bytes are bytes / m; m / SORT_RUN_BYTES of them are merged at once. */
unsigned pg_index_memory_kb(struct span sql, uint64_t rows, uint64_t bytes)
{
    struct span method = method_of(sql);
    uint64_t all = bytes / 4 + rows * SORT_ROW_BYTES, kb = SORT_MIN_KB;

    if (all >> 10 <= SORT_MIN_KB || (method.at && !span_is_nocase(method, "btree")))
        return 0;
    while (kb < SORT_MAX_KB && (kb << 10) * ((kb << 10) / SORT_RUN_BYTES) < all)
        kb += kb / 4;
    return kb < SORT_MAX_KB ? (unsigned)kb : SORT_MAX_KB;
}

static unsigned times_of(struct span method)
{
    for (size_t i = 0; i < COUNT(by_method); i++)
        if (span_is_nocase(method, by_method[i].method))
            return by_method[i].times;
    return 1;
}

unsigned pg_index_weight(struct span sql, const json_t *columns, const json_t *types)
{
    unsigned weight = WEIGHT_READ, times = 1, depth = 0;
    struct span rest = sql, token;
    enum sql_token kind;
    bool done = false, using = false;

    while (!done && (kind = sql_token_next(SQL_POSTGRESQL, &rest, &token)) != SQL_END) {
        if (using)
            times = times_of(token);
        using = kind == SQL_WORD && !depth && span_is_nocase(token, "using");
        if (kind == SQL_PUNCT && span_is(token, "("))
            depth++;
        else if (kind == SQL_PUNCT && span_is(token, ")"))
            done = depth <= 1 || --depth == 0;
        else if (depth && (kind == SQL_WORD || kind == SQL_QUOTED_NAME))
            weight += weight_of_name(token, columns, types);
    }
    return (weight > WEIGHT_READ ? weight : WEIGHT_READ + WEIGHT_OTHER) * times;
}
