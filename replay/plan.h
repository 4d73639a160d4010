/* A tape in memory, ready to be replayed: connections with their requests in order, and of the
 * recorded responses what later requests depend on.
 *
 * Memory: about what the requests take uncompressed; recorded bodies are not kept.
 */
#ifndef REPLAY_PLAN_H
#define REPLAY_PLAN_H

#include <jansson.h>

#include "lib/base/vec.h"
#include "lib/wire/packet.h"
#include "replay/arena.h"
#include "replay/made.h"

struct plan_request {
    uint64_t number; /* on the tape */
    uint32_t conn;   /* index into plan.conns */
    unsigned flags;  /* enum http_flag */
    int64_t at_ns;   /* first byte, since the tape's start */
    struct span head, body, trailers;
    struct vec made;     /* struct made, of the recorded response */
    int64_t answered_ns; /* last byte of the recorded response; 0: none */
    struct vec after;    /* uint32_t: requests whose answers must have come before (depend.h) */
    bool whole;          /* can be sent again */
};

struct plan_conn {
    uint64_t number; /* on the tape */
    struct tcp_end client, server;
    int64_t open_ns;
    bool midstream, lossy;
    struct vec requests; /* uint32_t, indexes into plan.requests, in order */
};

struct plan {
    json_t *meta;
    struct vec conns;    /* struct plan_conn */
    struct vec requests; /* struct plan_request, in the order of their numbers */
    int64_t first_ns;    /* of the first request */
    uint64_t gaps;       /* connections with lost bytes */
    uint64_t gap_bytes, skipped;
    bool makes;         /* some recorded response made a value up */
    struct err damage;  /* what the tape lacks at its end, if anything */
    struct arena arena; /* memory behind the spans */
};

bool plan_load(const char *path, struct plan **out, struct err *err);
void plan_free(struct plan *p);
AUTO_PTR(plan, struct plan, plan_free)
struct plan_conn *plan_conn(const struct plan *p, size_t i);
struct plan_request *plan_request(const struct plan *p, size_t i);

#endif
