#include "lib/wire/tcp_side.h"

#include <stdlib.h>

#define FAR (1 << 30)

struct tcp_held {
    struct tcp_held *next;
    uint32_t seq;
    uint32_t wire_bytes;
    int64_t at_ns;
    size_t len;
    char bytes[];
};

/* A waiting segment costs its bookkeeping too, or a flood of one-byte segments would be free. */
static size_t cost(const struct tcp_held *h)
{
    return sizeof(*h) + h->len;
}

void tcp_piece_free(struct tcp_piece *piece)
{
    free(piece->heap);
    piece->heap = NULL;
}

uint32_t tcp_piece_trim(struct tcp_piece *piece, uint32_t seq, uint32_t next)
{
    int32_t before = (int32_t)(next - seq);

    if (before <= 0)
        return 0;
    uint32_t cut = (uint32_t)before < piece->wire_bytes ? (uint32_t)before : piece->wire_bytes;
    size_t have = cut < piece->data.len ? cut : piece->data.len;
    piece->wire_bytes -= cut;
    piece->data.at += have;
    piece->data.len -= have;
    return cut;
}

void tcp_side_start(struct tcp_side *s, uint32_t next)
{
    s->started = true;
    s->next = next;
}

static void drop_first(struct tcp_side *s, struct tcp_budget *b)
{
    struct tcp_held *h = s->first;

    s->first = h->next;
    s->held -= cost(h);
    b->held -= cost(h);
    free(h);
}

void tcp_side_done(struct tcp_side *s, struct tcp_budget *b)
{
    while (s->first)
        drop_first(s, b);
}

bool tcp_side_is_new(const struct tcp_side *s, uint32_t next)
{
    /* A repeated SYN leads to where the direction began, which is at or shortly before `next`; a
     * new connection's number is taken anew. */
    int32_t ahead = (int32_t)(next - s->next);

    return s->started && (s->eof || ahead > 0 || ahead < -(1 << 16));
}

void tcp_side_ack(struct tcp_side *s, uint32_t ack)
{
    if (!s->started) {
        tcp_side_start(s, ack);
        return;
    }
    int32_t ahead = (int32_t)(ack - s->next);
    if (ahead <= 0 || ahead > FAR)
        return;
    if (!s->acked_known || (int32_t)(ack - s->acked) > 0)
        s->acked = ack;
    s->acked_known = true;
}

/* Inserts `piece` behind *at, up to `room` bytes of it. */
static bool insert(struct tcp_side *s, struct tcp_budget *b, struct tcp_held **at, uint32_t seq,
                   const struct tcp_piece *piece, uint32_t room, struct err *err)
{
    uint32_t wire = piece->wire_bytes < room ? piece->wire_bytes : room;
    size_t len = piece->data.len < wire ? piece->data.len : wire;
    struct tcp_held *h = malloc(sizeof(*h) + len);

    if (!h)
        return err_memory(err);
    h->next = *at;
    h->seq = seq;
    h->wire_bytes = wire;
    h->at_ns = piece->at_ns;
    h->len = len;
    if (len)
        memcpy(h->bytes, piece->data.at, len);
    *at = h;
    s->held += cost(h);
    b->held += cost(h);
    return true;
}

bool tcp_side_hold(struct tcp_side *s, struct tcp_budget *b, uint32_t seq,
                   const struct tcp_piece *whole, struct err *err)
{
    struct tcp_piece piece = *whole;
    struct tcp_held **at = &s->first;

    while (piece.wire_bytes) {
        /* Past the segments that end at or before ours, over the part that one has already. */
        while (*at && (int32_t)((*at)->seq + (*at)->wire_bytes - seq) <= 0)
            at = &(*at)->next;
        if (*at && (int32_t)((*at)->seq - seq) <= 0) {
            seq += tcp_piece_trim(&piece, seq, (*at)->seq + (*at)->wire_bytes);
            continue;
        }
        uint32_t room = *at ? (*at)->seq - seq : UINT32_MAX;
        if (!insert(s, b, at, seq, &piece, room, err))
            return false;
        if (piece.wire_bytes <= room)
            return true;
        seq += tcp_piece_trim(&piece, seq, seq + room);
    }
    return true;
}

bool tcp_side_next(struct tcp_side *s, struct tcp_budget *b, struct tcp_piece *out)
{
    while (s->first && (int32_t)(s->first->seq - s->next) <= 0) {
        struct tcp_held *h = s->first;
        struct tcp_piece piece = {
            .data = {h->bytes, h->len}, .wire_bytes = h->wire_bytes, .at_ns = h->at_ns, .heap = h};
        tcp_piece_trim(&piece, h->seq, s->next);
        if (piece.wire_bytes == 0) {
            drop_first(s, b);
            continue;
        }
        s->first = h->next;
        s->held -= cost(h);
        b->held -= cost(h);
        s->next += piece.wire_bytes;
        *out = piece;
        return true;
    }
    return false;
}

bool tcp_side_acked_hole(const struct tcp_side *s)
{
    /* The FIN takes one number and is no byte. */
    uint32_t seen = s->next + (s->fin && s->fin_seq == s->next && !s->eof);

    return s->started && s->acked_known && (int32_t)(s->acked - seen) > 0;
}

uint32_t tcp_side_hole(const struct tcp_side *s)
{
    if (!s->started || s->eof)
        return 0;
    uint32_t hole = UINT32_MAX;
    if (s->first)
        hole = s->first->seq - s->next;
    else if (s->fin)
        hole = s->fin_seq - s->next;
    /* Of a hole in front of a waiting segment, only the acknowledged part is known to be lost. */
    if (tcp_side_acked_hole(s) && s->acked - s->next < hole)
        hole = s->acked - s->next;
    return hole == UINT32_MAX ? 0 : hole;
}

uint32_t tcp_side_skip(struct tcp_side *s)
{
    uint32_t bytes = tcp_side_hole(s);

    s->next += bytes;
    return bytes;
}

bool tcp_side_over(const struct tcp_side *s, const struct tcp_budget *b)
{
    return s->held > b->side_max || b->held > b->held_max;
}
