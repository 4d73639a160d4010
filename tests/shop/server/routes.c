#include "tests/shop/server/handlers.h"

const struct route routes[] = {
    {"GET", "/", page_home},
    {"GET", "/categories", page_categories},
    {"GET", "/categories/{}", page_category},
    {"GET", "/articles/{}", page_article},
    {"GET", "/static/{}", serve_static},
    {"GET", "/api/categories", api_categories},
    {"GET", "/api/articles", api_articles},
    {"GET", "/api/articles/{}", api_article},
    {"GET", "/api/articles/{}/reviews", api_reviews},
    {"GET", "/api/search", api_search},
    {"POST", "/api/login", api_login},
    {"POST", "/logout", api_logout},
    {"GET", "/api/cart", api_cart},
    {"POST", "/api/cart", api_cart_put},
    {"POST", "/api/orders", api_order_place},
    {"GET", "/api/orders/{}", api_order},
    {"GET", "/healthz", health},
    {0},
};
