#include "tests/test.h"

#include "lib/db/values.h"

static void primary(const char *state, const char *text, const char *want)
{
    AUTO(buf) struct buf out = {0};

    assert_true(values_hide_pg_primary(state, text, &out));
    assert_string_equal(buf_str(&out), want);
}

TEST(a_message_of_postgresql_keeps_names_and_loses_values)
{
    primary("23505", "duplicate key value violates unique constraint \"t_pkey\"",
            "duplicate key value violates unique constraint \"t_pkey\"");
    primary("42P01", "relation \"x\" does not exist", "relation \"x\" does not exist");
    primary("22P02", "invalid input syntax for type integer: \"abc\"",
            "invalid input syntax for type integer: [hidden]");
    primary("22003", "value \"a\"b\"c\" is out of range for type smallint",
            "value [hidden] is out of range for type smallint");
    primary("22P02", "invalid input syntax for type integer: \"ab",
            "invalid input syntax for type integer: [hidden]");
    primary("22012", "division by zero", "division by zero");
    primary("22P02", "ung\303\274ltige Syntax \302\273abc\302\253",
            "a value is not valid: [hidden]");
}

static void raised(const char *context, const char *want)
{
    AUTO(buf) struct buf out = {0};

    assert_true(values_hide_pg_raised(context, &out));
    assert_string_equal(buf_str(&out), want);
}

TEST(what_a_function_raises_is_hidden)
{
    raised("PL/pgSQL function f() line 1 at RAISE\nCOPY t, line 1",
           "PL/pgSQL function f() line 1 at RAISE: [hidden]");
    raised("SQL statement \"SELECT 'abc'\"", "SQL statement [hidden]: [hidden]");
    raised("", "a function: [hidden]");
    assert_true(values_pg_raised("P0001", "", ""));
    assert_true(values_pg_raised("38000", "", ""));
    assert_true(values_pg_raised("23514", "pl_exec.c", "exec_stmt_raise"));
    assert_true(values_pg_raised("22023", "plpy_elog.c", "PLy_elog_impl"));
    assert_false(values_pg_raised("22P02", "numutils.c", "pg_strtoint32"));
    assert_false(values_pg_raised("23514", "execMain.c", "ExecConstraints"));
}

static void detail(const char *state, const char *text, const char *want)
{
    AUTO(buf) struct buf out = {0};

    assert_true(values_hide_pg_detail(state, span_of(text), &out));
    assert_string_equal(buf_str(&out), want);
}

TEST(a_detail_of_postgresql_keeps_the_columns_of_a_key)
{
    detail("23505", "Key (a, b)=(1, x)=(2) already exists.", "Key (a, b)=[hidden]");
    detail("23503", "Key (a)=(1) is not present in table \"t\".", "Key (a)=[hidden]");
    detail("23514", "Failing row contains (1, abc).", "[hidden]");
    detail("22P02", "Token \"abc\" is invalid.", "[hidden]");
    detail("2BP01", "view v depends on table t", "view v depends on table t");
    detail("23505", "", "");
}

static void context(const char *text, const char *want)
{
    AUTO(buf) struct buf out = {0};

    assert_true(values_hide_pg_context(span_of(text), &out));
    assert_string_equal(buf_str(&out), want);
}

TEST(a_context_of_postgresql_keeps_table_line_and_column)
{
    context("COPY t, line 17, column a: \"abc: x\"", "COPY t, line 17, column a");
    context("COPY t, line 17: \"1\tabc\"", "COPY t, line 17");
    context("JSON data, line 1: {\"a\"...", "JSON data, line 1");
    context("SQL statement \"UPDATE t SET a = 'abc'\"", "SQL statement [hidden]");
    context("SQL function \"f\" statement 1", "SQL function \"f\" statement 1");
}

static void mariadb(unsigned number, const char *text, const char *want)
{
    AUTO(buf) struct buf out = {0};

    assert_true(values_hide_my(number, span_of(text), &out));
    assert_string_equal(buf_str(&out), want);
}

TEST(a_message_of_mariadb_keeps_names_and_loses_values)
{
    mariadb(1062, "Duplicate entry 'a' for key 'b' c' for key 'once'",
            "Duplicate entry [hidden] for key 'once'");
    mariadb(1366, "Incorrect integer value: 'abc' for column `d`.`t'x`.`a` at row 3",
            "Incorrect integer value: [hidden] for column `d`.`t'x`.`a` at row 3");
    mariadb(1292, "Truncated incorrect DOUBLE value: 'it's'",
            "Truncated incorrect DOUBLE value: [hidden]");
    mariadb(1292, "Truncated '", "Truncated [hidden]");
    mariadb(1292, "Truncated", "Truncated");
    mariadb(1411, "Incorrect datetime value: 'x' for function str_to_date",
            "Incorrect datetime value: [hidden] for function str_to_date");
    mariadb(1300, "Invalid utf8mb4 character string: 'a'b'",
            "Invalid utf8mb4 character string: [hidden]");
    mariadb(1569,
            "ALTER TABLE causes auto_increment resequencing, resulting in duplicate entry "
            "'abc' for key 'PRIMARY'",
            "ALTER TABLE causes auto_increment resequencing, resulting in duplicate entry "
            "[hidden] for key 'PRIMARY'");
    mariadb(1761,
            "Foreign key constraint for table 't', record 'abc' would lead to a duplicate "
            "entry in table 'c', key 'k'",
            "a foreign key would make a duplicate entry in a table that has it: [hidden]");
    mariadb(1762,
            "Foreign key constraint for table 't', record 'abc' would lead to a duplicate "
            "entry in a child table",
            "a foreign key would make a duplicate entry in a table that has it: [hidden]");
    mariadb(1918, "Encountered illegal value 'a'b' when converting to INT",
            "Encountered illegal value [hidden] when converting to INT");
    mariadb(1526, "Table has no partition for value 77",
            "no partition of the table takes the value [hidden]");
    mariadb(1644, "no abc", "a trigger or routine refused it: [hidden]");
    mariadb(1146, "Table 'd.t' doesn't exist", "Table 'd.t' doesn't exist");
    mariadb(1062, "", "");
}

TESTS(a_message_of_postgresql_keeps_names_and_loses_values, what_a_function_raises_is_hidden,
      a_detail_of_postgresql_keeps_the_columns_of_a_key,
      a_context_of_postgresql_keeps_table_line_and_column,
      a_message_of_mariadb_keeps_names_and_loses_values)
