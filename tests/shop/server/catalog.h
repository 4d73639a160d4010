/* The catalog: categories, articles and their reviews, read from MariaDB.
 *
 * Each gives a new reference; *out is NULL when there is no such thing. */
#ifndef TESTS_SHOP_SERVER_CATALOG_H
#define TESTS_SHOP_SERVER_CATALOG_H

#include "tests/shop/server/web.h"

enum { REVIEWS_SHOWN = 10 };

/* {slug, name, total, page, pages, items: [..]} */
bool catalog_list(const struct shop *shop, const char *slug, uint64_t page, json_t **out,
                  struct err *err);
bool catalog_article(const struct shop *shop, int64_t id, json_t **out, struct err *err);
bool catalog_reviews(const struct shop *shop, int64_t id, json_t **out, struct err *err);
bool catalog_categories(const struct shop *shop, json_t **out, struct err *err);
bool catalog_newest(const struct shop *shop, json_t **out, struct err *err);

/* The query argument `page`, from 1; 0 when it is not a number. */
uint64_t catalog_page(const struct request *r);

#endif
