#include "snapshot/my_ddl.h"
#include "tests/test.h"

static void split(const char *create, struct my_ddl *d)
{
    struct err err = {0};

    assert_ok(my_ddl_split(span_of(create), d, &err), &err);
}

static const char *without_indexes(const char *create, struct buf *out)
{
    AUTO(my_ddl) struct my_ddl d = {.defs = VEC(struct my_def)};

    split(create, &d);
    assert_true(my_ddl_create(&d, out));
    return buf_str(out);
}

TEST(keeps_only_the_primary_key)
{
    AUTO(buf) struct buf b = {0};

    assert_string_equal(
        without_indexes("CREATE TABLE `t` (\n  `a` int NOT NULL,\n  `b` decimal(10,2),\n  PRIMARY "
                        "KEY (`a`),\n  UNIQUE KEY `u` (`b`),\n  KEY `k` (`b`,`a`),\n  FULLTEXT KEY "
                        "`f` (`b`),\n  SPATIAL KEY `s` (`b`),\n  CONSTRAINT `x` FOREIGN KEY (`b`) "
                        "REFERENCES `o` (`a`) ON DELETE CASCADE,\n  CONSTRAINT `c` CHECK (`a` > "
                        "1)\n) ENGINE=InnoDB",
                        &b),
        "CREATE TABLE `t` (\n  `a` int NOT NULL,\n  `b` decimal(10,2),\n  PRIMARY KEY (`a`),\n  "
        "CONSTRAINT `c` CHECK (`a` > 1)\n) ENGINE=InnoDB");
}

/* Names, comments and defaults may hold whatever looks like syntax. */
TEST(is_not_misled_by_quotes)
{
    AUTO(my_ddl) struct my_ddl d = {.defs = VEC(struct my_def)};

    split("CREATE TABLE `a(b``,` (\n  `c,)` varchar(9) DEFAULT '),\\'' COMMENT 'KEY `x` (''(',\n  "
          "`PRIMARY KEY` enum('(',')',','),\n  KEY `k)` (`c,)`(3))\n) COMMENT='AUTO_INCREMENT=5 )'",
          &d);
    const struct my_def *defs = d.defs.at;
    assert_int_equal(d.defs.count, 3);
    assert_int_equal(defs[0].part, MY_PART_COLUMN);
    assert_int_equal(defs[1].part, MY_PART_COLUMN);
    assert_int_equal(defs[2].part, MY_PART_KEY);
    assert_true(span_is(defs[2].first, "`c,)`"));
    assert_true(span_is(d.tail, ") COMMENT='AUTO_INCREMENT=5 )'"));
}

/* A foreign key's name may be that of a CHECK, and the other way round. */
TEST(tells_foreign_keys_from_checks)
{
    AUTO(my_ddl) struct my_ddl d = {.defs = VEC(struct my_def)};

    split("CREATE TABLE `t` (\n  `a` int,\n  CONSTRAINT `FOREIGN KEY` CHECK (`a` <> 'FOREIGN "
          "KEY'),\n  CONSTRAINT `CHECK` FOREIGN KEY (`a`) REFERENCES `t` (`a`)\n)",
          &d);
    const struct my_def *defs = d.defs.at;
    assert_int_equal(defs[1].part, MY_PART_OTHER);
    assert_int_equal(defs[2].part, MY_PART_FOREIGN);
}

TEST(an_auto_increment_column_keeps_its_key)
{
    AUTO(buf) struct buf b = {0};

    assert_string_equal(
        without_indexes("CREATE TABLE `t` (\n  `a` int NOT NULL,\n  `n` int NOT NULL "
                        "AUTO_INCREMENT,\n  PRIMARY KEY (`a`),\n  KEY `k` (`a`),\n  KEY `n` "
                        "(`n`,`a`)\n)",
                        &b),
        "CREATE TABLE `t` (\n  `a` int NOT NULL,\n  `n` int NOT NULL AUTO_INCREMENT,\n  PRIMARY "
        "KEY (`a`),\n  KEY `n` (`n`,`a`)\n)");
}

/* InnoDB keeps the rows by a unique key then: adding it later would sort them all again. */
TEST(without_a_primary_key_unique_ones_stay)
{
    AUTO(buf) struct buf b = {0};

    assert_string_equal(without_indexes("CREATE TABLE `t` (\n  `a` int NOT NULL,\n  UNIQUE KEY `u` "
                                        "(`a`),\n  KEY `k` (`a`)\n)",
                                        &b),
                        "CREATE TABLE `t` (\n  `a` int NOT NULL,\n  UNIQUE KEY `u` (`a`)\n)");
}

TEST(refuses_what_it_does_not_understand)
{
    static const char *const texts[] = {"",
                                        "CREATE VIEW",
                                        "CREATE TABLE `t` (",
                                        "CREATE TABLE `t",
                                        "CREATE TABLE `t` (`a` int DEFAULT 'x)",
                                        "DROP TABLE (`a`)"};

    for (size_t i = 0; i < COUNT(texts); i++) {
        AUTO(my_ddl) struct my_ddl d = {.defs = VEC(struct my_def)};
        struct err err = {0};
        assert_fails(my_ddl_split(span_of(texts[i]), &d, &err), &err, ERR_UNSUPPORTED);
    }
}

/* The counter moves with every row; a default or a comment of that wording does not. */
TEST(the_shape_has_no_counter)
{
    AUTO(buf) struct buf b = {0};

    assert_true(my_ddl_shape(SPAN("CREATE TABLE `t AUTO_INCREMENT=1` (`a` int) ENGINE=InnoDB "
                                  "AUTO_INCREMENT=1234 COMMENT=' AUTO_INCREMENT=7'"),
                             &b));
    assert_string_equal(buf_str(&b), "CREATE TABLE `t AUTO_INCREMENT=1` (`a` int) ENGINE=InnoDB "
                                     "COMMENT=' AUTO_INCREMENT=7'");
}

static const char *bytes(const char *create, struct buf *out)
{
    buf_clear(out);
    assert_true(my_ddl_bytes(span_of(create), out));
    return buf_str(out);
}

/* MySQL before 8.0 shows the default of a BINARY column as the bytes that it is. */
TEST(literals_that_are_no_text_become_hex)
{
    AUTO(buf) struct buf b = {0};

    assert_string_equal(
        bytes("`\xc3\xa4` binary(4) DEFAULT '\\0\xff''\\n', `b` int COMMENT 'it''s \xc3\xa4'", &b),
        "`\xc3\xa4` binary(4) DEFAULT x'00FF270A', `b` int COMMENT 'it''s \xc3\xa4'");
    assert_string_equal(bytes("'\\\\\xff' '\\'' ''", &b), "x'5CFF' '\\'' ''");
    assert_string_equal(bytes("'never ends \xff", &b), "'never ends \xff");
}

TESTS(literals_that_are_no_text_become_hex, keeps_only_the_primary_key, is_not_misled_by_quotes,
      tells_foreign_keys_from_checks, an_auto_increment_column_keeps_its_key,
      without_a_primary_key_unique_ones_stay, refuses_what_it_does_not_understand,
      the_shape_has_no_counter)
