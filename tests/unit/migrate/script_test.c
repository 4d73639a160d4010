#include "tests/test.h"

#include "migrate/lint.h"
#include "migrate/script.h"
#include "tests/fake/scratch.h"

/* A script of this text, as if it lay in a folder. */
static bool open_text(enum sql_dialect dialect, const char *text, struct script **out,
                      struct err *err)
{
    AUTO(scratch) struct scratch dir = {0};
    static const struct script_modes modes = {0};
    char name[] = "1.sql", version[] = "1";
    struct order_file file = {.name = name, .version = version};

    scratch_open(&dir);
    scratch_write(&dir, name, span_of(text));
    struct order order = {.dir = dir.path};
    return script_open(&order, &file, dialect, &modes, out, err);
}

/* "0-1w 2 3-4o": statements of each unit; w wrapped by us, o the file's own. */
static void assert_units(enum sql_dialect dialect, const char *text, const char *want)
{
    struct err err = {0};
    AUTO(script) struct script *s = NULL;
    AUTO(buf) struct buf got = {0};

    assert_ok(open_text(dialect, text, &s, &err), &err);
    for (size_t i = 0; i < s->units.count; i++) {
        const struct unit *u = &script_units(s)[i];
        buf_printf(&got, "%s%u", i ? " " : "", u->first);
        if (u->last > u->first)
            buf_printf(&got, "-%u", u->last);
        buf_puts(&got, u->wrap ? "w" : u->own ? "o" : "");
    }
    if (strcmp(buf_str(&got), want) != 0)
        fail_msg("%s: '%s', not '%s'", text, buf_str(&got), want);
}

static void assert_bad(enum sql_dialect dialect, const char *text, enum err_code code,
                       const char *words)
{
    struct err err = {0};
    AUTO(script) struct script *s = NULL;

    assert_fails(open_text(dialect, text, &s, &err), &err, code);
    if (!strstr(err.text, words))
        fail_msg("'%s' lacks '%s'", err.text, words);
}

TEST(a_postgresql_file_is_one_transaction)
{
    assert_units(SQL_POSTGRESQL, "SELECT 1; SELECT 2;", "0-1w");
    assert_units(SQL_POSTGRESQL, "-- nothing\n", "");
    assert_units(SQL_POSTGRESQL, "BEGIN; SELECT 1; COMMIT;", "0-2o");
    assert_units(SQL_POSTGRESQL, "SELECT 1; VACUUM; CALL p();", "0w 1 2");
    assert_units(SQL_POSTGRESQL, "SET a = 1; BEGIN; SELECT 1; END; VACUUM", "0w 1-3o 4");
    assert_units(SQL_POSTGRESQL, "-- rehearse:no-transaction\nSELECT 1; SELECT 2", "0w 1w");
    assert_units(SQL_POSTGRESQL, "ALTER TYPE c ADD VALUE 'blue'; INSERT INTO t VALUES ('blue')",
                 "0w 1w");
    assert_units(SQL_POSTGRESQL, "ALTER TYPE c ADD VALUE 'blue'; INSERT INTO t VALUES ('red')",
                 "0-1w");
}

TEST(a_mariadb_statement_is_a_unit)
{
    assert_units(SQL_MARIADB, "SELECT 1; SELECT 2;", "0 1");
    assert_units(SQL_MARIADB, "BEGIN; INSERT INTO t VALUES (1); COMMIT; SELECT 1", "0-2o 3");
    assert_units(SQL_MARIADB, "BEGIN; INSERT INTO t VALUES (1); DROP TABLE u; SELECT 2; COMMIT",
                 "0-2o 3 4");
    assert_units(SQL_MARIADB,
                 "SET autocommit=0; INSERT INTO t VALUES (1); INSERT INTO t VALUES (2); COMMIT; "
                 "SET autocommit=1; SELECT 1",
                 "0 1-3o 4 5");
}

TEST(refuses_what_would_lie)
{
    assert_bad(SQL_POSTGRESQL, "BEGIN; SELECT 1;", ERR_SQL, "line 1");
    assert_bad(SQL_POSTGRESQL, "SELECT 1;\nCOMMIT;", ERR_SQL, "line 2");
    assert_bad(SQL_POSTGRESQL, "SELECT 1;\nROLLBACK;", ERR_SQL, "ROLLBACK");
    assert_bad(SQL_POSTGRESQL, "BEGIN;\nVACUUM;\nCOMMIT", ERR_SQL, "line 2");
    assert_bad(SQL_POSTGRESQL, "PREPARE TRANSACTION 'x'", ERR_UNSUPPORTED, "two-phase");
    assert_bad(SQL_MARIADB, "SET autocommit=0; INSERT INTO t VALUES (1)", ERR_SQL,
               "never committed");
    assert_bad(SQL_POSTGRESQL, "SELECT 'x", ERR_SQL, "line 1");
}

TEST(only_the_up_part_runs)
{
    assert_units(SQL_POSTGRESQL, "-- migrate:up\nSELECT 1;\n-- migrate:down\nDROP TABLE t;\n",
                 "0w");
    assert_units(SQL_POSTGRESQL,
                 "\xEF\xBB\xBF-- migrate:up transaction:false\r\nSELECT 1;SELECT 2;", "0w 1w");
    assert_units(
        SQL_POSTGRESQL,
        "-- +goose Down\nDROP TABLE t;\n-- +goose Up\n-- +goose StatementBegin\nSELECT 1;\n"
        "-- +goose StatementEnd\n",
        "0w");
    assert_bad(SQL_POSTGRESQL, "SELECT 1;\n-- migrate:up\nSELECT 2;", ERR_CONFIG, "line 1");
    assert_bad(SQL_POSTGRESQL, "-- migrate:down\nSELECT 2;", ERR_CONFIG, "without an up part");
    assert_bad(SQL_POSTGRESQL, "-- +goose ENVSUB ON\n-- +goose Up\n", ERR_UNSUPPORTED, "line 1");
}

TEST(lines_count_from_the_file)
{
    struct err err = {0};
    AUTO(script) struct script *s = NULL;

    assert_ok(open_text(SQL_POSTGRESQL, "-- x\n-- migrate:up\n\nSELECT 1;\nSELECT 2;", &s, &err),
              &err);
    assert_int_equal(script_statements(s)[0].line, 4);
    assert_int_equal(script_statements(s)[1].line, 5);
}

static bool same_normal(enum sql_dialect dialect, const char *a, const char *b)
{
    struct err err = {0};
    AUTO(script) struct script *x = NULL;
    AUTO(script) struct script *y = NULL;

    assert_ok(open_text(dialect, a, &x, &err), &err);
    assert_ok(open_text(dialect, b, &y, &err), &err);
    assert_false(digest_eq(&x->raw, &y->raw));
    return digest_eq(&x->normal, &y->normal);
}

TEST(the_normal_checksum_minds_statements_only)
{
    assert_true(same_normal(SQL_POSTGRESQL, "SELECT 1;", "-- why\nselect   1 ;\n"));
    assert_true(same_normal(SQL_POSTGRESQL, "SELECT 1", "SELECT /* x */ 1;"));
    assert_true(same_normal(SQL_POSTGRESQL, "SELECT 1;\r\n", "SELECT 1;\n"));
    assert_false(same_normal(SQL_POSTGRESQL, "SELECT 1;", "SELECT 2;"));
    assert_false(same_normal(SQL_POSTGRESQL, "SELECT 'a b'", "SELECT 'a  b'"));
    assert_false(same_normal(SQL_POSTGRESQL, "SELECT \"A\"", "SELECT \"a\""));
    assert_false(same_normal(SQL_POSTGRESQL, "SELECT 1; SELECT 2", "SELECT 1 SELECT 2"));
    assert_false(same_normal(SQL_POSTGRESQL, "SELECT a.b", "SELECT ab"));
    assert_false(same_normal(SQL_POSTGRESQL, "COPY t FROM stdin;\n1\n\\.\n",
                             "COPY t FROM stdin;\n2\n\\.\n"));
    assert_false(same_normal(SQL_MARIADB, "UPDATE T SET a=1", "UPDATE t SET a=1"));
    assert_false(same_normal(SQL_MARIADB, "SELECT /*!50000 1 */ 2", "SELECT /*!50000 3 */ 2"));
    assert_true(same_normal(SQL_MARIADB, "SELECT 1 # x", "SELECT 1"));
}

/* ---- lint --------------------------------------------------------------------------------------*/

static bool take_rule(void *ctx, const struct lint_rule *rule, const struct statement *st,
                      struct err *err)
{
    (void)st, (void)err;
    return buf_printf(ctx, "%s ", rule->name);
}

static void assert_lint(enum sql_dialect dialect, const char *text, const char *want)
{
    struct err err = {0};
    AUTO(script) struct script *s = NULL;
    AUTO(buf) struct buf got = {0};

    assert_ok(open_text(dialect, text, &s, &err), &err);
    assert_ok(lint_script(s, dialect, take_rule, &got, &err), &err);
    if (!span_eq(span_trim(buf_view(&got)), span_of(want)))
        fail_msg("%s: '%s', not '%s'", text, buf_str(&got), want);
}

TEST(lints_what_hurts)
{
    assert_lint(SQL_POSTGRESQL, "DELETE FROM t", "no-where");
    assert_lint(SQL_POSTGRESQL, "DROP TABLE t", "drop-table");
    assert_lint(SQL_POSTGRESQL, "ALTER TABLE IF EXISTS ONLY s.t ADD a int, DROP b", "drop-column");
    assert_lint(SQL_POSTGRESQL, "ALTER TABLE t DROP CONSTRAINT c", "");
    assert_lint(SQL_POSTGRESQL, "ALTER TABLE t RENAME COLUMN a TO b", "rename");
    assert_lint(SQL_POSTGRESQL, "ALTER TABLE t RENAME TO u", "rename");
    assert_lint(SQL_POSTGRESQL, "ALTER TABLE t RENAME CONSTRAINT a TO b", "");
    assert_lint(SQL_POSTGRESQL, "CREATE INDEX ON t (a)", "index-not-concurrent");
    assert_lint(SQL_POSTGRESQL, "CREATE INDEX CONCURRENTLY ON t (a)", "");
    assert_lint(SQL_POSTGRESQL, "CREATE TABLE t (a int); CREATE INDEX ON t (a)", "");
    assert_lint(SQL_POSTGRESQL, "ALTER TABLE t ADD COLUMN a int NOT NULL", "not-null-no-default");
    assert_lint(SQL_POSTGRESQL, "ALTER TABLE t ADD COLUMN a int NOT NULL DEFAULT 0", "");
    assert_lint(SQL_POSTGRESQL, "ALTER TABLE t ADD a int, ADD b int NOT NULL",
                "not-null-no-default");
    assert_lint(SQL_POSTGRESQL, "ALTER TABLE t ALTER a SET NOT NULL", "set-not-null");
    assert_lint(SQL_POSTGRESQL, "ALTER TABLE t ALTER a TYPE bigint", "type-change");
    assert_lint(SQL_POSTGRESQL, "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u",
                "constraint-validated");
    assert_lint(SQL_POSTGRESQL, "ALTER TABLE t ADD CHECK (a > 0) NOT VALID", "");
    assert_lint(SQL_POSTGRESQL, "TRUNCATE t", "truncate");
    assert_lint(SQL_POSTGRESQL, "VACUUM FULL t", "table-rewrite");
    assert_lint(SQL_MARIADB, "CREATE INDEX i ON t (a)", "");
    assert_lint(SQL_MARIADB, "ALTER TABLE t MODIFY a ENUM('x','y')", "enum-change");
    assert_lint(SQL_MARIADB, "ALTER TABLE t CHANGE a b int", "rename");
    assert_lint(SQL_MARIADB, "ALTER TABLE t CHANGE a a int", "");
    assert_lint(SQL_MARIADB, "RENAME TABLE a TO b", "rename");
    assert_lint(SQL_MARIADB, "ALTER TABLE t CONVERT TO CHARACTER SET utf8mb4",
                "charset-conversion");
    assert_lint(SQL_MARIADB, "BEGIN; INSERT INTO t VALUES (1); CREATE TABLE u (a int)",
                "implicit-commit");
    assert_lint(SQL_MARIADB, "CREATE TABLE u (a int)", "");
}

TESTS(a_postgresql_file_is_one_transaction, a_mariadb_statement_is_a_unit, refuses_what_would_lie,
      only_the_up_part_runs, lines_count_from_the_file, the_normal_checksum_minds_statements_only,
      lints_what_hurts)
