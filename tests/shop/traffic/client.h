/* One visitor's HTTP client: a kept-alive connection, cookies, and a pace.
 *
 * Requests leave on an absolute schedule (client i of k sends at start + (n * k + i) / rate), so
 * the rate stays what was asked for however long answers take, until they take longer than a slot.
 * Ownership: client_close() ends the connection. Threads: one client belongs to one thread.
 */
#ifndef TESTS_SHOP_TRAFFIC_CLIENT_H
#define TESTS_SHOP_TRAFFIC_CLIENT_H

#include "lib/base/auto.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"

#include <jansson.h>
#include <stdint.h>

struct pace {
    int64_t start_ns; /* monotonic */
    double rate;      /* requests per second of all clients together */
    unsigned clients;
    int64_t end_ns; /* nothing is sent after it */
};

struct tally {
    uint64_t requests, sessions, orders, unexpected;
    uint64_t busy_ns, slowest_ns;
};

struct client;
bool client_open(const char *url, const struct pace *pace, unsigned number, struct client **out,
                 struct err *err);
void client_close(struct client *c);
AUTO_PTR(client, struct client, client_close)

/* A new visitor: another connection, no cookies. */
bool client_renew(struct client *c, struct err *err);
/* GET, or POST when there is a body (NULL: none; taken over). False at the end of the time or when
 * the server does not answer (then err is set). A status other than `expected` is counted and
 * reported on stderr. *answer (may be NULL) gets a new reference to the JSON of the answer, or NULL. */
bool client_ask(struct client *c, const char *path, json_t *body, long expected, json_t **answer,
                struct err *err);
struct tally *client_tally(struct client *c);

#endif
