#include "restore/my_accounts.h"
#include "tests/test.h"

static const char all[] = "GRANT SELECT ON `sh%`.* TO `app`@`%`;\n"
                          "GRANT DELETE ON `shop\\_a`.* TO `app`@`%`;\n"
                          "GRANT INSERT ON `shop\\__`.* TO `app`@`%`;\n"
                          "GRANT SELECT ON `sh%`.* TO `other`@`%`;\n"
                          "GRANT SELECT ON `crm`.* TO `app`@`%`;\n";

static const char *placed(struct my_grant_place place, const char *line, struct buf *out)
{
    bool ours = false;

    place.all = span_of(all);
    assert_true(my_grant_placed(&place, span_of(line), out, &ours, NULL));
    return ours ? buf_str(out) : "none";
}

/* The server asks one pattern for each account: to grant all that cover would grant more. */
TEST(of_patterns_the_most_exact_one_counts)
{
    const struct my_grant_place moved = {.captured = "shop_a", .database = "here"};
    const struct my_grant_place loose = {.captured = "shop_b", .database = "he_re"};
    const struct my_grant_place box = {.captured = "shop_b", .database = "here", .others = true};
    const struct my_grant_place same = {.captured = "shop_b", .database = "shop_b", .others = true};
    const struct {
        const struct my_grant_place *place;
        const char *line, *want;
    } cases[] = {
        {&moved, "GRANT SELECT ON `sh%`.* TO `app`@`%`", "none"},
        {&moved, "GRANT INSERT ON `shop\\__`.* TO `app`@`%`", "none"},
        {&moved, "GRANT DELETE ON `shop\\_a`.* TO `app`@`%`",
         "GRANT DELETE ON `here`.* TO `app`@`%`"},
        {&moved, "GRANT SELECT ON `sh%`.* TO `other`@`%`",
         "GRANT SELECT ON `here`.* TO `other`@`%`"},
        {&moved, "GRANT SELECT ON `crm`.* TO `app`@`%`", "none"},
        {&loose, "GRANT DELETE ON `shop\\_a`.* TO `app`@`%`", "none"},
        {&loose, "GRANT INSERT ON `shop\\__`.* TO `app`@`%`",
         "GRANT INSERT ON `he\\_re`.* TO `app`@`%`"},
        {&box, "GRANT SELECT ON `sh%`.* TO `app`@`%`", "GRANT SELECT ON `sh%`.* TO `app`@`%`"},
        {&box, "GRANT INSERT ON `shop\\__`.* TO `app`@`%`",
         "GRANT INSERT ON `here`.* TO `app`@`%`"},
        {&same, "GRANT SELECT ON `sh%`.* TO `app`@`%`", "GRANT SELECT ON `sh%`.* TO `app`@`%`"},
        {&same, "GRANT INSERT ON `shop\\__`.* TO `app`@`%`",
         "GRANT INSERT ON `shop\\__`.* TO `app`@`%`"},
        {&moved, "GRANT SELECT ON `shop_a`.`t` TO `app`@`%`",
         "GRANT SELECT ON `here`.`t` TO `app`@`%`"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        AUTO(buf) struct buf out = {0};
        assert_string_equal(placed(*cases[i].place, cases[i].line, &out), cases[i].want);
    }
}

TEST(what_is_granted_on_the_server_is_no_grant_on_a_database)
{
    const struct my_grant_place place = {.captured = "shop", .database = "here"};
    AUTO(buf) struct buf out = {0};
    struct err why = {0};
    bool ours = false;

    assert_false(my_grant_placed(&place, SPAN("GRANT ALL PRIVILEGES ON *.* TO `app`@`%`"), &out,
                                 &ours, &why));
    assert_int_equal(why.code, ERR_DAMAGED);
}

TESTS(of_patterns_the_most_exact_one_counts,
      what_is_granted_on_the_server_is_no_grant_on_a_database)
