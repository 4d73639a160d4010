/* Records to bytes and back: a type, a length, then numbers (LEB128, signed ones zigzag) and
 * texts (length first) in the order of docs/tape-format.md. */
#include "lib/wire/tape.h"

/* ---- packing ---- */

static void put_u(struct buf *b, uint64_t v)
{
    char at[10];
    size_t n = 0;

    for (; v >= 0x80; v >>= 7)
        at[n++] = (char)(v | 0x80);
    at[n++] = (char)v;
    buf_add(b, at, n);
}

static void put_i(struct buf *b, int64_t v)
{
    put_u(b, (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0));
}

static void put_s(struct buf *b, struct span s)
{
    put_u(b, s.len);
    buf_add(b, s.at, s.len);
}

static void put_end(struct buf *b, const struct tcp_end *e)
{
    put_u(b, e->family);
    buf_add(b, e->ip, e->family == 6 ? 16 : 4);
    put_u(b, e->port);
}

static void put_message(struct buf *b, const struct tape_record *r)
{
    put_u(b, r->conn);
    put_u(b, r->request);
    put_u(b, r->flags);
    put_i(b, r->at_ns);
    put_i(b, r->last_ns);
    put_u(b, r->status);
    put_u(b, r->bytes);
    put_s(b, r->head);
    put_s(b, r->body);
    put_s(b, r->trailers);
}

static void put_result(struct buf *b, const struct tape_record *r)
{
    put_message(b, r);
    put_u(b, r->code);
    put_i(b, r->ready_ns);
    put_i(b, r->sent_ns);
    put_i(b, r->first_ns);
    put_s(b, r->text);
    put_s(b, r->digest);
}

static void put_fields(struct buf *b, const struct tape_record *r)
{
    switch (r->type) {
    case TAPE_OPEN:
        put_u(b, r->conn);
        put_i(b, r->at_ns);
        put_u(b, r->flags);
        put_end(b, &r->client);
        put_end(b, &r->server);
        break;
    case TAPE_CLOSE:
    case TAPE_GAP:
        put_u(b, r->conn);
        put_i(b, r->at_ns);
        put_u(b, r->code);
        put_u(b, r->bytes);
        break;
    case TAPE_REQUEST:
    case TAPE_RESPONSE:
        put_message(b, r);
        break;
    case TAPE_RESULT:
        put_result(b, r);
        break;
    case TAPE_MAPPED:
        put_s(b, r->noun);
        put_s(b, r->from);
        put_s(b, r->to);
        break;
    case TAPE_META:
    case TAPE_STATS:
    case TAPE_END:
        put_s(b, r->text);
        break;
    }
}

/* Far more than the numbers of any record need; the texts come on top. */
#define NUMBERS_MAX 256

bool tape_pack(struct buf *out, const struct tape_record *r, struct err *err)
{
    size_t texts = r->head.len + r->body.len + r->trailers.len + r->text.len + r->digest.len +
                   r->noun.len + r->from.len + r->to.len;

    if (texts > TAPE_RECORD_MAX - NUMBERS_MAX)
        return err_set(err, ERR_UNSUPPORTED, "record of %zu bytes is too long for a tape", texts);
    /* The length goes before the fields in a fixed width, so that nothing is copied twice. */
    size_t start = out->len;
    char prefix[5] = {(char)r->type};
    buf_add(out, prefix, sizeof(prefix));
    put_fields(out, r);
    if (!buf_ok(out, err))
        return false;
    uint32_t len = (uint32_t)(out->len - start - sizeof(prefix));
    for (int i = 0; i < 4; i++)
        out->at[start + 1 + (size_t)i] = (char)(len >> (8 * i));
    return true;
}

/* ---- unpacking ---- */

struct cursor {
    struct span left;
    bool bad;
};

static uint64_t get_u(struct cursor *c)
{
    uint64_t v = 0;

    for (unsigned shift = 0; shift < 64 && c->left.len; shift += 7) {
        uint8_t byte = (uint8_t)*c->left.at++;
        c->left.len--;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return v;
    }
    c->bad = true;
    return 0;
}

static int64_t get_i(struct cursor *c)
{
    uint64_t v = get_u(c);

    return (int64_t)(v >> 1 ^ -(v & 1));
}

static struct span get_bytes(struct cursor *c, uint64_t len)
{
    if (c->bad || len > c->left.len) {
        c->bad = true;
        return (struct span){"", 0};
    }
    struct span s = {c->left.at, (size_t)len};
    c->left.at += s.len;
    c->left.len -= s.len;
    return s;
}

static struct span get_s(struct cursor *c)
{
    return get_bytes(c, get_u(c));
}

static struct tcp_end get_end(struct cursor *c)
{
    struct tcp_end e = {.family = (uint8_t)get_u(c)};
    struct span ip = get_bytes(c, e.family == 6 ? 16 : 4);

    memcpy(e.ip, ip.at, ip.len);
    e.port = (uint16_t)get_u(c);
    c->bad |= e.family != 4 && e.family != 6;
    return e;
}

static void get_message(struct cursor *c, struct tape_record *r)
{
    r->conn = get_u(c);
    r->request = get_u(c);
    r->flags = (unsigned)get_u(c);
    r->at_ns = get_i(c);
    r->last_ns = get_i(c);
    r->status = (uint16_t)get_u(c);
    r->bytes = get_u(c);
    r->head = get_s(c);
    r->body = get_s(c);
    r->trailers = get_s(c);
}

static void get_result(struct cursor *c, struct tape_record *r)
{
    get_message(c, r);
    r->code = (uint8_t)get_u(c);
    r->ready_ns = get_i(c);
    r->sent_ns = get_i(c);
    r->first_ns = get_i(c);
    r->text = get_s(c);
    r->digest = get_s(c);
}

static void get_fields(struct cursor *c, struct tape_record *r)
{
    switch (r->type) {
    case TAPE_OPEN:
        r->conn = get_u(c);
        r->at_ns = get_i(c);
        r->flags = (unsigned)get_u(c);
        r->client = get_end(c);
        r->server = get_end(c);
        break;
    case TAPE_CLOSE:
    case TAPE_GAP:
        r->conn = get_u(c);
        r->at_ns = get_i(c);
        r->code = (uint8_t)get_u(c);
        r->bytes = get_u(c);
        break;
    case TAPE_REQUEST:
    case TAPE_RESPONSE:
        get_message(c, r);
        break;
    case TAPE_RESULT:
        get_result(c, r);
        break;
    case TAPE_MAPPED:
        r->noun = get_s(c);
        r->from = get_s(c);
        r->to = get_s(c);
        break;
    case TAPE_META:
    case TAPE_STATS:
    case TAPE_END:
        r->text = get_s(c);
        break;
    }
}

bool tape_unpack(struct span *from, struct tape_record *out, struct err *err)
{
    if (from->len < 5)
        return err_set(err, ERR_DAMAGED, "record is cut");
    size_t len = 0;
    for (int i = 0; i < 4; i++)
        len |= (size_t)(uint8_t)from->at[1 + i] << (8 * i);
    if (len > from->len - 5)
        return err_set(err, ERR_DAMAGED, "record of %zu bytes reaches beyond its block", len);
    struct cursor c = {.left = {from->at + 5, len}};
    *out = (struct tape_record){.type = (enum tape_type)(uint8_t)from->at[0]};
    get_fields(&c, out);
    if (c.bad)
        return err_set(err, ERR_DAMAGED, "record of type %d does not hold its fields", out->type);
    *from = (struct span){from->at + 5 + len, from->len - 5 - len};
    return true;
}
