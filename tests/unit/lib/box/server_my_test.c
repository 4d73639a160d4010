/* Which accounts of a MariaDB server a box makes for itself. */
#include "lib/box/box.h"

#include <unistd.h>

#include "tests/test.h"

#define TWO_SERVERS                                                             \
    "name: t\n"                                                                 \
    "databases:\n"                                                              \
    "  - {name: a, engine: mariadb, host: one, user: app, database: a}\n"       \
    "  - {name: beside, engine: mariadb, host: one, user: more, database: b}\n" \
    "  - {name: other, engine: mariadb, host: two, database: c}\n"              \
    "  - {name: elsewhere, engine: postgresql, host: one, user: postgres, database: d}\n"

TEST(makes_those_that_it_needs)
{
    static const struct {
        const char *database, *user, *host;
        bool made;
    } cases[] = {
        {"a", "root", "localhost", true},
        {"other", "root", "localhost", true},
        {"a", "app", "localhost", true},
        {"a", "app", "127.0.0.1", true},
        {"a", "more", "127.0.0.1", true},
        {"beside", "app", "localhost", true},
        /* A database without a user is root's. */
        {"other", "root", "127.0.0.1", true},
        {"a", "root", "127.0.0.1", false},
        {"a", "root", "::1", false},
        {"other", "root", "::1", false},
        {"a", "root", "%", false},
        {"a", "app", "%", false},
        {"a", "App", "localhost", false},
        {"a", "", "localhost", false},
        {"a", "postgres", "localhost", false},
        /* Another server's. */
        {"other", "app", "localhost", false},
        {"other", "more", "127.0.0.1", false},
        {"unknown", "app", "localhost", false},
    };
    AUTO(env) struct env *env = NULL;
    struct err err = {0};

    assert_ok(env_parse(SPAN(TWO_SERVERS), "/etc/t.yaml", &env, &err), &err);
    for (size_t i = 0; i < COUNT(cases); i++)
        if (box_makes_account(env, cases[i].database, span_of(cases[i].user),
                              span_of(cases[i].host)) != cases[i].made)
            fail_msg("'%s'@'%s' of %s", cases[i].user, cases[i].host, cases[i].database);
}

TEST(makes_none_of_the_hosts_name)
{
    char name[64] = "";
    AUTO(env) struct env *env = NULL;
    struct err err = {0};

    assert_int_equal(gethostname(name, sizeof(name) - 1), 0);
    assert_ok(env_parse(SPAN(TWO_SERVERS), "/etc/t.yaml", &env, &err), &err);
    assert_false(box_makes_account(env, "a", SPAN("root"), span_of(name)));
}

TESTS(makes_those_that_it_needs, makes_none_of_the_hosts_name)
