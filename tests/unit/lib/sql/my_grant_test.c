#include "lib/base/auto.h"
#include "lib/sql/my_grant.h"
#include "tests/test.h"

/* What SHOW GRANTS says besides, passwords among it, is not in the statement. */
TEST(grants_are_written_again)
{
    static const struct {
        const char *line, *again;
    } cases[] = {
        {"GRANT USAGE ON *.* TO `a`@`b` IDENTIFIED BY PASSWORD '*HASH' REQUIRE SSL WITH GRANT "
         "OPTION MAX_USER_CONNECTIONS 7",
         "GRANT USAGE ON *.* TO `a`@`b` WITH GRANT OPTION"},
        {"GRANT RELOAD, PROCESS ON *.* TO `a`@`b` IDENTIFIED VIA ed25519 USING 'HASH' WITH "
         "MAX_USER_CONNECTIONS 7",
         "GRANT RELOAD, PROCESS ON *.* TO `a`@`b`"},
        {"GRANT ALL PRIVILEGES ON `d\\_b`.* TO `role`",
         "GRANT ALL PRIVILEGES ON `d\\_b`.* TO `role`"},
        {"GRANT SELECT, INSERT (`z``z`, `a b`), UPDATE (`c`) ON `d`.`t o` TO `TO`@`%` WITH GRANT "
         "OPTION",
         "GRANT SELECT, INSERT (`a b`, `z``z`), UPDATE (`c`) ON `d`.`t o` TO `TO`@`%` WITH GRANT "
         "OPTION"},
        {"GRANT EXECUTE ON PACKAGE BODY `d`.`p` TO PUBLIC",
         "GRANT EXECUTE ON PACKAGE BODY `d`.`p` TO PUBLIC"},
        {"GRANT `r` TO `a`@`b` WITH ADMIN OPTION", "GRANT `r` TO `a`@`b` WITH ADMIN OPTION"},
        {"GRANT PROXY ON ``@`%` TO `a`@`b` WITH GRANT OPTION",
         "GRANT PROXY ON ``@`%` TO `a`@`b` WITH GRANT OPTION"},
        {"SET DEFAULT ROLE `r` FOR `a`@`b`", "SET DEFAULT ROLE `r` FOR `a`@`b`"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        AUTO(buf) struct buf again = {0};
        struct my_grant g;

        assert_true(my_grant_parse(span_of(cases[i].line), &g));
        assert_true(my_grant_write(&g, &again));
        assert_string_equal(buf_str(&again), cases[i].again);
    }
}

/* MySQL, and MariaDB before 10.4, show apostrophes. */
TEST(an_account_is_the_same_in_any_quotes)
{
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        {"`a`@`b`", "`a`@`b`", true},
        {"'a'@'b'", "`a`@`b`", true},
        {"'a``b'@'%'", "`a````b`@`%`", true},
        {"'r'", "`r`", true},
        {"PUBLIC", "PUBLIC", true},
        {"``@`b`", "''@'b'", true},
        {"'a'@'b'", "`a`@`c`", false},
        {"'a'@'b'", "`A`@`b`", false},
        {"'r'", "`r`@``", false},
        {"'a@b'", "`a`@`b`", false},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        bool same = !cases[i].same;

        assert_true(my_account_same(span_of(cases[i].a), span_of(cases[i].b), &same));
        if (same != cases[i].same)
            fail_msg("%s and %s", cases[i].a, cases[i].b);
    }
}

/* Found by fuzzing: the account reached from the text to the end of another one. */
TEST(an_account_that_is_cut_ends_with_the_text)
{
    static const char line[] = "GRANT x TO `u`@ ";
    struct my_grant g;

    assert_true(my_grant_parse(span_of(line), &g));
    assert_true(g.to.at + g.to.len <= line + strlen(line));
}

TEST(what_is_no_grant_is_refused)
{
    static const char *const lines[] = {
        "",
        "GRANT",
        "GRANT SELECT",
        "GRANT SELECT ON `d`.`t`",
        "GRANT ON",
        "REVOKE x FROM y",
        "GRANT SELECT ON d",
        "GRANT SELECT ON `d`.",
        "GRANT x TO",
        "SET ROLE r",
        "SET DEFAULT ROLE r",
        "GRANT SELECT (`a` ON `d`.`t` TO `u`",
        /* Such as would say more than they seem to. */
        "GRANT EXECUTE ON FUNCTION /*! x */ BODY `d`.`f` TO `u`@`h`",
        "GRANT ALL ON /*!50000 mysql.* TO x; -- */ `d`.`t` TO `u`@`h`",
        "GRANT SELECT ON TABLE `d`.`t` TO `u`@`h`",
        "GRANT EXECUTE ON PACKAGE /*!BODY*/ `d`.`p` TO `u`@`h`",
        "GRANT EXECUTE ON PROCEDURE `d`.* TO `u`@`h`",
        "GRANT SELECT ON *.`t` TO `u`@`h`",
        "GRANT SELECT ON d.`t` TO `u`@`h`",
        "GRANT SELECT ON `d`.t TO `u`@`h`",
        "GRANT SELECT on mysql ON `d`.`t` TO `u`@`h`",
        "GRANT SELECT ON `d`.`t` TO u@h",
        "GRANT SELECT ON `d`.`t` TO `u`/*!@*/`h`",
        "GRANT SELECT ON `d`.`t` TO `u`@'h\\'",
        "GRANT SELECT (`a`, (`b`)) ON `d`.`t` TO `u`@`h`",
        "GRANT SELECT () ON `d`.`t` TO `u`@`h`", /* this and those below: found by fuzzing */
        "GRANT SELECT (`a`,) ON `d`.`t` TO `u`@`h`",
        "GRANT SELECT (`a` `b`) ON `d`.`t` TO `u`@`h`",
        "GRANT SELECT (`a`) (`b`) ON `d`.`t` TO `u`@`h`",
        "GRANT SELECT (`a`) INSERT ON `d`.`t` TO `u`@`h`",
        "GRANT SELECT, ON `d`.`t` TO `u`@`h`",
        "GRANT (`a`) ON `d`.`t` TO `u`@`h`",
        "GRANT `r`, `s` TO `u`@`h`",
        "GRANT PROXY ON /*! x */ TO `u`@`h`",
        "SET DEFAULT ROLE `r` FOR u",
    };
    struct my_grant g = {0};

    for (size_t i = 0; i < COUNT(lines); i++)
        if (my_grant_parse(span_of(lines[i]), &g))
            fail_msg("taken for a grant: %s", lines[i]);
    assert_null(g.to.at);
}

TEST(accounts_come_without_their_hashes)
{
    static const struct {
        const char *line, *without;
        bool had;
    } cases[] = {
        {"CREATE USER `a`@`%` IDENTIFIED BY PASSWORD '*HASH' REQUIRE SSL WITH MAX_USER_CONNECTIONS "
         "2 PASSWORD EXPIRE NEVER",
         "CREATE USER `a`@`%` IDENTIFIED VIA mysql_native_password USING 'invalid' REQUIRE SSL WITH "
         "MAX_USER_CONNECTIONS 2 ACCOUNT LOCK PASSWORD EXPIRE NEVER",
         true},
        {"CREATE USER `a`@`%` IDENTIFIED VIA ed25519 USING 'HASH' OR unix_socket ACCOUNT LOCK",
         "CREATE USER `a`@`%` IDENTIFIED VIA mysql_native_password USING 'invalid' OR unix_socket ACCOUNT LOCK",
         true},
        {"CREATE USER `a`@`%` IDENTIFIED VIA pam USING 'service' OR mysql_native_password USING "
         "'HASH'",
         "CREATE USER `a`@`%` IDENTIFIED VIA pam USING 'service' OR mysql_native_password USING "
         "'invalid' ACCOUNT LOCK",
         true},
        /* Of a plugin that is not known everything may be a secret. */
        {"CREATE USER `a`@`%` IDENTIFIED VIA novel USING 'HASH'",
         "CREATE USER `a`@`%` IDENTIFIED VIA mysql_native_password USING 'invalid' ACCOUNT LOCK",
         true},
        {"CREATE USER `IDENTIFIED`@`%`", "CREATE USER `IDENTIFIED`@`%`", false},
        {"CREATE USER `a`@`%` IDENTIFIED VIA unix_socket",
         "CREATE USER `a`@`%` IDENTIFIED VIA unix_socket", false},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        AUTO(buf) struct buf without = {0};
        struct my_user u;
        bool had = false;

        assert_true(my_user_parse(span_of(cases[i].line), &u));
        assert_true(my_user_without_hash(&u, &without, &had));
        assert_string_equal(buf_str(&without), cases[i].without);
        assert_int_equal(had, cases[i].had);
    }
}

TEST(clauses_of_an_account_are_told_apart)
{
    struct my_user u;

    assert_true(my_user_parse(
        SPAN("CREATE USER IF NOT EXISTS `a`@`%` IDENTIFIED WITH x AS 'PASSWORD' REQUIRE ISSUER "
             "'WITH' SUBJECT 'ACCOUNT' WITH MAX_QUERIES_PER_HOUR 1 ACCOUNT LOCK PASSWORD EXPIRE"),
        &u));
    assert_true(span_is(u.name, "`a`@`%`"));
    assert_true(span_is(u.auth, "IDENTIFIED WITH x AS 'PASSWORD'"));
    assert_true(span_is(u.require, "REQUIRE ISSUER 'WITH' SUBJECT 'ACCOUNT'"));
    assert_true(span_is(u.limits, "WITH MAX_QUERIES_PER_HOUR 1"));
    assert_true(span_is(u.lock, "ACCOUNT LOCK"));
    assert_true(span_is(u.password, "PASSWORD EXPIRE"));
    assert_true(my_user_parse(SPAN("ALTER USER `a`@`%` PASSWORD EXPIRE NEVER"), &u));
    assert_true(span_is(u.password, "PASSWORD EXPIRE NEVER"));
    assert_false(my_user_parse(SPAN("CREATE USER"), &u));
    assert_false(my_user_parse(SPAN("CREATE USER `a`@`%` COMMENT 'x'"), &u));
    assert_false(my_user_parse(SPAN("DROP USER `a`@`%`"), &u));
}

TEST(names_are_those_of_the_account)
{
    AUTO(buf) struct buf user = {0}, host = {0};

    assert_true(my_account_names(SPAN("`a``b@c`@`10.%`"), &user, &host));
    assert_string_equal(buf_str(&user), "a`b@c");
    assert_string_equal(buf_str(&host), "10.%");
    assert_true(my_account_names(SPAN("`role`"), &user, &host));
    assert_string_equal(buf_str(&user), "role");
    assert_string_equal(buf_str(&host), "");
}

/* As MySQL 5.7 shows them. */
TEST(names_in_apostrophes_are_the_same)
{
    static const struct {
        const char *account, *user, *host;
    } cases[] = {{"'root'@'localhost'", "root", "localhost"},
                 {"'it''s'@'%'", "it's", "%"},
                 {"''@''", "", ""},
                 {"'a`b'@`x'y`", "a`b", "x'y"},
                 {"`'a'`@`h`", "'a'", "h"},
                 {"`a``'`", "a`'", ""},
                 {"PUBLIC", "PUBLIC", ""}};

    for (size_t i = 0; i < COUNT(cases); i++) {
        AUTO(buf) struct buf user = {0}, host = {0};

        assert_true(my_account_names(span_of(cases[i].account), &user, &host));
        assert_string_equal(buf_str(&user), cases[i].user);
        assert_string_equal(buf_str(&host), cases[i].host);
    }
}

TEST(patterns_match_as_the_server_does)
{
    static const struct {
        const char *pattern, *name;
        bool matches;
    } cases[] = {{"shop", "shop", true},    {"shop", "shop2", false}, {"sh_p", "shop", true},
                 {"sh\\_p", "shop", false}, {"sh\\_p", "sh_p", true}, {"s%", "s", true},
                 {"%p", "shop", true},      {"s%p", "shops", false},  {"", "", true},
                 {"_", "", false},          {"a\\", "a\\", true},     {"%", "", true},
                 {"%a%b", "aab", true},     {"%ab", "aab", true},     {"%a_%\\%", "xa%b%", true}};

    for (size_t i = 0; i < COUNT(cases); i++)
        if (my_like(span_of(cases[i].pattern), span_of(cases[i].name)) != cases[i].matches)
            fail_msg("%s on %s", cases[i].pattern, cases[i].name);
}

/* The time of one that tries each `%` anew doubles with each of them. */
TEST(a_pattern_is_matched_in_little_time_and_stack)
{
    AUTO(buf) struct buf slow = {0}, many = {0};

    for (unsigned i = 0; i < 30; i++)
        buf_puts(&slow, "%a");
    buf_puts(&slow, "%b");
    for (unsigned i = 0; i < 100000; i++)
        buf_putc(&many, '%');
    assert_false(my_like(buf_view(&slow),
                         SPAN("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")));
    assert_true(my_like(buf_view(&many), SPAN("shop")));
    buf_putc(&many, 'x');
    assert_false(my_like(buf_view(&many), SPAN("shop")));
}

TESTS(grants_are_written_again, an_account_is_the_same_in_any_quotes,
      an_account_that_is_cut_ends_with_the_text, what_is_no_grant_is_refused,
      accounts_come_without_their_hashes, clauses_of_an_account_are_told_apart,
      names_in_apostrophes_are_the_same, names_are_those_of_the_account,
      patterns_match_as_the_server_does, a_pattern_is_matched_in_little_time_and_stack)
