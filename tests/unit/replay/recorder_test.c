#include "tests/test.h"

#include "lib/base/json.h"
#include "replay/recorder.h"
#include "tests/unit/replay/tapes.h"

/* A recorder fed with raw IPv4 packets that the test makes. */
struct scene {
    struct tape_out *out;
    struct recorder *r;
    const char *name;
    uint32_t next[2];
    int64_t now;
};

static const uint16_t ports[] = {80};

static void begin(struct scene *s, const char *name)
{
    const struct recorder_conf conf = {.link = PACKET_LINK_RAW,
                                       .ports = ports,
                                       .ports_count = 1,
                                       .start_ns = 1000,
                                       .body_max = 1 << 16,
                                       .memory_max = 1 << 20};

    *s = (struct scene){.name = name, .next = {100, 900}, .now = 2000};
    assert_true(tape_out_open(tapes_path(name), TAPE_TRAFFIC, &s->out, NULL));
    assert_true(recorder_new(&conf, s->out, &s->r, NULL));
}

static void be(char *at, uint32_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (char)(v >> (8 * (bytes - 1 - i)));
}

static void packet(struct scene *s, int dir, unsigned flags, const char *data)
{
    char p[2048] = {0x45};
    size_t len = 40 + strlen(data);

    be(p + 2, (uint32_t)len, 2);
    p[9] = 6;
    be(p + 12, dir ? 0x0a000002 : 0x0a000001, 4);
    be(p + 16, dir ? 0x0a000001 : 0x0a000002, 4);
    be(p + 20, dir ? 80 : 40000, 2);
    be(p + 22, dir ? 40000 : 80, 2);
    be(p + 24, s->next[dir], 4);
    be(p + 28, s->next[!dir], 4);
    p[32] = 5 << 4;
    p[33] = (char)flags;
    memcpy(p + 40, data, strlen(data));
    s->now += 10;
    assert_true(recorder_packet(s->r, (struct span){p, len}, (uint32_t)len, s->now, NULL));
    s->next[dir] += (uint32_t)strlen(data) + !!(flags & (PACKET_SYN | PACKET_FIN));
}

static void hello(struct scene *s)
{
    packet(s, 0, PACKET_SYN, "");
    packet(s, 1, PACKET_SYN | PACKET_ACK, "");
}

static bool list(void *ctx, const struct tape_record *r, struct err *err)
{
    static const char *const names[] = {"?",        "meta", "open",  "close", "request",
                                        "response", "gap",  "stats", "end"};
    struct buf *b = ctx;

    (void)err;
    buf_printf(b, "%s%s", b->len ? " " : "", names[r->type]);
    if (r->type == TAPE_REQUEST || r->type == TAPE_RESPONSE)
        buf_printf(b, ":%d", (int)r->request);
    if (r->type == TAPE_GAP)
        buf_printf(b, ":%d", (int)r->bytes);
    return true;
}

/* Ends the recording and says what is on the tape. */
static void check(struct scene *s, const char *want)
{
    AUTO(buf) struct buf text = {0};
    struct tape_in *in = NULL;
    struct err damage = {0}, err = {0};

    assert_ok(recorder_finish(s->r, s->now, &err), &err);
    assert_ok(recorder_tick(s->r, s->now, true, &err), &err);
    assert_ok(tape_out_finish(s->out, &err), &err);
    recorder_free(s->r);
    tape_out_close(s->out);
    assert_ok(tape_in_open(tapes_path(s->name), &in, &err), &err);
    assert_ok(tape_in_each(in, list, &text, &damage, &err), &err);
    assert_int_equal(damage.code, ERR_NONE);
    tape_in_close(in);
    assert_string_equal(buf_str(&text), want);
    tapes_remove(s->name);
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define OK        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

TEST(a_conversation)
{
    struct scene s;
    begin(&s, "talk");
    hello(&s);
    packet(&s, 0, PACKET_ACK, GET("/a") GET("/b"));
    packet(&s, 1, PACKET_ACK, OK);
    packet(&s, 1, PACKET_ACK, OK);
    packet(&s, 0, PACKET_ACK | PACKET_FIN, "");
    packet(&s, 1, PACKET_ACK | PACKET_FIN, "");
    assert_int_equal(recorder_totals(s.r).http.requests, 2);
    check(&s, "open request:1 request:2 response:1 response:2 close");
}

TEST(lost_bytes_are_on_the_tape)
{
    struct scene s;
    begin(&s, "lost");
    hello(&s);
    packet(&s, 0, PACKET_ACK, GET("/a"));
    s.next[1] += 500;
    packet(&s, 1, PACKET_ACK, "tail");
    packet(&s, 0, PACKET_ACK, GET("/b"));
    check(&s, "open request:1 request:2 gap:500 close");
}

/* The server refused before the upload was whole: its answer stands before the request. */
TEST(an_early_answer_has_its_requests_number)
{
    struct scene s;
    begin(&s, "early");
    hello(&s);
    packet(&s, 0, PACKET_ACK, "POST /big HTTP/1.1\r\nContent-Length: 4\r\n\r\nab");
    packet(&s, 1, PACKET_ACK, OK);
    packet(&s, 0, PACKET_ACK, "cd" GET("/b"));
    packet(&s, 1, PACKET_ACK, OK);
    check(&s, "open response:1 request:1 request:2 response:2 close");
}

TEST(other_protocols_are_counted)
{
    struct scene s;
    begin(&s, "other");
    hello(&s);
    packet(&s, 0, PACKET_ACK, "\x16\x03\x01 hello");
    assert_int_equal(recorder_totals(s.r).other_streams, 1);
    check(&s, "open close");
}

TESTS(a_conversation, lost_bytes_are_on_the_tape, an_early_answer_has_its_requests_number,
      other_protocols_are_counted)
