#include "tests/test.h"

#include "tests/unit/lib/sql/statements.h"

TEST(simple_statements)
{
    static const struct split_case cases[] = {
        {"", ""},
        {" \n\t\r\n ", ""},
        {"-- only a comment", ""},
        {"/* only /* nested */ */\n-- and this", ""},
        {";;;", ""},
        {"SELECT 1", "SELECT 1"},
        {"SELECT 1;", "SELECT 1"},
        {"SELECT 1;SELECT 2", "SELECT 1|SELECT 2"},
        {"SELECT 1;\r\nSELECT 2;\r\n", "SELECT 1|SELECT 2"},
        {"\xEF\xBB\xBFSELECT 1;", "SELECT 1"},
        {"-- why\nSELECT 1 -- here;\n, 2; -- behind", "SELECT 1 -- here;\n, 2"},
        {"SELECT 1 /* ; */;", "SELECT 1"},
        {"SELECT 5--;\n;", "SELECT 5"},
        {"SELECT 5--;\r;", "SELECT 5"},
        {"SELECT '${not_a_placeholder}';", "SELECT '${not_a_placeholder}'"},
        {"SELECT 1;\n;\nSELECT 2", "SELECT 1|SELECT 2"},
    };
    check_splits(SQL_POSTGRESQL, cases, COUNT(cases));
}

TEST(quotes)
{
    static const struct split_case cases[] = {
        {"SELECT 'a;b';SELECT 2", "SELECT 'a;b'|SELECT 2"},
        {"SELECT 'it''s;';SELECT 2", "SELECT 'it''s;'|SELECT 2"},
        {"SELECT 'a\\';SELECT 2", "SELECT 'a\\'|SELECT 2"},
        {"SELECT E'a\\';b';SELECT 2", "SELECT E'a\\';b'|SELECT 2"},
        {"SELECT e'\\\\';SELECT 2", "SELECT e'\\\\'|SELECT 2"},
        {"SELECT name'a\\';SELECT 2", "SELECT name'a\\'|SELECT 2"},
        {"SELECT E'a'\n  'b\\';c';SELECT 2", "SELECT E'a'\n  'b\\';c'|SELECT 2"},
        {"SELECT E'a' -- c\n'b\\';c';SELECT 2", "SELECT E'a' -- c\n'b\\';c'|SELECT 2"},
        {"SELECT E'a' 'b\\';SELECT 2", "SELECT E'a' 'b\\'|SELECT 2"},
        {"SELECT U&'d\\0061t\\';SELECT 2", "SELECT U&'d\\0061t\\'|SELECT 2"},
        {"SELECT U&\"d;\\\";SELECT 2", "SELECT U&\"d;\\\"|SELECT 2"},
        {"SELECT B'01;';SELECT x'1f;'", "SELECT B'01;'|SELECT x'1f;'"},
        {"SELECT \"a;b\"\"c;\";SELECT 2", "SELECT \"a;b\"\"c;\"|SELECT 2"},
        {"SELECT '--', '/*';SELECT 2", "SELECT '--', '/*'|SELECT 2"},
        {"SELECT 'a\n;\nb';SELECT 2", "SELECT 'a\n;\nb'|SELECT 2"},
    };
    check_splits(SQL_POSTGRESQL, cases, COUNT(cases));
}

TEST(dollar_quotes)
{
    static const struct split_case cases[] = {
        {"SELECT $$a;b$$;SELECT 2", "SELECT $$a;b$$|SELECT 2"},
        {"SELECT $a$ ; $$ ; $b$ ; $a$;SELECT 2", "SELECT $a$ ; $$ ; $b$ ; $a$|SELECT 2"},
        {"SELECT $\xC3\xA9$;$\xC3\xA9$;SELECT 2", "SELECT $\xC3\xA9$;$\xC3\xA9$|SELECT 2"},
        {"SELECT $1;SELECT $2", "SELECT $1|SELECT $2"},
        {"SELECT a$b$;SELECT c$b$", "SELECT a$b$|SELECT c$b$"},
        {"SELECT $1$$;$$;", "SELECT $1$$;$$"},
        {"DO $do$ BEGIN EXECUTE $q$SELECT ';'$q$; END $do$;SELECT 2",
         "DO $do$ BEGIN EXECUTE $q$SELECT ';'$q$; END $do$|SELECT 2"},
    };
    check_splits(SQL_POSTGRESQL, cases, COUNT(cases));
}

TEST(parentheses)
{
    static const struct split_case cases[] = {
        {"CREATE RULE r AS ON UPDATE TO t DO (SELECT 1; SELECT 2);SELECT 3",
         "CREATE RULE r AS ON UPDATE TO t DO (SELECT 1; SELECT 2)|SELECT 3"},
        {"SELECT ');';SELECT (1)", "SELECT ');'|SELECT (1)"},
        {"SELECT 1);SELECT 2", "SELECT 1)|SELECT 2"},
    };
    check_splits(SQL_POSTGRESQL, cases, COUNT(cases));
}

TEST(begin_atomic)
{
    static const struct split_case cases[] = {
        {"BEGIN;SELECT 1;END;COMMIT", "BEGIN|SELECT 1|END|COMMIT"},
        {"CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END;SELECT 3",
         "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END|SELECT 3"},
        {"create or replace procedure p() begin /* x */ atomic select case when a then b end; "
         "select 2; end;SELECT 3",
         "create or replace procedure p() begin /* x */ atomic select case when a then b end; "
         "select 2; end|SELECT 3"},
        {"CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1 AS end; SELECT t.case FROM t; END;X",
         "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1 AS end; SELECT t.case FROM t; END|X"},
        {"CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT \"end\"; END;X",
         "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT \"end\"; END|X"},
        {"CREATE FUNCTION begin() RETURNS int RETURN 1;X",
         "CREATE FUNCTION begin() RETURNS int RETURN 1|X"},
        {"CREATE TABLE t (begin int, atomic int);X", "CREATE TABLE t (begin int, atomic int)|X"},
    };
    check_splits(SQL_POSTGRESQL, cases, COUNT(cases));
}

TEST(copy_data)
{
    static const char text[] = "COPY t (a, b) FROM stdin;\n"
                               "1\tSELECT 'x;\n"
                               "2\t$$ /* \\\\. \n"
                               "\\.\n"
                               "SELECT 2;\n"
                               "copy u from STDIN with (format csv); -- data follow\r\n"
                               "\\.\r\n"
                               "SELECT 3";
    struct split_list list;
    struct err err = {0};

    assert_ok(split_all(SQL_POSTGRESQL, span_of(text), &list, &err), &err);
    assert_int_equal(list.count, 4);
    assert_span(list.at[0].text, "COPY t (a, b) FROM stdin");
    assert_span(list.at[0].copy_data, "1\tSELECT 'x;\n2\t$$ /* \\\\. \n");
    assert_span(list.at[1].text, "SELECT 2");
    assert_int_equal(list.at[1].line, 5);
    assert_null(list.at[1].copy_data.at);
    assert_span(list.at[2].text, "copy u from STDIN with (format csv)");
    assert_non_null(list.at[2].copy_data.at);
    assert_int_equal(list.at[2].copy_data.len, 0);
    assert_span(list.at[3].text, "SELECT 3");
    assert_int_equal(list.at[3].line, 8);
}

TEST(copy_without_data)
{
    static const struct split_case cases[] = {
        {"COPY t FROM '/x/stdin';SELECT 1", "COPY t FROM '/x/stdin'|SELECT 1"},
        {"COPY t TO stdout;SELECT 1", "COPY t TO stdout|SELECT 1"},
        {"COPY (SELECT a FROM stdin) TO stdout;SELECT 1",
         "COPY (SELECT a FROM stdin) TO stdout|SELECT 1"},
        {"SELECT a FROM stdin;SELECT 1", "SELECT a FROM stdin|SELECT 1"},
        {"COPY t FROM \"stdin\";SELECT 1", "COPY t FROM \"stdin\"|SELECT 1"},
    };
    check_splits(SQL_POSTGRESQL, cases, COUNT(cases));
}

TEST(restrict_lines)
{
    static const struct split_case cases[] = {
        {"\\restrict abc';(\nSELECT 1;\n\\unrestrict abc\n", "SELECT 1"},
        {"SELECT 1;\n\\unrestrict abc", "SELECT 1"},
    };
    check_splits(SQL_POSTGRESQL, cases, COUNT(cases));
}

TEST(string_mode_is_followed)
{
    static const struct split_case cases[] = {
        {"SET standard_conforming_strings = off;SELECT 'a\\';b';SELECT 2",
         "SET standard_conforming_strings = off|SELECT 'a\\';b'|SELECT 2"},
        {"SET SESSION standard_conforming_strings TO 'off';SELECT '\\';';"
         "SET standard_conforming_strings=on;SELECT '\\';X",
         "SET SESSION standard_conforming_strings TO 'off'|SELECT '\\';'|"
         "SET standard_conforming_strings=on|SELECT '\\'|X"},
        {"SET search_path = off;SELECT '\\';X", "SET search_path = off|SELECT '\\'|X"},
    };
    check_splits(SQL_POSTGRESQL, cases, COUNT(cases));
}

TEST(refusals_name_the_line)
{
    static const struct split_refusal cases[] = {
        {"SELECT 1;\nSELECT 'abc", "line 2: a quoted string is not closed"},
        {"SELECT 1;\n\nSELECT \"abc", "line 3: a quoted name is not closed"},
        {"SELECT E'abc\\'", "line 1: a quoted string is not closed"},
        {"SELECT E'abc\\", "line 1: a quoted string is not closed"},
        {"\n\nDO $a$ $$ ", "line 3: a dollar-quoted string is not closed"},
        {"/* /* */", "line 1: a comment is not closed"},
        {"SELECT (1;\nSELECT 2;", "line 1: a parenthesis in this statement is not closed"},
        {"X;\nCREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1;",
         "line 2: the body that begins in this statement has no END"},
        {"\\connect other\nSELECT 1", "line 1: client command '\\connect' is not understood"},
        {"SELECT 1;\nSELECT 2 \\g", "line 2: client command '\\g' is not understood"},
        {"SELECT 1\n\\restrict a", "line 2: client command '\\restrict' is not understood"},
        {"\\ restrict a", "line 1: client command '\\restrict' is not understood"},
        {"COPY t FROM stdin;\n1\n2\n", "line 1: the data of COPY ... FROM stdin have no end"},
        {"COPY t FROM stdin", "line 1: the data of COPY ... FROM stdin have no end"},
        {"COPY t FROM stdin; SELECT 1;\n\\.\n",
         "line 1: text behind COPY ... FROM stdin on the same line"},
    };
    check_refusals(SQL_POSTGRESQL, cases, COUNT(cases));
}

TEST(lines_are_those_of_the_first_token)
{
    struct split_list list;
    struct err err = {0};

    assert_ok(
        split_all(SQL_POSTGRESQL, span_of("\n-- c\n\nSELECT\n1;\n\n;;\nX;Y\n;Z"), &list, &err),
        &err);
    assert_int_equal(list.count, 4);
    assert_int_equal(list.at[0].line, 4);
    assert_int_equal(list.at[1].line, 8);
    assert_int_equal(list.at[2].line, 8);
    assert_int_equal(list.at[3].line, 9);
}

/* Every prefix of a text that holds everything: never past the span, never stuck. */
TEST(cut_anywhere)
{
    static const char text[] =
        "\xEF\xBB\xBF\\restrict k\nSELECT E'a\\'' 'b', U&\"x\", $t$;$t$, 1.5e-3, "
        "$1::int; /* /* */ */ CREATE FUNCTION f() RETURNS int BEGIN ATOMIC "
        "SELECT CASE WHEN 1 THEN 2 END; END;\nCOPY t FROM stdin;\n1\n\\.\nX";
    cut_everywhere(SQL_POSTGRESQL, text);
}

TESTS(simple_statements, quotes, dollar_quotes, parentheses, begin_atomic, copy_data,
      copy_without_data, restrict_lines, string_mode_is_followed, refusals_name_the_line,
      lines_are_those_of_the_first_token, cut_anywhere)
