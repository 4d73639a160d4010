#include "tests/test.h"

#include "restore/pg_text.h"

static void head(const char *sql, const char *want)
{
    struct span got = pg_text_head(span_of(sql));
    AUTO(free) char *text = span_dup(got);

    assert_string_equal(text, want);
}

/* What a setting or comment holds may be a secret: it is in no error and in no list. */
TEST(what_is_set_or_said_of_a_thing_is_not_shown)
{
    head("ALTER DATABASE shop SET \"app.key\" TO 's3cret'", "ALTER DATABASE shop SET \"app.key\"");
    head("ALTER DATABASE \"SET\" SET search_path TO s3cret, public",
         "ALTER DATABASE \"SET\" SET search_path");
    head("alter role a in database shop set b = 's3cret'", "alter role a in database shop set b");
    head("ALTER ROLE ALL SET work_mem TO '5MB'", "ALTER ROLE ALL SET work_mem");
    head("COMMENT ON DATABASE shop IS 's3cret'", "COMMENT ON DATABASE shop");
    head("COMMENT ON ROLE \"a IS b\" IS 's3cret'", "COMMENT ON ROLE \"a IS b\"");
}

TEST(other_statements_are_shown_whole)
{
    head("ALTER DATABASE shop OWNER TO clerk", "ALTER DATABASE shop OWNER TO clerk");
    head("ALTER DATABASE shop CONNECTION LIMIT 5", "ALTER DATABASE shop CONNECTION LIMIT 5");
    head("GRANT a TO b", "GRANT a TO b");
    head("", "");
}

TESTS(what_is_set_or_said_of_a_thing_is_not_shown, other_statements_are_shown_whole)
