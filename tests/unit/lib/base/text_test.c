/* JSON, fields, hashes and time: how values become text and come back. */
#include "tests/test.h"

#include "lib/base/clock.h"
#include "lib/base/field.h"
#include "lib/base/hash.h"
#include "lib/base/json.h"
#include "tests/fake/scratch.h"

#include <math.h>

TEST(fields_become_json)
{
    AUTO(json) json_t *inner = json_pack("[i]", 1);
    AUTO(json)
    json_t *o = fields_json(FIELDS(f_str("s", "a\"\n"), f_str("none", NULL), f_num("n", INT64_MIN),
                                   f_real("r", 0.5), f_real("nan", (double)NAN), f_bool("b", true),
                                   f_json("j", inner), f_span("latin", SPAN("\xe4 \xc3\xa4 \0"))));
    AUTO(free) char *text = json_text(o);

    assert_string_equal(text, "{\"b\":true,\"j\":[1],\"latin\":\"\xc3\xa4 \xc3\xa4 \\u0000\","
                              "\"n\":-9223372036854775808,\"nan\":null,\"none\":null,\"r\":0.5,"
                              "\"s\":\"a\\\"\\n\"}");
}

/* What was measured, not what a double makes of it; and times of many days to the millisecond. */
TEST(reals_are_for_people)
{
    AUTO(json)
    json_t *o = fields_json(FIELDS(f_real("a", 842.123), f_real("b", 0.1), f_real("c", 2),
                                   f_real("d", 86400123.4567), f_real("e", 1.0 / 3)));
    AUTO(free) char *text = json_text(o);
    AUTO(free) char *pretty = json_pretty(o);

    assert_string_equal(text, "{\"a\":842.123,\"b\":0.1,\"c\":2.0,\"d\":86400123.5,"
                              "\"e\":0.333333333}");
    assert_non_null(strstr(pretty, "\"a\": 842.123,"));
}

TEST(json_errors_name_the_place)
{
    json_t *o = NULL;
    struct err err = {0};

    assert_fails(json_parse(SPAN("{\"a\":1,\n\"a\":2}"), "x.json", &o, &err), &err, ERR_DAMAGED);
    assert_non_null(strstr(err.text, "x.json: not valid JSON at line 2"));
    assert_false(json_parse(SPAN("[1] x"), "x", &o, &err));
    assert_false(json_parse((struct span){0}, "x", &o, &err));
    assert_null(o);
    /* Deep nesting must not exhaust the stack. */
    static char deep[100000];
    memset(deep, '[', sizeof(deep));
    assert_fails(json_parse((struct span){deep, sizeof(deep)}, "x", &o, &err), &err, ERR_DAMAGED);
}

TEST(json_members_of_the_wanted_type)
{
    AUTO(json) json_t *o = NULL;
    struct err err = {0};
    const char *s;
    uint64_t n;
    json_t *inner;

    assert_ok(
        json_parse(SPAN("{\"s\":\"x\",\"n\":7,\"m\":-1,\"o\":{},\"a\":[],\"z\":\"a\\u0000\"}"), "x",
                   &o, &err),
        &err);
    assert_ok(json_want_str(o, "s", &s, &err), &err);
    assert_ok(json_want_u64(o, "n", &n, &err), &err);
    assert_ok(json_want_obj(o, "o", &inner, &err), &err);
    assert_ok(json_want_arr(o, "a", &inner, &err), &err);
    assert_fails(json_want_str(o, "q", &s, &err), &err, ERR_DAMAGED);
    assert_string_equal(err.text, "'q' is missing");
    assert_fails(json_want_str(o, "n", &s, &err), &err, ERR_DAMAGED);
    assert_string_equal(err.text, "'n' is not a string");
    assert_false(json_want_u64(o, "m", &n, &err));
    assert_false(json_want_str(o, "z", &s, &err));
    assert_false(json_want_obj(o, "a", &inner, &err));
    assert_string_equal(s, "x");
}

TEST(bytes_survive_json)
{
    char all[256];
    size_t len = 0;

    for (size_t i = 0; i < sizeof(all); i++)
        all[i] = (char)i;
    AUTO(json) json_t *value = json_bytes((struct span){all, sizeof(all)});
    AUTO(free) char *back = json_bytes_back(json_string_value(value), &len);
    assert_int_equal(len, sizeof(all));
    assert_memory_equal(back, all, len);
    AUTO(json) json_t *name = json_bytes(SPAN("50% \xc3\xa4\xe4"));
    assert_string_equal(json_string_value(name), "50%25 \xc3\xa4%E4");
    AUTO(json) json_t *words = json_words(SPAN("50% \xc3\xa4\xe4"));
    assert_string_equal(json_string_value(words), "50% \xc3\xa4%E4");
    AUTO(free) char *odd = json_bytes_back("%zz%4", NULL);
    assert_string_equal(odd, "%zz%4");
}

/* FIPS 180-4, the examples of NIST. */
TEST(hashes_the_known_examples)
{
    AUTO(hash) struct hash *h = NULL;
    AUTO(scratch) struct scratch dir = {0};
    struct err err = {0};
    struct digest d, back;
    char hex[HASH_HEX];

    assert_ok(hash_open(&h, &err), &err);
    for (int again = 0; again < 2; again++) {
        hash_add(h, "a", 1);
        hash_add(h, "bc", 2);
        d = hash_end(h);
        digest_hex(&d, hex);
        assert_string_equal(hex,
                            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
    assert_true(digest_parse(span_of(hex), &back) && digest_eq(&d, &back));
    hex[0] = 'B';
    assert_false(digest_parse(span_of(hex), &back));
    assert_false(digest_parse((struct span){hex + 1, 63}, &back));
    scratch_open(&dir);
    scratch_write(&dir, "f", SPAN(""));
    assert_ok(hash_file(scratch_path(&dir, "f"), &d, &err), &err);
    back = hash_of((struct span){0});
    assert_true(digest_eq(&d, &back));
    digest_hex(&d, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_fails(hash_file(scratch_path(&dir, "none"), &d, &err), &err, ERR_MISSING);
}

TEST(time_as_iso_and_back)
{
    char text[ISO_TIME];
    int64_t ns = 0;

    assert_string_equal(clock_iso(INT64_C(1769860800123999999), text), "2026-01-31T12:00:00.123Z");
    assert_string_equal(clock_iso(-1, text), "1969-12-31T23:59:59.999Z");
    assert_true(clock_parse_iso("2026-01-31T12:00:00.123Z", &ns));
    assert_true(ns == INT64_C(1769860800123000000));
    assert_true(clock_parse_iso("2026-01-31T13:30:00+01:30", &ns));
    assert_true(ns == INT64_C(1769860800000000000));
    assert_true(clock_parse_iso("2026-01-31T12:00:00.123456789-0000", &ns));
    assert_true(ns == INT64_C(1769860800123456789));
    static const char *const bad[] = {"",
                                      "2026-01-31",
                                      "2026-01-31T12:00:00",
                                      "2026-01-31T12:00:00.Z",
                                      "2026-13-31T12:00:00Z",
                                      "2026-01-31T12:00:00Zx",
                                      "2026-01-31T12:00:00+99:00",
                                      "9026-01-31T12:00:00Z"};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(clock_parse_iso(bad[i], &ns));
}

TEST(speaks_to_people)
{
    char text[ISO_TIME];

    assert_string_equal(human_time(842 * INT64_C(1000000), text), "842 ms");
    assert_string_equal(human_time(INT64_C(4200000000), text), "4.2 s");
    assert_string_equal(human_time(INT64_C(192000000000), text), "3 min 12 s");
    assert_string_equal(human_time(INT64_C(3599600000000), text), "1 h 0 min");
    assert_string_equal(human_bytes(0, text), "0 B");
    assert_string_equal(human_bytes(999, text), "999 B");
    assert_string_equal(human_bytes(999999, text), "1.0 MB");
    assert_string_equal(human_bytes(1300000000, text), "1.3 GB");
    assert_string_equal(human_bytes(UINT64_MAX, text), "18.4 EB");
    assert_string_equal(human_count(0, text), "0");
    assert_string_equal(human_count(1234567, text), "1,234,567");
    assert_string_equal(human_count(UINT64_MAX, text), "18,446,744,073,709,551,615");
}

TEST(sleeps_to_the_instant)
{
    int64_t until = clock_mono_ns() + 20000000;

    assert_true(clock_sleep_until(until));
    assert_true(clock_mono_ns() >= until);
    assert_true(clock_sleep_until(0));
}

TESTS(fields_become_json, reals_are_for_people, json_errors_name_the_place,
      json_members_of_the_wanted_type, bytes_survive_json, hashes_the_known_examples,
      time_as_iso_and_back, speaks_to_people, sleeps_to_the_instant)
