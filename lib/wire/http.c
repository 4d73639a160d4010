#include "lib/wire/http.h"

#define WAITING_MAX 1024 /* requests without a response; more is no client that we want to follow */

enum state {
    READING,
    SEEKING, /* for a segment that starts a message */
    TUNNEL,
    DEAD
};

/* What must be known of a request until its response came. */
enum asked { ASKED_BODY, ASKED_HEAD, ASKED_CONNECT };

struct http_conn {
    struct http_in *in[2];
    enum state state[2];
    struct http_counts *counts;
    uint64_t requests;  /* begun or whole */
    uint64_t responses; /* number of the last one that came, or was given up */
    bool lossy;
    uint8_t asked[WAITING_MAX]; /* by request number, a ring */
};

/* The event function and its context, passed down together. */
struct out {
    http_event_fn fn;
    void *ctx;
    int64_t at_ns;
};

bool http_conn_new(bool midstream, const struct http_limits *limits, struct http_counts *counts,
                   struct http_conn **out, struct err *err)
{
    AUTO(http_conn) struct http_conn *c = calloc(1, sizeof(*c));
    if (!c)
        return err_memory(err);
    c->counts = counts;
    c->lossy = midstream;
    c->state[0] = c->state[1] = midstream ? SEEKING : READING;
    if (!http_in_new(HTTP_SIDE_REQUESTS, limits, &c->in[TCP_TO_SERVER], err) ||
        !http_in_new(HTTP_SIDE_RESPONSES, limits, &c->in[TCP_TO_CLIENT], err))
        return false;
    *out = TAKE(c);
    return true;
}

void http_conn_free(struct http_conn *c)
{
    if (!c)
        return;
    http_in_free(c->in[0]);
    http_in_free(c->in[1]);
    free(c);
}

/* ---- where a message may start ---- */

static bool starts_request(struct span data)
{
    size_t i = 0;

    while (i < data.len && i < 20 &&
           ((data.at[i] >= 'A' && data.at[i] <= 'Z') || data.at[i] == '-'))
        i++;
    return i >= 3 && i + 1 < data.len && data.at[i] == ' ' &&
           (data.at[i + 1] == '/' || data.at[i + 1] == '*' || data.at[i + 1] == 'h');
}

static bool starts_message(enum tcp_dir dir, struct span data)
{
    return dir == TCP_TO_SERVER ? starts_request(data) : span_starts(data, "HTTP/1.");
}

/* ---- requests ---- */

static uint8_t asked_by(struct span method)
{
    if (span_is(method, "HEAD"))
        return ASKED_HEAD;
    return span_is(method, "CONNECT") ? ASKED_CONNECT : ASKED_BODY;
}

/* Counts a request as soon as its head is whole: a server may answer before the body is. */
static void note_request(struct http_conn *c, bool *noted)
{
    if (*noted || !http_in_headed(c->in[TCP_TO_SERVER]))
        return;
    *noted = true;
    c->requests++;
    struct span head = buf_view(&http_in_message(c->in[TCP_TO_SERVER])->head);
    c->asked[c->requests % WAITING_MAX] = asked_by(http_method(head));
}

static bool give_request(struct http_conn *c, unsigned flags, const struct out *out,
                         struct err *err)
{
    struct http_message *m = http_in_message(c->in[TCP_TO_SERVER]);

    m->flags |= flags | (c->lossy ? HTTP_AFTER_GAP : 0);
    if (c->requests - c->responses > 1)
        m->flags |= HTTP_PIPELINED;
    c->counts->requests++;
    struct http_event e = {HTTP_IS_REQUEST, TCP_TO_SERVER, c->requests, m, NULL};
    return out->fn(out->ctx, &e, err);
}

/* ---- responses ---- */

static void tell_parser(struct http_conn *c)
{
    static const char *const methods[] = {"GET", "HEAD", "CONNECT"};
    uint64_t next = c->responses + 1;
    uint8_t asked = next <= c->requests ? c->asked[next % WAITING_MAX] : ASKED_BODY;

    http_in_answers(c->in[TCP_TO_CLIENT], span_of(methods[asked]));
}

static bool give_response(struct http_conn *c, unsigned flags, const struct out *out,
                          struct err *err)
{
    struct http_message *m = http_in_message(c->in[TCP_TO_CLIENT]);

    m->flags |= flags | (c->lossy ? HTTP_AFTER_GAP : 0);
    if (m->status / 100 == 1 && m->status != 101) {
        c->counts->interim++;
        return true;
    }
    /* With lost bytes, a response to nothing we know answers a request that was lost. */
    if (c->lossy && c->responses >= c->requests) {
        c->counts->unpaired++;
        return true;
    }
    c->responses++;
    c->counts->responses++;
    if (m->flags & HTTP_UPGRADED)
        c->state[0] = c->state[1] = TUNNEL;
    struct http_event e = {HTTP_IS_RESPONSE, TCP_TO_CLIENT, c->responses, m, NULL};
    return out->fn(out->ctx, &e, err);
}

/* ---- streams ---- */

static bool give(struct http_conn *c, enum tcp_dir dir, unsigned flags, const struct out *out,
                 struct err *err)
{
    bool ok =
        dir == TCP_TO_SERVER ? give_request(c, flags, out, err) : give_response(c, flags, out, err);

    http_in_next(c->in[dir]);
    return ok;
}

/* What there is of a message that will not be completed. */
static bool give_rest(struct http_conn *c, enum tcp_dir dir, const struct out *out, struct err *err)
{
    if (!http_in_begun(c->in[dir]))
        return true;
    c->counts->broken++;
    if (!http_in_headed(c->in[dir]))
        return true;
    return give(c, dir, HTTP_INCOMPLETE, out, err);
}

static bool broken(struct http_conn *c, enum tcp_dir dir, size_t left, const struct out *out,
                   struct err *err)
{
    struct http_event e = {HTTP_NOT, dir, 0, NULL, http_in_why(c->in[dir])};

    c->counts->skipped_bytes += left;
    if (!give_rest(c, dir, out, err))
        return false;
    c->state[dir] = DEAD;
    return out->fn(out->ctx, &e, err);
}

static bool read_messages(struct http_conn *c, enum tcp_dir dir, struct span data,
                          const struct out *out, struct err *err)
{
    struct http_in *in = c->in[dir];

    while (data.len && c->state[dir] == READING) {
        bool noted = http_in_headed(in);
        if (dir == TCP_TO_CLIENT && !http_in_headed(in))
            tell_parser(c);
        enum http_got got = http_in_feed(in, &data, out->at_ns);
        if (dir == TCP_TO_SERVER)
            note_request(c, &noted);
        if (got == HTTP_BROKEN || c->requests > c->responses + WAITING_MAX)
            return broken(c, dir, data.len, out, err);
        if (got == HTTP_MESSAGE && !give(c, dir, 0, out, err))
            return false;
    }
    if (c->state[dir] == TUNNEL)
        c->counts->tunnel_bytes += data.len;
    return true;
}

/* A request found again: what was asked before it is answered or lost by now, unless the client
 * pipelines, and then the HTTP_AFTER_GAP flag says how far to trust the pair. */
static void resume(struct http_conn *c, enum tcp_dir dir)
{
    http_in_reset(c->in[dir]);
    c->state[dir] = READING;
    if (dir == TCP_TO_SERVER && c->state[TCP_TO_CLIENT] == SEEKING)
        c->responses = c->requests;
}

bool http_conn_data(struct http_conn *c, enum tcp_dir dir, struct span data, int64_t at_ns,
                    http_event_fn fn, void *ctx, struct err *err)
{
    const struct out out = {fn, ctx, at_ns};
    bool fresh_request = dir == TCP_TO_SERVER && c->state[TCP_TO_CLIENT] == SEEKING &&
                         !http_in_begun(c->in[TCP_TO_SERVER]);

    if (c->state[dir] == SEEKING && starts_message(dir, data))
        resume(c, dir);
    else if (fresh_request && c->state[dir] == READING)
        c->responses = c->requests;
    if (c->state[dir] == TUNNEL)
        c->counts->tunnel_bytes += data.len;
    else if (c->state[dir] != READING)
        c->counts->skipped_bytes += data.len;
    return c->state[dir] != READING || read_messages(c, dir, data, &out, err);
}

bool http_conn_gap(struct http_conn *c, enum tcp_dir dir, uint64_t bytes, int64_t at_ns,
                   http_event_fn fn, void *ctx, struct err *err)
{
    const struct out out = {fn, ctx, at_ns};
    struct http_in *in = c->in[dir];

    if (c->state[dir] != READING)
        return true;
    /* Inside a body of known length the place is not lost, only its bytes are. */
    if (bytes <= http_in_body_left(in)) {
        enum http_got got = http_in_lost(in, bytes, at_ns);
        return got != HTTP_MESSAGE || give(c, dir, 0, &out, err);
    }
    c->lossy = true;
    if (!give_rest(c, dir, &out, err))
        return false;
    c->state[dir] = SEEKING;
    return true;
}

bool http_conn_eof(struct http_conn *c, enum tcp_dir dir, bool reset, int64_t at_ns,
                   http_event_fn fn, void *ctx, struct err *err)
{
    const struct out out = {fn, ctx, at_ns};
    struct http_in *in = c->in[dir];

    if (c->state[dir] != READING || !http_in_begun(in))
        return true;
    c->state[dir] = DEAD;
    if (!reset && http_in_eof(in, at_ns) == HTTP_MESSAGE)
        return give(c, dir, 0, &out, err);
    return give_rest(c, dir, &out, err);
}
