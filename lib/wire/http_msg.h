/* HTTP/1.x messages of one direction, taken from a byte stream (parsed by llhttp).
 *
 * The bytes may come in pieces of any size; http_in_feed() stops after each whole message, so that
 * pipelined ones come out one by one.
 * A message's head is kept in normal form: the start line and one "Name: value" line per header,
 * in their order, each ended by CRLF, without the empty line. The body is kept decoded (without
 * chunk sizes). Content codings (gzip) are left as they are.
 * Source:    RFC 9112.
 * Memory:    a head up to HTTP_HEAD_MAX; a body up to body_max, the rest is counted, not kept.
 * Ownership: the message is the parser's until http_in_next(); its buffers are used again.
 */
#ifndef LIB_WIRE_HTTP_MSG_H
#define LIB_WIRE_HTTP_MSG_H

#include "lib/base/auto.h"
#include "lib/base/buf.h"

#define HTTP_HEAD_MAX ((size_t)256 << 10)

enum http_flag {
    HTTP_CHUNKED = 1 << 0,
    HTTP_CUT = 1 << 1,         /* body longer than what is kept */
    HTTP_LOST = 1 << 2,        /* bytes of the body were lost and read as zeros */
    HTTP_UNTIL_CLOSE = 1 << 3, /* body ended with the connection */
    HTTP_INCOMPLETE = 1 << 4,  /* the message broke off */
    HTTP_AFTER_GAP = 1 << 5,   /* found again behind lost bytes, so its pair is likely, not sure */
    HTTP_UPGRADED = 1 << 6,    /* what follows is no HTTP */
    HTTP_CLOSES = 1 << 7,      /* Connection: close, or HTTP/1.0 without keep-alive */
    HTTP_PIPELINED = 1 << 8    /* a request that did not wait for the response before it */
};

struct http_message {
    struct buf head, body, trailers;
    uint64_t body_bytes; /* all of the body, kept or not */
    uint16_t status;     /* 0 in a request */
    unsigned flags;
    int64_t first_ns, last_ns;
};

/* Reading a head in normal form. */
struct span http_start_line(struct span head);
struct span http_method(struct span head);
struct span http_target(struct span head);
/* Value of the first header of that name (no case), trimmed; at == NULL when absent. */
struct span http_header(struct span head, const char *name);
/* Steps through the headers: *rest starts as the head and is used up. */
bool http_next_header(struct span *rest, struct span *name, struct span *value);
/* The head without its start line, for http_next_header(). */
struct span http_headers(struct span head);

enum http_side { HTTP_SIDE_REQUESTS, HTTP_SIDE_RESPONSES };
enum http_got { HTTP_MORE, HTTP_MESSAGE, HTTP_BROKEN };

struct http_limits {
    size_t body_max; /* kept of each body */
    size_t pool_max; /* kept of all bodies in work together; 0: no bound */
    size_t *pool;    /* shared counter, with pool_max */
};

struct http_in;
bool http_in_new(enum http_side side, const struct http_limits *limits, struct http_in **out,
                 struct err *err);
void http_in_free(struct http_in *in);
AUTO_PTR(http_in, struct http_in, http_in_free)
/* Method of the request that the next response answers; it decides whether there is a body. */
void http_in_answers(struct http_in *in, struct span method);
/* Takes bytes off *data until a message is whole. HTTP_BROKEN: not HTTP; see http_in_why(). */
enum http_got http_in_feed(struct http_in *in, struct span *data, int64_t at_ns);
/* The stream ended: HTTP_MESSAGE when that completed a body, HTTP_BROKEN when it cut one. */
enum http_got http_in_eof(struct http_in *in, int64_t at_ns);
struct http_message *http_in_message(struct http_in *in);
void http_in_next(struct http_in *in);  /* forgets the message, ready for the one behind it */
void http_in_reset(struct http_in *in); /* forgets everything, for a new stream */
/* Between messages nothing has begun. */
bool http_in_begun(const struct http_in *in);
bool http_in_headed(const struct http_in *in); /* the head of the message is whole */
/* Bytes that the body still needs, when its length is known and it has begun. */
uint64_t http_in_body_left(const struct http_in *in);
/* Reads `bytes` <= http_in_body_left() lost ones as zeros. */
enum http_got http_in_lost(struct http_in *in, uint64_t bytes, int64_t at_ns);
const char *http_in_why(const struct http_in *in);

#endif
