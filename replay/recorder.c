#include "replay/recorder.h"

#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/wire/frag.h"

#define CHUNK_BYTES ((size_t)128 << 10)
#define RING        1024 /* as many requests as lib/wire/http.c lets wait in a connection */

/* A connection while it lives. */
struct stream {
    struct stream *next, *before;
    struct recorder *r;
    struct http_conn *http;
    uint64_t conn;
    uint64_t numbered; /* requests of this connection that have a number on the tape */
    uint64_t number[RING];
};

struct recorder {
    struct recorder_conf conf;
    struct tape_out *out;
    struct buf records;
    struct tcp *tcp;
    struct frag *frag;
    struct stream *streams;
    struct http_counts http;
    struct http_limits limits;
    size_t pool;
    uint64_t requests;
    uint64_t damaged, other;
};

static void stream_free(struct stream *s)
{
    if (!s)
        return;
    *(s->before ? &s->before->next : &s->r->streams) = s->next;
    if (s->next)
        s->next->before = s->before;
    http_conn_free(s->http);
    free(s);
}

void recorder_free(struct recorder *r)
{
    if (!r)
        return;
    while (r->streams)
        stream_free(r->streams);
    tcp_free(r->tcp);
    frag_free(r->frag);
    buf_done(&r->records);
    free(r);
}

static bool put(struct recorder *r, const struct tape_record *record, struct err *err)
{
    if (!tape_pack(&r->records, record, err))
        return false;
    return r->records.len < CHUNK_BYTES || tape_out_put(r->out, &r->records, false, err);
}

/* The request's number on the tape. A response may come first: the numbers before are then given
 * to the requests that are still being sent. */
static uint64_t number_of(struct stream *s, uint64_t in_conn)
{
    while (s->numbered < in_conn)
        s->number[++s->numbered % RING] = ++s->r->requests;
    return s->number[in_conn % RING];
}

static bool on_http(void *ctx, const struct http_event *e, struct err *err)
{
    struct stream *s = ctx;
    struct recorder *r = s->r;

    if (e->kind == HTTP_NOT) {
        r->other++;
        log_debug("not HTTP/1", f_num("connection", (int64_t)s->conn), f_str("why", e->why));
        return true;
    }
    const struct http_message *m = e->msg;
    struct tape_record record = {
        .type = e->kind == HTTP_IS_REQUEST ? TAPE_REQUEST : TAPE_RESPONSE,
        .conn = s->conn,
        .request = number_of(s, e->number),
        .flags = m->flags,
        .at_ns = m->first_ns - r->conf.start_ns,
        .last_ns = (m->last_ns ? m->last_ns : m->first_ns) - r->conf.start_ns,
        .status = m->status,
        .bytes = m->body_bytes,
        .head = buf_view(&m->head),
        .body = buf_view(&m->body),
        .trailers = buf_view(&m->trailers),
    };
    return put(r, &record, err);
}

static bool open_stream(struct recorder *r, const struct tcp_event *e, struct err *err)
{
    struct stream *s = calloc(1, sizeof(*s));
    if (!s)
        return err_memory(err);
    s->r = r;
    s->conn = e->conn;
    s->next = r->streams;
    if (s->next)
        s->next->before = s;
    r->streams = s;
    *e->user = s;
    if (!http_conn_new(e->midstream, &r->limits, &r->http, &s->http, err))
        return false;
    return put(r,
               &(struct tape_record){.type = TAPE_OPEN,
                                     .conn = e->conn,
                                     .at_ns = e->at_ns - r->conf.start_ns,
                                     .flags = e->midstream,
                                     .client = *e->client,
                                     .server = *e->server},
               err);
}

static bool close_stream(struct recorder *r, const struct tcp_event *e, struct err *err)
{
    struct stream *s = *e->user;
    bool cut = e->why != TCP_CLOSED;

    if (!http_conn_eof(s->http, TCP_TO_SERVER, cut, e->at_ns, on_http, s, err) ||
        !http_conn_eof(s->http, TCP_TO_CLIENT, cut, e->at_ns, on_http, s, err))
        return false;
    stream_free(s);
    *e->user = NULL;
    return put(r,
               &(struct tape_record){.type = TAPE_CLOSE,
                                     .conn = e->conn,
                                     .at_ns = e->at_ns - r->conf.start_ns,
                                     .code = (uint8_t)e->why},
               err);
}

static bool record_gap(struct recorder *r, const struct tcp_event *e, struct err *err)
{
    struct stream *s = *e->user;

    return put(r,
               &(struct tape_record){.type = TAPE_GAP,
                                     .conn = e->conn,
                                     .at_ns = e->at_ns - r->conf.start_ns,
                                     .code = (uint8_t)e->dir,
                                     .bytes = e->bytes},
               err) &&
           http_conn_gap(s->http, e->dir, e->bytes, e->at_ns, on_http, s, err);
}

static bool on_tcp(void *ctx, const struct tcp_event *e, struct err *err)
{
    struct recorder *r = ctx;
    struct stream *s = *e->user;

    switch (e->kind) {
    case TCP_OPEN:
        return open_stream(r, e, err);
    case TCP_DATA:
        return http_conn_data(s->http, e->dir, e->data, e->at_ns, on_http, s, err);
    case TCP_GAP:
        return record_gap(r, e, err);
    case TCP_EOF:
        return http_conn_eof(s->http, e->dir, false, e->at_ns, on_http, s, err);
    case TCP_CLOSE:
        return close_stream(r, e, err);
    }
    return true;
}

bool recorder_new(const struct recorder_conf *conf, struct tape_out *out, struct recorder **to,
                  struct err *err)
{
    AUTO(recorder) struct recorder *r = calloc(1, sizeof(*r));
    if (!r)
        return err_memory(err);
    r->conf = *conf;
    r->out = out;
    r->limits = (struct http_limits){
        .body_max = conf->body_max, .pool_max = conf->memory_max / 2, .pool = &r->pool};
    const struct tcp_conf tcp = {.ports = conf->ports,
                                 .ports_count = conf->ports_count,
                                 .held_max = conf->memory_max / 4,
                                 .held_conn_max = conf->memory_max / 16,
                                 .seed = (uint64_t)conf->start_ns};
    if (!tcp_new(&tcp, on_tcp, r, &r->tcp, err) || !frag_new(&r->frag, err))
        return false;
    *to = TAKE(r);
    return true;
}

bool recorder_packet(void *recorder, struct span frame, uint32_t wire_bytes, int64_t at_ns,
                     struct err *err)
{
    struct recorder *r = recorder;
    struct packet p;
    struct span whole;
    enum packet_kind kind = packet_parse(r->conf.link, frame, wire_bytes, &p);

    if (kind == PACKET_PIECE) {
        if (!frag_add(r->frag, &p, at_ns, &whole))
            return true;
        kind = packet_parse_upper(p.piece.next, whole, &p);
    }
    r->damaged += kind == PACKET_DAMAGED;
    return kind != PACKET_TCP || tcp_packet(r->tcp, &p, at_ns, err);
}

bool recorder_tick(struct recorder *r, int64_t now_ns, bool sync, struct err *err)
{
    return tcp_tick(r->tcp, now_ns, err) && (!sync || tape_out_put(r->out, &r->records, true, err));
}

bool recorder_finish(struct recorder *r, int64_t now_ns, struct err *err)
{
    return tcp_finish(r->tcp, now_ns, err);
}

bool recorder_note(struct recorder *r, enum tape_type type, const json_t *fields, struct err *err)
{
    AUTO(free) char *text = fields ? json_text(fields) : NULL;

    if (!text)
        return err_memory(err);
    return put(r, &(struct tape_record){.type = type, .text = span_of(text)}, err);
}

struct recorder_totals recorder_totals(const struct recorder *r)
{
    return (struct recorder_totals){.http = r->http,
                                    .tcp = *tcp_stats(r->tcp),
                                    .fragments_lost = frag_lost(r->frag),
                                    .damaged_packets = r->damaged,
                                    .other_streams = r->other};
}
