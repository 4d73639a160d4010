#include "lib/db/my_shown.h"
#include "tests/test.h"

#define SMILE "\xf0\x9f\x98\x80"

/* Each as "as column text", by lines. */
static void finds(const char *create, const char *what)
{
    static const char *const as[] = {"default", "enum", "set"};
    AUTO(vec) struct vec found = VEC(struct my_shown);
    AUTO(buf) struct buf out = {0};
    struct err err = {0};

    assert_ok(my_shown_find(span_of(create), &found, &err), &err);
    const struct my_shown *s = found.at;
    for (size_t i = 0; i < found.count; i++)
        buf_printf(&out, "%s %.*s %.*s\n", as[s[i].as], (int)s[i].column.len, s[i].column.at,
                   (int)s[i].text.len, s[i].text.at);
    assert_string_equal(buf_str(&out), what);
}

TEST(finds_defaults_and_elements_that_show_a_mark)
{
    finds("CREATE TABLE `t` (\n  `a``b` varchar(9) NOT NULL DEFAULT '?x',\n  `c` enum('?','b') "
          "DEFAULT '?' COMMENT 'y',\n  `d` set('a','(?','it''s?',',') CHARACTER SET utf16 DEFAULT "
          "'a'\n)",
          "default `a``b` '?x'\nenum `c` '?','b'\ndefault `c` '?'\nset `d` "
          "'a','(?','it''s?',','\n");
}

TEST(finds_nothing_else)
{
    finds("CREATE TABLE `?` (\n  `a?` varchar(9) DEFAULT 'x' COMMENT '?',\n  `b` varbinary(9) "
          "DEFAULT '?',\n  `i` binary(1) NOT NULL DEFAULT '?',\n  `c` text DEFAULT concat('?'),\n  "
          "`d` enum('a') CHECK (`d` <> '?'),\n  PRIMARY KEY (`a?`),\n  KEY `set` (`c`(3)) COMMENT "
          "'?'\n) COMMENT='?'",
          "");
    finds("", "");
}

static void fills(const char *shown, const char *value, const char *then)
{
    AUTO(buf) struct buf out = {0};

    assert_int_equal(my_shown_fill(span_of(shown), span_of(value), &out), then != NULL);
    assert_string_equal(buf_str(&out), then ? then : "");
}

TEST(puts_characters_where_they_are_shown)
{
    fills("'a? ?b'", "a" SMILE " ?b", "'a" SMILE " ?b'");
    fills("'\xc3\x9f?','x','?\\'?'", "\xc3\x9f" SMILE "?'" SMILE,
          "'\xc3\x9f" SMILE "','x','?\\'" SMILE "'");
    fills("'x'", "x", "'x'");
    /* A server that shows what it can. */
    fills("'" SMILE "?'", SMILE "?", "'" SMILE "?'");
}

TEST(does_not_guess)
{
    fills("'? ?'", SMILE " ", NULL);
    fills("'?'", SMILE SMILE, NULL);
    fills("'?'", "", NULL);
    fills("'" SMILE "?'", "?" SMILE, NULL);
    /* Cut: no character. */
    fills("'?'", "\xf0\x9f", NULL);
}

TESTS(finds_defaults_and_elements_that_show_a_mark, finds_nothing_else,
      puts_characters_where_they_are_shown, does_not_guess)
