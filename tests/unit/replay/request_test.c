#include "tests/test.h"

#include "lib/wire/http_msg.h"
#include "replay/request.h"

static void check(const struct plan_request *q, struct session *s, bool keep_host, const char *want)
{
    AUTO(buf) struct buf out = {0};
    const struct request_target target = {.host = "box:81", .keep_host = keep_host};

    assert_true(request_write(q, &target, s, &out, NULL));
    assert_string_equal(buf_str(&out), want);
}

TEST(the_host_is_the_targets)
{
    struct plan_request q = {.head = SPAN("GET /a?b HTTP/1.1\r\nHost: shop.example\r\n"
                                          "Origin: https://shop.example\r\n"
                                          "Referer: http://shop.example/x\r\n"
                                          "Accept-Encoding: gzip\r\nX: 1\r\n")};

    check(&q, NULL, false,
          "GET /a?b HTTP/1.1\r\nHost: box:81\r\nOrigin: http://box:81\r\n"
          "Referer: http://box:81/x\r\nX: 1\r\n\r\n");
    check(&q, NULL, true,
          "GET /a?b HTTP/1.1\r\nHost: shop.example\r\nOrigin: https://shop.example\r\n"
          "Referer: http://shop.example/x\r\nX: 1\r\n\r\n");
    q.head = SPAN("GET / HTTP/1.1\r\nHost: h\r\nReferer: http://other/h\r\n");
    check(&q, NULL, false, "GET / HTTP/1.1\r\nHost: box:81\r\nReferer: http://other/h\r\n\r\n");
}

TEST(lengths_fit_what_was_replaced)
{
    AUTO(session) struct session *s = NULL;
    struct plan_request q = {.head = SPAN("POST /pay HTTP/1.1\r\nContent-Type: application/json\r\n"
                                          "Content-Length: 15\r\nExpect: 100-continue\r\n"),
                             .body = SPAN("{\"order_id\":17}")};

    assert_true(session_new(&s, NULL));
    assert_true(session_put(s, MADE_ID, SPAN("order"), SPAN("17"), SPAN("1234"), NULL));
    check(&q, s, false,
          "POST /pay HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n"
          "{\"order_id\":1234}");
    check(&q, NULL, false,
          "POST /pay HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n"
          "{\"order_id\":17}");
}

TEST(chunks_stay_chunks)
{
    struct plan_request q = {.head = SPAN("PUT /f HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"),
                             .body = SPAN("0123456789abcdef0"),
                             .trailers = SPAN("X-Sum: 1\r\n"),
                             .flags = HTTP_CHUNKED};

    check(&q, NULL, false,
          "PUT /f HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n11\r\n0123456789abcdef0\r\n0\r\n"
          "X-Sum: 1\r\n\r\n");
    q.body = SPAN("");
    q.trailers = SPAN("");
    check(&q, NULL, false, "PUT /f HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
}

TEST(an_empty_body_keeps_its_length)
{
    struct plan_request q = {.head = SPAN("POST /x HTTP/1.1\r\nContent-Length: 0\r\n")};

    check(&q, NULL, false, "POST /x HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
    q.head = SPAN("GET http://h/abs HTTP/1.1\r\n");
    check(&q, NULL, false, "GET http://h/abs HTTP/1.1\r\n\r\n");
}

TESTS(the_host_is_the_targets, lengths_fit_what_was_replaced, chunks_stay_chunks,
      an_empty_body_keeps_its_length)
