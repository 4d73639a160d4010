#include "tests/test.h"

#include "lib/base/json.h"
#include "restore/proof_part.h"

static void begin(struct proof_part *p)
{
    *p = (struct proof_part){.lock = PTHREAD_MUTEX_INITIALIZER, .listed = json_array()};
}

/* All differences in words, one per line. */
static void check(struct proof_part *p, const char *want)
{
    AUTO(buf) struct buf words = {0};
    const json_t *one;
    size_t i;

    json_array_foreach(p->listed, i, one)
    {
        proof_words(one, &words);
        buf_putc(&words, '\n');
    }
    assert_string_equal(buf_str(&words), want);
    assert_int_equal(p->differences, json_array_size(p->listed));
    json_decref(p->listed);
}

static void statements(const char *bundle, const char *box, const char *want)
{
    struct proof_part p;
    struct err err = {0};

    begin(&p);
    assert_ok(proof_statements(&p, "schema:", span_of(bundle), span_of(box), &err), &err);
    check(&p, want);
}

TEST(order_comments_and_tablespaces_do_not_matter)
{
    statements("-- a\nCREATE TABLE a ();\nSET default_tablespace = fast;\nCREATE TABLE b ();\n",
               "CREATE TABLE b ();\n-- other\nCREATE TABLE a ();\n", "");
}

TEST(statements_are_named)
{
    statements("CREATE TABLE a (i int);\nCREATE INDEX x ON a\n  (i);\nGRANT SELECT ON a TO u;",
               "CREATE TABLE a (i bigint);\nGRANT SELECT ON a TO u;GRANT SELECT ON a TO v;",
               "schema: CREATE INDEX x ON a: missing\nschema: CREATE TABLE a: changed\n"
               "schema: GRANT SELECT ON a TO v: extra\n");
    statements("CREATE VIEW v AS SELECT 1;CREATE VIEW v AS SELECT 1;", "CREATE VIEW v AS SELECT 1;",
               "schema: CREATE VIEW v AS SELECT 1: missing\n");
}

/* The server says all rights of one role in one statement. */
TEST(each_right_stands_for_itself)
{
    statements(
        "SET SESSION AUTHORIZATION r;\nGRANT SELECT ON a TO v;\nRESET SESSION AUTHORIZATION;\n"
        "GRANT SELECT ON a TO w;",
        "GRANT SELECT ON a TO v;GRANT SELECT ON a TO w;",
        "schema: GRANT SELECT ON a TO v GRANTED BY r: missing\n"
        "schema: GRANT SELECT ON a TO v: extra\n");
    statements("GRANT SELECT,INSERT(a, \"b,c\"),UPDATE(a) ON TABLE t TO u WITH GRANT OPTION;",
               "GRANT SELECT,INSERT(a, \"b,c\"),UPDATE(b) ON TABLE t TO u WITH GRANT OPTION;",
               "schema: GRANT UPDATE(a) ON TABLE t TO u WITH GRANT OPTION: missing\n"
               "schema: GRANT UPDATE(b) ON TABLE t TO u WITH GRANT OPTION: extra\n");
    statements(
        "ALTER DEFAULT PRIVILEGES FOR ROLE \"GRANT\" REVOKE ALL ON FUNCTIONS FROM u;",
        "ALTER DEFAULT PRIVILEGES FOR ROLE \"GRANT\" REVOKE ALL ON FUNCTIONS FROM u;"
        "ALTER DEFAULT PRIVILEGES FOR ROLE \"GRANT\" GRANT USAGE, SELECT ON SEQUENCES TO u;",
        "schema: ALTER DEFAULT PRIVILEGES FOR ROLE \"GRANT\" GRANT SELECT ON SEQUENCES TO u: "
        "extra\n"
        "schema: ALTER DEFAULT PRIVILEGES FOR ROLE \"GRANT\" GRANT USAGE ON SEQUENCES TO u: "
        "extra\n");
    statements("GRANT SELECT ON t TO u;GRANT ", "GRANT SELECT ON t TO u;GRANT ", "");
}

/* What the server says of an expression is not always what it says of it once read again. */
TEST(a_sign_may_be_applied_or_part_of_the_constant)
{
    statements("CREATE TABLE a (CHECK ((x = round((- 0.5), 10)) AND (y > (- 7))));",
               "CREATE TABLE a (CHECK ((x = round('-0.5'::numeric, 10)) AND (y > '-7'::integer)));",
               "");
    statements("CREATE TABLE a (CHECK ((x = (- 0.5))));",
               "CREATE TABLE a (CHECK ((x = '-0.25'::numeric)));",
               "schema: CREATE TABLE a: changed\n");
    statements("CREATE TABLE a (CHECK ((x = '-5'::text)));",
               "CREATE TABLE a (CHECK ((x = (- 5))));", "schema: CREATE TABLE a: changed\n");
}

TEST(zero_has_no_sign)
{
    statements("CREATE TABLE a (CHECK ((x > (- 0)) AND (y > (- 0.00))));",
               "CREATE TABLE a (CHECK ((x > 0) AND (y > 0.00)));", "");
}

/* The type of a constant without a label is known by how it is written. */
TEST(a_constant_keeps_its_type)
{
    statements("CREATE TABLE a (CHECK ((x > '-5'::bigint)));",
               "CREATE TABLE a (CHECK ((x > '-5'::integer)));",
               "schema: CREATE TABLE a: changed\n");
    statements("CREATE TABLE a (CHECK ((x > (- 5))));",
               "CREATE TABLE a (CHECK ((x > '-5'::bigint)));", "schema: CREATE TABLE a: changed\n");
    statements("CREATE TABLE a (CHECK ((x > (- 0.5))));",
               "CREATE TABLE a (CHECK ((x > '-0.5'::numeric(4,1))));",
               "schema: CREATE TABLE a: changed\n");
}

TEST(texts_in_texts_are_compared_to_the_byte)
{
    static const char *const forms[] = {
        "CREATE FUNCTION f() AS $$ SELECT %s $$;", "CREATE FUNCTION f() AS $_$SELECT %s$_$;",
        "CREATE FUNCTION f() AS 'SELECT %s';", "CREATE VIEW f AS SELECT 1 AS \"%s\";"};

    for (size_t i = 0; i < COUNT(forms); i++) {
        AUTO(buf) struct buf was = {0}, is = {0};
        const char *at = strstr(forms[i], "%s");

        buf_printf(&was, "%.*s(- 5)%s", (int)(at - forms[i]), forms[i], at + 2);
        buf_printf(&is, "%.*s-5%s", (int)(at - forms[i]), forms[i], at + 2);
        statements(buf_str(&was), buf_str(&was), "");
        struct proof_part p;
        begin(&p);
        assert_true(proof_statements(&p, "", buf_view(&was), buf_view(&is), NULL));
        assert_int_not_equal(p.differences, 0);
        json_decref(p.listed);
    }
    statements("CREATE FUNCTION f() AS $$ SELECT '-5'::integer $$;",
               "CREATE FUNCTION f() AS $$ SELECT '-5'::bigint $$;",
               "schema: CREATE FUNCTION f: changed\n");
}

/* Where the constant stands in what names the statement, and as often as it is there. */
TEST(signs_in_what_names_a_statement)
{
    statements("CREATE VIEW v AS SELECT (- 5) AS x;CREATE VIEW v AS SELECT (- 5) AS x;",
               "CREATE VIEW v AS SELECT '-5'::integer AS x;CREATE VIEW v AS SELECT (- 5) AS x;",
               "");
    statements("CREATE VIEW v AS SELECT (- 5) AS x;CREATE VIEW v AS SELECT (- 5) AS x;",
               "CREATE VIEW v AS SELECT '-5'::integer AS x;",
               "schema: CREATE VIEW v AS SELECT '-5'::integer AS x: missing\n");
}

TEST(sequences_are_named_by_their_name)
{
    statements("SELECT pg_catalog.setval('\"public\".\"s\"', 17, true);",
               "SELECT pg_catalog.setval('\"public\".\"s\"', 18, true);",
               "schema: sequence '\"public\".\"s\"': changed\n");
}

static void lines(const char *bundle, const char *box, const char *want)
{
    struct proof_part p;
    struct err err = {0};

    begin(&p);
    assert_ok(proof_lines(&p, "table", "t", span_of(bundle), span_of(box), &err), &err);
    check(&p, want);
}

TEST(keys_come_in_any_order_and_columns_do_not)
{
    const char *was =
        "CREATE TABLE `t` (\n  `a` int,\n  `b` int,\n  KEY `x` (`a`),\n  KEY `y` (`b`)\n)";

    lines(was, "CREATE TABLE `t` (\n  `a` int,\n  `b` int,\n  KEY `y` (`b`),\n  KEY `x` (`a`)\n)",
          "");
    lines(was, "CREATE TABLE `t` (\n  `b` int,\n  `a` int,\n  KEY `x` (`a`),\n  KEY `y` (`b`)\n)",
          "table t: order of columns changed\n");
    lines(was, "CREATE TABLE `t` (\n  `a` int,\n  `b` int,\n  KEY `x` (`a`)\n)",
          "table t: KEY `y`: missing\n");
    lines("CREATE TABLE `t` (\n  `a` timestamp /* mariadb-5.3 */ NULL,\n  `b c` int\n)",
          "CREATE TABLE `t` (\n  `a` timestamp NULL,\n  `b c` int\n)", "");
    lines("CREATE TABLE `t` (\n  `a` timestamp /* mariadb-5.3 */\n)",
          "CREATE TABLE `t` (\n  `a` datetime\n)",
          "table t: `a` timestamp: missing\ntable t: `a` datetime: extra\n");
}

TESTS(order_comments_and_tablespaces_do_not_matter, statements_are_named,
      each_right_stands_for_itself, a_sign_may_be_applied_or_part_of_the_constant, zero_has_no_sign,
      a_constant_keeps_its_type, texts_in_texts_are_compared_to_the_byte,
      signs_in_what_names_a_statement, sequences_are_named_by_their_name,
      keys_come_in_any_order_and_columns_do_not)
