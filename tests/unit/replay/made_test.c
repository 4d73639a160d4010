#include "tests/test.h"

#include "replay/session.h"

static struct vec find(const char *method, const char *target, const char *head, const char *body)
{
    struct vec list = VEC(struct made);
    const struct made_source s = {.method = span_of(method),
                                  .target = span_of(target),
                                  .head = span_of(head),
                                  .body = span_of(body)};

    assert_true(made_find(&s, &list, NULL));
    return list;
}

/* "kind noun value" of each, as text. */
static void check(struct vec list, const char *want)
{
    static const char *const kinds[] = {"cookie", "token", "id"};
    AUTO(buf) struct buf text = {0};
    const struct made *m = list.at;

    for (size_t i = 0; i < list.count; i++)
        buf_printf(&text, "%s%s:%s:%s", i ? " " : "", kinds[m[i].kind], m[i].noun, m[i].value);
    assert_string_equal(buf_str(&text), want);
    made_done(&list);
}

#define JSON "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n"
#define HTML "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"

TEST(cookies)
{
    check(find("GET", "/",
               HTML "Set-Cookie: sid=abc; Path=/; HttpOnly\r\nset-cookie: b=2\r\n"
                    "Set-Cookie: gone=; Max-Age=0\r\nSet-Cookie: bad\r\n",
               ""),
          "cookie:sid:abc cookie:b:2");
}

TEST(ids_of_what_was_created)
{
    check(find("POST", "/api/orders", JSON, "{\"id\":17,\"total\":5}"), "id:order:17");
    check(find("POST", "/api/cart/items?x=1", JSON,
               "{\"order_id\":3,\"item\":{\"id\":\"A-1\"},\"ids\":[1,2]}"),
          "id:order:3 id:item:A-1 id:item:1 id:item:2");
    check(
        find("POST", "/orders", "HTTP/1.1 303 See Other\r\nLocation: /shop/orders/17?ok=1\r\n", ""),
        "id:order:17");
}

TEST(reading_makes_no_ids)
{
    check(find("GET", "/api/orders", JSON, "[{\"id\":17},{\"id\":18}]"), "");
}

TEST(tokens_also_when_reading)
{
    check(find("GET", "/", JSON, "{\"csrfToken\":\"a1b2c3d4e5\",\"name\":\"long enough here\"}"),
          "token::a1b2c3d4e5");
    check(find("GET", "/", HTML,
               "<form><input type=\"hidden\" name=\"csrf\" value=\"a1b2c3d4\">"
               "<input type=hidden value='zzzzyyyy1' name='authenticity_token'>"
               "<input name=\"token_text\" value=\"visible123\"><meta name=\"csrf-token\" "
               "content=\"meta12345\"><input type=\"hidden\" name=\"page\" value=\"12345678\">"),
          "token::a1b2c3d4 token::zzzzyyyy1 token::meta12345");
}

TEST(hostile_bodies)
{
    AUTO(buf) struct buf deep = {0};

    for (int i = 0; i < 500; i++)
        buf_puts(&deep, "{\"id\":");
    check(find("POST", "/x", JSON, buf_str(&deep)), "");
    check(find("POST", "/x", HTML, "<input <input type=hidden name= value=\"<input"), "");
    check(find("POST", "/x", JSON, "{\"id\":"), "");
}

static void noun(const char *name, const char *want)
{
    char out[NOUN_MAX];
    assert_string_equal(made_noun(span_of(name), out), want);
}

TEST(nouns)
{
    noun("orders", "order");
    noun("order_id", "order");
    noun("orderId", "order");
    noun("OrderIDs", "order");
    noun("order-items", "order_item");
    noun("categories", "category");
    noun("address", "address");
    noun("s", "s");
    noun("", "");
    noun("an_extremely_long_name_that_goes_on_and_on_and_on_and_on_and_on_and_on_and_on_id",
         "an_extremely_long_name_that_goes_on_and_on_and_on_and_on_and_o");
}

TEST(pairs_are_learned_where_they_differ)
{
    AUTO(session) struct session *s = NULL;
    AUTO(buf) struct buf got = {0};

    assert_true(session_new(&s, NULL));
    assert_true(session_empty(s));
    struct vec old = find("POST", "/orders", JSON "Set-Cookie: sid=a\r\n",
                          "{\"id\":17,\"user_id\":4,\"order\":{\"id\":9}}");
    struct vec new = find("POST", "/orders", JSON "Set-Cookie: sid=b\r\n",
                          "{\"user_id\":4,\"id\":18,\"new\":{\"id\":1}}");
    assert_true(session_learn(s, &old, &new, NULL));
    assert_int_equal(session_count(s), 2);
    assert_true(session_get(s, MADE_ID, SPAN("order"), SPAN("17"), &got));
    assert_string_equal(buf_str(&got), "18");
    assert_false(session_get(s, MADE_ID, SPAN("user"), SPAN("4"), &got));
    assert_false(session_get(s, MADE_ID, SPAN("article"), SPAN("17"), &got));
    buf_clear(&got);
    assert_true(session_get(s, MADE_COOKIE, SPAN("sid"), SPAN("a"), &got));
    assert_string_equal(buf_str(&got), "b");
    made_done(&old);
    made_done(&new);
}

/* A list that shifted would otherwise give two recorded orders the same replayed one. */
TEST(the_first_mapping_stays_and_no_two_ids_become_one)
{
    AUTO(session) struct session *s = NULL;
    AUTO(buf) struct buf got = {0};

    assert_true(session_new(&s, NULL));
    assert_true(session_put(s, MADE_ID, SPAN("order"), SPAN("1"), SPAN("11"), NULL));
    assert_true(session_put(s, MADE_ID, SPAN("order"), SPAN("1"), SPAN("12"), NULL));
    assert_true(session_put(s, MADE_ID, SPAN("order"), SPAN("2"), SPAN("11"), NULL));
    assert_int_equal(session_count(s), 1);
    for (int i = 0; i < 3000; i++) {
        char from[16], to[16];
        snprintf(from, sizeof(from), "f%d", i);
        snprintf(to, sizeof(to), "t%d", i);
        assert_true(session_put(s, MADE_TOKEN, SPAN(""), span_of(from), span_of(to), NULL));
    }
    assert_true(session_get(s, MADE_TOKEN, SPAN(""), SPAN("f2999"), &got));
    assert_string_equal(buf_str(&got), "t2999");
}

TESTS(cookies, ids_of_what_was_created, reading_makes_no_ids, tokens_also_when_reading,
      hostile_bodies, nouns, pairs_are_learned_where_they_differ,
      the_first_mapping_stays_and_no_two_ids_become_one)
