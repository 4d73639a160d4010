/* HTTP/1.x requests and responses of one connection, paired.
 *
 * Fed with both directions of a TCP stream as it was captured. Requests are numbered 1, 2, ... in
 * a connection; a response carries the number of the request that it answers. Interim responses
 * (1xx, but for 101) are counted, not given. After lost bytes, or when the capture began in
 * mid-connection, each direction goes on with the next message that starts with a segment; what
 * cannot be paired is left out and counted.
 * Ownership: a message is the connection's for the call. Threads: one.
 * Errors:    memory, and what the event function returns. Bytes that are not HTTP/1 are no error:
 *            an HTTP_NOT event says so once, and the rest of that direction is counted.
 */
#ifndef LIB_WIRE_HTTP_H
#define LIB_WIRE_HTTP_H

#include "lib/wire/http_msg.h"
#include "lib/wire/tcp.h"

enum http_kind {
    HTTP_IS_REQUEST,
    HTTP_IS_RESPONSE,
    HTTP_NOT /* `why`: this direction is not, or no longer, HTTP/1 */
};

struct http_event {
    enum http_kind kind;
    enum tcp_dir dir;
    uint64_t number;
    const struct http_message *msg;
    const char *why;
};
typedef bool (*http_event_fn)(void *ctx, const struct http_event *event, struct err *err);

struct http_counts {
    uint64_t requests, responses;
    uint64_t interim;       /* 1xx */
    uint64_t unpaired;      /* responses whose request was not captured */
    uint64_t broken;        /* messages that broke off or were not HTTP */
    uint64_t skipped_bytes; /* passed over while looking for the next message */
    uint64_t tunnel_bytes;  /* behind an upgrade or CONNECT */
};

struct http_conn;
/* `counts` is added to and may be shared by the connections of one thread. */
bool http_conn_new(bool midstream, const struct http_limits *limits, struct http_counts *counts,
                   struct http_conn **out, struct err *err);
void http_conn_free(struct http_conn *c);
AUTO_PTR(http_conn, struct http_conn, http_conn_free)
bool http_conn_data(struct http_conn *c, enum tcp_dir dir, struct span data, int64_t at_ns,
                    http_event_fn fn, void *ctx, struct err *err);
bool http_conn_gap(struct http_conn *c, enum tcp_dir dir, uint64_t bytes, int64_t at_ns,
                   http_event_fn fn, void *ctx, struct err *err);
/* `reset`: the direction ended by a reset, not in order, so that a body until close is cut. */
bool http_conn_eof(struct http_conn *c, enum tcp_dir dir, bool reset, int64_t at_ns,
                   http_event_fn fn, void *ctx, struct err *err);

#endif
