/* TCP connections put together from captured segments.
 *
 * Gives each direction's bytes in order, once, as events. Bytes that were lost are never passed
 * over in silence: where the receiver acknowledged bytes that the capture does not hold, or the
 * memory for waiting segments is used up, or the connection ends, a TCP_GAP event says how many.
 * Source:    RFC 9293; sequence numbers are compared modulo 2^32.
 * Roles:     the server is the end whose port is in `ports`; a SYN decides between two such ends.
 * Memory:    bounded by held_max, held_conn_max and connections_max; the least recently used
 *            connection is closed (TCP_EVICTED) when there are too many.
 * Ownership: event data is borrowed for the call.
 * Threads:   one. Errors: memory, and what the event function returns.
 */
#ifndef LIB_WIRE_TCP_H
#define LIB_WIRE_TCP_H

#include "lib/base/auto.h"
#include "lib/base/err.h"
#include "lib/wire/packet.h"

enum tcp_dir { TCP_TO_SERVER = 0, TCP_TO_CLIENT = 1 };

enum tcp_kind {
    TCP_OPEN,  /* `midstream`: the capture began after the connection */
    TCP_DATA,  /* `data` */
    TCP_GAP,   /* `bytes` are missing here */
    TCP_EOF,   /* this direction sends no more */
    TCP_CLOSE, /* `why`; the last event of a connection */
};

enum tcp_why { TCP_CLOSED, TCP_RESET, TCP_REUSED, TCP_IDLE, TCP_EVICTED, TCP_CAPTURE_END };
const char *tcp_why_name(enum tcp_why why);

struct tcp_event {
    enum tcp_kind kind;
    enum tcp_dir dir;
    enum tcp_why why;
    bool midstream;
    uint64_t conn; /* 1, 2, ... */
    const struct tcp_end *client, *server;
    int64_t at_ns; /* when the segment was captured */
    struct span data;
    uint64_t bytes;
    void **user; /* the receiver's own, one per connection, NULL at first */
};

typedef bool (*tcp_event_fn)(void *ctx, const struct tcp_event *event, struct err *err);

struct tcp_conf {
    const uint16_t *ports; /* borrowed for the life of the assembler */
    size_t ports_count;
    size_t held_max;        /* bytes out of order, all connections; 0: 64 MiB */
    size_t held_conn_max;   /* one direction of one connection; 0: 8 MiB */
    size_t connections_max; /* 0: 65536 */
    int64_t hole_wait_ns;   /* an acknowledged hole waits this long for late packets; 0: 200 ms */
    int64_t idle_ns;        /* 0: 10 min */
    uint64_t seed;          /* of the hash table */
};

struct tcp_stats {
    uint64_t segments, payload_bytes, repeated_bytes, out_of_order, gaps, gap_bytes, connections;
};

struct tcp;
bool tcp_new(const struct tcp_conf *conf, tcp_event_fn fn, void *ctx, struct tcp **out,
             struct err *err);
void tcp_free(struct tcp *t); /* without events */
AUTO_PTR(tcp, struct tcp, tcp_free)
bool tcp_packet(struct tcp *t, const struct packet *p, int64_t at_ns, struct err *err);
/* Gives up on holes and idle connections whose time has come; call it every 100 ms or so. */
bool tcp_tick(struct tcp *t, int64_t now_ns, struct err *err);
/* Delivers what waits and closes every connection. */
bool tcp_finish(struct tcp *t, int64_t now_ns, struct err *err);
const struct tcp_stats *tcp_stats(const struct tcp *t);
size_t tcp_live(const struct tcp *t);

#endif
