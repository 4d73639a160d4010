#include "tests/test.h"

#include "lib/wire/http_msg.h"
#include "replay/target.h"
#include "tests/unit/replay/tapes.h"

#define JSON "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n"

static struct plan *load(const char *name)
{
    struct plan *p = NULL;
    struct err err = {0};

    assert_ok(plan_load(tapes_path(name), &p, &err), &err);
    return p;
}

/* The numbers of the requests that one waits for. */
static void check_after(const struct plan *p, size_t request, const char *want)
{
    AUTO(buf) struct buf text = {0};
    const struct vec *after = &plan_request(p, request)->after;

    for (size_t i = 0; i < after->count; i++)
        buf_printf(&text, "%s%llu", i ? " " : "",
                   (unsigned long long)plan_request(p, ((uint32_t *)after->at)[i])->number);
    assert_string_equal(buf_str(&text), want);
}

/* Log in and order on one connection, read the order on another one, and somebody else. */
TEST(a_request_waits_for_what_it_was_made_from)
{
    struct tape_making t;

    tape_begin(&t, "deps", TAPE_TRAFFIC);
    tape_add(&t, record_meta());
    for (uint64_t conn = 1; conn <= 3; conn++)
        tape_add(&t, record_open(conn, 80));
    tape_add(&t, record_request(1, 1, 100, "POST /login HTTP/1.1\r\nHost: x\r\n"));
    tape_add(&t, record_response(1, 1, 200, JSON "Set-Cookie: sid=abc\r\n", "{}"));
    tape_add(&t, record_request(1, 2, 300, "POST /orders HTTP/1.1\r\nCookie: sid=abc\r\n"));
    tape_add(&t, record_response(1, 2, 400, JSON, "{\"id\":17}"));
    tape_add(&t, record_request(2, 3, 500, "GET /orders/17 HTTP/1.1\r\nCookie: sid=abc\r\n"));
    tape_add(&t, record_response(2, 3, 600, JSON, "{\"id\":17}"));
    tape_add(&t, record_request(3, 4, 500, "GET /articles/17 HTTP/1.1\r\nCookie: sid=other\r\n"));
    /* Sent while the one before was not answered yet: it cannot depend on it. */
    tape_add(&t, record_request(3, 5, 550, "GET /cart HTTP/1.1\r\nCookie: sid=abc\r\n"));
    tape_add(&t, (struct tape_record){.type = TAPE_END, .text = SPAN("{}")});
    tape_end(&t);
    AUTO(plan) struct plan *p = load("deps");
    assert_int_equal(p->requests.count, 5);
    assert_int_equal(p->first_ns, 100);
    assert_int_equal(p->damage.code, ERR_NONE);
    check_after(p, 0, "");
    check_after(p, 1, ""); /* its own connection keeps the order */
    check_after(p, 2, "2 1");
    check_after(p, 3, "");
    check_after(p, 4, "1 2");
    tapes_remove("deps");
}

TEST(what_is_not_whole_is_skipped)
{
    struct tape_making t;
    struct tape_record cut = record_request(1, 1, 1, "POST / HTTP/1.1\r\n");
    struct tape_record tunnel = record_request(1, 2, 2, "CONNECT h:1 HTTP/1.1\r\n");

    cut.flags = HTTP_CUT;
    tape_begin(&t, "skip", TAPE_TRAFFIC);
    tape_add(&t, record_meta());
    tape_add(&t, record_open(1, 80));
    tape_add(&t, cut);
    tape_add(&t, tunnel);
    tape_add(&t, record_request(1, 3, 3, "GET / HTTP/1.1\r\n"));
    tape_add(&t, (struct tape_record){.type = TAPE_GAP, .conn = 1, .bytes = 5});
    tape_add(&t, (struct tape_record){.type = TAPE_GAP, .conn = 1, .bytes = 6});
    tape_end(&t);
    AUTO(plan) struct plan *p = load("skip");
    assert_int_equal(p->skipped, 2);
    assert_int_equal(p->gaps, 1);
    assert_int_equal(p->gap_bytes, 11);
    assert_true(plan_request(p, 2)->whole);
    assert_int_equal(p->damage.code, ERR_DAMAGED); /* no TAPE_END: not closed */
    tapes_remove("skip");
}

static void refused(const char *name, enum err_code code)
{
    struct plan *p = NULL;
    struct err err = {0};

    assert_fails(plan_load(tapes_path(name), &p, &err), &err, code);
    assert_null(p);
}

TEST(tapes_that_make_no_plan)
{
    struct tape_making t;

    tape_begin(&t, "empty", TAPE_TRAFFIC);
    tape_end(&t);
    refused("empty", ERR_MISSING);
    tapes_remove("empty");

    tape_begin(&t, "results", TAPE_RESULTS);
    tape_end(&t);
    refused("results", ERR_USAGE);
    tapes_remove("results");

    tape_begin(&t, "homeless", TAPE_TRAFFIC);
    tape_add(&t, record_request(7, 1, 1, "GET / HTTP/1.1\r\n"));
    tape_end(&t);
    refused("homeless", ERR_DAMAGED);
    tapes_remove("homeless");

    tape_begin(&t, "absurd", TAPE_TRAFFIC);
    tape_add(&t, record_open(UINT64_MAX, 80));
    tape_end(&t);
    refused("absurd", ERR_DAMAGED);
    tapes_remove("absurd");
    refused("none", ERR_MISSING);
    tapes_remove("none");
}

/* ---- targets ---- */

static bool parse(const char *text, struct targets *t, struct err *err)
{
    const struct opt_list list = {.at = {text}, .count = 1};

    return targets_parse(&list, t, err);
}

TEST(targets_are_read)
{
    struct targets t;
    struct err err = {0};

    assert_ok(parse("127.0.0.1:8080", &t, &err), &err);
    assert_string_equal(t.at[0].host, "127.0.0.1:8080");
    assert_ok(parse("80=[::1]:8080", &t, &err), &err);
    assert_string_equal(t.at[0].host, "[::1]:8080");
    assert_int_equal(t.at[0].recorded, 80);
    assert_null(targets_find(&t, 81));
}

TEST(bad_targets_are_named)
{
    static const char *const bad[] = {"",           ":80",   "h:",     "h:0",
                                      "h:65536",    "h:1x",  "0=h:80", "x=h:80",
                                      "70000=h:80", "[]:80", "h",      "=h:80"};
    struct targets t;

    for (size_t i = 0; i < COUNT(bad); i++) {
        struct err err = {0};
        assert_fails(parse(bad[i], &t, &err), &err, ERR_USAGE);
        assert_non_null(strstr(err.text, bad[i]));
    }
}

static bool check(const char *to, uint16_t recorded, const char *host, bool allow)
{
    struct targets t;
    struct err err = {0};
    struct plan p = {.conns = VEC(struct plan_conn), .meta = json_pack("{s:s}", "host", host)};
    struct plan_conn *c = vec_add(&p.conns, NULL);

    c->server = (struct tcp_end){.family = 4, .ip = {127, 0, 0, 1}, .port = recorded};
    assert_ok(parse(to, &t, &err), &err);
    bool ok = targets_check(&t, &p, allow, &err);
    vec_done(&p.conns);
    json_decref(p.meta);
    return ok;
}

TEST(the_recorded_server_is_no_target)
{
    char here[256] = "";

    gethostname(here, sizeof(here) - 1);
    assert_false(check("127.0.0.1:80", 80, here, false));
    assert_true(check("127.0.0.1:80", 80, here, true));
    assert_true(check("127.0.0.1:80", 80, "another-host", false));
    assert_true(check("127.0.0.1:81", 80, here, false));
    assert_false(check("82=127.0.0.1:81", 80, here, false)); /* no target for port 80 */
}

/* ---- files ---- */

TEST(a_tape_is_never_overwritten_and_private)
{
    struct tape_making t;
    struct tape_out *again = NULL;
    struct err err = {0};
    struct tape_in *in = NULL;

    tape_begin(&t, "once", TAPE_TRAFFIC);
    tape_add(&t, record_meta());
    tape_end(&t);
    assert_fails(tape_out_open(tapes_path("once"), TAPE_TRAFFIC, &again, &err), &err, ERR_EXISTS);
    assert_ok(tape_in_open(tapes_path("once"), &in, &err), &err);
    tape_in_close(in);
    assert_int_equal(access(tapes_path("once"), R_OK), 0);
    tapes_remove("once");
}

TEST(results_that_are_not_finished_leave_nothing)
{
    struct tape_making t;

    tape_begin(&t, "half", TAPE_RESULTS);
    tape_add(&t, record_meta());
    assert_true(tape_out_put(t.out, &t.records, true, NULL));
    tape_out_close(t.out);
    buf_done(&t.records);
    assert_int_equal(access(tapes_path("half"), F_OK), -1);
    assert_int_equal(access(tapes_path("half.part"), F_OK), -1);
    tapes_remove("half");
}

TESTS(a_request_waits_for_what_it_was_made_from, what_is_not_whole_is_skipped,
      tapes_that_make_no_plan, targets_are_read, bad_targets_are_named,
      the_recorded_server_is_no_target, a_tape_is_never_overwritten_and_private,
      results_that_are_not_finished_leave_nothing)
