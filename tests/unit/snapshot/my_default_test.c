#include "snapshot/my_default.h"
#include "tests/test.h"

static void expect(const char *create, const char *then)
{
    AUTO(buf) struct buf out = {0};
    struct err err = {0};
    bool changed = false;

    assert_ok(my_default_null(span_of(create), &out, &changed, &err), &err);
    assert_string_equal(buf_str(&out), then);
    assert_int_equal(changed, strcmp(create, then) != 0);
}

TEST(gives_null_to_what_has_no_default)
{
    expect(
        "CREATE TABLE `t` (\n  `MAX(id)` int(11),\n  `b` enum('a',' DEFAULT'),\n  `DEFAULT` blob\n) "
        "ENGINE=Aria",
        "CREATE TABLE `t` (\n  `MAX(id)` int(11) DEFAULT NULL,\n  `b` enum('a',' DEFAULT') DEFAULT "
        "NULL,\n  `DEFAULT` blob DEFAULT NULL\n) ENGINE=Aria");
    expect("CREATE TABLE `t` (\n  `a` varchar(9) CHARACTER SET latin1 COMMENT 'x'\n)",
           "CREATE TABLE `t` (\n  `a` varchar(9) CHARACTER SET latin1 DEFAULT NULL COMMENT 'x'\n)");
    expect("CREATE TABLE `t` (\n  `a` text CHECK (`a` = ' DEFAULT')\n)",
           "CREATE TABLE `t` (\n  `a` text DEFAULT NULL CHECK (`a` = ' DEFAULT')\n)");
    expect("CREATE TABLE `t` (\n  `a` int `opt`=1\n)",
           "CREATE TABLE `t` (\n  `a` int DEFAULT NULL `opt`=1\n)");
}

TEST(leaves_the_others)
{
    static const char text[] =
        "CREATE TABLE `t` (\n  `a` int NOT NULL,\n  `b` int DEFAULT NULL COMMENT 'NOT',\n  `c` int "
        "GENERATED ALWAYS AS (`a`) VIRTUAL,\n  `d` timestamp NULL DEFAULT current_timestamp() ON UPDATE "
        "current_timestamp(),\n  `e` int NOT NULL AUTO_INCREMENT,\n  PRIMARY KEY (`e`),\n  KEY `k` "
        "(`a`),\n  CONSTRAINT `c` CHECK (`a` > 1)\n)";

    expect(text, text);
}

TESTS(gives_null_to_what_has_no_default, leaves_the_others)
