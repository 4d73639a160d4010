#include "tests/test.h"

#include "restore/row_name.h"

TEST(the_row_is_in_the_message)
{
    assert_int_equal(row_number("null value (x), COPY t, line 17, column a: \"b\"", ", line "), 17);
    assert_int_equal(row_number("Data truncated for column 'a' at row 3", " at row "), 3);
    assert_int_equal(row_number("deadlock", ", line "), 0);
    assert_int_equal(row_number("x, line many", ", line "), 0);
}

static void key(const char *sql, const char *want)
{
    struct span got = row_key_columns(span_of(sql));

    if (!want)
        assert_null(got.at);
    else
        assert_true(span_is(got, want));
}

TEST(a_primary_key_says_its_columns)
{
    key("ALTER TABLE ONLY public.t ADD CONSTRAINT p PRIMARY KEY (a, \"B b\")", "a, \"B b\"");
    key("ALTER TABLE ONLY public.t ADD CONSTRAINT p UNIQUE (a)", NULL);
    key("ALTER TABLE ONLY public.\"PRIMARY KEY (x)\" ADD CONSTRAINT p UNIQUE (a)", NULL);
    key("PRIMARY KEY", NULL);
    key("PRIMARY KEY (a", NULL);
    key("", NULL);
}

TESTS(the_row_is_in_the_message, a_primary_key_says_its_columns)
