#include "lib/wire/packet.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "lib/wire/bytes.h"

#define PROTO_TCP      6
#define ETHER_IPV4     0x0800
#define ETHER_IPV6     0x86dd
#define VLAN_TAGS_MAX  4
#define EXTENSIONS_MAX 16

/* What is left of a packet: captured bytes and how many there were on the wire. */
struct rest {
    struct span at;
    uint32_t wire;
};

static bool skip(struct rest *r, size_t n)
{
    if (r->at.len < n)
        return false;
    r->at.at += n;
    r->at.len -= n;
    r->wire = r->wire > n ? r->wire - (uint32_t)n : 0;
    return true;
}

static void trim_wire(struct rest *r, uint32_t wire)
{
    r->wire = wire;
    if (r->at.len > wire)
        r->at.len = wire;
}

static enum packet_kind parse_tcp(struct rest r, struct packet *out)
{
    if (r.at.len < 20)
        return PACKET_DAMAGED;
    const char *p = r.at.at;
    size_t header = (size_t)(wire_u8(p + 12) >> 4) * 4;

    out->src.port = wire_be16(p);
    out->dst.port = wire_be16(p + 2);
    out->seq = wire_be32(p + 4);
    out->ack = wire_be32(p + 8);
    out->flags = wire_u8(p + 13);
    if (header < 20 || !skip(&r, header))
        return PACKET_DAMAGED;
    out->data = r.at;
    out->wire_bytes = r.wire;
    return PACKET_TCP;
}

static enum packet_kind fragment6(struct rest r, struct packet *out)
{
    const char *p = r.at.at;
    uint16_t offset = wire_be16(p + 2);

    out->piece = (struct packet_piece){
        .id = wire_be32(p + 4), .offset = offset & 0xfff8U, .next = wire_u8(p), .more = offset & 1};
    skip(&r, 8);
    out->piece.data = r.at;
    out->piece.cut = r.wire > r.at.len;
    return PACKET_PIECE;
}

/* Length of an IPv6 extension header; 0: `next` is none. RFC 8200 section 4. */
static size_t extension_bytes(uint8_t next, const char *p)
{
    switch (next) {
    case 0:   /* hop by hop */
    case 43:  /* routing */
    case 60:  /* destination options */
    case 135: /* mobility */
        return ((size_t)wire_u8(p + 1) + 1) * 8;
    case 51: /* authentication */
        return ((size_t)wire_u8(p + 1) + 2) * 4;
    default:
        return 0;
    }
}

static enum packet_kind parse_upper(uint8_t next, struct rest r, struct packet *out)
{
    for (int i = 0; i < EXTENSIONS_MAX && next != PROTO_TCP; i++) {
        if (r.at.len < 8)
            return next == 59 ? PACKET_OTHER : PACKET_DAMAGED;
        uint8_t following = wire_u8(r.at.at);
        if (next == 44) { /* fragment; one that is alone is just a header */
            if (wire_be16(r.at.at + 2) & 0xfff9U)
                return fragment6(r, out);
            skip(&r, 8);
        } else {
            size_t bytes = extension_bytes(next, r.at.at);
            if (bytes == 0)
                return PACKET_OTHER;
            if (!skip(&r, bytes))
                return PACKET_DAMAGED;
        }
        next = following;
    }
    return next == PROTO_TCP ? parse_tcp(r, out) : PACKET_OTHER;
}

static enum packet_kind parse_ipv4(struct rest r, struct packet *out)
{
    if (r.at.len < 20)
        return PACKET_DAMAGED;
    const char *p = r.at.at;
    size_t header = (size_t)(wire_u8(p) & 15) * 4;
    uint16_t total = wire_be16(p + 2), offset = wire_be16(p + 6);
    uint8_t next = wire_u8(p + 9);

    out->src = (struct tcp_end){.family = 4};
    out->dst = (struct tcp_end){.family = 4};
    memcpy(out->src.ip, p + 12, 4);
    memcpy(out->dst.ip, p + 16, 4);
    out->piece.id = wire_be16(p + 4);
    /* A segment that the network card will cut (TSO above 64 KiB) says 0: then the frame counts. */
    if (total != 0)
        trim_wire(&r, total < r.wire ? total : r.wire);
    if (header < 20 || !skip(&r, header))
        return PACKET_DAMAGED;
    if ((offset & 0x3fff) == 0)
        return next == PROTO_TCP ? parse_tcp(r, out) : PACKET_OTHER;
    out->piece.offset = (offset & 0x1fffU) * 8;
    out->piece.more = offset & 0x2000;
    out->piece.next = next;
    out->piece.data = r.at;
    out->piece.cut = r.wire > r.at.len;
    return PACKET_PIECE;
}

static enum packet_kind parse_ipv6(struct rest r, struct packet *out)
{
    if (r.at.len < 40)
        return PACKET_DAMAGED;
    const char *p = r.at.at;
    uint16_t payload = wire_be16(p + 4);
    uint8_t next = wire_u8(p + 6);

    out->src = (struct tcp_end){.family = 6};
    out->dst = (struct tcp_end){.family = 6};
    memcpy(out->src.ip, p + 8, 16);
    memcpy(out->dst.ip, p + 24, 16);
    skip(&r, 40);
    if (payload != 0) /* 0: a jumbogram, as with segmentation offload; then the frame counts */
        trim_wire(&r, payload < r.wire ? payload : r.wire);
    return parse_upper(next, r, out);
}

static enum packet_kind parse_ip(struct rest r, struct packet *out)
{
    if (r.at.len < 1)
        return PACKET_DAMAGED;
    switch (wire_u8(r.at.at) >> 4) {
    case 4:
        return parse_ipv4(r, out);
    case 6:
        return parse_ipv6(r, out);
    default:
        return PACKET_OTHER;
    }
}

static enum packet_kind parse_ethertype(uint16_t type, struct rest r, struct packet *out)
{
    for (int i = 0; i < VLAN_TAGS_MAX; i++) {
        if (type != 0x8100 && type != 0x88a8 && type != 0x9100)
            break;
        if (r.at.len < 4)
            return PACKET_DAMAGED;
        type = wire_be16(r.at.at + 2);
        skip(&r, 4);
    }
    return type == ETHER_IPV4 || type == ETHER_IPV6 ? parse_ip(r, out) : PACKET_OTHER;
}

/* Where each link's header holds the protocol, and how long it is. */
static const struct link {
    int link;
    uint8_t header;
    int8_t ethertype; /* offset; -1: the IP version tells */
} links[] = {
    {PACKET_LINK_ETHERNET, 14, 12}, {PACKET_LINK_SLL, 16, 14}, {PACKET_LINK_SLL2, 20, 0},
    {PACKET_LINK_NULL, 4, -1},      {PACKET_LINK_LOOP, 4, -1}, {PACKET_LINK_RAW, 0, -1},
    {PACKET_LINK_RAW_DLT, 0, -1},   {PACKET_LINK_IPV4, 0, -1}, {PACKET_LINK_IPV6, 0, -1},
};

static const struct link *find_link(int link)
{
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
        if (links[i].link == link)
            return &links[i];
    return NULL;
}

bool packet_link_known(int link)
{
    return find_link(link) != NULL;
}

enum packet_kind packet_parse(int link, struct span frame, uint32_t wire_bytes, struct packet *out)
{
    const struct link *l = find_link(link);
    struct rest r = {frame, wire_bytes < frame.len ? (uint32_t)frame.len : wire_bytes};

    *out = (struct packet){0};
    if (!l)
        return PACKET_OTHER;
    if (frame.len < l->header)
        return PACKET_DAMAGED;
    uint16_t type = l->ethertype < 0 ? 0 : wire_be16(frame.at + l->ethertype);
    skip(&r, l->header);
    return l->ethertype < 0 ? parse_ip(r, out) : parse_ethertype(type, r, out);
}

enum packet_kind packet_parse_upper(uint8_t next, struct span data, struct packet *out)
{
    return parse_upper(next, (struct rest){data, (uint32_t)data.len}, out);
}

const char *tcp_end_text(const struct tcp_end *end, char out[TCP_END_TEXT])
{
    char ip[INET6_ADDRSTRLEN] = "?";

    inet_ntop(end->family == 6 ? AF_INET6 : AF_INET, end->ip, ip, sizeof(ip));
    snprintf(out, TCP_END_TEXT, end->family == 6 ? "[%s]:%u" : "%s:%u", ip, end->port);
    return out;
}

bool tcp_end_eq(const struct tcp_end *a, const struct tcp_end *b)
{
    return a->family == b->family && a->port == b->port && memcmp(a->ip, b->ip, 16) == 0;
}

bool tcp_end_loopback(const struct tcp_end *end)
{
    static const uint8_t one[16] = {[15] = 1};

    return end->family == 4 ? end->ip[0] == 127 : memcmp(end->ip, one, 16) == 0;
}
