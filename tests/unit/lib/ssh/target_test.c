#include "tests/test.h"

#include "lib/ssh/target.h"

TEST(reads_addresses)
{
    static const struct {
        const char *url, *user, *host, *path, *identity;
        unsigned port;
    } cases[] = {
        {"sftp://host/a/b", NULL, "host", "/a/b", NULL, 22},
        {"sftp://me@host:2222/a/", "me", "host", "/a", NULL, 2222},
        {"sftp://me@[::1]:2222/a", "me", "::1", "/a", NULL, 2222},
        {"sftp://[fe80::1%25eth0]/a", NULL, "fe80::1%eth0", "/a", NULL, 22},
        {"sftp://host/~/a/b", NULL, "host", "a/b", NULL, 22},
        {"sftp://host/~", NULL, "host", ".", NULL, 22},
        {"sftp://host/~other/a", NULL, "host", "/~other/a", NULL, 22},
        {"sftp://a%40b@host/with%20space%25", "a@b", "host", "/with space%", NULL, 22},
        {"sftp://host/a?identity=/k/id%3F", NULL, "host", "/a", "/k/id?", 22},
        {"sftp://host:65535/a", NULL, "host", "/a", NULL, 65535},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        AUTO(ssh_target) struct ssh_target t = {0};
        struct err err = {0};

        assert_ok(ssh_target_parse(cases[i].url, &t, &err), &err);
        assert_string_equal(t.host, cases[i].host);
        assert_string_equal(t.path, cases[i].path);
        assert_int_equal(t.port, cases[i].port);
        assert_int_equal(t.user != NULL, cases[i].user != NULL);
        if (t.user)
            assert_string_equal(t.user, cases[i].user);
        assert_int_equal(t.identity != NULL, cases[i].identity != NULL);
        if (t.identity)
            assert_string_equal(t.identity, cases[i].identity);
    }
}

TEST(refuses_what_is_no_address)
{
    static const char *const urls[] = {"host/a",
                                       "sftp://",
                                       "sftp:///a",
                                       "sftp://host",
                                       "sftp://host/",
                                       "sftp://host//",
                                       "sftp://@host/a",
                                       "sftp://host:/a",
                                       "sftp://host:0/a",
                                       "sftp://host:1x/a",
                                       "sftp://host:65536/a",
                                       "sftp://-oProxy/a",
                                       "sftp://ho st/a",
                                       "sftp://[::1]x/a",
                                       "sftp://host/a%0ab",
                                       "sftp://host/a%00b",
                                       "sftp://host/a%2",
                                       "sftp://host/a%",
                                       "sftp://host/a%zz",
                                       "sftp://host/a?x=1",
                                       "sftp://host/a?",
                                       "sftp://host/a?identity=",
                                       "sftp://host/a?identity=a&identity=b"};

    for (size_t i = 0; i < COUNT(urls); i++) {
        struct ssh_target t = {0};
        struct err err = {0};

        if (ssh_target_parse(urls[i], &t, &err))
            fail_msg("'%s' should have been refused", urls[i]);
        assert_int_equal(err.code, ERR_USAGE);
        assert_true(err.hint[0]);
    }
}

/* An error may end in a log: the password must not. */
TEST(refuses_a_password_without_telling_it)
{
    struct ssh_target t = {0};
    struct err err = {0};

    assert_fails(ssh_target_parse("sftp://me:hunter2@host/a", &t, &err), &err, ERR_USAGE);
    assert_null(strstr(err.text, "hunter2"));
    assert_null(strstr(err.hint, "hunter2"));
}

TEST(names_hosts_as_known_hosts_does)
{
    struct ssh_target plain = {.host = (char[]){"host"}, .port = 22};
    struct ssh_target other = {.host = (char[]){"host"}, .port = 2222};
    AUTO(free) char *a = ssh_target_known_as(&plain), *b = ssh_target_known_as(&other);

    assert_string_equal(a, "host");
    assert_string_equal(b, "[host]:2222");
}

TESTS(reads_addresses, refuses_what_is_no_address, refuses_a_password_without_telling_it,
      names_hosts_as_known_hosts_does)
