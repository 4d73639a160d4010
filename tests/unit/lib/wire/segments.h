/* TCP segments for tests, and what the assembler says about them as text. */
#ifndef TESTS_UNIT_LIB_WIRE_SEGMENTS_H
#define TESTS_UNIT_LIB_WIRE_SEGMENTS_H

#include "lib/base/buf.h"
#include "lib/wire/tcp.h"

#define CLIENT_PORT 40000
#define SERVER_PORT 80
#define MS          INT64_C(1000000)

struct scene {
    struct tcp *tcp;
    struct buf
        log; /* "O" open, "M" open midstream, ">data", "<data", ">gap:n", ">eof", "close:x" */
    uint32_t next[2];
    int64_t now;
};

static const uint16_t scene_ports[] = {SERVER_PORT};

static inline bool scene_event(void *ctx, const struct tcp_event *e, struct err *err)
{
    struct scene *s = ctx;
    char arrow = e->dir == TCP_TO_SERVER ? '>' : '<';

    (void)err;
    if (s->log.len)
        buf_putc(&s->log, ' ');
    switch (e->kind) {
    case TCP_OPEN:
        buf_puts(&s->log, e->midstream ? "M" : "O");
        break;
    case TCP_DATA:
        buf_putc(&s->log, arrow);
        buf_span(&s->log, e->data);
        break;
    case TCP_GAP:
        buf_printf(&s->log, "%cgap:%llu", arrow, (unsigned long long)e->bytes);
        break;
    case TCP_EOF:
        buf_printf(&s->log, "%ceof", arrow);
        break;
    case TCP_CLOSE:
        buf_printf(&s->log, "close:%s", tcp_why_name(e->why));
        break;
    }
    return true;
}

static inline void scene_open(struct scene *s, struct tcp_conf conf)
{
    *s = (struct scene){.now = 1000 * MS, .next = {1000, 5000}};
    conf.ports = scene_ports;
    conf.ports_count = 1;
    if (!tcp_new(&conf, scene_event, s, &s->tcp, NULL))
        abort();
}

static inline void scene_done(struct scene *s)
{
    tcp_free(s->tcp);
    buf_done(&s->log);
}

/* One segment at sequence number `seq` with the other side acknowledged up to `ack`. */
static inline void scene_raw(struct scene *s, enum tcp_dir dir, uint32_t seq, uint32_t ack,
                             unsigned flags, const char *data)
{
    struct tcp_end client = {.family = 4, .ip = {10, 0, 0, 1}, .port = CLIENT_PORT};
    struct tcp_end server = {.family = 4, .ip = {10, 0, 0, 2}, .port = SERVER_PORT};
    struct packet p = {.src = dir == TCP_TO_SERVER ? client : server,
                       .dst = dir == TCP_TO_SERVER ? server : client,
                       .seq = seq,
                       .ack = ack,
                       .flags = (uint8_t)flags,
                       .data = span_of(data),
                       .wire_bytes = (uint32_t)strlen(data)};

    s->now += MS;
    if (!tcp_packet(s->tcp, &p, s->now, NULL))
        abort();
}

/* The next bytes of a direction, in order. */
static inline void scene_send(struct scene *s, enum tcp_dir dir, const char *data)
{
    scene_raw(s, dir, s->next[dir], s->next[!dir], PACKET_ACK, data);
    s->next[dir] += (uint32_t)strlen(data);
}

static inline void scene_handshake(struct scene *s)
{
    scene_raw(s, TCP_TO_SERVER, s->next[0]++, 0, PACKET_SYN, "");
    scene_raw(s, TCP_TO_CLIENT, s->next[1]++, s->next[0], PACKET_SYN | PACKET_ACK, "");
    scene_raw(s, TCP_TO_SERVER, s->next[0], s->next[1], PACKET_ACK, "");
}

static inline void scene_fin(struct scene *s, enum tcp_dir dir)
{
    scene_raw(s, dir, s->next[dir]++, s->next[!dir], PACKET_FIN | PACKET_ACK, "");
}

#endif
