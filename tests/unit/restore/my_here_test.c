#include "restore/my_here.h"
#include "tests/test.h"

static char shop[] = "shop", shop_here[] = "sh`op", crm[] = "crm", crm_here[] = "crm2";
static struct my_here_name names[] = {{shop, shop_here}, {crm, crm_here}};

static const char *named(const char *text, bool printed, struct buf *out)
{
    struct my_here h = {.names = {.at = names, .count = COUNT(names)}};
    struct my_here_text in = {.text = span_of(text), .printed = printed};

    buf_clear(out);
    assert_true(my_here_names(&h, &in, out, NULL));
    return buf_str(out);
}

TEST(databases_have_other_names)
{
    static const struct {
        const char *text, *want;
        bool printed;
    } cases[] = {
        {"`id` int DEFAULT nextval(`shop`.`sq`) COMMENT 'nextval(`shop`.`sq`)'",
         "`id` int DEFAULT nextval(`sh``op`.`sq`) COMMENT 'nextval(`shop`.`sq`)'", true},
        {"select `shop`.`p`.`id` AS `id` from (`shop`.`p` join `crm`.`t`)",
         "select `sh``op`.`p`.`id` AS `id` from (`sh``op`.`p` join `crm2`.`t`)", true},
        {"CREATE TRIGGER shop.tr BEFORE INSERT ON shop.p FOR EACH ROW SET @shop.x = 1",
         "CREATE TRIGGER `sh``op`.tr BEFORE INSERT ON `sh``op`.p FOR EACH ROW SET @shop.x = 1",
         false},
        {"SELECT \"shop\".\"p\", 'shop'.x, shopper.x, x.shop",
         "SELECT `sh``op`.\"p\", 'shop'.x, shopper.x, x.shop", false},
        /* A column of that name is no table. */
        {"select `shop`.`p`.`shop` AS `shop`,`shop`.`f`(1) AS `f` from `shop`.`p`",
         "select `sh``op`.`p`.`shop` AS `shop`,`sh``op`.`f`(1) AS `f` from `sh``op`.`p`", true},
        /* An alias or a table is: shop.id is a column then. */
        {"SELECT shop.id, shop.f(1), shop.t.id FROM shop.t shop JOIN shop.u ON shop.id = 1",
         "SELECT shop.id, `sh``op`.f(1), `sh``op`.t.id FROM `sh``op`.t shop JOIN `sh``op`.u ON shop.id = 1",
         false},
        {"select `shop`.`id` AS `id` from `shop`", "select `shop`.`id` AS `id` from `shop`", true},
        {"SELECT shop.id FROM shop.shop", "SELECT shop.id FROM `sh``op`.shop", false},
        {"SELECT shop.id FROM t AS shop", "SELECT shop.id FROM t AS shop", false},
    };
    AUTO(buf) struct buf out = {0};

    for (size_t i = 0; i < COUNT(cases); i++)
        assert_string_equal(named(cases[i].text, cases[i].printed, &out), cases[i].want);
}

/* As servers with lower_case_table_names = 1 or 2 do: SHOP.p would be production's database there. */
TEST(names_are_told_apart_as_the_server_does)
{
    struct my_here h = {.names = {.at = names, .count = COUNT(names)}};
    struct my_here_text in = {.text = span_of("SELECT SHOP.f(1), Crm.id FROM t cRM")};
    AUTO(buf) struct buf out = {0};

    assert_true(my_here_names(&h, &in, &out, NULL));
    assert_string_equal(buf_str(&out), "SELECT SHOP.f(1), Crm.id FROM t cRM");
    h.nocase = true;
    buf_clear(&out);
    assert_true(my_here_names(&h, &in, &out, NULL));
    assert_string_equal(buf_str(&out), "SELECT `sh``op`.f(1), Crm.id FROM t cRM");
}

TEST(backslashes_are_read_as_the_mode_wants_it)
{
    struct my_here h = {.names = {.at = names, .count = COUNT(names)}};
    struct my_here_text in = {.text = span_of("SELECT 'a\\', crm.f(1)"),
                              .no_backslash_escapes = true};
    AUTO(buf) struct buf out = {0};

    assert_true(my_here_names(&h, &in, &out, NULL));
    assert_string_equal(buf_str(&out), "SELECT 'a\\', `crm2`.f(1)");
}

static const char *mapped(const char *create, struct my_here *h, struct buf *out)
{
    AUTO(json) json_t *object = json_pack("{s:s}", "kind", "VIEW");
    struct err err = {0};

    buf_clear(out);
    assert_true(my_here_object(h, object, span_of(create), out, &err));
    return buf_str(out);
}

TEST(definers_are_mapped)
{
    struct opt_list list = {.at = {"a@%=x@y", "b=new", "c@d=one"}, .count = 3};
    char account[] = "me@here";
    struct selection what = {.owners = &list};
    struct my_here h = {.what = &what};
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"CREATE DEFINER=`a`@`%` PROCEDURE p", "CREATE DEFINER=`x`@`y` PROCEDURE p"},
        {"CREATE DEFINER=`a`@`h` PROCEDURE p", "CREATE DEFINER=`a`@`h` PROCEDURE p"},
        {"CREATE ALGORITHM=MERGE DEFINER=`b`@`1.%` SQL SECURITY DEFINER VIEW v AS",
         "CREATE ALGORITHM=MERGE DEFINER=`new`@`1.%` SQL SECURITY DEFINER VIEW v AS"},
        {"CREATE DEFINER=\"c\"@\"d\" PACKAGE \"p\"", "CREATE DEFINER=\"one\"@\"d\" PACKAGE \"p\""},
        {"CREATE DEFINER=`b` VIEW v", "CREATE DEFINER=`new` VIEW v"},
        {"CREATE VIEW v AS SELECT 1", "CREATE VIEW v AS SELECT 1"},
    };
    AUTO(buf) struct buf out = {0};

    for (size_t i = 0; i < COUNT(cases); i++)
        assert_string_equal(mapped(cases[i].text, &h, &out), cases[i].want);
    h.account = account;
    assert_string_equal(mapped(cases[0].text, &h, &out), "CREATE DEFINER=`me`@`here` PROCEDURE p");
}

TESTS(databases_have_other_names, names_are_told_apart_as_the_server_does,
      backslashes_are_read_as_the_mode_wants_it, definers_are_mapped)
