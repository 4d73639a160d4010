/* Queries of the shop: SQL with parameters in, rows as JSON out.
 *
 * A row is an object with a member per column, named as the column. Integers become integers, text
 * and exact decimals strings (money must not pass through a double), floating point reals, booleans
 * booleans, JSON columns their value, NULL null. The column list of a query is therefore the shape
 * of the answer.
 * Parameters never become part of the text. Errors: the server's primary message only; details
 * may quote values.
 */
#ifndef TESTS_SHOP_SERVER_SQL_H
#define TESTS_SHOP_SERVER_SQL_H

#include "lib/base/err.h"
#include "tests/shop/server/pool.h"

#include <jansson.h>
#include <stdint.h>

enum { SQL_ARGS_MAX = 8 };

struct sql_arg {
    const char *text; /* NULL: the number */
    int64_t number;
};

struct sql_query {
    const char *text; /* a constant: prepared statements are remembered by its address */
    struct sql_arg args[SQL_ARGS_MAX];
    unsigned count;
};

static inline struct sql_arg arg_text(const char *text)
{
    return (struct sql_arg){.text = text ? text : ""};
}
static inline struct sql_arg arg_number(int64_t number)
{
    return (struct sql_arg){.number = number};
}

void sql_library_done(void); /* at the end of the program, when no connection is left */

extern const struct pool_ops postgresql_ops, mariadb_ops;

/* A new array of rows. */
bool postgresql_rows(struct pool *p, const struct sql_query *query, json_t **rows, struct err *err);
bool mariadb_rows(struct pool *p, const struct sql_query *query, json_t **rows, struct err *err);

#endif
