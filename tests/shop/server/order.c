#include "tests/shop/server/handlers.h"
#include "tests/shop/server/session.h"

#include <ctype.h>
#include <microhttpd.h>

static const char cart_sql[] =
#include "tests/shop/server/sql/cart.sql.h"
    ;
static const char cart_put_sql[] =
#include "tests/shop/server/sql/cart_put.sql.h"
    ;
static const char cart_articles_sql[] =
#include "tests/shop/server/sql/cart_articles.sql.h"
    ;
static const char cart_totals_sql[] =
#include "tests/shop/server/sql/cart_totals.sql.h"
    ;
static const char order_place_sql[] =
#include "tests/shop/server/sql/order_place.sql.h"
    ;
static const char order_sql[] =
#include "tests/shop/server/sql/order.sql.h"
    ;
static const char order_lines_sql[] =
#include "tests/shop/server/sql/order_lines.sql.h"
    ;

#define QUANTITY_MAX 99
#define UUID_LEN     36

/* What is in the cart by PostgreSQL, priced by MariaDB: [{article, title, quantity, price, amount}] */
static bool priced(const struct shop *shop, json_t *wanted, json_t **out, struct err *err)
{
    AUTO(free) char *text = json_dumps(wanted, JSON_COMPACT);
    if (!text)
        return err_memory(err);
    struct sql_query q = {cart_articles_sql, {arg_text(text)}, 1};
    return mariadb_rows(shop->mariadb, &q, out, err);
}

static bool cart_items(struct request *r, const struct session *s, json_t **out, struct err *err)
{
    struct sql_query q = {cart_sql, {arg_text(s->id)}, 1};
    AUTO(json) json_t *wanted = NULL;

    if (!s->row) {
        *out = json_array();
        return *out || err_memory(err);
    }
    return postgresql_rows(r->shop->postgresql, &q, &wanted, err) &&
           priced(r->shop, wanted, out, err);
}

/* {subtotal, shipping, tax, total}; *out is NULL for a country that nothing is sent to. */
static bool totals(struct request *r, const struct session *s, const char *items, json_t **out,
                   struct err *err)
{
    struct sql_query q = {cart_totals_sql, {arg_text(items), arg_text(s->country)}, 2};
    AUTO(json) json_t *rows = NULL;

    if (!postgresql_rows(r->shop->postgresql, &q, &rows, err))
        return false;
    *out = json_incref(json_array_get(rows, 0));
    return true;
}

static bool cart_show(struct request *r, unsigned status, const struct session *s, struct err *err)
{
    AUTO(json) json_t *items = NULL;
    AUTO(json) json_t *sums = NULL;
    AUTO(free) char *text = NULL;

    if (!cart_items(r, s, &items, err))
        return false;
    text = json_dumps(items, JSON_COMPACT);
    if (!text)
        return err_memory(err);
    if (!totals(r, s, text, &sums, err))
        return false;
    json_t *cart = json_pack("{s:O, s:s}", "items", items, "currency", r->shop->conf->currency);
    if (sums)
        json_object_update(cart, sums);
    return answer_json(r, status, cart, err);
}

bool api_cart(struct request *r, struct err *err)
{
    AUTO(session) struct session s = {0};

    return session_find(r, &s, err) && cart_show(r, MHD_HTTP_OK, &s, err);
}

static bool article_is_sold(struct request *r, json_int_t article, bool *sold, struct err *err)
{
    AUTO(json) json_t *wanted = json_pack("[{s:I, s:i}]", "article", article, "quantity", 1);
    AUTO(json) json_t *found = NULL;

    if (!wanted)
        return err_memory(err);
    if (!priced(r->shop, wanted, &found, err))
        return false;
    *sold = json_array_size(found) == 1;
    return true;
}

bool api_cart_put(struct request *r, struct err *err)
{
    AUTO(json) json_t *body = request_json(r);
    AUTO(session) struct session s = {0};
    AUTO(json) json_t *rows = NULL;
    json_int_t article, quantity;
    bool sold = false;

    if (!body)
        return true;
    if (json_unpack(body, "{s:I, s:I}", "article", &article, "quantity", &quantity) != 0 ||
        article < 1 || article > INT32_MAX || quantity < 1 || quantity > QUANTITY_MAX)
        return answer_error(r, MHD_HTTP_BAD_REQUEST, "needs article and quantity (1 to 99)", err);
    if (!article_is_sold(r, article, &sold, err))
        return false;
    if (!sold)
        return answer_error(r, MHD_HTTP_UNPROCESSABLE_CONTENT, "no such article", err);
    if (!session_need(r, &s, err))
        return false;
    struct sql_query q = {
        cart_put_sql, {arg_text(s.id), arg_number(article), arg_number(quantity)}, 3};
    return postgresql_rows(r->shop->postgresql, &q, &rows, err) &&
           cart_show(r, MHD_HTTP_OK, &s, err);
}

static bool place(struct request *r, const struct session *s, const char *payment, json_t *items,
                  struct err *err)
{
    AUTO(free) char *lines = json_dumps(items, JSON_COMPACT);
    AUTO(json) json_t *sums = NULL;
    AUTO(free) char *money = NULL;
    AUTO(json) json_t *rows = NULL;

    if (!lines)
        return err_memory(err);
    if (!totals(r, s, lines, &sums, err))
        return false;
    if (!sums)
        return answer_error(r, MHD_HTTP_UNPROCESSABLE_CONTENT, "nothing is sent there", err);
    money = json_dumps(sums, JSON_COMPACT);
    if (!money)
        return err_memory(err);
    struct sql_query q = {order_place_sql,
                          {arg_number(s->customer), arg_text(s->country), arg_text(payment),
                           arg_text(money), arg_text(lines), arg_text(s->id)},
                          6};
    if (!postgresql_rows(r->shop->postgresql, &q, &rows, err))
        return false;
    json_t *order = json_array_get(rows, 0);
    snprintf(r->location, sizeof(r->location), "/api/orders/%s",
             json_string_value(json_object_get(order, "id")));
    return answer_json(r, MHD_HTTP_CREATED, json_incref(order), err);
}

static bool is_payment(const char *payment)
{
    static const char *const known[] = {"invoice", "card", "transfer"};

    for (size_t i = 0; i < COUNT(known); i++) {
        if (strcmp(known[i], payment) == 0)
            return true;
    }
    return false;
}

bool api_order_place(struct request *r, struct err *err)
{
    AUTO(json) json_t *body = request_json(r);
    AUTO(session) struct session s = {0};
    AUTO(json) json_t *items = NULL;
    const char *payment;

    if (!body)
        return true;
    if (!session_find(r, &s, err))
        return false;
    if (!s.customer)
        return answer_error(r, MHD_HTTP_UNAUTHORIZED, "log in first", err);
    if (json_unpack(body, "{s:s}", "payment", &payment) != 0 || !is_payment(payment))
        return answer_error(r, MHD_HTTP_BAD_REQUEST, "needs payment: invoice, card or transfer",
                            err);
    if (!cart_items(r, &s, &items, err))
        return false;
    if (json_array_size(items) == 0)
        return answer_error(r, MHD_HTTP_CONFLICT, "the cart is empty", err);
    return place(r, &s, payment, items, err);
}

static bool is_uuid(const char *text)
{
    if (strlen(text) != UUID_LEN)
        return false;
    for (size_t i = 0; i < UUID_LEN; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
            return false;
    }
    return true;
}

bool api_order(struct request *r, struct err *err)
{
    AUTO(session) struct session s = {0};
    AUTO(json) json_t *rows = NULL;
    json_t *lines = NULL;

    if (!session_find(r, &s, err))
        return false;
    if (!s.customer)
        return answer_error(r, MHD_HTTP_UNAUTHORIZED, "log in first", err);
    if (!is_uuid(r->arg))
        return answer_error(r, MHD_HTTP_NOT_FOUND, "no such order", err);
    struct sql_query q = {order_sql, {arg_text(r->arg), arg_number(s.customer)}, 2};
    if (!postgresql_rows(r->shop->postgresql, &q, &rows, err))
        return false;
    json_t *order = json_array_get(rows, 0);
    if (!order)
        return answer_error(r, MHD_HTTP_NOT_FOUND, "no such order", err);
    struct sql_query of = {order_lines_sql, {arg_text(r->arg)}, 1};
    if (!postgresql_rows(r->shop->postgresql, &of, &lines, err))
        return false;
    json_object_set_new(order, "lines", lines);
    return answer_json(r, MHD_HTTP_OK, json_incref(order), err);
}
