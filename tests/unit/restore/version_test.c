#include "tests/test.h"

#include "restore/version.h"

static void takes(enum db_engine engine, const char *captured, unsigned server, bool mysql)
{
    struct err err = {0};

    assert_ok(version_check(engine, captured, server, mysql, "the server", &err), &err);
}

static void refuses(enum db_engine engine, const char *captured, unsigned server, bool mysql,
                    const char *text)
{
    struct err err = {0};

    assert_false(version_check(engine, captured, server, mysql, "the server", &err));
    assert_int_equal(err.code, ERR_UNSUPPORTED);
    assert_string_equal(err.text, text);
}

TEST(the_same_or_a_newer_version_takes_it)
{
    takes(DB_POSTGRESQL, "15.5 (Debian 15.5-0+deb12u1)", 150003, false);
    takes(DB_POSTGRESQL, "9.6.24", 150003, false);
    takes(DB_POSTGRESQL, "15.5", 170001, false);
    takes(DB_MARIADB, "10.11.6-MariaDB-0+deb12u1-log", 101104, false);
    takes(DB_MARIADB, "10.5.9-MariaDB", 110401, false);
    takes(DB_MARIADB, "8.0.36", 80400, true);
}

TEST(an_older_one_is_refused)
{
    refuses(DB_POSTGRESQL, "16.1", 150005, false,
            "the server is version 15, older than the captured 16.1");
    refuses(DB_MARIADB, "11.4.2-MariaDB", 101106, false,
            "the server is version 10.11, older than the captured 11.4.2-MariaDB");
    refuses(DB_MARIADB, "8.4.0", 80036, true,
            "the server is version 8.0, older than the captured 8.4.0");
}

TEST(other_kinds_are_not_compared)
{
    takes(DB_MARIADB, "8.0.36", 50500, false);
    takes(DB_MARIADB, "11.4.2-MariaDB", 80036, true);
    takes(DB_MARIADB, "unknown", 101106, false);
}

TESTS(the_same_or_a_newer_version_takes_it, an_older_one_is_refused, other_kinds_are_not_compared)
