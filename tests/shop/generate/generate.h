/* The generator's tables: how many, and what each row holds.
 *
 * A row is written as one or more lines of tab-separated text, the form that COPY and LOAD DATA
 * share: \t, \n, \r and \\ escaped by a backslash, \N for NULL. Pure: the same (seed, factor) give
 * the same bytes.
 */
#ifndef TESTS_SHOP_GENERATE_GENERATE_H
#define TESTS_SHOP_GENERATE_GENERATE_H

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "tests/shop/common/random.h"

#include <stdint.h>

struct scale {
    uint64_t seed, day;
    double factor;
    uint64_t customers, orders, articles, reviews, brands;
};

/* day 1: the first rows; a later one: the 1 % that it adds. */
struct scale scale_of(double factor, uint64_t seed, uint64_t day);

struct gen_table {
    const char *name;
    /* PostgreSQL: "(a, b)". MariaDB: "(a, @b) SET b = f(@b)". */
    const char *columns;
    uint64_t (*count)(const struct scale *s); /* calls of `rows` on day 1, n = 1 .. count */
    void (*rows)(const struct scale *s, uint64_t n, struct buf *out);
};

extern const struct gen_table postgresql_tables[], mariadb_tables[]; /* NULL name at the end */

/* The calls of `rows` on the scale's day: n = *first .. *last; none when *last < *first. */
void gen_span(const struct gen_table *t, const struct scale *s, uint64_t *first, uint64_t *last);

bool postgresql_fill(const char *conninfo, const struct scale *s, struct err *err);
bool mariadb_fill(const char *socket, const char *user, const char *database, const struct scale *s,
                  struct err *err);

/* One field each, with the tab behind it; line_end() turns the last tab into the line's end. */
void put_text(struct buf *out, const char *text);
void put_number(struct buf *out, int64_t number);
void put_cents(struct buf *out, int64_t cents);
void put_null(struct buf *out);
/* "2024-03-01 12:00:00" and, with micros, ".123456" of that many seconds after 2023-01-01 UTC. */
void put_time(struct buf *out, uint64_t seconds, bool micros, uint64_t fraction);
void put_date(struct buf *out, int64_t days); /* after 2023-01-01 */
void line_end(struct buf *out);

/* What both databases must agree on. */
int64_t article_cents(const struct scale *s, uint64_t article);
void article_title(const struct scale *s, uint64_t article, char *out, size_t size);

/* Streams, one per use. */
enum dice_use {
    DICE_CUSTOMER = 1,
    DICE_SESSION,
    DICE_ORDER,
    DICE_BRAND,
    DICE_ARTICLE,
    DICE_PRICE,
    DICE_REVIEW,
    DICE_HISTORY,
    DICE_TITLE
};

#endif
