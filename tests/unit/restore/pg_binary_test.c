/* Values in binary form: the right side is what PostgreSQL 15's send functions gave. */
#include "tests/test.h"

#include "restore/pg_binary.h"
#include "restore/pg_binary_value.h"

struct value {
    pg_binary_put put;
    const char *text, *hex;
};

static const struct value values[] = {
    {pg_put_int2, "0", "0000"},
    {pg_put_int2, "-32768", "8000"},
    {pg_put_int2, "32767", "7fff"},
    {pg_put_int4, "0", "00000000"},
    {pg_put_int4, "-2147483648", "80000000"},
    {pg_put_int4, "2147483647", "7fffffff"},
    {pg_put_int4, "-7", "fffffff9"},
    {pg_put_int8, "0", "0000000000000000"},
    {pg_put_int8, "-9223372036854775808", "8000000000000000"},
    {pg_put_int8, "9223372036854775807", "7fffffffffffffff"},
    {pg_put_int8, "42", "000000000000002a"},
    {pg_put_int8, "12345678", "0000000000bc614e"},
    {pg_put_int8, "-123456789", "fffffffff8a432eb"},
    {pg_put_int8, "1234567890123456", "000462d53c8abac0"},
    {pg_put_int8, "12345678901234567", "002bdc545d6b4b87"},
    {pg_put_int4, "0007", "00000007"},
    {pg_put_float8, "0", "0000000000000000"},
    {pg_put_float8, "-0", "8000000000000000"},
    {pg_put_float8, "1", "3ff0000000000000"},
    {pg_put_float8, "0.1", "3fb999999999999a"},
    {pg_put_float8, "1e+300", "7e37e43c8800759c"},
    {pg_put_float8, "5e-324", "0000000000000001"},
    {pg_put_float8, "1.7976931348623157e+308", "7fefffffffffffff"},
    {pg_put_float8, "-2.5", "c004000000000000"},
    {pg_put_float8, "NaN", "7ff8000000000000"},
    {pg_put_float8, "Infinity", "7ff0000000000000"},
    {pg_put_float8, "-Infinity", "fff0000000000000"},
    {pg_put_float8, "2.2250738585072014e-308", "0010000000000000"},
    {pg_put_float4, "0", "00000000"},
    {pg_put_float4, "-0", "80000000"},
    {pg_put_float4, "0.1", "3dcccccd"},
    {pg_put_float4, "-16777216", "cb800000"},
    {pg_put_float4, "16777217", "4b800000"},
    {pg_put_float4, "0.16777217", "3e2bcc78"},
    {pg_put_float4, "3.4028235e+38", "7f7fffff"},
    {pg_put_float4, "1e-45", "00000001"},
    {pg_put_float4, "1.6777216e+07", "4b800000"},
    {pg_put_float4, "NaN", "7fc00000"},
    {pg_put_float4, "Infinity", "7f800000"},
    {pg_put_float4, "-Infinity", "ff800000"},
    {pg_put_numeric, "0", "0000000000000000"},
    {pg_put_numeric, "0.00", "0000000000000002"},
    {pg_put_numeric, "1", "00010000000000000001"},
    {pg_put_numeric, "-1", "00010000400000000001"},
    {pg_put_numeric, "10000", "00010001000000000001"},
    {pg_put_numeric, "9999.9999", "0002000000000004270f270f"},
    {pg_put_numeric, "0.0001", "0001ffff000000040001"},
    {pg_put_numeric, "0.00010000", "0001ffff000000080001"},
    {pg_put_numeric, "-0.000000012", "0002fffe40000009000107d0"},
    {pg_put_numeric, "12345678901234567890.123456789",
     "000800040000000904d2162e23340d801ed204d2162e2328"},
    {pg_put_numeric, "100000000", "00010002000000000001"},
    {pg_put_numeric, "1000000000000.50", "000500030000000200010000000000001388"},
    {pg_put_numeric, "0.5", "0001ffff000000011388"},
    {pg_put_numeric, "NaN", "00000000c0000000"},
    {pg_put_numeric, "Infinity", "00000000d0000020"},
    {pg_put_numeric, "-Infinity", "00000000f0000020"},
    {pg_put_numeric, "123.4500", "0002000000000004007b1194"},
    {pg_put_numeric, "20000.0000", "00010001000000040002"},
    {pg_put_numeric, "100000000000000000000", "00010005000000000001"},
    {pg_put_numeric, "0.00000000000000000001", "0001fffb000000140001"},
    {pg_put_date, "2000-01-01", "00000000"},
    {pg_put_date, "1999-12-31", "ffffffff"},
    {pg_put_date, "2024-02-29", "00002279"},
    {pg_put_date, "0001-01-01", "fff4dbf9"},
    {pg_put_date, "infinity", "7fffffff"},
    {pg_put_date, "-infinity", "80000000"},
    {pg_put_date, "4713-01-01 BC", "ffda97cd"},
    {pg_put_date, "0044-03-15 BC", "fff49d7b"},
    {pg_put_date, "9999-12-31", "002c95d3"},
    {pg_put_date, "12345-06-07", "0039a81f"},
    {pg_put_date, "1900-03-01", "ffff718f"},
    {pg_put_date, "2100-02-28", "00008ee7"},
    {pg_put_date, "294276-12-31", "065ce7ee"},
    {pg_put_timestamp, "2000-01-01 00:00:00", "0000000000000000"},
    {pg_put_timestamp, "1999-12-31 23:59:59.999999", "ffffffffffffffff"},
    {pg_put_timestamp, "2024-02-29 12:34:56.7", "0002b58341712a60"},
    {pg_put_timestamp, "infinity", "7fffffffffffffff"},
    {pg_put_timestamp, "-infinity", "8000000000000000"},
    {pg_put_timestamp, "4713-11-24 00:00:00 BC", "fd0f9983eb0ae000"},
    {pg_put_timestamp, "294276-12-31 23:59:59.999999", "7fffff5bb3b29fff"},
    {pg_put_timestamp, "0001-12-31 23:59:59.5 BC", "ff1fe2ffc594bee0"},
    {pg_put_timestamp, "1970-01-01 00:00:00.000001", "fffca2fec4c82001"},
    {pg_put_timestamptz, "2000-01-01 00:00:00+00", "0000000000000000"},
    {pg_put_timestamptz, "2024-06-30 22:33:44.55+00", "0002bf21d78c6670"},
    {pg_put_timestamptz, "infinity", "7fffffffffffffff"},
    {pg_put_timestamptz, "-infinity", "8000000000000000"},
    {pg_put_timestamptz, "0044-03-15 01:02:03+00 BC", "ff1af9dfca4398c0"},
    {pg_put_uuid, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc999c0b4ef8bb6d6bb9bd380a11"},
    {pg_put_uuid, "01234567-89ab-cdef-fedc-ba9876543210", "0123456789abcdeffedcba9876543210"},
    {pg_put_uuid, "00000000-0000-0000-0000-000000000000", "00000000000000000000000000000000"},
    {pg_put_bool, "t", "01"},
    {pg_put_bool, "f", "00"},
    {pg_put_text, "", ""},
    {pg_put_text, "a\\tb\\\\\\n\\r\\b\\f\\v", "6109625c0a0d080c0b"},
    {pg_put_text, "sixteen bytes it", "7369787465656e206279746573206974"},
    {pg_put_text, "fifteen bytes b\\nand more of it\\\\",
     "6669667465656e20627974657320620a616e64206d6f7265206f662069745c"},
    {pg_put_jsonb, "", "01"},
    {pg_put_jsonb, "\\\\", "015c"},
    {pg_put_jsonb, "{}", "017b7d"},
    {pg_put_bytea, "\\\\x", ""},
    {pg_put_bytea, "\\\\x00ff1a", "00ff1a"},
    {pg_put_bytea, "\\\\x00112233445566778899aabbccddeeff09", "00112233445566778899aabbccddeeff09"},
};

/* What the server does not write: the table is loaded as text then. */
static const struct value strange[] = {
    {pg_put_int2, "32768", NULL},
    {pg_put_int2, "-32769", NULL},
    {pg_put_int2, "", NULL},
    {pg_put_int2, "-", NULL},
    {pg_put_int4, "2147483648", NULL},
    {pg_put_int4, "1 ", NULL},
    {pg_put_int8, "9223372036854775808", NULL},
    {pg_put_int8, "99999999999999999999", NULL},
    {pg_put_bool, "true", NULL},
    {pg_put_bool, "", NULL},
    {pg_put_float8, "1e400", NULL},
    {pg_put_float8, "nan", NULL},
    {pg_put_float8, "0x1p3", NULL},
    {pg_put_float8, "", NULL},
    {pg_put_float8, "1.0e", NULL},
    {pg_put_float4, "1e39", NULL},
    {pg_put_numeric, "", NULL},
    {pg_put_numeric, "-", NULL},
    {pg_put_numeric, "1e5", NULL},
    {pg_put_numeric, ".5", NULL},
    {pg_put_numeric, "1.2.3", NULL},
    {pg_put_numeric, "1,2", NULL},
    {pg_put_numeric, "1.2 ", NULL},
    {pg_put_int8, "12345678x", NULL},
    {pg_put_int8, "123:5678", NULL},
    {pg_put_int8, "\xb0\xb1", NULL},
    {pg_put_int8, "--1", NULL},
    {pg_put_date, "2024-13-01", NULL},
    {pg_put_date, "5874897-12-31", NULL},
    {pg_put_date, "24-01-01", NULL},
    {pg_put_date, "2024", NULL},
    {pg_put_date, "2024-01-1", NULL},
    {pg_put_date, "2024-01-011", NULL},
    {pg_put_date, "2024-00-01", NULL},
    {pg_put_date, "2024:01-01", NULL},
    {pg_put_timestamp, "2024-01-01 00:00:0", NULL},
    {pg_put_timestamp, "2024-01-01 00:00-00", NULL},
    {pg_put_timestamp, "2024-01-01 00:60:00", NULL},
    {pg_put_timestamp, "2024-01-01T00:00:00", NULL},
    {pg_put_date, "2024-01-01 AD", NULL},
    {pg_put_date, "2024-01-01 00:00:00", NULL},
    {pg_put_timestamp, "2024-01-01", NULL},
    {pg_put_timestamp, "2024-01-01 24:00:00", NULL},
    {pg_put_timestamp, "999999-01-01 00:00:00", NULL},
    {pg_put_timestamp, "2024-01-01 00:00:00.1234567", NULL},
    {pg_put_timestamptz, "2024-01-01 00:00:00", NULL},
    {pg_put_timestamptz, "2024-01-01 00:00:00+01", NULL},
    {pg_put_text, "\\", NULL},
    {pg_put_text, "\\x41", NULL},
    {pg_put_text, "a whole step of \\", NULL},
    {pg_put_bytea, "\\\\x0", NULL},
    {pg_put_bytea, "\\\\x00112233445566778899aabbccddeeff0", NULL},
    {pg_put_bytea, "\\\\x00112233445566778899aabbccddeefF", NULL},
    {pg_put_bytea, "\\\\x00112233445566778899aabbccddeeff0g", NULL},
    {pg_put_bytea, "\\\\x:0", NULL},
    {pg_put_uuid, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1g", NULL},
    {pg_put_uuid, "a0eebc99-9c0b-4ef8-bb6d66bb9bd380a11", NULL},
    {pg_put_bytea, "abc", NULL},
    {pg_put_bytea, "\\\\xzz", NULL},
    {pg_put_uuid, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1", NULL},
    {pg_put_uuid, "g0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", NULL},
};

/* In memory of exactly the size that is promised, so that a sanitizer sees what goes beyond. */
static size_t put(const struct value *v, char hex[512])
{
    size_t len = strlen(v->text);
    AUTO(free) char *text = malloc(len + PG_PUT_BEHIND), *to = malloc(len + PG_PUT_MORE);

    assert_non_null(text);
    assert_non_null(to);
    memcpy(text, v->text, len);
    memset(text + len, '9', PG_PUT_BEHIND);
    text[len] = '\n';
    const char *end = v->put(text, len, to);
    if (!end)
        return SIZE_MAX;
    for (const char *p = to; p < end; p++)
        snprintf(hex + 2 * (p - to), 3, "%02x", (unsigned char)*p);
    hex[2 * (end - to)] = '\0';
    return (size_t)(end - to);
}

TEST(writes_what_the_server_writes)
{
    for (size_t i = 0; i < COUNT(values); i++) {
        char hex[512] = "";

        if (put(&values[i], hex) == SIZE_MAX || strcmp(hex, values[i].hex) != 0)
            fail_msg("'%s': %s, not %s", values[i].text, hex, values[i].hex);
    }
}

TEST(leaves_what_it_does_not_know)
{
    for (size_t i = 0; i < COUNT(strange); i++) {
        char hex[512] = "";

        if (put(&strange[i], hex) != SIZE_MAX)
            fail_msg("'%s' became %s", strange[i].text, hex);
    }
}

/* Short ones are made another way than long ones: zeros in front make them long. */
TEST(makes_short_decimals_like_long_ones)
{
    for (unsigned i = 0; i < 50000; i++) {
        unsigned behind = i % 9, left = i * 2654435761u % 100000000 >> i % 27;
        unsigned part = i * 40503u % 100000000 >> i % 13;
        char text[32], hex[512] = "", want[512] = "";
        int point = snprintf(text, sizeof(text), "%s%u", i % 3 ? "" : "-", left);

        snprintf(text + point, sizeof(text) - (size_t)point, ".%08u", part);
        text[behind ? (size_t)point + 1 + behind : (size_t)point] = '\0';
        AUTO(free) char *zeros = NULL;
        assert_true(asprintf(&zeros, "%s000000000%s", i % 3 ? "" : "-", text + (i % 3 == 0)) > 0);
        struct value quick = {pg_put_numeric, text, NULL}, slow = {pg_put_numeric, zeros, NULL};
        if (put(&quick, hex) != put(&slow, want) || strcmp(hex, want) != 0)
            fail_msg("%s: %s, not %s", text, hex, want);
        double d = strtod(text, NULL);
        float f = strtof(text, NULL);
        uint64_t bits = 0;
        uint32_t few = 0;
        memcpy(&bits, &d, sizeof(bits));
        memcpy(&few, &f, sizeof(few));
        snprintf(want, sizeof(want), "%016llx", (unsigned long long)bits);
        quick.put = pg_put_float8;
        if (put(&quick, hex) == SIZE_MAX || strcmp(hex, want) != 0)
            fail_msg("%s: %s, not %s", text, hex, want);
        snprintf(want, sizeof(want), "%08x", few);
        quick.put = pg_put_float4;
        if (put(&quick, hex) == SIZE_MAX || strcmp(hex, want) != 0)
            fail_msg("%s: %s, not %s", text, hex, want);
    }
}

static struct pg_binary *made(const char *types)
{
    struct pg_binary *b = NULL;
    struct err err = {0};
    json_t *list = json_loads(types, 0, NULL);

    assert_non_null(list);
    assert_ok(pg_binary_new(list, &b, &err), &err);
    json_decref(list);
    return b;
}

TEST(knows_types_by_their_full_names)
{
    static const char *const known[] = {"[\"integer\"]",
                                        "[\"numeric(12,2)\", \"text\"]",
                                        "[\"character varying(20)\"]",
                                        "[\"character(2)\"]",
                                        "[\"timestamp(3) without time zone\"]",
                                        "[\"timestamp with time zone\"]",
                                        "[\"numeric\"]"};
    static const char *const unknown[] = {"[]",
                                          "[\"integer[]\"]",
                                          "[\"numeric(12,2)[]\"]",
                                          "[\"public.text\"]",
                                          "[\"\\\"char\\\"\"]",
                                          "[\"interval\"]",
                                          "[\"text\", \"point\"]",
                                          "[\"timestamp(3)\"]",
                                          "[1]"};

    for (size_t i = 0; i < COUNT(known); i++) {
        struct pg_binary *b = made(known[i]);
        if (!b)
            fail_msg("%s is not known", known[i]);
        pg_binary_free(b);
    }
    for (size_t i = 0; i < COUNT(unknown); i++)
        if (made(unknown[i]))
            fail_msg("%s is known", unknown[i]);
}

TEST(writes_rows_with_their_nulls)
{
    static const char want[] = "\0\2\0\0\0\2\0\7\0\0\0\1x"
                               "\0\2\377\377\377\377\377\377\377\377"
                               "\0\2\0\0\0\2\377\377\0\0\0\0";
    AUTO(pg_binary) struct pg_binary *b = made("[\"smallint\", \"text\"]");
    AUTO(buf) struct buf segment = {0}, out = {0};
    struct err err = {0};
    bool exact = false;

    buf_puts(&segment, "7\n\\N\n-1\nx\n\\N\n\n");
    assert_ok(pg_binary_rows(b, &segment, 3, &out, &exact, &err), &err);
    assert_true(exact);
    assert_int_equal(out.len, sizeof(want) - 1);
    assert_memory_equal(out.at, want, sizeof(want) - 1);
    buf_clear(&segment);
    buf_puts(&segment, "70000\nx\n");
    assert_ok(pg_binary_rows(b, &segment, 1, &out, &exact, &err), &err);
    assert_false(exact);
    assert_fails(pg_binary_rows(b, &segment, 2, &out, &exact, &err), &err, ERR_DAMAGED);
}

TESTS(writes_what_the_server_writes, leaves_what_it_does_not_know,
      makes_short_decimals_like_long_ones, knows_types_by_their_full_names,
      writes_rows_with_their_nulls)
