#include "tests/test.h"

#include "tests/unit/lib/wire/segments.h"

#define UP   TCP_TO_SERVER
#define DOWN TCP_TO_CLIENT

static void begin(struct scene *s)
{
    scene_open(s, (struct tcp_conf){0});
    scene_handshake(s);
}

static void check(struct scene *s, const char *want)
{
    assert_string_equal(buf_str(&s->log), want);
    scene_done(s);
}

TEST(gives_both_directions_in_order)
{
    struct scene s;
    begin(&s);
    scene_send(&s, UP, "ab");
    scene_send(&s, DOWN, "xy");
    scene_send(&s, UP, "c");
    scene_fin(&s, UP);
    scene_fin(&s, DOWN);
    check(&s, "O >ab <xy >c >eof <eof close:closed");
}

TEST(sorts_segments_that_come_early)
{
    struct scene s;
    begin(&s);
    scene_raw(&s, UP, 1001 + 4, 5001, PACKET_ACK, "ef");
    scene_raw(&s, UP, 1001 + 2, 5001, PACKET_ACK, "cd");
    scene_raw(&s, UP, 1001, 5001, PACKET_ACK, "ab");
    check(&s, "O >ab >cd >ef");
}

TEST(takes_a_repeated_byte_once)
{
    struct scene s;
    begin(&s);
    scene_raw(&s, UP, 1001, 5001, PACKET_ACK, "abc");
    scene_raw(&s, UP, 1001, 5001, PACKET_ACK, "abc");
    scene_raw(&s, UP, 1003, 5001, PACKET_ACK, "cde");
    check(&s, "O >abc >de");
}

/* Three early segments that overlap each other in every way. */
TEST(takes_overlapping_early_segments_once)
{
    struct scene s;
    begin(&s);
    scene_raw(&s, UP, 1001 + 6, 5001, PACKET_ACK, "gh");
    scene_raw(&s, UP, 1001 + 2, 5001, PACKET_ACK, "cd");
    scene_raw(&s, UP, 1001 + 1, 5001, PACKET_ACK, "bcdefghij");
    scene_raw(&s, UP, 1001, 5001, PACKET_ACK, "a");
    check(&s, "O >a >b >cd >ef >gh >ij");
}

TEST(goes_over_the_end_of_sequence_numbers)
{
    struct scene s;
    scene_open(&s, (struct tcp_conf){0});
    s.next[0] = UINT32_MAX - 2;
    scene_handshake(&s);
    scene_send(&s, UP, "abc");
    scene_raw(&s, UP, s.next[0] + 2, 5001, PACKET_ACK, "fg");
    scene_raw(&s, UP, s.next[0], 5001, PACKET_ACK, "de");
    check(&s, "O >abc >de >fg");
}

TEST(joins_in_the_middle)
{
    struct scene s;
    scene_open(&s, (struct tcp_conf){0});
    scene_send(&s, DOWN, "tail");
    scene_send(&s, UP, "GET");
    check(&s, "M <tail >GET");
}

TEST(a_lone_acknowledgement_opens_nothing)
{
    struct scene s;
    scene_open(&s, (struct tcp_conf){0});
    scene_send(&s, UP, "");
    assert_int_equal(tcp_live(s.tcp), 0);
    check(&s, "");
}

/* What the server acknowledged has been sent; if it is not there after the wait, it was lost. */
TEST(tells_of_lost_bytes)
{
    struct scene s;
    begin(&s);
    scene_send(&s, UP, "ab");
    s.next[0] += 5; /* not captured */
    scene_send(&s, UP, "cd");
    scene_send(&s, DOWN, "ok");
    s.now += 300 * MS;
    assert_true(tcp_tick(s.tcp, s.now, NULL));
    assert_int_equal(tcp_stats(s.tcp)->gap_bytes, 5);
    check(&s, "O >ab <ok >gap:5 >cd");
}

TEST(a_late_segment_is_no_loss)
{
    struct scene s;
    begin(&s);
    scene_raw(&s, DOWN, 5001, 1001 + 2, PACKET_ACK, "ok"); /* overtook what it acknowledges */
    s.now += 100 * MS;
    assert_true(tcp_tick(s.tcp, s.now, NULL));
    scene_raw(&s, UP, 1001, 5001, PACKET_ACK, "ab");
    s.now += 300 * MS;
    assert_true(tcp_tick(s.tcp, s.now, NULL));
    check(&s, "O <ok >ab");
}

/* Nothing behind the hole, but the other end has it. */
TEST(tells_of_a_lost_end)
{
    struct scene s;
    begin(&s);
    scene_raw(&s, DOWN, 5001, 1001 + 7, PACKET_ACK, "ok");
    s.now += 300 * MS;
    assert_true(tcp_tick(s.tcp, s.now, NULL));
    s.now += 300 * MS;
    assert_true(tcp_tick(s.tcp, s.now, NULL));
    check(&s, "O <ok >gap:7");
}

TEST(tells_of_bytes_that_the_capture_cut)
{
    struct scene s;
    begin(&s);
    struct packet p = {.src = {.family = 4, .ip = {10, 0, 0, 1}, .port = CLIENT_PORT},
                       .dst = {.family = 4, .ip = {10, 0, 0, 2}, .port = SERVER_PORT},
                       .seq = 1001,
                       .ack = 5001,
                       .flags = PACKET_ACK,
                       .data = SPAN("ab"),
                       .wire_bytes = 10};
    assert_true(tcp_packet(s.tcp, &p, s.now, NULL));
    s.next[0] += 10;
    scene_send(&s, UP, "k");
    check(&s, "O >ab >gap:8 >k");
}

TEST(half_closed_goes_on)
{
    struct scene s;
    begin(&s);
    scene_send(&s, UP, "q");
    scene_fin(&s, UP);
    scene_send(&s, DOWN, "a1");
    scene_send(&s, DOWN, "a2");
    scene_fin(&s, DOWN);
    check(&s, "O >q >eof <a1 <a2 <eof close:closed");
}

TEST(a_fin_waits_for_the_bytes_before_it)
{
    struct scene s;
    begin(&s);
    scene_raw(&s, UP, 1001 + 2, 5001, PACKET_ACK | PACKET_FIN, "cd");
    scene_raw(&s, UP, 1001, 5001, PACKET_ACK, "ab");
    check(&s, "O >ab >cd >eof");
}

TEST(a_reset_gives_what_waited)
{
    struct scene s;
    begin(&s);
    scene_raw(&s, UP, 1001 + 2, 5001, PACKET_ACK, "cd");
    scene_raw(&s, DOWN, 5001, 0, PACKET_RST, "");
    check(&s, "O >gap:2 >cd close:reset");
}

TEST(a_forged_reset_is_ignored)
{
    struct scene s;
    begin(&s);
    scene_raw(&s, DOWN, 5001 + (1U << 31), 0, PACKET_RST, "");
    scene_send(&s, UP, "a");
    check(&s, "O >a");
}

TEST(a_port_used_again_is_another_connection)
{
    struct scene s;
    begin(&s);
    scene_send(&s, UP, "a");
    s.next[0] = 700000;
    s.next[1] = 900000;
    scene_handshake(&s);
    scene_send(&s, UP, "b");
    check(&s, "O >a close:reused O >b");
}

TEST(a_repeated_syn_is_the_same_connection)
{
    struct scene s;
    scene_open(&s, (struct tcp_conf){0});
    scene_raw(&s, UP, 1000, 0, PACKET_SYN, "");
    scene_raw(&s, UP, 1000, 0, PACKET_SYN, "");
    scene_raw(&s, DOWN, 5000, 1001, PACKET_SYN | PACKET_ACK, "");
    scene_raw(&s, DOWN, 5000, 1001, PACKET_SYN | PACKET_ACK, "");
    scene_raw(&s, UP, 1001, 5001, PACKET_ACK, "a");
    scene_raw(&s, DOWN, 5000, 1001, PACKET_SYN | PACKET_ACK, "");
    check(&s, "O >a");
}

TEST(a_repeat_after_the_end_opens_nothing)
{
    struct scene s;
    begin(&s);
    scene_send(&s, UP, "a");
    scene_fin(&s, UP);
    scene_fin(&s, DOWN);
    scene_raw(&s, UP, 1001, 5001, PACKET_ACK, "a");
    check(&s, "O >a >eof <eof close:closed");
}

/* RFC 9293 3.8.4: one byte below the window, or none. */
TEST(keep_alive_probes_are_no_data)
{
    struct scene s;
    begin(&s);
    scene_send(&s, UP, "ab");
    scene_raw(&s, UP, s.next[0] - 1, 5001, PACKET_ACK, "");
    scene_raw(&s, UP, s.next[0] - 1, 5001, PACKET_ACK, "X");
    scene_send(&s, UP, "cd");
    check(&s, "O >ab >cd");
}

TEST(memory_is_bounded)
{
    struct scene s;
    scene_open(&s, (struct tcp_conf){.held_conn_max = 4096});
    scene_handshake(&s);
    for (unsigned i = 0; i < 1000; i++)
        scene_raw(&s, UP, 1001 + 10 + i * 10, 5001, PACKET_ACK, "0123456789");
    assert_true(tcp_stats(s.tcp)->gaps >= 1);
    assert_non_null(strstr(buf_str(&s.log), ">gap:10 >0123456789"));
    assert_true(tcp_stats(s.tcp)->payload_bytes >= 9000);
    scene_done(&s);
}

TEST(the_number_of_connections_is_bounded)
{
    struct scene s;
    scene_open(&s, (struct tcp_conf){.connections_max = 3});
    for (uint16_t i = 0; i < 5; i++) {
        struct packet p = {.src = {.family = 4, .port = (uint16_t)(CLIENT_PORT + i)},
                           .dst = {.family = 4, .port = SERVER_PORT},
                           .flags = PACKET_SYN};
        assert_true(tcp_packet(s.tcp, &p, s.now, NULL));
    }
    assert_int_equal(tcp_live(s.tcp), 3);
    check(&s, "O O O close:evicted O close:evicted O");
}

TEST(thousands_of_connections_are_told_apart)
{
    struct scene s;
    scene_open(&s, (struct tcp_conf){.seed = 7});
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 5000; i++) {
            struct packet p = {.src = {.family = 4, .port = (uint16_t)(10000 + i)},
                               .dst = {.family = 4, .port = SERVER_PORT},
                               .seq = 100 + (uint32_t)round,
                               .flags = round ? PACKET_ACK : PACKET_SYN,
                               .data = round ? SPAN("x") : SPAN(""),
                               .wire_bytes = (uint32_t)round};
            assert_true(tcp_packet(s.tcp, &p, s.now, NULL));
        }
    }
    assert_int_equal(tcp_live(s.tcp), 5000);
    assert_int_equal(tcp_stats(s.tcp)->payload_bytes, 5000);
    scene_done(&s);
}

TEST(idle_connections_go)
{
    struct scene s;
    begin(&s);
    scene_send(&s, UP, "a");
    assert_true(tcp_tick(s.tcp, s.now + 700 * 1000 * MS, NULL));
    assert_int_equal(tcp_live(s.tcp), 0);
    check(&s, "O >a close:idle");
}

TEST(the_end_of_the_capture_gives_what_waited)
{
    struct scene s;
    begin(&s);
    scene_raw(&s, UP, 1001 + 2, 5001, PACKET_ACK, "cd");
    assert_true(tcp_finish(s.tcp, s.now, NULL));
    check(&s, "O >gap:2 >cd close:capture ended");
}

TESTS(gives_both_directions_in_order, sorts_segments_that_come_early, takes_a_repeated_byte_once,
      takes_overlapping_early_segments_once, goes_over_the_end_of_sequence_numbers,
      joins_in_the_middle, a_lone_acknowledgement_opens_nothing, tells_of_lost_bytes,
      a_late_segment_is_no_loss, tells_of_a_lost_end, tells_of_bytes_that_the_capture_cut,
      half_closed_goes_on, a_fin_waits_for_the_bytes_before_it, a_reset_gives_what_waited,
      a_forged_reset_is_ignored, a_port_used_again_is_another_connection,
      a_repeated_syn_is_the_same_connection, a_repeat_after_the_end_opens_nothing,
      keep_alive_probes_are_no_data, memory_is_bounded, the_number_of_connections_is_bounded,
      thousands_of_connections_are_told_apart, idle_connections_go,
      the_end_of_the_capture_gives_what_waited)
