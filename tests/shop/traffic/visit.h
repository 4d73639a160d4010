/* What one visitor of the shop does: looks around, and perhaps buys. */
#ifndef TESTS_SHOP_TRAFFIC_VISIT_H
#define TESTS_SHOP_TRAFFIC_VISIT_H

#include "tests/shop/traffic/client.h"

struct visitors {
    uint64_t seed;
    uint64_t customers; /* of the generator's numbering: customer 1 .. */
};

/* The n-th visit (n = 0 ..): what it does depends on the seed, n and the answers alone, and no two
 * visits of a run share a customer, so answers do not depend on what runs beside.
 * False at the end of the time, or with err when the server fails. */
bool visit(struct client *c, const struct visitors *v, uint64_t n, struct err *err);

#endif
