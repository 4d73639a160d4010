/* What the shop answers; the table in routes.c says where. Each is a web_handler. */
#ifndef TESTS_SHOP_SERVER_HANDLERS_H
#define TESTS_SHOP_SERVER_HANDLERS_H

#include "tests/shop/server/web.h"

web_handler api_articles, api_article, api_reviews, api_search, api_categories;
web_handler api_login, api_logout;
web_handler api_cart, api_cart_put, api_order_place, api_order;
web_handler page_home, page_categories, page_category, page_article, serve_static, health;

#endif
