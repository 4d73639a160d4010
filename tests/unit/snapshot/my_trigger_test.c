#include "snapshot/my_trigger.h"
#include "tests/test.h"

static const char table[] = "CREATE TABLE `t` (\n  `a` int,\n  `B c` int,\n  `we``ird` int,\n"
                            "  `at` int GENERATED ALWAYS AS (`a`) STORED,\n  KEY `gone` (`a`)\n)";

static void expect(const char *create, const char *lost)
{
    struct my_trigger_text text = {.create = span_of(create)};
    struct span found;
    struct err err = {0};

    assert_ok(my_trigger_lost(&text, span_of(table), &found, &err), &err);
    if (!lost)
        assert_null(found.at);
    else
        assert_true(span_is(found, lost));
}

#define HEAD "CREATE DEFINER=`old`@`new` TRIGGER `x` BEFORE INSERT ON `t` FOR EACH ROW "

TEST(fits_its_table)
{
    expect(HEAD "SET NEW.a = new.A + OLD.`b C` + `we``ird`, @x = NEW.`we``ird`, @y = old.at", NULL);
    expect(HEAD "SET @a = NEW.row_start", NULL);
    expect(HEAD "INSERT INTO u VALUES ('NEW.gone', \"OLD.gone\") /* NEW.gone */ -- NEW.gone", NULL);
    expect(HEAD "SET @a = (SELECT x.new FROM x WHERE y.old.gone = 1)", NULL);
}

TEST(names_what_its_table_has_not)
{
    expect(HEAD "SET @a = NEW.a, @b := old.gone, @c = NEW.other", "gone");
    expect(HEAD "BEGIN IF NEW.`go``ne` THEN SET @a = 1; END IF; END", "`go``ne`");
    expect(HEAD "SET NEW . x = 1", "x");
}

/* Where NEW is a table's alias or a variable, or a name may be written in another way, too. */
TEST(fits_in_doubt)
{
    expect(HEAD "SET @a = (SELECT new.gone FROM u new)", NULL);
    expect(HEAD "BEGIN DECLARE old ROW (gone int); SET @a = old.gone; END", NULL);
    expect(HEAD "SET @a = NEW.\"gone\"", NULL);
    expect(HEAD "SET @a = NEW.g\xc3\xb6ne, @b = new.t.gone", NULL);
    expect(HEAD "SET @a = NEW.", NULL);
}

TEST(no_backslash_escapes)
{
    struct my_trigger_text text = {.create = span_of(HEAD "SET @a = '\\', @b = NEW.gone, @c = '"),
                                   .no_backslash_escapes = true};
    struct span found;
    struct err err = {0};

    assert_ok(my_trigger_lost(&text, span_of(table), &found, &err), &err);
    assert_true(span_is(found, "gone"));
}

TESTS(fits_its_table, names_what_its_table_has_not, fits_in_doubt, no_backslash_escapes)
