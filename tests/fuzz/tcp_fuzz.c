/* Any bytes as frames of a capture: packets, fragments, reassembly, HTTP pairing. What a direction
 * gives never exceeds what was on the wire, events come in their order, and memory stays bounded.
 * Input: link type (1 byte), then frames: length (2 bytes), bytes cut from the wire (1), the frame. */
#include "lib/wire/frag.h"
#include "lib/wire/http.h"
#include "lib/wire/tcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void must(bool holds)
{
    if (!holds)
        abort();
}

struct seen {
    struct http_counts http;
    uint64_t given;
};

static bool on_http(void *ctx, const struct http_event *e, struct err *err)
{
    (void)ctx;
    (void)err;
    must(e->kind == HTTP_NOT || (e->msg && e->number > 0));
    must(e->kind == HTTP_NOT || e->msg->body.len <= 4096);
    return true;
}

static bool on_tcp(void *ctx, const struct tcp_event *e, struct err *err)
{
    static const struct http_limits limits = {.body_max = 4096};
    struct seen *s = ctx;
    struct http_conn *conn = *e->user;
    struct http_conn *opened = NULL;

    must(e->kind == TCP_OPEN ? !conn : conn != NULL);
    switch (e->kind) {
    case TCP_OPEN:
        must(http_conn_new(e->midstream, &limits, &s->http, &opened, err));
        *e->user = opened;
        return true;
    case TCP_DATA:
        must(e->data.len > 0);
        s->given += e->data.len;
        return http_conn_data(conn, e->dir, e->data, e->at_ns, on_http, s, err);
    case TCP_GAP:
        must(e->bytes > 0 && e->bytes <= UINT32_MAX);
        return http_conn_gap(conn, e->dir, e->bytes, e->at_ns, on_http, s, err);
    case TCP_EOF:
        return http_conn_eof(conn, e->dir, false, e->at_ns, on_http, s, err);
    case TCP_CLOSE:
        must(http_conn_eof(conn, TCP_TO_SERVER, true, e->at_ns, on_http, s, err));
        must(http_conn_eof(conn, TCP_TO_CLIENT, true, e->at_ns, on_http, s, err));
        http_conn_free(conn);
        *e->user = NULL;
        return true;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const int links[] = {PACKET_LINK_ETHERNET, PACKET_LINK_SLL, PACKET_LINK_SLL2,
                                PACKET_LINK_NULL, PACKET_LINK_RAW};
    static const uint16_t ports[] = {80, 8080};
    const struct tcp_conf conf = {.ports = ports,
                                  .ports_count = 2,
                                  .held_max = 4096,
                                  .held_conn_max = 1024,
                                  .connections_max = 4};
    struct seen seen = {0};
    struct tcp *tcp = NULL;
    struct frag *frag = NULL;
    struct err err = {0};
    int64_t now = 1;
    uint64_t wire = 0;

    must(tcp_new(&conf, on_tcp, &seen, &tcp, &err) && frag_new(&frag, &err));
    int link = len ? links[bytes[0] % COUNT(links)] : PACKET_LINK_RAW;
    for (size_t at = 1; at + 3 <= len; now += INT64_C(50000000)) {
        size_t n = (size_t)(bytes[at] << 8 | bytes[at + 1]), cut = bytes[at + 2];
        at += 3;
        n = n < len - at ? n : len - at;
        struct packet p;
        struct span whole, frame = {(const char *)bytes + at, n};
        at += n;
        enum packet_kind kind = packet_parse(link, frame, (uint32_t)(n + cut), &p);
        if (kind == PACKET_PIECE && frag_add(frag, &p, now, &whole))
            kind = packet_parse_upper(p.piece.next, whole, &p);
        if (kind != PACKET_TCP)
            continue;
        must(p.data.len <= p.wire_bytes && p.wire_bytes <= FRAG_BYTES_MAX + 256 + n);
        wire += p.data.len;
        must(tcp_packet(tcp, &p, now, &err) && tcp_tick(tcp, now, &err));
        must(tcp_live(tcp) <= 4);
    }
    must(tcp_finish(tcp, now, &err));
    must(seen.given <= wire && tcp_live(tcp) == 0);
    tcp_free(tcp);
    frag_free(frag);
    return 0;
}
