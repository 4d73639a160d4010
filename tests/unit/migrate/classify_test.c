#include "tests/test.h"

#include "migrate/classify.h"

static enum tx_kind pg(const char *sql)
{
    return classify_tx(SQL_POSTGRESQL, span_of(sql));
}

static enum tx_kind my(const char *sql)
{
    return classify_tx(SQL_MARIADB, span_of(sql));
}

TEST(knows_what_refuses_a_transaction)
{
    static const char *const never[] = {
        "CREATE INDEX CONCURRENTLY i ON t (a)",
        "create unique index concurrently on t (a)",
        "DROP INDEX CONCURRENTLY i",
        "REINDEX TABLE CONCURRENTLY t",
        "REINDEX (CONCURRENTLY) INDEX i",
        "REINDEX (VERBOSE) DATABASE d",
        "REINDEX SYSTEM d",
        "VACUUM",
        "/* x */ VACUUM (FULL) t",
        "CREATE DATABASE d",
        "DROP DATABASE d",
        "CREATE TABLESPACE s LOCATION '/x'",
        "ALTER SYSTEM SET a = 1",
        "ALTER TABLE t DETACH PARTITION p CONCURRENTLY",
        "CLUSTER",
        "ALTER DATABASE d SET TABLESPACE s",
        "COMMIT PREPARED 'x'",
        "DO $$ BEGIN COMMIT; END $$",
    };
    static const char *const ordinary[] = {
        "CREATE INDEX i ON t (a)",
        "REINDEX TABLE t",
        "CREATE TABLE t (a int)",
        "SELECT 'concurrently'",
        "CREATE INDEX \"concurrently\" ON t (a)",
        "CLUSTER t USING i",
        "ROLLBACK TO SAVEPOINT s",
        "REFRESH MATERIALIZED VIEW CONCURRENTLY v",
    };

    for (size_t i = 0; i < COUNT(never); i++)
        if (pg(never[i]) != TX_NEVER)
            fail_msg("%s: %d", never[i], (int)pg(never[i]));
    for (size_t i = 0; i < COUNT(ordinary); i++)
        if (pg(ordinary[i]) != TX_ORDINARY)
            fail_msg("%s: %d", ordinary[i], (int)pg(ordinary[i]));
    assert_int_equal(pg("DO $$ BEGIN NULL; END $$"), TX_PROCEDURE);
    assert_int_equal(pg("COMMIT AND CHAIN"), TX_UNSUPPORTED);
    assert_int_equal(pg("COMMIT AND NO CHAIN"), TX_COMMIT);
    assert_int_equal(pg("END"), TX_COMMIT);
    assert_int_equal(pg("ABORT"), TX_ROLLBACK);
}

TEST(knows_implicit_commits)
{
    assert_int_equal(my("ALTER TABLE t ADD a int"), TX_IMPLICIT);
    assert_int_equal(my("CREATE TEMPORARY TABLE t (a int)"), TX_ORDINARY);
    assert_int_equal(my("INSERT INTO t VALUES (1)"), TX_ORDINARY);
    assert_int_equal(my("BEGIN"), TX_BEGIN);
    assert_int_equal(my("BEGIN NOT ATOMIC SELECT 1; END"), TX_ORDINARY);
    assert_int_equal(my("SET autocommit = 0"), TX_AUTO_OFF);
    assert_int_equal(my("SET @OLD=@@AUTOCOMMIT, AUTOCOMMIT=0"), TX_AUTO_OFF);
    assert_int_equal(my("SET @@session.autocommit = ON"), TX_AUTO_ON);
    assert_int_equal(my("SET NAMES utf8mb4"), TX_ORDINARY);
    assert_int_equal(my("XA START 'x'"), TX_UNSUPPORTED);
}

struct where_case {
    const char *sql;
    bool pg, my;
};

TEST(sees_a_missing_where)
{
    static const struct where_case cases[] = {
        {"UPDATE t SET a = 1", true, true},
        {"update t set a = 1 where id = 2", false, false},
        {"DELETE FROM t", true, true},
        {"DELETE FROM t -- WHERE id = 1", true, true},
        {"DELETE FROM t WHERE id IN (SELECT 1)", false, false},
        {"UPDATE t SET a = (SELECT b FROM u WHERE u.id = t.id)", true, true},
        {"UPDATE t SET a = 'where'", true, true},
        {"UPDATE t SET \"where\" = 1", true, true},
        {"DELETE FROM t WHERE true", true, true},
        {"DELETE FROM t WHERE 1 = 1", true, true},
        {"DELETE FROM t WHERE 1 = 1 AND id = 3", false, false},
        {"DELETE FROM t WHERE true RETURNING id", true, true},
        {"DELETE FROM t WHERE active", false, false},
        {"DELETE FROM t LIMIT 3", true, false},
        {"UPDATE t JOIN u ON t.id = u.id SET t.a = u.a", true, false},
        {"WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x", true, true},
        {"WITH x AS (SELECT 1 WHERE true) UPDATE t SET a = 1", true, true},
        {"WITH x AS (SELECT 1) UPDATE t SET a = 1 WHERE id = 1", false, false},
        {"WITH x AS (SELECT 1) SELECT * FROM t FOR UPDATE", false, false},
        {"INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET a = 1", false, false},
        {"WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x ON CONFLICT (id) DO UPDATE SET a = 1",
         false, false},
        {"CREATE TRIGGER x BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f()", false, false},
        {"SELECT 1", false, false},
        {"", false, false},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        if (classify_no_where(SQL_POSTGRESQL, span_of(cases[i].sql)) != cases[i].pg)
            fail_msg("postgresql: %s", cases[i].sql);
        if (classify_no_where(SQL_MARIADB, span_of(cases[i].sql)) != cases[i].my &&
            !strchr(cases[i].sql, '"'))
            fail_msg("mariadb: %s", cases[i].sql);
    }
}

TEST(finds_targets)
{
    static const struct {
        const char *sql, *target;
    } cases[] = {
        {"INSERT INTO t VALUES (1)", "t"},
        {"INSERT IGNORE INTO `my db`.`a``b` VALUES (1)", "`a``b`"},
        {"UPDATE LOW_PRIORITY t SET a = 1", "t"},
        {"DELETE FROM db.t WHERE 1", "t"},
        {"TRUNCATE TABLE t", "t"},
        {"LOAD DATA LOCAL INFILE 'x' INTO TABLE t", "t"},
        {"REPLACE t VALUES (1)", "t"},
        {"SELECT 1", ""},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct span got = classify_target(SQL_MARIADB, span_of(cases[i].sql));
        if (!span_eq(got.at ? got : SPAN(""), span_of(cases[i].target)))
            fail_msg("%s: '%.*s'", cases[i].sql, (int)got.len, got.at);
    }
    AUTO(free) char *name = classify_unquote(SPAN("`a``b`"));
    assert_string_equal(name, "a`b");
}

static void assert_shown(const char *sql, bool literals, const char *want)
{
    AUTO(buf) struct buf out = {0};

    assert_true(classify_show(SQL_POSTGRESQL, span_of(sql), literals, &out));
    assert_string_equal(buf_str(&out), want);
}

TEST(keeps_secrets_out)
{
    assert_shown("ALTER ROLE a PASSWORD 'x'", true, "ALTER ROLE a PASSWORD '?'");
    assert_shown("CREATE USER a IDENTIFIED BY 'x' -- y", true,
                 "CREATE USER a IDENTIFIED BY '?' -- y");
    assert_shown("SELECT 'x', 1", true, "SELECT 'x', 1");
    assert_shown("SELECT 'x', $a$y$a$, 1", false, "SELECT '?', '?', 1");
}

TEST(shows_no_more_than_fits)
{
    char sql[2000];
    AUTO(buf) struct buf out = {0};

    memset(sql, 'a', sizeof(sql) - 1);
    sql[sizeof(sql) - 1] = '\0';
    memcpy(sql + CLASSIFY_TEXT_MAX - 1, "\xC3\xA4", 2);
    assert_true(classify_show(SQL_POSTGRESQL, span_of(sql), true, &out));
    assert_int_equal(out.len, CLASSIFY_TEXT_MAX - 1);
}

TEST(knows_what_binds_a_session)
{
    assert_true(classify_binds_session(SQL_POSTGRESQL, SPAN("CREATE TEMP TABLE t (a int)")));
    assert_true(classify_binds_session(SQL_MARIADB, SPAN("SET @id = LAST_INSERT_ID()")));
    assert_true(classify_binds_session(SQL_MARIADB, SPAN("SELECT 1 INTO @x")));
    assert_false(
        classify_binds_session(SQL_MARIADB, SPAN("SET @OLD_MODE=@@SQL_MODE, SQL_MODE=''")));
    assert_false(classify_binds_session(SQL_MARIADB, SPAN("SET @@session.sql_mode = ''")));
    assert_false(classify_binds_session(SQL_POSTGRESQL, SPAN("CREATE TABLE t (a int)")));
    assert_true(classify_is_setting(SQL_POSTGRESQL, SPAN("SET search_path = a")));
    assert_true(
        classify_is_setting(SQL_POSTGRESQL, SPAN("SELECT pg_catalog.set_config('a', '', false)")));
    assert_false(classify_is_setting(SQL_POSTGRESQL, SPAN("SET LOCAL search_path = a")));
    assert_true(classify_is_setting(SQL_MARIADB, SPAN("USE db")));
}

TESTS(knows_what_refuses_a_transaction, knows_implicit_commits, sees_a_missing_where, finds_targets,
      keeps_secrets_out, shows_no_more_than_fits, knows_what_binds_a_session)
