/* One direction of a TCP connection: where it stands, and the segments that came too early.
 * Used by tcp.c alone. */
#ifndef LIB_WIRE_TCP_SIDE_H
#define LIB_WIRE_TCP_SIDE_H

#include "lib/base/err.h"
#include "lib/base/span.h"

/* What waits in all directions together, and how much may. */
struct tcp_budget {
    size_t held, held_max, side_max;
};

struct tcp_piece {
    struct span data;
    uint32_t wire_bytes; /* at least data.len */
    int64_t at_ns;
    void *heap; /* holds data, when it waited */
};
void tcp_piece_free(struct tcp_piece *piece);
/* Takes off what lies before `next`; returns how many bytes that were. */
uint32_t tcp_piece_trim(struct tcp_piece *piece, uint32_t seq, uint32_t next);

struct tcp_held;
struct tcp_side {
    bool started, fin, eof, acked_known;
    uint32_t next; /* sequence number that follows what was delivered */
    uint32_t fin_seq;
    uint32_t acked;
    int64_t hole_ns; /* since when an acknowledged hole is waited for; 0: none */
    struct tcp_held *first;
    size_t held;
};

void tcp_side_start(struct tcp_side *s, uint32_t next);
void tcp_side_done(struct tcp_side *s, struct tcp_budget *b);
/* Whether a SYN that leads to `next` begins another connection than this one. */
bool tcp_side_is_new(const struct tcp_side *s, uint32_t next);
void tcp_side_ack(struct tcp_side *s, uint32_t ack);
/* Copies what no waiting segment has yet. */
bool tcp_side_hold(struct tcp_side *s, struct tcp_budget *b, uint32_t seq,
                   const struct tcp_piece *piece, struct err *err);
/* The next piece without a hole before it, if there is one; the caller frees it. */
bool tcp_side_next(struct tcp_side *s, struct tcp_budget *b, struct tcp_piece *out);
/* Bytes missing before the next piece, the acknowledged end or the FIN; 0: none. */
uint32_t tcp_side_hole(const struct tcp_side *s);
bool tcp_side_acked_hole(const struct tcp_side *s);
/* Steps over the hole; its bytes. */
uint32_t tcp_side_skip(struct tcp_side *s);
bool tcp_side_over(const struct tcp_side *s, const struct tcp_budget *b);

#endif
