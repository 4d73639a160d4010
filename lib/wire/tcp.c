#include "lib/wire/tcp.h"

#include "lib/wire/tcp_side.h"

#define LINGER_NS   (2 * INT64_C(1000000000))
#define BUCKETS_MIN 1024
/* A sequence number further away than this is not of this connection (the largest window there
 * is, RFC 7323). */
#define FAR (1 << 30)

struct conn {
    struct conn *chain;         /* in its hash bucket */
    struct conn *newer, *older; /* by last use */
    uint64_t id;
    struct tcp_end client, server;
    struct tcp_side side[2];
    int64_t used_ns;
    bool done; /* closed, kept a while so that stray repeats do not open it again */
    void *user;
};

struct tcp {
    struct tcp_conf conf;
    tcp_event_fn fn;
    void *ctx;
    struct conn **bucket;
    size_t buckets, live;
    struct conn *newest, *oldest;
    struct tcp_budget budget;
    size_t holes; /* directions that wait, as of the last tick or more */
    struct tcp_stats stats;
};

const char *tcp_why_name(enum tcp_why why)
{
    static const char *const names[] = {"closed", "reset",   "reused",
                                        "idle",   "evicted", "capture ended"};

    return (size_t)why < COUNT(names) ? names[why] : "?";
}

bool tcp_new(const struct tcp_conf *conf, tcp_event_fn fn, void *ctx, struct tcp **out,
             struct err *err)
{
    AUTO(tcp) struct tcp *t = calloc(1, sizeof(*t));
    if (!t)
        return err_memory(err);
    t->conf = *conf;
    t->fn = fn;
    t->ctx = ctx;
    t->budget.held_max = conf->held_max ? conf->held_max : (size_t)64 << 20;
    t->budget.side_max = conf->held_conn_max ? conf->held_conn_max : (size_t)8 << 20;
    if (!t->conf.connections_max)
        t->conf.connections_max = 65536;
    if (!t->conf.hole_wait_ns)
        t->conf.hole_wait_ns = 200 * INT64_C(1000000);
    if (!t->conf.idle_ns)
        t->conf.idle_ns = 600 * INT64_C(1000000000);
    t->buckets = BUCKETS_MIN;
    t->bucket = calloc(t->buckets, sizeof(struct conn *));
    if (!t->bucket)
        return err_memory(err);
    *out = TAKE(t);
    return true;
}

static void conn_free(struct tcp *t, struct conn *c)
{
    tcp_side_done(&c->side[0], &t->budget);
    tcp_side_done(&c->side[1], &t->budget);
    free(c);
}

void tcp_free(struct tcp *t)
{
    if (!t)
        return;
    while (t->oldest) {
        struct conn *c = t->oldest;
        t->oldest = c->newer;
        conn_free(t, c);
    }
    free(t->bucket);
    free(t);
}

const struct tcp_stats *tcp_stats(const struct tcp *t)
{
    return &t->stats;
}

size_t tcp_live(const struct tcp *t)
{
    return t->live;
}

/* ---- the table of connections ---- */

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 29;
}

static uint64_t end_hash(uint64_t h, const struct tcp_end *e)
{
    uint64_t half[2];

    memcpy(half, e->ip, sizeof(half));
    return mix(mix(mix(h, half[0]), half[1]), e->port);
}

static size_t bucket_of(const struct tcp *t, const struct tcp_end *client,
                        const struct tcp_end *server)
{
    return end_hash(end_hash(t->conf.seed, client), server) & (t->buckets - 1);
}

static struct conn *find(const struct tcp *t, const struct tcp_end *client,
                         const struct tcp_end *server)
{
    struct conn *c = t->bucket[bucket_of(t, client, server)];

    while (c && !(tcp_end_eq(&c->client, client) && tcp_end_eq(&c->server, server)))
        c = c->chain;
    return c;
}

static void lru_out(struct tcp *t, struct conn *c)
{
    *(c->newer ? &c->newer->older : &t->newest) = c->older;
    *(c->older ? &c->older->newer : &t->oldest) = c->newer;
    c->newer = c->older = NULL;
}

static void lru_in(struct tcp *t, struct conn *c)
{
    c->older = t->newest;
    if (t->newest)
        t->newest->newer = c;
    t->newest = c;
    if (!t->oldest)
        t->oldest = c;
}

static void forget(struct tcp *t, struct conn *c)
{
    struct conn **at = &t->bucket[bucket_of(t, &c->client, &c->server)];

    while (*at != c)
        at = &(*at)->chain;
    *at = c->chain;
    lru_out(t, c);
    t->live--;
    conn_free(t, c);
}

/* Twice the buckets; without memory the chains just stay long. */
static void grow(struct tcp *t)
{
    size_t old_count = t->buckets;
    struct conn **old = t->bucket, **fresh = calloc(old_count * 2, sizeof(struct conn *));

    if (!fresh)
        return;
    t->bucket = fresh;
    t->buckets = old_count * 2;
    for (size_t i = 0; i < old_count; i++) {
        while (old[i]) {
            struct conn *c = old[i];
            old[i] = c->chain;
            size_t b = bucket_of(t, &c->client, &c->server);
            c->chain = fresh[b];
            fresh[b] = c;
        }
    }
    free(old);
}

/* ---- events ---- */

static bool emit(struct tcp *t, struct conn *c, struct tcp_event e, struct err *err)
{
    e.conn = c->id;
    e.client = &c->client;
    e.server = &c->server;
    e.user = &c->user;
    return t->fn(t->ctx, &e, err);
}

static bool emit_gap(struct tcp *t, struct conn *c, enum tcp_dir dir, uint64_t bytes, int64_t at_ns,
                     struct err *err)
{
    t->stats.gaps++;
    t->stats.gap_bytes += bytes;
    return emit(t, c, (struct tcp_event){TCP_GAP, dir, .bytes = bytes, .at_ns = at_ns}, err);
}

/* One piece of a direction: its bytes, and the bytes that the capture cut off behind them. */
static bool emit_piece(struct tcp *t, struct conn *c, enum tcp_dir dir,
                       const struct tcp_piece *piece, struct err *err)
{
    t->stats.payload_bytes += piece->data.len;
    if (piece->data.len &&
        !emit(t, c, (struct tcp_event){TCP_DATA, dir, .data = piece->data, .at_ns = piece->at_ns},
              err))
        return false;
    size_t cut = piece->wire_bytes - piece->data.len;
    return cut == 0 || emit_gap(t, c, dir, cut, piece->at_ns, err);
}

static bool close_conn(struct tcp *t, struct conn *c, enum tcp_why why, int64_t at_ns,
                       struct err *err);

/* Delivers what now follows without a hole, then the end of the direction if it stands there. */
static bool drain(struct tcp *t, struct conn *c, enum tcp_dir dir, int64_t at_ns, struct err *err)
{
    struct tcp_side *s = &c->side[dir];
    struct tcp_piece piece;
    bool ok = true;

    while (ok && tcp_side_next(s, &t->budget, &piece)) {
        ok = emit_piece(t, c, dir, &piece, err);
        tcp_piece_free(&piece);
    }
    if (!ok)
        return false;
    if (!s->fin || s->eof || s->next != s->fin_seq)
        return true;
    s->eof = true;
    s->next++;
    if (!emit(t, c, (struct tcp_event){TCP_EOF, dir, .at_ns = at_ns}, err))
        return false;
    return !c->side[!dir].eof || close_conn(t, c, TCP_CLOSED, at_ns, err);
}

/* Declares the hole in front lost and goes on behind it. */
static bool skip_hole(struct tcp *t, struct conn *c, enum tcp_dir dir, int64_t at_ns,
                      struct err *err)
{
    uint32_t bytes = tcp_side_skip(&c->side[dir]);

    if (bytes == 0)
        return true;
    return emit_gap(t, c, dir, bytes, at_ns, err) && drain(t, c, dir, at_ns, err);
}

static bool flush(struct tcp *t, struct conn *c, enum tcp_dir dir, int64_t at_ns, struct err *err)
{
    while (!c->done && tcp_side_hole(&c->side[dir]) > 0)
        if (!skip_hole(t, c, dir, at_ns, err))
            return false;
    return true;
}

static bool close_conn(struct tcp *t, struct conn *c, enum tcp_why why, int64_t at_ns,
                       struct err *err)
{
    if (c->done)
        return true;
    if (why != TCP_CLOSED &&
        !(flush(t, c, TCP_TO_SERVER, at_ns, err) && flush(t, c, TCP_TO_CLIENT, at_ns, err)))
        return false;
    if (c->done) /* the flush found both ends */
        return true;
    c->done = true;
    tcp_side_done(&c->side[0], &t->budget);
    tcp_side_done(&c->side[1], &t->budget);
    return emit(t, c, (struct tcp_event){TCP_CLOSE, .why = why, .at_ns = at_ns}, err);
}

/* ---- packets ---- */

static bool is_server(const struct tcp *t, uint16_t port)
{
    for (size_t i = 0; i < t->conf.ports_count; i++)
        if (t->conf.ports[i] == port)
            return true;
    return false;
}

/* Whether the packet goes to the server; false in *ours when neither end is one. */
static enum tcp_dir direction(const struct tcp *t, const struct packet *p, bool *ours)
{
    bool from = is_server(t, p->src.port), to = is_server(t, p->dst.port);

    *ours = from || to;
    if (from != to)
        return to ? TCP_TO_SERVER : TCP_TO_CLIENT;
    if (find(t, &p->dst, &p->src)) /* both are server ports: as the connection began */
        return TCP_TO_CLIENT;
    return p->flags & PACKET_SYN && p->flags & PACKET_ACK ? TCP_TO_CLIENT : TCP_TO_SERVER;
}

static bool make_room(struct tcp *t, int64_t at_ns, struct err *err)
{
    if (t->live < t->conf.connections_max)
        return true;
    struct conn *c = t->oldest;
    if (!close_conn(t, c, TCP_EVICTED, at_ns, err))
        return false;
    forget(t, c);
    return true;
}

static bool open_conn(struct tcp *t, const struct packet *p, enum tcp_dir dir, int64_t at_ns,
                      struct conn **out, struct err *err)
{
    bool syn = p->flags & PACKET_SYN;

    if (!make_room(t, at_ns, err))
        return false;
    if (t->live >= t->buckets * 2)
        grow(t);
    struct conn *c = calloc(1, sizeof(*c));
    if (!c)
        return err_memory(err);
    c->client = dir == TCP_TO_SERVER ? p->src : p->dst;
    c->server = dir == TCP_TO_SERVER ? p->dst : p->src;
    c->id = ++t->stats.connections;
    c->used_ns = at_ns;
    tcp_side_start(&c->side[dir], p->seq + syn);
    if (p->flags & PACKET_ACK)
        tcp_side_start(&c->side[!dir], p->ack);
    size_t b = bucket_of(t, &c->client, &c->server);
    c->chain = t->bucket[b];
    t->bucket[b] = c;
    lru_in(t, c);
    t->live++;
    *out = c;
    return emit(t, c, (struct tcp_event){TCP_OPEN, .midstream = !syn, .at_ns = at_ns}, err);
}

/* The packet is of a later connection between the same ends. */
static bool is_over(const struct conn *c, const struct packet *p, enum tcp_dir dir, int64_t at_ns)
{
    if (p->flags & PACKET_SYN)
        return c->done || tcp_side_is_new(&c->side[dir], p->seq + 1);
    return c->done && at_ns - c->used_ns > LINGER_NS && p->wire_bytes;
}

/* The connection of a packet; NULL in *out when the packet belongs to none and opens none. */
static bool conn_for(struct tcp *t, const struct packet *p, enum tcp_dir dir, int64_t at_ns,
                     struct conn **out, struct err *err)
{
    const struct tcp_end *client = dir == TCP_TO_SERVER ? &p->src : &p->dst;
    const struct tcp_end *server = dir == TCP_TO_SERVER ? &p->dst : &p->src;
    struct conn *c = find(t, client, server);
    bool syn = p->flags & PACKET_SYN;

    *out = c;
    if (c && is_over(c, p, dir, at_ns)) {
        if (!close_conn(t, c, TCP_REUSED, at_ns, err))
            return false;
        forget(t, c);
        *out = c = NULL;
    }
    if (c || (!syn && !p->wire_bytes) || p->flags & PACKET_RST)
        return true;
    return open_conn(t, p, dir, at_ns, out, err);
}

static bool take_data(struct tcp *t, struct conn *c, enum tcp_dir dir, const struct packet *p,
                      int64_t at_ns, struct err *err)
{
    struct tcp_side *s = &c->side[dir];
    uint32_t seq = p->seq + !!(p->flags & PACKET_SYN);
    struct tcp_piece piece = {.data = p->data, .wire_bytes = p->wire_bytes, .at_ns = at_ns};

    if (!s->started)
        tcp_side_start(s, seq);
    int32_t ahead = (int32_t)(seq - s->next);
    if (ahead > FAR || ahead < -FAR)
        return true;
    uint32_t end = seq + p->wire_bytes;
    if (p->flags & PACKET_FIN && !s->fin && (int32_t)(end - s->next) >= 0) {
        s->fin = true;
        s->fin_seq = end;
    }
    uint32_t repeated = tcp_piece_trim(&piece, seq, s->next);
    t->stats.repeated_bytes += repeated;
    if (piece.wire_bytes && ahead > 0) {
        t->stats.out_of_order++;
        if (!tcp_side_hold(s, &t->budget, seq, &piece, err))
            return false;
        while (tcp_side_over(s, &t->budget) && tcp_side_hole(s) > 0)
            if (!skip_hole(t, c, dir, at_ns, err))
                return false;
        return true;
    }
    if (piece.wire_bytes) {
        s->next += piece.wire_bytes;
        if (!emit_piece(t, c, dir, &piece, err))
            return false;
    }
    return drain(t, c, dir, at_ns, err);
}

/* What the other end acknowledged and we never saw is lost, once late packets had their chance. */
static bool check_hole(struct tcp *t, struct conn *c, enum tcp_dir dir, int64_t now_ns,
                       struct err *err)
{
    struct tcp_side *s = &c->side[dir];

    if (c->done || !tcp_side_acked_hole(s)) {
        s->hole_ns = 0;
        return true;
    }
    if (s->hole_ns == 0) {
        s->hole_ns = now_ns;
        t->holes++;
        return true;
    }
    if (now_ns - s->hole_ns < t->conf.hole_wait_ns)
        return true;
    s->hole_ns = 0;
    return skip_hole(t, c, dir, now_ns, err);
}

static bool take_reset(struct tcp *t, struct conn *c, enum tcp_dir dir, const struct packet *p,
                       int64_t at_ns, struct err *err)
{
    const struct tcp_side *s = &c->side[dir];
    int32_t ahead = (int32_t)(p->seq - s->next);

    /* A refused connection answers a SYN with sequence number 0. */
    if (s->started && p->seq != 0 && (ahead > FAR || ahead < -FAR))
        return true;
    return close_conn(t, c, TCP_RESET, at_ns, err);
}

bool tcp_packet(struct tcp *t, const struct packet *p, int64_t at_ns, struct err *err)
{
    struct conn *c = NULL;
    bool ours = false;
    enum tcp_dir dir = direction(t, p, &ours);

    if (!ours)
        return true;
    t->stats.segments++;
    if (!conn_for(t, p, dir, at_ns, &c, err))
        return false;
    if (!c || c->done)
        return true;
    c->used_ns = at_ns;
    lru_out(t, c);
    lru_in(t, c);
    if (p->flags & PACKET_RST)
        return take_reset(t, c, dir, p, at_ns, err);
    if (p->flags & PACKET_ACK)
        tcp_side_ack(&c->side[!dir], p->ack);
    if (!take_data(t, c, dir, p, at_ns, err))
        return false;
    return check_hole(t, c, !dir, at_ns, err) && check_hole(t, c, dir, at_ns, err);
}

static bool tick_holes(struct tcp *t, int64_t now_ns, struct err *err)
{
    size_t waiting = 0;

    for (struct conn *c = t->newest; c && t->holes; c = c->older) {
        for (int dir = 0; dir < 2; dir++) {
            if (!check_hole(t, c, (enum tcp_dir)dir, now_ns, err))
                return false;
            waiting += c->side[dir].hole_ns != 0;
        }
    }
    t->holes = waiting;
    return true;
}

bool tcp_tick(struct tcp *t, int64_t now_ns, struct err *err)
{
    if (!tick_holes(t, now_ns, err))
        return false;
    /* Oldest first; what is done goes early, what lives after its idle time. */
    for (struct conn *c = t->oldest, *newer = NULL; c; c = newer) {
        newer = c->newer;
        int64_t age = now_ns - c->used_ns;
        if (age < LINGER_NS)
            break;
        if (!c->done && age < t->conf.idle_ns)
            continue;
        if (!close_conn(t, c, TCP_IDLE, now_ns, err))
            return false;
        forget(t, c);
    }
    return true;
}

bool tcp_finish(struct tcp *t, int64_t now_ns, struct err *err)
{
    while (t->oldest) {
        struct conn *c = t->oldest;
        if (!close_conn(t, c, TCP_CAPTURE_END, now_ns, err))
            return false;
        forget(t, c);
    }
    return true;
}
