#include "tests/shop/traffic/visit.h"

#include "lib/base/json.h"
#include "tests/shop/common/random.h"
#include "tests/shop/common/words.h"

#include <curl/curl.h>
#include <inttypes.h>

#define DICE_VISIT      100
#define BUYERS_PERCENT  50
#define TYPO_PERCENT    10 /* of those who log in, for the first try */
#define LOST_PERCENT    5  /* follow a link to an article that is gone */
#define NO_SUCH_ARTICLE 999999999
#define PAGES_LOOKED_AT 3

struct visitor {
    struct client *client;
    const struct visitors *all;
    uint64_t number;
    struct dice dice;
    struct err *err;
};

static bool get(struct visitor *v, const char *path)
{
    return client_ask(v->client, path, NULL, 200, NULL, v->err);
}

static bool get_number(struct visitor *v, const char *format_before, int64_t number,
                       const char *after)
{
    char path[160];

    snprintf(path, sizeof(path), "%s%" PRId64 "%s", format_before, number, after);
    return get(v, path);
}

/* One of the articles that a list showed; 0 when it showed none. */
static int64_t pick(struct visitor *v, const json_t *list)
{
    const json_t *items = json_object_get(list, "items");
    size_t count = json_array_size(items);

    if (count == 0)
        return 0;
    const json_t *one = json_array_get(items, dice_below(&v->dice, count));
    return json_integer_value(json_object_get(one, "id"));
}

static bool browse(struct visitor *v, int64_t *article)
{
    AUTO(json) json_t *list = NULL;
    const struct category *c = &categories[3 + dice_below(&v->dice, categories_count - 3)];
    char path[160];

    snprintf(path, sizeof(path), "/categories/%s", c->slug);
    if (!get(v, path))
        return false;
    snprintf(path, sizeof(path), "/api/articles?category=%s&page=%d", c->slug,
             1 + (int)dice_below(&v->dice, PAGES_LOOKED_AT));
    if (!client_ask(v->client, path, NULL, 200, &list, v->err))
        return false;
    *article = pick(v, list);
    return true;
}

static bool search(struct visitor *v, int64_t *article)
{
    AUTO(json) json_t *list = NULL;
    const char *words = word(&search_words, dice_next(&v->dice));
    AUTO(buf) struct buf path = {0};
    char *escaped = curl_easy_escape(NULL, words, 0);

    buf_printf(&path, "/api/search?q=%s", escaped ? escaped : "");
    curl_free(escaped);
    if (!buf_ok(&path, v->err) || !client_ask(v->client, buf_str(&path), NULL, 200, &list, v->err))
        return false;
    *article = pick(v, list);
    return true;
}

static bool look_at(struct visitor *v, int64_t article)
{
    if (article == 0)
        return true;
    return get_number(v, "/articles/", article, "") &&
           get_number(v, "/api/articles/", article, "") &&
           get_number(v, "/api/articles/", article, "/reviews");
}

static bool put_in_cart(struct visitor *v, int64_t article)
{
    if (article == 0)
        return true;
    json_t *body = json_pack("{s:I, s:I}", "article", (json_int_t)article, "quantity",
                             (json_int_t)(1 + dice_below(&v->dice, 3)));
    return client_ask(v->client, "/api/cart", body, 200, NULL, v->err);
}

static bool log_in(struct visitor *v)
{
    char email[80], password[80];
    /* Every customer once before one comes again. */
    uint64_t customer = 1 + v->number % v->all->customers;

    customer_email(customer, email, sizeof(email));
    customer_password(customer, password, sizeof(password));
    if (dice_percent(&v->dice, TYPO_PERCENT) &&
        !client_ask(v->client, "/api/login",
                    json_pack("{s:s, s:s}", "email", email, "password", "incorrect horse"), 401,
                    NULL, v->err))
        return false;
    return client_ask(v->client, "/api/login",
                      json_pack("{s:s, s:s}", "email", email, "password", password), 200, NULL,
                      v->err);
}

static bool order(struct visitor *v)
{
    static const char *const payments[] = {"invoice", "card", "transfer"};
    AUTO(json) json_t *placed = NULL;
    const char *payment = payments[dice_below(&v->dice, COUNT(payments))];
    char path[160];

    if (!client_ask(v->client, "/api/orders", json_pack("{s:s}", "payment", payment), 201, &placed,
                    v->err))
        return false;
    const char *id = json_string_value(json_object_get(placed, "id"));
    if (!id)
        return true;
    client_tally(v->client)->orders++;
    snprintf(path, sizeof(path), "/api/orders/%.60s", id);
    return get(v, path) && get(v, path);
}

static bool buy(struct visitor *v, int64_t first, int64_t second)
{
    if (!put_in_cart(v, first) || !get(v, "/api/cart") || !log_in(v) || !put_in_cart(v, second) ||
        !get(v, "/api/cart") || !order(v))
        return false;
    return client_ask(v->client, "/logout", json_object(), 204, NULL, v->err);
}

static bool stroll(struct visitor *v, int64_t *first, int64_t *second)
{
    if (!get(v, "/") || !get(v, "/static/shop.css") || !get(v, "/categories") ||
        !browse(v, first) || !look_at(v, *first) || !search(v, second) || !look_at(v, *second))
        return false;
    if (!dice_percent(&v->dice, LOST_PERCENT))
        return true;
    char path[64];
    snprintf(path, sizeof(path), "/api/articles/%d", NO_SUCH_ARTICLE);
    return client_ask(v->client, path, NULL, 404, NULL, v->err);
}

bool visit(struct client *c, const struct visitors *all, uint64_t n, struct err *err)
{
    struct visitor v = {c, all, n, dice_of(all->seed, DICE_VISIT, n), err};
    int64_t first = 0, second = 0;

    if (!client_renew(c, err) || !stroll(&v, &first, &second))
        return false;
    if (first && dice_percent(&v.dice, BUYERS_PERCENT) && !buy(&v, first, second))
        return false;
    client_tally(c)->sessions++;
    return true;
}
