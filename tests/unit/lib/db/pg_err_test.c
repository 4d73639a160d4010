#include "tests/test.h"

#include "lib/db/pg.h"

TEST(classes_of_sqlstates)
{
    static const struct {
        const char *state;
        enum err_code code;
    } cases[] = {
        {"28P01", ERR_AUTH},
        {"28000", ERR_AUTH},
        {"08006", ERR_UNREACHABLE},
        {"57P01", ERR_UNREACHABLE},
        {"57P03", ERR_UNREACHABLE},
        {"53300", ERR_UNREACHABLE},
        {"53100", ERR_SPACE},
        {"42501", ERR_RIGHTS},
        {"55P03", ERR_LOCK},
        {"40P01", ERR_LOCK},
        {"57014", ERR_LOCK},
        {"3D000", ERR_MISSING},
        {"23505", ERR_SQL},
        {"42601", ERR_SQL},
        {"", ERR_SQL},
        {NULL, ERR_SQL},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *hint = NULL;
        assert_int_equal(pg_class(cases[i].state, &hint), cases[i].code);
        assert_non_null(hint);
        if (cases[i].code != ERR_SQL)
            assert_true(*hint);
    }
}

static void said(const char *detail, const char *context, const char *want)
{
    struct pg_said s = {"22P02", "broken", detail, "", context, "", "", "", true};
    struct err err = {0};

    assert_fails(pg_fail_said(&s, &err), &err, ERR_SQL);
    assert_string_equal(err.text, want);
}

/* The innermost comes first, and may count lines of its own. */
TEST(the_line_of_a_copy_is_what_counts_of_a_context)
{
    said("", "PL/pgSQL function f(integer) line 1 at RAISE\nCOPY t, line 17, column a: \"b\"",
         "broken, COPY t, line 17, column a: \"b\", SQLSTATE 22P02");
    said("Token \"x\" is invalid.\nmore", "JSON data, line 1: x\nCOPY t, line 3",
         "broken (Token \"x\" is invalid.), COPY t, line 3, SQLSTATE 22P02");
    said("", "SQL function \"f\" statement 1\nPL/pgSQL function g() line 2",
         "broken, SQL function \"f\" statement 1, SQLSTATE 22P02");
    said("", "", "broken, SQLSTATE 22P02");
}

/* RAISE ... USING ERRCODE, DETAIL and HINT; in the words of a German server. */
TEST(what_a_function_raises_is_hidden_whole)
{
    struct pg_said s = {"23514",
                        "secret a",
                        "secret b",
                        "secret c",
                        "PL/pgSQL-Funktion f(text) Zeile 1 bei RAISE\nCOPY t, Zeile 17",
                        "",
                        "pl_exec.c",
                        "exec_stmt_raise",
                        false};
    struct err err = {0};

    assert_fails(pg_fail_said(&s, &err), &err, ERR_SQL);
    assert_string_equal(err.text, "PL/pgSQL-Funktion f(text) Zeile 1 bei RAISE: [hidden], "
                                  "COPY t, Zeile 17, SQLSTATE 23514");
    assert_string_equal(err.hint, "");
    s.values = true;
    assert_fails(pg_fail_said(&s, &err), &err, ERR_SQL);
    assert_string_equal(err.text, "secret a (secret b), COPY t, Zeile 17, SQLSTATE 23514");
    assert_string_equal(err.hint, "secret c");
}

/* A row of many columns must not push the line out of the message. */
TEST(a_long_detail_is_cut)
{
    AUTO(buf) struct buf detail = {0};
    struct pg_said s = {"23514", "broken", "", "", "COPY t, line 17: \"...\"", "", "", "", true};
    struct err err = {0};

    for (unsigned i = 0; i < 2000; i++)
        buf_puts(&detail, "x");
    s.detail = buf_str(&detail);
    assert_fails(pg_fail_said(&s, &err), &err, ERR_SQL);
    assert_non_null(strstr(err.text, "xxx...), COPY t, line 17: "));
}

/* A socket directory without a server: a class, the place and a mend, on one line. */
TEST(no_server)
{
    struct db_conf conf = {.engine = DB_POSTGRESQL,
                           .socket = "/nonexistent",
                           .port = 1,
                           .user = "somebody",
                           .database = "shop"};
    struct db *db = NULL;
    struct err err = {0};

    assert_fails(db_open(&conf, &db, &err), &err, ERR_UNREACHABLE);
    assert_non_null(strstr(err.text, "postgresql shop at /nonexistent:1"));
    assert_null(strchr(err.text, '\n'));
    assert_true(err.hint[0]);
    assert_null(db);
}

TEST(password_variable_that_is_not_set)
{
    struct db_conf conf = {
        .engine = DB_POSTGRESQL, .socket = "/nonexistent", .password_env = "REHEARSE_TEST_NOT_SET"};
    struct db *db = NULL;
    struct err err = {0};

    assert_fails(db_open(&conf, &db, &err), &err, ERR_AUTH);
}

/* Tools get a private file whose special bytes are escaped, and it is gone afterwards. */
TEST(tool_environment)
{
    struct db_conf conf = {.engine = DB_POSTGRESQL,
                           .socket = "/s",
                           .port = 5433,
                           .user = "u",
                           .database = "d",
                           .password_env = "REHEARSE_TEST_SECRET"};
    struct db_tool_env env = {0};
    struct err err = {0};
    char text[64] = "";

    setenv("REHEARSE_TEST_SECRET", "a:b\\c", 1);
    assert_ok(db_tool_env(&conf, &env, &err), &err);
    for (char **e = env.env; *e; e++)
        assert_null(strstr(*e, "a:b"));
    AUTO(file) FILE *f = fopen(env.secret_file, "r");
    assert_non_null(f);
    assert_non_null(fgets(text, sizeof(text), f));
    assert_string_equal(text, "*:*:*:*:a\\:b\\\\c\n");
    AUTO(free) char *path = strdup(env.secret_file);
    db_tool_env_done(&env);
    assert_int_equal(access(path, F_OK), -1);
    assert_null(env.env);
}

TEST(engines_by_name)
{
    enum db_engine e = DB_MARIADB;

    assert_true(db_engine_parse("postgres", &e));
    assert_int_equal(e, DB_POSTGRESQL);
    assert_true(db_engine_parse("mysql", &e));
    assert_int_equal(e, DB_MARIADB);
    assert_false(db_engine_parse("oracle", &e));
    assert_false(db_engine_parse(NULL, &e));
    assert_string_equal(db_driver(DB_POSTGRESQL)->name, "postgresql");
}

TESTS(classes_of_sqlstates, the_line_of_a_copy_is_what_counts_of_a_context,
      what_a_function_raises_is_hidden_whole, a_long_detail_is_cut, no_server,
      password_variable_that_is_not_set, tool_environment, engines_by_name)
