#include "lib/wire/frag.h"

struct datagram {
    bool used;
    struct tcp_end src, dst;
    uint32_t id;
    uint8_t next;
    int64_t since_ns;
    size_t total; /* 0: the last piece was not seen */
    size_t seen;
    char bytes[FRAG_BYTES_MAX];
    uint8_t have[FRAG_BYTES_MAX / 8 + 1]; /* a bit per byte */
};

struct frag {
    struct datagram *at[FRAG_DATAGRAMS];
    uint64_t lost;
};

bool frag_new(struct frag **out, struct err *err)
{
    struct frag *f = calloc(1, sizeof(*f));

    if (!f)
        return err_memory(err);
    *out = f;
    return true;
}

void frag_free(struct frag *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < FRAG_DATAGRAMS; i++)
        free(f->at[i]);
    free(f);
}

uint64_t frag_lost(const struct frag *f)
{
    return f->lost;
}

static bool same(const struct datagram *d, const struct packet *p)
{
    return d->used && d->id == p->piece.id && d->next == p->piece.next &&
           tcp_end_eq(&d->src, &p->src) && tcp_end_eq(&d->dst, &p->dst);
}

static void start(struct datagram *d, const struct packet *p, int64_t at_ns)
{
    d->used = true;
    d->src = p->src;
    d->dst = p->dst;
    d->id = p->piece.id;
    d->next = p->piece.next;
    d->since_ns = at_ns;
    d->total = 0;
    d->seen = 0;
    memset(d->have, 0, sizeof(d->have));
}

/* The datagram of this piece: the one begun, a free place, or the oldest one's. */
static struct datagram *find(struct frag *f, const struct packet *p, int64_t at_ns)
{
    size_t place = 0;
    int64_t oldest = INT64_MAX;

    for (size_t i = 0; i < FRAG_DATAGRAMS; i++) {
        struct datagram *d = f->at[i];
        if (d && d->used && at_ns - d->since_ns > FRAG_AGE_NS) {
            d->used = false;
            f->lost++;
        }
        if (d && same(d, p))
            return d;
        int64_t since = d && d->used ? d->since_ns : INT64_MIN;
        if (since < oldest) {
            oldest = since;
            place = i;
        }
    }
    if (!f->at[place])
        f->at[place] = calloc(1, sizeof(struct datagram));
    struct datagram *d = f->at[place];
    if (d) {
        f->lost += d->used;
        start(d, p, at_ns);
    }
    return d;
}

static void copy_new(struct datagram *d, size_t offset, struct span data)
{
    for (size_t i = 0; i < data.len; i++) {
        size_t at = offset + i;
        uint8_t bit = (uint8_t)(1U << (at & 7));
        if (d->have[at >> 3] & bit)
            continue;
        d->have[at >> 3] |= bit;
        d->bytes[at] = data.at[i];
        d->seen++;
    }
}

bool frag_add(struct frag *f, const struct packet *p, int64_t at_ns, struct span *whole)
{
    const struct packet_piece *piece = &p->piece;
    size_t end = piece->offset + piece->data.len;

    if (piece->cut || end > FRAG_BYTES_MAX) {
        f->lost++;
        return false;
    }
    struct datagram *d = find(f, p, at_ns);
    if (!d) {
        f->lost++;
        return false;
    }
    bool contradicts =
        (d->total && end > d->total) || (!piece->more && d->total && end != d->total);
    if (contradicts) {
        d->used = false;
        f->lost++;
        return false;
    }
    copy_new(d, piece->offset, piece->data);
    if (!piece->more)
        d->total = end;
    if (!d->total || d->seen < d->total)
        return false;
    /* More seen than the total: a piece lay beyond the end that the last one gave. */
    bool good = d->seen == d->total;
    f->lost += !good;
    d->used = false;
    *whole = (struct span){d->bytes, d->total};
    return good;
}
