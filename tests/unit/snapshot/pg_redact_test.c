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

static const char *steady(struct buf *b, const char *text)
{
    buf_clear(b);
    buf_puts(b, text);
    pg_steady_key(b);
    return buf_str(b);
}

/* The same schema is the same text, whatever key pg_dump drew; another schema has another key. */
TEST(the_key_is_of_the_text)
{
    AUTO(buf) struct buf a = {0};
    AUTO(buf) struct buf b = {0};
    const char *one = steady(&a, "--\n\\restrict aB3\nX;\n\\unrestrict aB3\n--\n");

    assert_non_null(strstr(one, "\nX;\n"));
    assert_null(strstr(one, "aB3"));
    assert_int_equal(strcspn(strstr(one, "\\restrict ") + 10, "\n"), 3);
    assert_string_equal(one, steady(&b, "--\n\\restrict c7D\nX;\n\\unrestrict c7D\n--\n"));
    assert_string_not_equal(one, steady(&b, "--\n\\restrict c7D\nY;\n\\unrestrict c7D\n--\n"));
}

TEST(what_is_no_pair_stays)
{
    static const char *const texts[] = {
        "", "X;\n", "\\restrict a\nX;\n", "\\restrict a\n\\unrestrict b\n",
        "\\restrict 0123456789012345678901234567890123456789012345678901234567890123456789\n"
        "\\unrestrict 0123456789012345678901234567890123456789012345678901234567890123456789\n"};
    AUTO(buf) struct buf b = {0};

    for (size_t i = 0; i < COUNT(texts); i++)
        assert_string_equal(steady(&b, texts[i]), texts[i]);
}

TESTS(secrets_of_options, broken_text, the_key_is_of_the_text, what_is_no_pair_stays)
