#include "tests/test.h"

#include "snapshot/pg_redact.h"

static const struct {
    const char *sql, *want;
    unsigned count;
} cases[] = {
    {"", "", 0},
    {"CREATE TABLE password (a text DEFAULT 'x');", "CREATE TABLE password (a text DEFAULT 'x');",
     0},
    {"-- head\nCREATE USER MAPPING FOR a SERVER s OPTIONS (\n    password 'hunter''2',\n    \"user\" 'u'\n);\nX;",
     "-- head\nCREATE USER MAPPING FOR a SERVER s OPTIONS (\n    password '',\n    \"user\" 'u'\n);\nX;",
     1},
    {"CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (\"API Token\" E'a\\'b', host 'h', sslpassword 'c');",
     "CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (\"API Token\" '', host 'h', sslpassword '');",
     2},
    {"COMMENT ON SERVER s IS 'password ''x''';", "COMMENT ON SERVER s IS 'password ''x''';", 0},
};

TEST(secrets_of_options)
{
    for (size_t i = 0; i < COUNT(cases); i++) {
        AUTO(buf) struct buf out = {0};
        struct err err = {0};
        unsigned count = 99;

        assert_ok(pg_redact(span_of(cases[i].sql), &out, &count, &err), &err);
        assert_string_equal(buf_str(&out), cases[i].want);
        assert_int_equal(count, cases[i].count);
    }
}

TEST(broken_text)
{
    AUTO(buf) struct buf out = {0};
    struct err err = {0};
    unsigned count = 0;

    assert_fails(pg_redact(SPAN("CREATE SERVER 'x"), &out, &count, &err), &err, ERR_SQL);
}

TESTS(secrets_of_options, broken_text)
