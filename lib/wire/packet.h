/* From a captured frame to a TCP segment.
 *
 * Reads Ethernet, Linux cooked (SLL, SLL2), BSD loopback and raw IP frames, VLAN tags, IPv4 and
 * IPv6 with extension headers. Checksums are not looked at: with offloading, what a host captures
 * of its own packets has none.
 * Sources:   RFC 791, 8200, 9293; https://www.tcpdump.org/linktypes.html
 * Ownership: `data` points into the frame. Errors: none; a frame is of one kind or another.
 */
#ifndef LIB_WIRE_PACKET_H
#define LIB_WIRE_PACKET_H

#include "lib/base/span.h"

/* The link types that are read, by their number in a capture. */
enum packet_link {
    PACKET_LINK_NULL = 0,
    PACKET_LINK_ETHERNET = 1,
    PACKET_LINK_RAW_DLT = 12,
    PACKET_LINK_RAW = 101,
    PACKET_LINK_LOOP = 108,
    PACKET_LINK_SLL = 113,
    PACKET_LINK_IPV4 = 228,
    PACKET_LINK_IPV6 = 229,
    PACKET_LINK_SLL2 = 276
};
bool packet_link_known(int link);

/* One end of a connection. IPv4 addresses use the first four bytes, the rest is zero. */
struct tcp_end {
    uint8_t family; /* 4 or 6 */
    uint8_t ip[16];
    uint16_t port;
};
#define TCP_END_TEXT 64
/* "10.0.0.1:80" or "[::1]:80"; returns out. */
const char *tcp_end_text(const struct tcp_end *end, char out[TCP_END_TEXT]);
bool tcp_end_eq(const struct tcp_end *a, const struct tcp_end *b);
bool tcp_end_loopback(const struct tcp_end *end);

enum packet_flag { PACKET_FIN = 0x01, PACKET_SYN = 0x02, PACKET_RST = 0x04, PACKET_ACK = 0x10 };

/* A piece of an IP datagram. */
struct packet_piece {
    uint32_t id;
    uint32_t offset;
    uint8_t next; /* protocol of the whole */
    bool more;
    struct span data;
    bool cut; /* the capture holds less of it than there was */
};

struct packet {
    struct tcp_end src, dst;
    uint32_t seq, ack;
    uint8_t flags;
    struct span data;
    uint32_t wire_bytes;       /* of data on the wire; more than data.len when the capture cut it */
    struct packet_piece piece; /* of PACKET_PIECE: ports are not known yet */
};

enum packet_kind { PACKET_TCP, PACKET_PIECE, PACKET_OTHER, PACKET_DAMAGED };

enum packet_kind packet_parse(int link, struct span frame, uint32_t wire_bytes, struct packet *out);
/* Continues with the payload of a whole datagram; `out` has its addresses. */
enum packet_kind packet_parse_upper(uint8_t next, struct span data, struct packet *out);

#endif
