#include "tests/shop/server/catalog.h"

#include "tests/shop/server/handlers.h"
#include "tests/shop/server/release.h"

#include <microhttpd.h>

static const char categories_sql[] =
#include "tests/shop/server/sql/categories.sql.h"
    ;
static const char category_sql[] =
#include "tests/shop/server/sql/category.sql.h"
    ;
static const char articles_sql[] =
#include "tests/shop/server/sql/articles.sql.h"
    ;
static const char newest_sql[] =
#include "tests/shop/server/sql/newest.sql.h"
    ;
static const char search_sql[] =
#include "tests/shop/server/sql/search.sql.h"
    ;
static const char reviews_sql[] =
#include "tests/shop/server/sql/reviews.sql.h"
    ;
static const char article_sql[] =
#if RELEASE_RATES_ARTICLES
#include "tests/shop/server/sql/article_rated.sql.h"
#else
#include "tests/shop/server/sql/article.sql.h"
#endif
    ;

#define NEWEST_SHOWN 8
#define PAGES_MAX    10000

/* The release's name for the title, and the shop's currency, which no table holds. */
static bool shape_article(const struct conf *conf, json_t *article)
{
    json_t *title = json_incref(json_object_get(article, "title"));

    json_object_del(article, "title");
    if (!conf->show_ratings)
        json_object_del(article, "rating");
    return json_object_set_new(article, RELEASE_TITLE_KEY, title) == 0 &&
           json_object_set_new(article, "currency", json_string(conf->currency)) == 0;
}

static bool articles(const struct shop *shop, const struct sql_query *query, json_t **out,
                     struct err *err)
{
    AUTO(json) json_t *rows = NULL;
    size_t i;
    json_t *article;

    if (!mariadb_rows(shop->mariadb, query, &rows, err))
        return false;
    json_array_foreach(rows, i, article)
    {
        if (!shape_article(shop->conf, article))
            return err_memory(err);
    }
    *out = TAKE(rows);
    return true;
}

bool catalog_categories(const struct shop *shop, json_t **out, struct err *err)
{
    return mariadb_rows(shop->mariadb, &(struct sql_query){.text = categories_sql}, out, err);
}

bool catalog_newest(const struct shop *shop, json_t **out, struct err *err)
{
    struct sql_query q = {newest_sql, {arg_number(NEWEST_SHOWN)}, 1};
    return articles(shop, &q, out, err);
}

bool catalog_reviews(const struct shop *shop, int64_t id, json_t **out, struct err *err)
{
    struct sql_query q = {reviews_sql, {arg_number(id), arg_number(REVIEWS_SHOWN)}, 2};
    return mariadb_rows(shop->mariadb, &q, out, err);
}

static bool first_or_null(json_t *rows, json_t **out)
{
    *out = json_incref(json_array_get(rows, 0));
    json_decref(rows);
    return true;
}

bool catalog_article(const struct shop *shop, int64_t id, json_t **out, struct err *err)
{
    struct sql_query q = {article_sql, {arg_number(id)}, 1};
    json_t *rows;

    return articles(shop, &q, &rows, err) && first_or_null(rows, out);
}

static bool category(const struct shop *shop, const char *slug, json_t **out, struct err *err)
{
    struct sql_query q = {category_sql, {arg_text(slug)}, 1};
    json_t *rows;

    return mariadb_rows(shop->mariadb, &q, &rows, err) && first_or_null(rows, out);
}

bool catalog_list(const struct shop *shop, const char *slug, uint64_t page, json_t **out,
                  struct err *err)
{
    AUTO(json) json_t *found = NULL;
    int64_t size = (int64_t)shop->conf->page_size;
    json_t *items;

    if (!category(shop, slug, &found, err))
        return false;
    if (!found) {
        *out = NULL;
        return true;
    }
    struct sql_query q = {articles_sql,
                          {arg_number(json_integer_value(json_object_get(found, "id"))),
                           arg_number(size), arg_number(((int64_t)page - 1) * size)},
                          3};
    if (!articles(shop, &q, &items, err))
        return false;
    int64_t total = json_integer_value(json_object_get(found, "total"));
    *out = json_pack("{s:O, s:O, s:I, s:I, s:I, s:o}", "slug", json_object_get(found, "slug"),
                     "name", json_object_get(found, "name"), "total", (json_int_t)total, "page",
                     (json_int_t)page, "pages", (json_int_t)((total + size - 1) / size), "items",
                     items);
    return *out || err_memory(err);
}

uint64_t catalog_page(const struct request *r)
{
    const char *text = request_query(r, "page");
    uint64_t page = 1;

    return !text || (span_u64(span_of(text), &page) && page <= PAGES_MAX) ? page : 0;
}

bool api_categories(struct request *r, struct err *err)
{
    json_t *list;

    return catalog_categories(r->shop, &list, err) &&
           answer_json(r, MHD_HTTP_OK, json_pack("{s:o}", "items", list), err);
}

bool api_articles(struct request *r, struct err *err)
{
    const char *slug = request_query(r, "category");
    uint64_t page = catalog_page(r);
    json_t *list;

    if (!slug || page == 0)
        return answer_error(r, MHD_HTTP_BAD_REQUEST, "needs category=SLUG and page=NUMBER", err);
    if (!catalog_list(r->shop, slug, page, &list, err))
        return false;
    if (!list)
        return answer_error(r, MHD_HTTP_NOT_FOUND, "no such category", err);
    return answer_json(r, MHD_HTTP_OK, list, err);
}

bool api_article(struct request *r, struct err *err)
{
    json_t *article;

    if (!catalog_article(r->shop, request_id(r), &article, err))
        return false;
    if (!article)
        return answer_error(r, MHD_HTTP_NOT_FOUND, "no such article", err);
    return answer_json(r, MHD_HTTP_OK, article, err);
}

bool api_reviews(struct request *r, struct err *err)
{
    json_t *reviews;

    return catalog_reviews(r->shop, request_id(r), &reviews, err) &&
           answer_json(r, MHD_HTTP_OK, json_pack("{s:o}", "items", reviews), err);
}

bool api_search(struct request *r, struct err *err)
{
    const char *words = request_query(r, "q");
    json_t *found;

    if (!words || !words[0])
        return answer_error(r, MHD_HTTP_BAD_REQUEST, "needs q=WORDS", err);
    struct sql_query q = {
        search_sql, {arg_text(words), arg_number((int64_t)r->shop->conf->page_size)}, 2};
    return articles(r->shop, &q, &found, err) &&
           answer_json(r, MHD_HTTP_OK, json_pack("{s:s, s:o}", "q", words, "items", found), err);
}
