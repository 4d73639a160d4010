/* Values in a response that the server made up: cookies, tokens, ids of what it created.
 *
 * The recorded and the replayed response to one request are searched in the same way; where both
 * have a value at the same place and the values differ, the replayed one stands for the recorded
 * one from then on (replay/session.h).
 *
 * What is looked at:
 *   cookies   every Set-Cookie, by name
 *   tokens    JSON strings and hidden HTML inputs (and meta tags) whose name speaks of a token or an
 *             id, of at least 8 characters, not all digits
 *   ids       short or numeric values of JSON keys `id`, `x_id`, `xId`, and path segments of
 *             Location; only in responses to requests that are meant to change something (not GET,
 *             HEAD or OPTIONS), for lists shift and would teach nonsense
 * An id is known by its noun ("order" for /api/orders/17, order_id, {"order":{"id":17}}), so that
 * order 17 is never taken for article 17.
 * Ownership: the list is the caller's; made_free().
 */
#ifndef REPLAY_MADE_H
#define REPLAY_MADE_H

#include "lib/base/auto.h"
#include "lib/base/err.h"
#include "lib/base/span.h"
#include "lib/base/vec.h"

enum made_kind { MADE_COOKIE, MADE_TOKEN, MADE_ID };

struct made {
    enum made_kind kind;
    char *where; /* the place, the same in both responses */
    char *noun;  /* cookie name; "" for tokens */
    char *value;
};

struct made_source {
    struct span method, target; /* of the request */
    struct span head, body;     /* of the response */
};

/* Appends to `list`, a VEC(struct made). */
bool made_find(const struct made_source *s, struct vec *list, struct err *err);
void made_done(struct vec *list);

#define NOUN_MAX 64
/* "Order-IDs" -> "order", "categories" -> "category": lower case, without _id and plural. Returns
 * out. */
const char *made_noun(struct span name, char out[NOUN_MAX]);
/* The last segment of a path that is a word: "/api/orders/17/items?x=1" -> "item". */
const char *made_path_noun(struct span target, char out[NOUN_MAX]);
bool made_is_number(struct span s);
/* The name of a key or input speaks of an id / of a token. */
bool made_is_id_name(struct span name);
bool made_is_token_name(struct span name);

#endif
