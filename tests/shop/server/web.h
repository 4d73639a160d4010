/* The web side of the shop: one request in, one answer out.
 *
 * libmicrohttpd runs a thread per connection, so a handler may wait for a database without holding
 * up anybody else; connections are kept alive and bounded in number.
 * A handler returns false only when it could not do its work; the reason goes to the log and the
 * client gets 500. Whatever the client did wrong is an answer (answer_error) and true.
 */
#ifndef TESTS_SHOP_SERVER_WEB_H
#define TESTS_SHOP_SERVER_WEB_H

#include "lib/base/buf.h"
#include "lib/base/json.h"
#include "tests/shop/server/conf.h"
#include "tests/shop/server/sql.h"
#include "tests/shop/server/template.h"

#include <jansson.h>

struct MHD_Connection;

#define COOKIE_MAX 256

struct shop {
    const struct conf *conf;
    struct pool *postgresql, *mariadb;
    struct texts *templates, *statics;
};

struct request {
    const struct shop *shop;
    struct MHD_Connection *connection;
    char path[512];
    const char *arg; /* what stands for {} in the route's path; NULL: none */
    struct buf body;
    bool body_too_large;

    unsigned status; /* the answer; 0: none yet */
    const char *type;
    struct buf out;
    char cookie[COOKIE_MAX];
    char location[128];
};

typedef bool web_handler(struct request *r, struct err *err);

struct route {
    const char *method, *path; /* one {} at most, for one part of the path */
    web_handler *handle;
};

extern const struct route routes[]; /* ends with a NULL method */

struct web;
bool web_open(const struct shop *shop, const char *listen, struct web **out, struct err *err);
void web_close(struct web *web);
AUTO_PTR(web, struct web, web_close)

/* The value of a query argument or a cookie; NULL: absent. Borrowed from the request. */
const char *request_query(const struct request *r, const char *name);
const char *request_cookie(const struct request *r, const char *name);
/* The body as a JSON object, or an answer was made and *out is NULL. New reference. */
json_t *request_json(struct request *r);
/* The {} of the path as a positive number, or NULL-like 0. */
int64_t request_id(const struct request *r);

/* Take the reference of `body`. True unless memory is short. */
bool answer_json(struct request *r, unsigned status, json_t *body, struct err *err);
bool answer_error(struct request *r, unsigned status, const char *why, struct err *err);
bool answer_page(struct request *r, unsigned status, const char *name, json_t *context,
                 struct err *err);
bool answer_nothing(struct request *r);

#endif
