#include "tests/test.h"

#include "lib/base/json.h"
#include "replay/outcome.h"
#include "replay/tape_count.h"

static void add(struct tape_count *t, enum tape_type type, uint64_t request, const char *text,
                uint16_t status)
{
    struct err err = {0};
    const struct tape_record r = {.type = type,
                                  .request = request,
                                  .status = status,
                                  .code = status ? OUTCOME_ANSWERED : OUTCOME_TIMEOUT,
                                  .head = span_of(text),
                                  .text = span_of(text)};

    assert_ok(tape_count_add(t, &r, &err), &err);
}

static void assert_endpoints(const struct tape_count *t, const char *want)
{
    AUTO(json) json_t *rows = tape_count_endpoints(t);
    AUTO(free) char *text = json_text(rows);

    assert_string_equal(text, want);
}

TEST(responses_count_for_their_requests)
{
    AUTO(tape_count) struct tape_count *t = NULL;
    struct err err = {0};

    assert_ok(tape_count_new(&t, &err), &err);
    add(t, TAPE_REQUEST, 1, "GET /a HTTP/1.1\r\n\r\n", 0);
    add(t, TAPE_REQUEST, 2, "GET /b/17 HTTP/1.1\r\n\r\n", 0);
    add(t, TAPE_REQUEST, 3, "GET /b/18 HTTP/1.1\r\n\r\n", 0);
    add(t, TAPE_RESPONSE, 3, "HTTP/1.1 404 No\r\n\r\n", 404);
    add(t, TAPE_RESPONSE, 1, "HTTP/1.1 200 OK\r\n\r\n", 200);
    add(t, TAPE_RESPONSE, 2, "HTTP/1.1 200 OK\r\n\r\n", 200);
    add(t, TAPE_RESPONSE, 0, "HTTP/1.1 500 No\r\n\r\n", 500); /* of no request */
    assert_endpoints(
        t,
        "[{\"endpoint\":\"GET /b/{}\",\"errors\":0,\"requests\":2,\"status\":{\"200\":1,"
        "\"404\":1}},{\"endpoint\":\"GET /a\",\"errors\":0,\"requests\":1,\"status\":{\"200\":1}}]");
    assert_int_equal(json_integer_value(json_object_get(tape_count_status(t), "500")), 1);
}

/* A number out of the air must not take memory by it. */
TEST(wild_numbers_do_no_harm)
{
    AUTO(tape_count) struct tape_count *t = NULL;
    struct err err = {0};

    assert_ok(tape_count_new(&t, &err), &err);
    add(t, TAPE_REQUEST, UINT64_MAX, "GET /a HTTP/1.1\r\n\r\n", 0);
    add(t, TAPE_REQUEST, (uint64_t)1 << 40, "", 0);
    add(t, TAPE_RESPONSE, UINT64_MAX, "HTTP/1.1 200 OK\r\n\r\n", 200);
    assert_endpoints(t, "[{\"endpoint\":\"GET /a\",\"errors\":0,\"requests\":1,\"status\":null},"
                        "{\"endpoint\":\" \",\"errors\":0,\"requests\":1,\"status\":null}]");
}

TEST(results_have_errors)
{
    AUTO(tape_count) struct tape_count *t = NULL;
    struct err err = {0};

    assert_ok(tape_count_new(&t, &err), &err);
    add(t, TAPE_RESULT, 1, "GET /a HTTP/1.1", 200);
    add(t, TAPE_RESULT, 2, "GET /a HTTP/1.1", 0);
    assert_endpoints(t, "[{\"endpoint\":\"GET /a\",\"errors\":1,\"requests\":2,"
                        "\"status\":{\"200\":1}}]");
    assert_int_equal(tape_count_errors(t), 1);
}

TESTS(responses_count_for_their_requests, wild_numbers_do_no_harm, results_have_errors)
