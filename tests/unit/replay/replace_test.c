#include "tests/test.h"

#include "lib/base/buf.h"
#include "replay/replace.h"

static struct session *session;

static void know(enum made_kind kind, const char *noun, const char *from, const char *to)
{
    assert_true(session_put(session, kind, span_of(noun), span_of(from), span_of(to), NULL));
}

static void begin(void)
{
    assert_true(session_new(&session, NULL));
    know(MADE_COOKIE, "sid", "oldsid", "newsid");
    know(MADE_TOKEN, "", "tok-recorded", "tok-replayed");
    know(MADE_ID, "order", "17", "90017");
    know(MADE_ID, "order_item", "5", "6");
}

static void done(void)
{
    session_free(session);
    session = NULL;
}

#define CHECK(call, want)                         \
    do {                                          \
        struct buf out = {0};                     \
        call;                                     \
        assert_string_equal(buf_str(&out), want); \
        buf_done(&out);                           \
    } while (0)

static void target(const char *from, const char *want)
{
    CHECK(replace_target(session, span_of(from), &out), want);
}

TEST(an_id_is_replaced_in_paths_of_its_noun_only)
{
    begin();
    target("/api/orders/17", "/api/orders/90017");
    target("/api/order/17/items", "/api/order/90017/items");
    target("/api/Orders/17.json?x=17", "/api/Orders/90017.json?x=17");
    target("/api/articles/17", "/api/articles/17");
    target("/17/orders", "/17/orders");
    target("/orders/170", "/orders/170");
    target("/orders/17-3", "/orders/17-3");
    target("/order-items/5", "/order-items/6");
    target("*", "*");
    target("/", "/");
    target("", "");
    done();
}

TEST(an_id_is_replaced_in_parameters_of_its_noun_only)
{
    begin();
    target("/pay?order_id=17&id=17&page=17", "/pay?order_id=90017&id=17&page=17");
    target("/orders?id=17", "/orders?id=90017");
    target("/x?orderId=17&&a&b=", "/x?orderId=90017&&a&b=");
    target("/x?t=tok-recorded", "/x?t=tok-replayed");
    target("/x?t=tok-recorded-not", "/x?t=tok-recorded-not");
    done();
}

TEST(cookies_by_name_and_value)
{
    begin();
    CHECK(replace_cookies(session, SPAN("a=1; sid=oldsid;sid2=oldsid; b=tok-recorded"), &out),
          "a=1; sid=newsid; sid2=oldsid; b=tok-replayed");
    CHECK(replace_cookies(session, SPAN("novalue"), &out), "novalue");
    done();
}

TEST(tokens_as_whole_words)
{
    begin();
    CHECK(replace_words(session, SPAN("Bearer tok-recorded"), &out), "Bearer tok-replayed");
    CHECK(replace_words(session, SPAN("xtok-recorded, 17"), &out), "xtok-recorded, 17");
    done();
}

static void json(const char *from, const char *want)
{
    CHECK(replace_json(session, span_of(from), "order", &out), want);
}

TEST(json_by_its_keys_and_nothing_else)
{
    begin();
    json("{\"order_id\": 17, \"n\":17 }", "{\"order_id\": 90017, \"n\":17 }");
    json("{\"id\":17}", "{\"id\":90017}");
    json("{\"order\":{\"id\":\"17\"},\"user\":{\"id\":17}}",
         "{\"order\":{\"id\":\"90017\"},\"user\":{\"id\":17}}");
    json("{\"orders\":[{\"id\":17},{\"id\":18}]}", "{\"orders\":[{\"id\":90017},{\"id\":18}]}");
    json("{\"order_ids\":[17,1,17],\"x\":17}", "{\"order_ids\":[90017,1,90017],\"x\":17}");
    json("[{\"id\":17}]", "[{\"id\":90017}]");
    json("{\"csrf\":\"tok-recorded\",\"s\":\"a \\\" tok-recorded\"}",
         "{\"csrf\":\"tok-replayed\",\"s\":\"a \\\" tok-recorded\"}");
    json("{\"17\":\"x\",\"id\":-17,\"f\":17.5e1}", "{\"17\":\"x\",\"id\":-17,\"f\":17.5e1}");
    done();
}

TEST(what_is_no_json_is_copied)
{
    static const char *const texts[] = {"",        "\"",     "{",        "}}}]]",
                                        "{\"a",    "{\"a\\", "nonsense", "[[[[[[[[[[{{{{{{{\"x\":1",
                                        "{\"id\":"};
    begin();
    for (size_t i = 0; i < COUNT(texts); i++)
        json(texts[i], texts[i]);
    done();
}

TEST(bodies_by_their_type)
{
    begin();
    CHECK(replace_body(session, SPAN("application/x-www-form-urlencoded"), SPAN("/orders/1"),
                       SPAN("id=17&csrf=tok-recorded"), &out),
          "id=90017&csrf=tok-replayed");
    CHECK(replace_body(session, SPAN("text/plain"), SPAN("/orders/1"), SPAN("id=17"), &out),
          "id=17");
    CHECK(replace_body(session, SPAN("application/vnd.x+json"), SPAN("/orders/1/pay"),
                       SPAN("{\"order_id\":17}"), &out),
          "{\"order_id\":90017}");
    done();
}

TEST(without_a_session_all_is_copied)
{
    session = NULL;
    target("/orders/17?id=17", "/orders/17?id=17");
    json("{\"id\":17}", "{\"id\":17}");
}

TESTS(an_id_is_replaced_in_paths_of_its_noun_only, an_id_is_replaced_in_parameters_of_its_noun_only,
      cookies_by_name_and_value, tokens_as_whole_words, json_by_its_keys_and_nothing_else,
      what_is_no_json_is_copied, bodies_by_their_type, without_a_session_all_is_copied)
