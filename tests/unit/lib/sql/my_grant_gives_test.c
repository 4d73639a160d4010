#include "lib/sql/my_grant.h"
#include "tests/test.h"

TEST(grants_are_read)
{
    static const struct {
        const char *line, *privilege, *database;
        bool gives;
    } cases[] = {
        {"GRANT SELECT, SHOW VIEW ON *.* TO `a`@`b`", "SHOW VIEW", "shop", true},
        {"GRANT SELECT ON *.* TO `a`@`b`", "SHOW VIEW", "shop", false},
        {"GRANT ALL PRIVILEGES ON `shop`.* TO `a`@`b`", "EVENT", "shop", true},
        {"GRANT ALL PRIVILEGES ON `shop`.* TO `a`@`b`", "EVENT", "shop2", false},
        {"GRANT SELECT ON `my\\_shop`.* TO `a`", "SELECT", "my_shop", true},
        {"GRANT SELECT ON `my\\_shop`.* TO `a`", "SELECT", "myxshop", false},
        {"GRANT SELECT ON `my_shop`.* TO `a`", "SELECT", "myxshop", true},
        {"GRANT SELECT ON `s%`.* TO `a`", "SELECT", "shop", true},
        {"GRANT SELECT ON `s%p`.* TO `a`", "SELECT", "shops", false},
        {"GRANT SELECT ON `a``b`.* TO `a`", "SELECT", "a`b", true},
        /* One table is not the database. */
        {"GRANT SELECT ON `shop`.`t` TO `a`", "SELECT", "shop", false},
        {"GRANT `role` TO `a`@`b`", "SELECT", "shop", false},
        {"", "SELECT", "shop", false},
        {"GRANT ALL PRIVILEGES ON `shop`.* TO `a`", "GRANT OPTION", "shop", false},
        {"GRANT SELECT ON `shop`.* TO `a` WITH GRANT OPTION", "GRANT OPTION", "shop", true},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        if (my_grant_gives(span_of(cases[i].line), cases[i].privilege, cases[i].database) !=
            cases[i].gives)
            fail_msg("%s: %s on %s", cases[i].line, cases[i].privilege, cases[i].database);
    }
}

TESTS(grants_are_read)
