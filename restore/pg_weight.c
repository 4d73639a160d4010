#include "restore/pg_weight.h"

#include "lib/base/auto.h"
#include "lib/sql/split.h"
#include "restore/pg.h"

#define WEIGHT_READ  2
#define WEIGHT_OTHER 2 /* a key of any other type */

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
