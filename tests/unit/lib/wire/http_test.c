#include "tests/test.h"

#include "lib/base/buf.h"
#include "lib/wire/http.h"

#define UP   TCP_TO_SERVER
#define DOWN TCP_TO_CLIENT

/* A connection and what came out of it: "1>METHOD target|body" and "1<status|body". */
struct talk {
    struct http_conn *conn;
    struct http_counts counts;
    struct buf log;
    int64_t now;
    int64_t first_ns, last_ns; /* of the last message */
    unsigned flags;
};

static bool on_event(void *ctx, const struct http_event *e, struct err *err)
{
    struct talk *t = ctx;

    (void)err;
    buf_puts(&t->log, t->log.len ? " " : "");
    if (e->kind == HTTP_NOT) {
        buf_puts(&t->log, e->dir == UP ? ">not" : "<not");
        return true;
    }
    t->first_ns = e->msg->first_ns;
    t->last_ns = e->msg->last_ns;
    t->flags = e->msg->flags;
    struct span head = buf_view(&e->msg->head);
    if (e->kind == HTTP_IS_REQUEST) {
        buf_printf(&t->log, "%d>", (int)e->number);
        buf_span(&t->log, http_method(head));
        buf_span(&t->log, http_target(head));
    } else {
        buf_printf(&t->log, "%d<%u", (int)e->number, e->msg->status);
    }
    buf_puts(&t->log, e->msg->body.len ? "|" : "");
    buf_span(&t->log, buf_view(&e->msg->body));
    return true;
}

static void begin(struct talk *t, bool midstream)
{
    static const struct http_limits limits = {.body_max = 1 << 20};

    *t = (struct talk){.now = 100};
    assert_true(http_conn_new(midstream, &limits, &t->counts, &t->conn, NULL));
}

static void say(struct talk *t, enum tcp_dir dir, struct span text)
{
    assert_true(http_conn_data(t->conn, dir, text, ++t->now, on_event, t, NULL));
}

static void end(struct talk *t)
{
    assert_true(http_conn_eof(t->conn, UP, false, ++t->now, on_event, t, NULL));
    assert_true(http_conn_eof(t->conn, DOWN, false, ++t->now, on_event, t, NULL));
}

static void done(struct talk *t)
{
    http_conn_free(t->conn);
    buf_done(&t->log);
}

static void check(struct talk *t, const char *want)
{
    assert_string_equal(buf_str(&t->log), want);
    done(t);
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define OK(n, s)  "HTTP/1.1 200 OK\r\nContent-Length: " #n "\r\n\r\n" s

TEST(pairs_requests_and_responses)
{
    struct talk t;
    begin(&t, false);
    say(&t, UP, SPAN(GET("/a")));
    say(&t, DOWN, SPAN(OK(2, "hi")));
    say(&t, UP, SPAN("POST /b HTTP/1.1\r\nContent-Length: 3\r\n\r\nxyz"));
    say(&t, DOWN, SPAN("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"));
    check(&t, "1>GET/a 1<200|hi 2>POST/b|xyz 2<404");
}

/* Every request form, the whole conversation cut in two at every byte. */
static void cut_everywhere(struct span up, struct span down, const char *want)
{
    for (size_t i = 0; i <= up.len; i++) {
        struct talk t;
        begin(&t, false);
        say(&t, UP, (struct span){up.at, i});
        say(&t, UP, (struct span){up.at + i, up.len - i});
        say(&t, DOWN, down);
        check(&t, want);
    }
    for (size_t i = 0; i <= down.len; i++) {
        struct talk t;
        begin(&t, false);
        say(&t, UP, up);
        say(&t, DOWN, (struct span){down.at, i});
        say(&t, DOWN, (struct span){down.at + i, down.len - i});
        check(&t, want);
    }
}

TEST(a_message_may_be_cut_anywhere)
{
    cut_everywhere(SPAN("POST /b?x=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nxyz"),
                   SPAN(OK(5, "hello")), "1>POST/b?x=1|xyz 1<200|hello");
}

TEST(chunks_with_trailers_may_be_cut_anywhere)
{
    cut_everywhere(SPAN("PUT /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 5\r\n\r\n"),
                   SPAN("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "4\r\nwiki\r\n0\r\n\r\n"),
                   "1>PUT/c|abcde 1<200|wiki");
}

TEST(pipelined_requests_may_be_cut_anywhere)
{
    cut_everywhere(SPAN(GET("/1") GET("/2") GET("/3") GET("/4")),
                   SPAN(OK(1, "a") OK(1, "b") OK(1, "c") OK(1, "d")),
                   "1>GET/1 2>GET/2 3>GET/3 4>GET/4 1<200|a 2<200|b 3<200|c 4<200|d");
}

TEST(every_byte_alone_is_read)
{
    static const char up[] = GET("/a") GET("/b"), down[] = OK(2, "hi") OK(1, "x");
    struct talk t;

    begin(&t, false);
    for (size_t i = 0; i < sizeof(up) - 1; i++)
        say(&t, UP, (struct span){up + i, 1});
    for (size_t i = 0; i < sizeof(down) - 1; i++)
        say(&t, DOWN, (struct span){down + i, 1});
    check(&t, "1>GET/a 2>GET/b 1<200|hi 2<200|x");
}

/* Their Content-Length is of a body that does not come. */
TEST(responses_without_a_body)
{
    struct talk t;
    begin(&t, false);
    say(&t, UP, SPAN("HEAD /h HTTP/1.1\r\n\r\n" GET("/n") GET("/m") GET("/z")));
    say(&t, DOWN,
        SPAN("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
             "HTTP/1.1 204 No Content\r\n\r\n"
             "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n" OK(1, "z")));
    check(&t, "1>HEAD/h 2>GET/n 3>GET/m 4>GET/z 1<200 2<204 3<304 4<200|z");
}

TEST(a_head_request_while_its_body_comes)
{
    struct talk t;
    begin(&t, false);
    say(&t, UP, SPAN("HEAD /h HTTP/1.1\r\nContent-Length: 2\r\n\r\na"));
    say(&t, DOWN, SPAN("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"));
    say(&t, UP, SPAN("b" GET("/n")));
    say(&t, DOWN, SPAN(OK(1, "n")));
    check(&t, "1<200 1>HEAD/h|ab 2>GET/n 2<200|n");
}

TEST(continue_is_no_response)
{
    struct talk t;
    begin(&t, false);
    say(&t, UP, SPAN("POST /c HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"));
    say(&t, DOWN, SPAN("HTTP/1.1 100 Continue\r\n\r\n"));
    say(&t, UP, SPAN("ok"));
    say(&t, DOWN, SPAN("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" OK(1, "y")));
    assert_int_equal(t.counts.interim, 2);
    check(&t, "1>POST/c|ok 1<200|y");
}

TEST(a_body_until_close)
{
    struct talk t;
    begin(&t, false);
    say(&t, UP, SPAN(GET("/a")));
    say(&t, DOWN, SPAN("HTTP/1.0 200 OK\r\n\r\nsome"));
    say(&t, DOWN, SPAN(" text"));
    end(&t);
    assert_true(t.flags & HTTP_UNTIL_CLOSE);
    assert_false(t.flags & HTTP_INCOMPLETE);
    check(&t, "1>GET/a 1<200|some text");
}

TEST(a_body_that_broke_off_is_marked)
{
    struct talk t;
    begin(&t, false);
    say(&t, UP, SPAN(GET("/a")));
    say(&t, DOWN, SPAN("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome"));
    end(&t);
    assert_true(t.flags & HTTP_INCOMPLETE);
    check(&t, "1>GET/a 1<200|some");
}

TEST(an_upgrade_ends_http)
{
    struct talk t;
    begin(&t, false);
    say(&t, UP, SPAN("GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"));
    say(&t, DOWN,
        SPAN("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
             "Upgrade: websocket\r\n\r\n\x81\x02hi"));
    say(&t, UP, SPAN("\x81\x03yes"));
    assert_true(t.flags & HTTP_UPGRADED);
    assert_int_equal(t.counts.tunnel_bytes, 9);
    check(&t, "1>GET/ws 1<101");
}

/* curl --http2 asks so of every server; one that does not know h2c just answers. */
TEST(an_upgrade_that_was_not_taken)
{
    struct talk t;
    begin(&t, false);
    say(&t, UP, SPAN("GET /a HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"));
    say(&t, DOWN, SPAN(OK(1, "a")));
    say(&t, UP, SPAN(GET("/b")));
    say(&t, DOWN, SPAN(OK(1, "b")));
    check(&t, "1>GET/a 1<200|a 2>GET/b 2<200|b");
}

TEST(connect_opens_a_tunnel)
{
    struct talk t;
    begin(&t, false);
    say(&t, UP, SPAN("CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n"));
    say(&t, DOWN, SPAN("HTTP/1.1 200 Connection established\r\n\r\n"));
    say(&t, UP, SPAN("\x16\x03\x01"));
    assert_int_equal(t.counts.tunnel_bytes, 3);
    check(&t, "1>CONNECTh:443 1<200");
}

TEST(what_is_no_http_is_said_once)
{
    struct talk t;
    begin(&t, false);
    say(&t, UP, SPAN("\x16\x03\x01\x02\x00\x01\x00\x01"));
    say(&t, UP, SPAN("more of it"));
    assert_true(t.counts.skipped_bytes >= 10);
    check(&t, ">not");
}

TEST(http2_is_not_taken_for_http1)
{
    struct talk t;
    begin(&t, false);
    say(&t, UP, SPAN("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    say(&t, UP, SPAN("\0\0\x12\x04"));
    assert_non_null(strstr(buf_str(&t.log), ">not"));
    done(&t);
}

TEST(begins_in_the_middle_of_a_response)
{
    struct talk t;
    begin(&t, true);
    say(&t, DOWN, SPAN("rest of a body"));
    say(&t, UP, SPAN(GET("/a")));
    say(&t, DOWN, SPAN(OK(1, "a")));
    check(&t, "1>GET/a 1<200|a");
}

TEST(a_response_to_an_unseen_request_is_left_out)
{
    struct talk t;
    begin(&t, true);
    say(&t, DOWN, SPAN(OK(1, "?")));
    say(&t, UP, SPAN(GET("/a")));
    say(&t, DOWN, SPAN(OK(1, "a")));
    assert_int_equal(t.counts.unpaired, 1);
    check(&t, "1>GET/a 1<200|a");
}

static void lose(struct talk *t, enum tcp_dir dir, uint64_t bytes)
{
    assert_true(http_conn_gap(t->conn, dir, bytes, ++t->now, on_event, t, NULL));
}

TEST(a_gap_inside_a_body_keeps_the_place)
{
    struct talk t;
    begin(&t, false);
    say(&t, UP, SPAN(GET("/a")));
    say(&t, DOWN, SPAN("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nab"));
    lose(&t, DOWN, 2);
    say(&t, DOWN, SPAN("ef"));
    assert_true(t.flags & HTTP_LOST);
    say(&t, UP, SPAN(GET("/b")));
    say(&t, DOWN, SPAN(OK(1, "b")));
    assert_false(t.flags & (HTTP_LOST | HTTP_AFTER_GAP));
    assert_int_equal(t.counts.responses, 2);
    done(&t);
}

TEST(a_gap_over_a_head_loses_that_pair_only)
{
    struct talk t;
    begin(&t, false);
    say(&t, UP, SPAN(GET("/a")));
    lose(&t, DOWN, 500);
    say(&t, UP, SPAN(GET("/b")));
    say(&t, DOWN, SPAN(OK(1, "b")));
    assert_true(t.flags & HTTP_AFTER_GAP);
    check(&t, "1>GET/a 2>GET/b 2<200|b");
}

TEST(a_lost_request_does_not_shift_the_pairs)
{
    struct talk t;
    begin(&t, false);
    say(&t, UP, SPAN(GET("/a")));
    say(&t, DOWN, SPAN(OK(1, "a")));
    lose(&t, UP, 40);
    say(&t, DOWN, SPAN(OK(1, "?")));
    say(&t, UP, SPAN(GET("/c")));
    say(&t, DOWN, SPAN(OK(1, "c")));
    check(&t, "1>GET/a 1<200|a 2>GET/c 2<200|c");
}

TEST(times_are_of_the_first_and_last_byte)
{
    struct talk t;
    begin(&t, false);
    say(&t, UP, SPAN("GET /a HT"));
    say(&t, UP, SPAN("TP/1.1\r\n"));
    say(&t, UP, SPAN("\r\n"));
    assert_int_equal(t.first_ns, 101);
    assert_int_equal(t.last_ns, 103);
    done(&t);
}

TEST(the_head_is_kept_in_normal_form)
{
    struct http_in *in = NULL;
    static const struct http_limits limits = {.body_max = 10};
    struct span data = SPAN("HTTP/1.1 200\r\nA:1\r\nLong:  x\r\n  y \r\nEmpty:\r\n"
                            "Content-Length: 15\r\n\r\n0123456789abcde");

    assert_true(http_in_new(HTTP_SIDE_RESPONSES, &limits, &in, NULL));
    assert_int_equal(http_in_feed(in, &data, 1), HTTP_MESSAGE);
    const struct http_message *m = http_in_message(in);
    struct span head = buf_view(&m->head);
    assert_int_equal(m->status, 200);
    assert_true(span_is(http_start_line(head), "HTTP/1.1 200 "));
    assert_true(span_is(http_header(head, "a"), "1"));
    assert_true(span_is(http_header(head, "EMPTY"), ""));
    assert_true(span_starts(http_header(head, "long"), "x"));
    assert_null(http_header(head, "x").at);
    assert_int_equal(m->body.len, 10);
    assert_int_equal(m->body_bytes, 15);
    assert_true(m->flags & HTTP_CUT);
    http_in_free(in);
}

TEST(a_head_without_end_is_refused)
{
    struct talk t;
    begin(&t, false);
    say(&t, UP, SPAN("GET / HTTP/1.1\r\n"));
    for (int i = 0; i < 40000; i++)
        say(&t, UP, SPAN("X-Header: value\r\n"));
    check(&t, ">not");
}

TEST(the_pool_of_bodies_is_bounded)
{
    struct http_in *in = NULL;
    size_t pool = 0;
    const struct http_limits limits = {.body_max = 100, .pool_max = 6, .pool = &pool};
    struct span data = SPAN(OK(10, "0123456789"));

    assert_true(http_in_new(HTTP_SIDE_RESPONSES, &limits, &in, NULL));
    assert_int_equal(http_in_feed(in, &data, 1), HTTP_MESSAGE);
    assert_int_equal(pool, 6);
    assert_true(http_in_message(in)->flags & HTTP_CUT);
    http_in_next(in);
    assert_int_equal(pool, 0);
    http_in_free(in);
}

TESTS(pairs_requests_and_responses, a_message_may_be_cut_anywhere,
      chunks_with_trailers_may_be_cut_anywhere, pipelined_requests_may_be_cut_anywhere,
      every_byte_alone_is_read, responses_without_a_body, a_head_request_while_its_body_comes,
      continue_is_no_response, a_body_until_close, a_body_that_broke_off_is_marked,
      an_upgrade_ends_http, an_upgrade_that_was_not_taken, connect_opens_a_tunnel,
      what_is_no_http_is_said_once, http2_is_not_taken_for_http1,
      begins_in_the_middle_of_a_response, a_response_to_an_unseen_request_is_left_out,
      a_gap_inside_a_body_keeps_the_place, a_gap_over_a_head_loses_that_pair_only,
      a_lost_request_does_not_shift_the_pairs, times_are_of_the_first_and_last_byte,
      the_head_is_kept_in_normal_form, a_head_without_end_is_refused, the_pool_of_bodies_is_bounded)
