#include "tests/test.h"

#include "lib/base/buf.h"
#include "lib/wire/frag.h"

/* A frame put together from pieces; big-endian. */
static void u8(struct buf *b, unsigned v)
{
    buf_putc(b, (char)v);
}

static void u16(struct buf *b, unsigned v)
{
    u8(b, v >> 8);
    u8(b, v & 255);
}

static void u32(struct buf *b, uint32_t v)
{
    u16(b, v >> 16);
    u16(b, v & 0xffff);
}

static void zeros(struct buf *b, size_t n)
{
    while (n--)
        u8(b, 0);
}

static void tcp(struct buf *b, const char *data)
{
    u16(b, 40000);
    u16(b, 80);
    u32(b, 0x01020304);
    u32(b, 0x05060708);
    u8(b, 6 << 4); /* with 4 bytes of options */
    u8(b, PACKET_ACK);
    zeros(b, 6 + 4);
    buf_puts(b, data);
}

static void ipv4(struct buf *b, unsigned payload, unsigned fragment, unsigned id)
{
    u8(b, 0x45);
    u8(b, 0);
    u16(b, payload ? payload + 20 : 0);
    u16(b, id);
    u16(b, fragment);
    u8(b, 64);
    u8(b, 6);
    u16(b, 0);
    u32(b, 0x0a000001);
    u32(b, 0x0a000002);
}

static void ipv6(struct buf *b, unsigned payload, unsigned next)
{
    u32(b, 0x60000000);
    u16(b, payload);
    u8(b, next);
    u8(b, 64);
    zeros(b, 15);
    u8(b, 1);
    zeros(b, 15);
    u8(b, 2);
}

#define TCP_BYTES 24

static void check_tcp(struct buf *b, int link, const char *data)
{
    struct packet p;
    char text[TCP_END_TEXT];

    assert_int_equal(packet_parse(link, buf_view(b), (uint32_t)b->len, &p), PACKET_TCP);
    assert_int_equal(p.src.port, 40000);
    assert_int_equal(p.dst.port, 80);
    assert_int_equal(p.seq, 0x01020304);
    assert_int_equal(p.ack, 0x05060708);
    assert_int_equal(p.flags, PACKET_ACK);
    assert_true(span_is(p.data, data));
    assert_int_equal(p.wire_bytes, strlen(data));
    assert_string_equal(tcp_end_text(&p.dst, text), p.dst.family == 4 ? "10.0.0.2:80" : "[::2]:80");
    /* Cut anywhere it is something else, or less; never a read beyond (the sanitizer sees it). */
    for (size_t n = 0; n < b->len; n++) {
        AUTO(free) char *copy = malloc(n + 1);
        memcpy(copy, b->at, n);
        enum packet_kind kind = packet_parse(link, (struct span){copy, n}, (uint32_t)b->len, &p);
        assert_true(kind != PACKET_TCP || p.data.len < strlen(data));
        if (kind == PACKET_TCP)
            assert_int_equal(p.wire_bytes, strlen(data));
    }
    buf_done(b);
}

TEST(ethernet_ipv4_without_its_padding)
{
    struct buf b = {0};
    struct packet p;

    zeros(&b, 12);
    u16(&b, 0x0800);
    ipv4(&b, TCP_BYTES + 2, 0x4000, 1);
    tcp(&b, "hi");
    zeros(&b, 6);
    assert_int_equal(packet_parse(PACKET_LINK_ETHERNET, buf_view(&b), (uint32_t)b.len, &p),
                     PACKET_TCP);
    assert_true(span_is(p.data, "hi"));
    assert_int_equal(p.wire_bytes, 2);
    buf_done(&b);
}

TEST(vlan_tags)
{
    struct buf b = {0};

    zeros(&b, 12);
    u16(&b, 0x88a8);
    u16(&b, 7);
    u16(&b, 0x8100);
    u16(&b, 8);
    u16(&b, 0x0800);
    ipv4(&b, TCP_BYTES + 2, 0, 1);
    tcp(&b, "hi");
    check_tcp(&b, PACKET_LINK_ETHERNET, "hi");
}

TEST(cooked_loopback_and_raw_links)
{
    struct buf b = {0};

    zeros(&b, 14);
    u16(&b, 0x0800);
    ipv4(&b, TCP_BYTES + 3, 0, 1);
    tcp(&b, "sll");
    check_tcp(&b, PACKET_LINK_SLL, "sll");

    u16(&b, 0x86dd);
    zeros(&b, 18);
    ipv6(&b, TCP_BYTES + 4, 6);
    tcp(&b, "sll2");
    check_tcp(&b, PACKET_LINK_SLL2, "sll2");

    u32(&b, 0x02000000);
    ipv4(&b, TCP_BYTES + 4, 0, 1);
    tcp(&b, "null");
    check_tcp(&b, PACKET_LINK_NULL, "null");

    ipv6(&b, TCP_BYTES + 3, 6);
    tcp(&b, "raw");
    check_tcp(&b, PACKET_LINK_RAW, "raw");
}

TEST(ipv6_extension_headers)
{
    struct buf b = {0};

    ipv6(&b, 8 + 16 + 8 + 12 + TCP_BYTES + 2, 0);
    u8(&b, 43); /* hop by hop, 8 bytes */
    zeros(&b, 7);
    u8(&b, 44); /* routing, 16 bytes */
    u8(&b, 1);
    zeros(&b, 14);
    u8(&b, 51); /* a fragment that is alone */
    zeros(&b, 7);
    u8(&b, 6); /* authentication, 12 bytes */
    u8(&b, 1);
    zeros(&b, 10);
    tcp(&b, "v6");
    check_tcp(&b, PACKET_LINK_RAW, "v6");
}

/* Segments above 64 KiB, before the card cuts them, have length 0. */
TEST(a_length_of_zero_is_the_frame)
{
    struct buf b = {0};

    ipv4(&b, 0, 0, 1);
    tcp(&b, "big");
    check_tcp(&b, PACKET_LINK_RAW, "big");
    ipv6(&b, 0, 6);
    tcp(&b, "bigger");
    check_tcp(&b, PACKET_LINK_RAW, "bigger");
}

TEST(a_cut_segment_says_what_was_on_the_wire)
{
    struct buf b = {0};
    struct packet p;

    ipv4(&b, TCP_BYTES + 100, 0, 1);
    tcp(&b, "only this");
    assert_int_equal(packet_parse(PACKET_LINK_RAW, buf_view(&b), 20 + TCP_BYTES + 100, &p),
                     PACKET_TCP);
    assert_int_equal(p.data.len, 9);
    assert_int_equal(p.wire_bytes, 100);
    buf_done(&b);
}

TEST(what_is_no_tcp)
{
    struct buf b = {0};
    struct packet p;

    zeros(&b, 12);
    u16(&b, 0x0806);
    zeros(&b, 28);
    assert_int_equal(packet_parse(PACKET_LINK_ETHERNET, buf_view(&b), 42, &p), PACKET_OTHER);
    assert_int_equal(packet_parse(999, buf_view(&b), 42, &p), PACKET_OTHER);
    assert_false(packet_link_known(999));
    buf_done(&b);
}

/* ---- fragments ---- */

#define WHOLE "0123456789abcdefghijklmnopqrstuv" /* 32 bytes behind the header of 24 */

static enum packet_kind piece(struct frag *f, unsigned id, size_t from, size_t len, bool more,
                              struct span *whole, bool *complete)
{
    AUTO(buf) struct buf segment = {0};
    AUTO(buf) struct buf b = {0};
    struct packet p;

    tcp(&segment, WHOLE);
    ipv4(&b, (unsigned)len, (unsigned)(from / 8) | (more ? 0x2000U : 0), id);
    buf_add(&b, segment.at + from, len);
    enum packet_kind kind = packet_parse(PACKET_LINK_RAW, buf_view(&b), (uint32_t)b.len, &p);
    *complete = kind == PACKET_PIECE && frag_add(f, &p, 1, whole);
    return kind;
}

static void check_whole(struct span whole)
{
    struct packet p = {.src = {.family = 4}, .dst = {.family = 4}};

    assert_int_equal(packet_parse_upper(6, whole, &p), PACKET_TCP);
    assert_true(span_is(p.data, WHOLE));
}

TEST(fragments_in_any_order)
{
    static const size_t orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                       {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    AUTO(frag) struct frag *f = NULL;

    assert_true(frag_new(&f, NULL));
    for (unsigned o = 0; o < COUNT(orders); o++) {
        for (size_t i = 0; i < 3; i++) {
            static const size_t from[] = {0, 16, 40}, len[] = {16, 24, 16};
            struct span whole = {0};
            bool complete = false;
            size_t k = orders[o][i];
            assert_int_equal(piece(f, o, from[k], len[k], k < 2, &whole, &complete), PACKET_PIECE);
            assert_int_equal(complete, i == 2);
            if (complete)
                check_whole(whole);
        }
    }
    assert_int_equal(frag_lost(f), 0);
}

TEST(overlapping_fragments)
{
    AUTO(frag) struct frag *f = NULL;
    struct span whole = {0};
    bool complete = false;

    assert_true(frag_new(&f, NULL));
    piece(f, 1, 0, 24, true, &whole, &complete);
    piece(f, 1, 8, 24, true, &whole, &complete);
    assert_false(complete);
    piece(f, 1, 24, 32, false, &whole, &complete);
    assert_true(complete);
    check_whole(whole);
}

TEST(too_many_fragments_lose_the_oldest)
{
    AUTO(frag) struct frag *f = NULL;
    struct span whole = {0};
    bool complete = false;

    assert_true(frag_new(&f, NULL));
    for (unsigned i = 0; i < FRAG_DATAGRAMS + 10; i++)
        piece(f, i, 0, 24, true, &whole, &complete);
    assert_int_equal(frag_lost(f), 10);
    piece(f, FRAG_DATAGRAMS + 9, 24, 32, false, &whole, &complete);
    assert_true(complete);
}

TESTS(ethernet_ipv4_without_its_padding, vlan_tags, cooked_loopback_and_raw_links,
      ipv6_extension_headers, a_length_of_zero_is_the_frame,
      a_cut_segment_says_what_was_on_the_wire, what_is_no_tcp, fragments_in_any_order,
      overlapping_fragments, too_many_fragments_lose_the_oldest)
