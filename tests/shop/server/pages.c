#include "tests/shop/server/catalog.h"
#include "tests/shop/server/handlers.h"

#include <microhttpd.h>

static const char health_postgresql_sql[] =
#include "tests/shop/server/sql/health_postgresql.sql.h"
    ;
static const char health_mariadb_sql[] =
#include "tests/shop/server/sql/health_mariadb.sql.h"
    ;

static bool not_found(struct request *r, const char *what, struct err *err)
{
    return answer_page(r, MHD_HTTP_NOT_FOUND, "error.html", json_pack("{s:s}", "error", what), err);
}

bool page_home(struct request *r, struct err *err)
{
    json_t *newest, *categories;

    if (!catalog_newest(r->shop, &newest, err))
        return false;
    if (!catalog_categories(r->shop, &categories, err)) {
        json_decref(newest);
        return false;
    }
    return answer_page(r, MHD_HTTP_OK, "home.html",
                       json_pack("{s:o, s:o}", "articles", newest, "categories", categories), err);
}

bool page_categories(struct request *r, struct err *err)
{
    json_t *list;

    return catalog_categories(r->shop, &list, err) &&
           answer_page(r, MHD_HTTP_OK, "categories.html", json_pack("{s:o}", "categories", list),
                       err);
}

bool page_category(struct request *r, struct err *err)
{
    uint64_t page = catalog_page(r);
    json_t *list;

    if (!catalog_list(r->shop, r->arg, page ? page : 1, &list, err))
        return false;
    if (!list)
        return not_found(r, "no such category", err);
    json_int_t pages = json_integer_value(json_object_get(list, "pages"));
    if ((json_int_t)page < pages)
        json_object_set_new(list, "next", json_integer((json_int_t)page + 1));
    return answer_page(r, MHD_HTTP_OK, "category.html", list, err);
}

bool page_article(struct request *r, struct err *err)
{
    AUTO(json) json_t *article = NULL;
    json_t *reviews;

    if (!catalog_article(r->shop, request_id(r), &article, err))
        return false;
    if (!article)
        return not_found(r, "no such article", err);
    if (!catalog_reviews(r->shop, request_id(r), &reviews, err))
        return false;
    json_object_set_new(article, "reviews", reviews);
    return answer_page(r, MHD_HTTP_OK, "article.html", TAKE(article), err);
}

static const char *type_of(const char *name)
{
    static const struct {
        const char *suffix, *type;
    } types[] = {
        {".css", "text/css; charset=utf-8"},
        {".svg", "image/svg+xml"},
        {".txt", "text/plain; charset=utf-8"},
    };

    for (size_t i = 0; i < COUNT(types); i++) {
        if (span_ends(span_of(name), types[i].suffix))
            return types[i].type;
    }
    return "application/octet-stream";
}

/* Only names that were there at the start are served, so no name can climb out of the folder. */
bool serve_static(struct request *r, struct err *err)
{
    struct span text = texts_find(r->shop->statics, r->arg);

    if (!text.at)
        return answer_error(r, MHD_HTTP_NOT_FOUND, "nothing of this name", err);
    buf_span(&r->out, text);
    r->status = MHD_HTTP_OK;
    r->type = type_of(r->arg);
    return buf_ok(&r->out, err);
}

bool health(struct request *r, struct err *err)
{
    struct sql_query ask_postgresql = {.text = health_postgresql_sql};
    struct sql_query ask_mariadb = {.text = health_mariadb_sql};
    AUTO(json) json_t *countries = NULL;
    AUTO(json) json_t *categories = NULL;

    return postgresql_rows(r->shop->postgresql, &ask_postgresql, &countries, err) &&
           mariadb_rows(r->shop->mariadb, &ask_mariadb, &categories, err) &&
           answer_json(r, MHD_HTTP_OK, json_pack("{s:s}", "status", "ok"), err);
}
