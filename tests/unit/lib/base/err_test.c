#include "tests/test.h"

#include <errno.h>

TEST(sets_and_returns_false)
{
    struct err err = {0};

    assert_false(err_set(&err, ERR_CONFIG, "unknown key '%s'", "databse"));
    assert_int_equal(err.code, ERR_CONFIG);
    assert_string_equal(err.text, "unknown key 'databse'");
    assert_string_equal(err.hint, "");
}

TEST(takes_null_everywhere)
{
    assert_false(err_set(NULL, ERR_IO, "x"));
    assert_false(err_sys(NULL, ERR_IO, "x"));
    assert_false(err_add(NULL, "x"));
    assert_false(err_hint(NULL, "x"));
    assert_false(err_memory(NULL));
    err_clear(NULL);
}

/* A hostile name must not forge a second line or drive the terminal. */
TEST(shows_control_characters)
{
    struct err err = {0};

    err_set(&err, ERR_MISSING, "no '%s'", "a\nb\033[2J\x7f\xc2\x9b\xc3\xa4");
    assert_string_equal(err.text, "no 'a\\x0ab\\x1b[2J\\x7f\\xc2\\x9b\xc3\xa4'");
}

TEST(cuts_what_is_too_long)
{
    struct err err = {0};
    char name[5000];

    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = 0;
    err_set(&err, ERR_MISSING, "no '%s'", name);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    memset(name, '\n', sizeof(name) - 1);
    err_set(&err, ERR_MISSING, "%s", name);
    assert_true(strlen(err.text) < sizeof(err.text));
    assert_string_equal(err.text + strlen(err.text) - 4, "\\x0a");
}

TEST(sorts_system_errors_into_classes)
{
    static const struct {
        int number;
        enum err_code code;
    } cases[] = {{ENOSPC, ERR_SPACE}, {EDQUOT, ERR_SPACE},   {EACCES, ERR_RIGHTS},
                 {EPERM, ERR_RIGHTS}, {ENOENT, ERR_MISSING}, {EEXIST, ERR_EXISTS},
                 {EIO, ERR_IO},       {EBADF, ERR_IO}};

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {0};
        errno = cases[i].number;
        err_sys(&err, ERR_IO, "cannot open '%s'", "f");
        assert_int_equal(err.code, cases[i].code);
        assert_int_equal(errno, cases[i].number);
    }
    struct err err = {0};
    errno = ENOENT;
    err_sys(&err, ERR_SERVICE, "cannot start '%s'", "web");
    assert_int_equal(err.code, ERR_SERVICE);
    assert_string_equal(err.text, "cannot start 'web': No such file or directory");
}

TEST(adds_what_was_being_done)
{
    struct err err = {0};
    char line[2048];

    err_set(&err, ERR_AUTH, "password refused");
    err_hint(&err, "set PGPASSWORD");
    err_add(&err, "database '%s'", "shop");
    assert_string_equal(err_line(&err, line, sizeof(line)),
                        "database 'shop': password refused (hint: set PGPASSWORD)");
    assert_int_equal(err.code, ERR_AUTH);
}

/* The message may be built from the one that is there. */
TEST(may_quote_itself)
{
    struct err err = {0};

    err_set(&err, ERR_IO, "inner");
    err_set(&err, ERR_SQL, "outer: %s", err.text);
    assert_string_equal(err.text, "outer: inner");
}

TEST(names_every_class)
{
    assert_string_equal(err_class_name(ERR_USAGE), "usage");
    assert_string_equal(err_class_name(ERR_STOPPED), "stopped");
    assert_string_equal(err_class_name((enum err_code)99), "failed");
}

TESTS(sets_and_returns_false, takes_null_everywhere, shows_control_characters,
      cuts_what_is_too_long, sorts_system_errors_into_classes, adds_what_was_being_done,
      may_quote_itself, names_every_class)
