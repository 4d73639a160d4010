#include "tests/test.h"

#include "lib/base/json.h"
#include "replay/endpoint.h"
#include "replay/groups.h"

/* Two sides without mappings, unless a test adds some. */
struct pair {
    struct answers old_side, new_side;
    struct buf log; /* "where kind old>new; ..." */
};

static bool note(void *ctx, const char *where, enum differ_kind kind, struct span old,
                 struct span new, struct err *err)
{
    struct pair *p = ctx;

    (void)err;
    buf_printf(&p->log, "%s%s %s ", p->log.len ? "; " : "", where, differ_kind_name(kind));
    buf_span(&p->log, old);
    buf_putc(&p->log, '>');
    buf_span(&p->log, new);
    return true;
}

static void begin(struct pair *p)
{
    *p = (struct pair){0};
    assert_true(session_new(&p->old_side.recorded, NULL));
    assert_true(session_new(&p->new_side.recorded, NULL));
}

static void check(struct pair *p, const char *want)
{
    assert_string_equal(buf_str(&p->log), want);
    session_free(p->old_side.recorded);
    session_free(p->new_side.recorded);
    buf_done(&p->log);
}

static void stands_for(struct answers *a, const char *replayed, const char *recorded)
{
    assert_true(
        session_put(a->recorded, MADE_TOKEN, SPAN(""), span_of(replayed), span_of(recorded), NULL));
}

static void json(struct pair *p, const char *old, const char *new)
{
    const struct differ d = {&p->old_side, &p->new_side, note, p};
    bool both = false;

    assert_true(differ_json(&d, span_of(old), span_of(new), &both, NULL));
    assert_true(both);
}

static void check_json(const char *old, const char *new, const char *want)
{
    struct pair p;

    begin(&p);
    json(&p, old, new);
    check(&p, want);
}

TEST(json_values)
{
    check_json("{\"a\":1,\"b\":[1,{\"c\":null}]}", "{\"b\":[1,{\"c\":null}],\"a\":1}", "");
    check_json("{\"a\":1}", "{\"a\":2}", "$.a changed 1>2");
    check_json("{\"a\":1}", "{\"a\":\"1\"}", "$.a changed 1>1");
    check_json("{\"a\":1}", "{\"a\":1.5}", "$.a changed 1>1.5");
    check_json("{\"a\":{}}", "{\"a\":[]}", "$.a changed {}>[]");
    check_json("1", "{}", "$ changed 1>{}");
}

TEST(a_renamed_field_is_one_missing_and_one_added)
{
    check_json("{\"items\":[{\"price\":5}]}", "{\"items\":[{\"cost\":5}]}",
               "$.items[].price missing 5>; $.items[].cost added >5");
}

TEST(lists_by_position)
{
    check_json("[1,2,3]", "[1,9]", "$[] changed 2>9; $[] missing 3>");
    check_json("[]", "[{\"x\":1}]", "$[] added >{\"x\":1}");
}

/* Without the ids, everything behind the one that went would look changed. */
TEST(lists_by_id)
{
    check_json("[{\"id\":1,\"n\":\"a\"},{\"id\":2,\"n\":\"b\"},{\"id\":3,\"n\":\"c\"}]",
               "[{\"id\":2,\"n\":\"b\"},{\"id\":3,\"n\":\"x\"}]",
               "$[] missing {\"id\":1,\"n\":\"a\"}>; $[].n changed c>x");
    check_json("[{\"id\":1},{\"id\":2}]", "[{\"id\":2},{\"id\":1}]", "$[] order changed 1>2");
}

TEST(values_that_stand_for_the_same_are_equal)
{
    struct pair p;

    begin(&p);
    stands_for(&p.old_side, "2001", "1001");
    stands_for(&p.new_side, "3001", "1001");
    stands_for(&p.old_side, "tok-a", "tok-r");
    json(&p, "{\"id\":2001,\"t\":\"tok-a\",\"x\":2001}",
         "{\"id\":3001,\"t\":\"tok-r\",\"x\":3002}");
    check(&p, "$.x changed 2001>3002");
}

static void check_text(const char *old, const char *new, const char *want)
{
    struct pair p;

    begin(&p);
    const struct differ d = {&p.old_side, &p.new_side, note, &p};
    assert_true(differ_text(&d, span_of(old), span_of(new), NULL));
    check(&p, want);
}

TEST(text_by_lines)
{
    check_text("a\n  b  c\n\n", "a\nb c", "");
    check_text("<p>x</p><p>Price: 10.50 EUR</p>", "<p>x</p>\n\n<p>Price: 12 EUR</p>",
               "line <p>Price: # EUR changed <p>Price: 10.50 EUR><p>Price: 12 EUR");
    check_text("a\nb\nc\nd", "a\nc\nd", "line b missing b>");
    check_text("a\nd", "a\nb\nc\nd", "line b added >b; line c added >c");
    check_text("", "", "");
    check_text("x", "", "line x missing x>");
}

TEST(text_in_the_middle_is_matched)
{
    check_text("1a\nsame\n2a\nsame2\nz", "1b\nsame\n2b\nsame2\nnew\nz",
               "line #a changed 1a>1b; line #a changed 2a>2b; line new added >new");
}

#define HEAD(type) "HTTP/1.1 200 OK\r\nContent-Type: " type "\r\n"

static struct answer answer(const char *head, const char *body)
{
    return (struct answer){.number = 1,
                           .line = SPAN("GET /a/1 HTTP/1.1"),
                           .head = span_of(head),
                           .body = span_of(body),
                           .body_bytes = strlen(body),
                           .status = 200,
                           .code = OUTCOME_ANSWERED};
}

static void check_answers(struct answer old, struct answer new, const char *want)
{
    struct pair p;

    begin(&p);
    const struct differ d = {&p.old_side, &p.new_side, note, &p};
    assert_true(differ_answers(&d, &old, &new, NULL));
    check(&p, want);
}

TEST(status_and_outcome)
{
    struct answer old = answer(HEAD("text/plain"), "x"), new = old;

    new.status = 500;
    new.body = SPAN("error");
    check_answers(old, new, "status changed 200>500");
    new = old;
    new.code = OUTCOME_TIMEOUT;
    check_answers(old, new, "status changed 200>timeout");
    old.code = OUTCOME_TIMEOUT;
    check_answers(old, new, "");
}

TEST(headers_by_their_rules)
{
    check_answers(
        answer(HEAD("text/plain") "Date: 1\r\nETag: a\r\nSet-Cookie: s=1\r\nX-New: 1\r\n", "x"),
        answer(HEAD("text/html") "Date: 2\r\nETag: b\r\nSet-Cookie: s=2\r\nX-Old: 1\r\n", "x"),
        "header content-type changed text/plain>text/html; header x-new missing 1>; "
        "header x-old added >1");
    check_answers(answer(HEAD("a/b") "Location: http://old:80/a/1\r\n", ""),
                  answer(HEAD("a/b") "Location: http://new:81/a/1\r\n", ""), "");
    check_answers(answer(HEAD("a/b") "Location: /a/1\r\n", ""),
                  answer(HEAD("a/b") "Location: /a/2\r\n", ""),
                  "header location changed /a/1>/a/2");
}

TEST(other_bodies_as_a_whole)
{
    check_answers(answer(HEAD("image/png"), "abc"), answer(HEAD("image/png"), "abcd"),
                  "hash changed 3 bytes>4 bytes");
    check_answers(answer(HEAD("image/png"), "abc"), answer(HEAD("image/png"), "abc"), "");
    check_answers(answer(HEAD("application/json"), "{broken"),
                  answer(HEAD("application/json"), "{\"a\":1}"),
                  "line {broken changed {broken>{\"a\":1}");
}

TEST(endpoints)
{
    static const char *const cases[][2] = {
        {"GET /api/articles/17?page=2 HTTP/1.1", "GET /api/articles/{}"},
        {"GET /", "GET /"},
        {"PUT /u/123e4567-e89b-12d3-a456-426614174000/x", "PUT /u/{}/x"},
        {"GET /static/app.css", "GET /static/app.css"},
        {"GET /deadbeef/decade/facade1", "GET /deadbeef/decade/facade1"},
        {"GET /c/5f3a9c0d11", "GET /c/{}"},
        {"GET /\x01\xff", "GET /??"},
        {"", " "},
    };
    char out[ENDPOINT_MAX];

    for (size_t i = 0; i < COUNT(cases); i++)
        assert_string_equal(endpoint_name(span_of(cases[i][0]), out), cases[i][1]);
}

TEST(examples_hold_no_secrets)
{
    char out[EXAMPLE_MAX];

    assert_string_equal(groups_example("$.user.password", SPAN("hunter2"), out), "[hidden]");
    assert_string_equal(groups_example("header set-cookie", SPAN("sid=1"), out), "[hidden]");
    assert_string_equal(groups_example("$.x", SPAN("a 9f8e7d6c5b4a39281706f5e4 b"), out),
                        "a [hidden] b");
    assert_string_equal(groups_example("$.x", SPAN("line\nbreak\x1b[31m"), out), "line break [31m");
    AUTO(buf) struct buf big = {0};
    for (int i = 0; i < 1000; i++)
        buf_puts(&big, "word ");
    assert_true(strlen(groups_example("$.x", buf_view(&big), out)) < EXAMPLE_MAX);
}

/* ---- grouping ---- */

static void add_answer(struct answers *a, uint64_t number, const char *line, const char *body)
{
    struct answer *x = vec_add(&a->at, NULL);

    *x = answer(HEAD("application/json"), body);
    x->number = number;
    x->line = span_of(line);
}

static void sides(struct answers *a)
{
    *a = (struct answers){.at = VEC(struct answer)};
    assert_true(session_new(&a->recorded, NULL));
}

static void sides_done(struct answers *a)
{
    vec_done(&a->at);
    session_free(a->recorded);
}

TEST(noise_is_not_judged)
{
    struct answers a, b, c;
    AUTO(groups) struct groups *noise = NULL;
    AUTO(groups) struct groups *found = NULL;

    sides(&a);
    sides(&b);
    sides(&c);
    for (uint64_t i = 1; i <= 3; i++) {
        add_answer(&a, i, "GET /x/1", "{\"now\":1,\"price\":5}");
        add_answer(&b, i, "GET /x/1", "{\"now\":2,\"price\":5}");
        add_answer(&c, i, "GET /x/1",
                   i < 3 ? "{\"now\":3,\"price\":6}" : "{\"now\":4,\"price\":5}");
    }
    assert_true(groups_new(&noise, NULL) && groups_new(&found, NULL));
    assert_true(groups_compare(noise, &a, &b, NULL, NULL));
    assert_true(groups_compare(found, &a, &c, noise, NULL));
    assert_int_equal(groups_totals(noise).groups, 1);
    assert_int_equal(groups_totals(found).groups, 1);
    assert_int_equal(groups_totals(found).differing, 2);
    assert_int_equal(groups_totals(found).noisy, 1);
    AUTO(json) json_t *all = json_array();
    struct events events = {.all = all};
    assert_true(groups_tell(found, "old", &events, NULL));
    const json_t *e = json_array_get(all, 0);
    assert_string_equal(json_string_value(json_object_get(e, "where")), "$.price");
    assert_string_equal(json_string_value(json_object_get(e, "endpoint")), "GET /x/{}");
    assert_int_equal(json_integer_value(json_object_get(e, "count")), 2);
    assert_int_equal(json_integer_value(json_object_get(e, "requests")), 3);
    assert_int_equal(json_integer_value(json_object_get(e, "last")), 2);
    const json_t *x = json_object_get(e, "example");
    assert_string_equal(json_string_value(json_object_get(x, "new")), "6");
    sides_done(&a);
    sides_done(&b);
    sides_done(&c);
}

/* A place in a list counts once for a request, however long the list is. */
TEST(counts_requests_not_values)
{
    struct answers a, b;
    AUTO(groups) struct groups *found = NULL;

    sides(&a);
    sides(&b);
    add_answer(&a, 1, "GET /x", "[{\"p\":1},{\"p\":1}]");
    add_answer(&b, 1, "GET /x", "[{\"p\":2},{\"p\":2}]");
    assert_true(groups_new(&found, NULL) && groups_compare(found, &a, &b, NULL, NULL));
    AUTO(json) json_t *all = json_array();
    struct events events = {.all = all};
    assert_true(groups_tell(found, "old", &events, NULL));
    assert_int_equal(json_array_size(all), 1);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(all, 0), "count")), 1);
    sides_done(&a);
    sides_done(&b);
}

TESTS(json_values, a_renamed_field_is_one_missing_and_one_added, lists_by_position, lists_by_id,
      values_that_stand_for_the_same_are_equal, text_by_lines, text_in_the_middle_is_matched,
      status_and_outcome, headers_by_their_rules, other_bodies_as_a_whole, endpoints,
      examples_hold_no_secrets, noise_is_not_judged, counts_requests_not_values)
