#include "tests/test.h"

#include "tests/unit/lib/sql/statements.h"

/* A text that is one statement as a whole, with another behind it. */
#define WHOLE(text)                          \
    {                                        \
        text ";SELECT 99", text "|SELECT 99" \
    }

TEST(simple_statements)
{
    static const struct split_case cases[] = {
        {"", ""},
        {"# c\n-- c\n--\n/* c; */", ""},
        {"--no space, yet first\nSELECT 1;", "SELECT 1"},
        {"SELECT 5--3;SELECT 2", "SELECT 5--3|SELECT 2"},
        {"SELECT 5--\t3;\n;SELECT 2", "SELECT 5|SELECT 2"},
        {"SELECT 1 # ; \n;SELECT 2", "SELECT 1|SELECT 2"},
        {"SELECT 1 /* /* ; */;SELECT 2", "SELECT 1|SELECT 2"},
        {"SELECT /*+ NO_MERGE(t) */ 1;", "SELECT /*+ NO_MERGE(t) */ 1"},
        {"\xEF\xBB\xBFSELECT 1;\r\nSELECT 2", "SELECT 1|SELECT 2"},
        {"SELECT (1;SELECT 2", "SELECT (1|SELECT 2"},
        {"INSERT INTO t VALUES (\\N, 1);X", "INSERT INTO t VALUES (\\N, 1)|X"},
        {"SELECT 1; -- behind\nSELECT 2", "SELECT 1|SELECT 2"},
        {"BEGIN;UPDATE t SET a=1;COMMIT", "BEGIN|UPDATE t SET a=1|COMMIT"},
    };
    check_splits(SQL_MARIADB, cases, COUNT(cases));
}

TEST(quotes)
{
    static const struct split_case cases[] = {
        {"SELECT 'a\\';b';X", "SELECT 'a\\';b'|X"},
        {"SELECT \"a\\\";b\";X", "SELECT \"a\\\";b\"|X"},
        {"SELECT 'a''b;';X", "SELECT 'a''b;'|X"},
        {"SELECT `a\\`;X", "SELECT `a\\`|X"},
        {"SELECT `a``;b`;X", "SELECT `a``;b`|X"},
        {"SELECT x'00', b'1', N'a\\';';X", "SELECT x'00', b'1', N'a\\';'|X"},
        {"SELECT _utf8'a\\';';X", "SELECT _utf8'a\\';'|X"},
        {"SELECT '#', '-- ', '/*';X", "SELECT '#', '-- ', '/*'|X"},
        {"SELECT $$;X", "SELECT $$|X"},
    };
    check_splits(SQL_MARIADB, cases, COUNT(cases));
}

TEST(modes_in_the_text)
{
    static const struct split_case cases[] = {
        {"SET sql_mode='STRICT_TRANS_TABLES, no_backslash_escapes';SELECT 'a\\';X",
         "SET sql_mode='STRICT_TRANS_TABLES, no_backslash_escapes'|SELECT 'a\\'|X"},
        {"SET SESSION sql_mode=ANSI_QUOTES;SELECT \"a\\\";b\";X",
         "SET SESSION sql_mode=ANSI_QUOTES|SELECT \"a\\\";b\"|X"},
        {"SET @@session.sql_mode:='ANSI';SELECT \"a\\\";X",
         "SET @@session.sql_mode:='ANSI'|SELECT \"a\\\"|X"},
        {"SET GLOBAL sql_mode='ANSI';SELECT \"a\\\";\";X",
         "SET GLOBAL sql_mode='ANSI'|SELECT \"a\\\";\"|X"},
        {"SET @@global.sql_mode='ANSI';SELECT \"a\\\";\";X",
         "SET @@global.sql_mode='ANSI'|SELECT \"a\\\";\"|X"},
        {"SET @sql_mode='ANSI';SELECT \"a\\\";\";X", "SET @sql_mode='ANSI'|SELECT \"a\\\";\"|X"},
        {"SET @old=@@sql_mode, SQL_MODE='ANSI';SELECT \"a\\\";SET sql_mode=@old;SELECT \"a\\\";\";X",
         "SET @old=@@sql_mode, SQL_MODE='ANSI'|SELECT \"a\\\"|SET sql_mode=@old|SELECT \"a\\\";\"|X"},
        {"/*!50003 SET sql_mode = 'NO_BACKSLASH_ESCAPES' */;SELECT '\\';X",
         "/*!50003 SET sql_mode = 'NO_BACKSLASH_ESCAPES' */|SELECT '\\'|X"},
    };
    check_splits(SQL_MARIADB, cases, COUNT(cases));
}

TEST(modes_from_the_caller)
{
    struct sql_splitter s;
    struct sql_statement st;
    struct err err = {0};
    bool more;

    sql_split_init(&s, SQL_MARIADB, SPAN("SELECT \"a\\\";SELECT '\\';X"));
    s.ansi_quotes = s.no_backslash_escapes = true;
    assert_ok(sql_split_next(&s, &st, &more, &err), &err);
    assert_span(st.text, "SELECT \"a\\\"");
    assert_ok(sql_split_next(&s, &st, &more, &err), &err);
    assert_span(st.text, "SELECT '\\'");
}

TEST(versioned_comments)
{
    static const struct split_case cases[] = {
        {"/*M!999999\\- enable the sandbox mode */ \n-- dump\nSELECT 1;", "SELECT 1"},
        {"/*!40101 SET NAMES utf8 */;SELECT 1", "/*!40101 SET NAMES utf8 */|SELECT 1"},
        {"/*!50001 CREATE VIEW v AS SELECT ';' */;X", "/*!50001 CREATE VIEW v AS SELECT ';' */|X"},
        {"/*! SELECT '*/' */;X", "/*! SELECT '*/' */|X"},
        {"/*M!100100 a */;X", "/*M!100100 a */|X"},
        {"/*!50003 a /* ; */ ; b */;X", "/*!50003 a /* ; */ ; b */|X"},
        {"SELECT 2*/* c */3;X", "SELECT 2*/* c */3|X"},
        {"CREATE TABLE t (a int) /*!50100 PARTITION BY KEY (a) */ ;X",
         "CREATE TABLE t (a int) /*!50100 PARTITION BY KEY (a) */|X"},
    };
    check_splits(SQL_MARIADB, cases, COUNT(cases));
}

TEST(delimiters)
{
    static const struct split_case cases[] = {
        {"DELIMITER //\nCREATE PROCEDURE p() BEGIN a; b; END//\nDELIMITER ;\nSELECT 1;",
         "CREATE PROCEDURE p() BEGIN a; b; END|SELECT 1"},
        {"delimiter $$\nCREATE PROCEDURE p() BEGIN a; END$$\nX$$",
         "CREATE PROCEDURE p() BEGIN a; END|X"},
        {"DELIMITER\n//\nSELECT 1; //\nDELIMITER ;\nX;", "SELECT 1;|X"},
        {"DELIMITER ;;\r\nSELECT ';;' ; a ;;\r\nDELIMITER ;\r\nX;", "SELECT ';;' ; a|X"},
        {"DELIMITER '|x'\nSELECT 1; |xDELIMITER ;\nX", "SELECT 1;|X"},
        {"DELIMITER go\nSELECT category\ngo\nX\ngo\n", "SELECT category|X"},
        {"DELIMITER ;;\n/*!50003 CREATE*/ /*!50017 DEFINER=`a`@`%`*/ /*!50003 TRIGGER t BEFORE INSERT ON "
         "x FOR EACH ROW BEGIN SET NEW.a=1; END */;;\nDELIMITER ;\nX",
         "/*!50003 CREATE*/ /*!50017 DEFINER=`a`@`%`*/ /*!50003 TRIGGER t BEFORE INSERT ON "
         "x FOR EACH ROW BEGIN SET NEW.a=1; END */|X"},
        {"SELECT delimiter FROM t;X", "SELECT delimiter FROM t|X"},
        {"SELECT 1;DELIMITER //\nX;//", "SELECT 1|X;"},
        {"DELIMITER //\nSELECT 1 // # c\n", "SELECT 1"},
    };
    check_splits(SQL_MARIADB, cases, COUNT(cases));
}

TEST(bodies_without_delimiter)
{
    static const struct split_case cases[] = {
        WHOLE("CREATE PROCEDURE p() SELECT 1"),
        WHOLE("CREATE PROCEDURE p() BEGIN SELECT 1; SELECT 2; END"),
        WHOLE("CREATE OR REPLACE DEFINER=`r`@`%` PROCEDURE IF NOT EXISTS p(IN a INT, OUT b INT) "
              "COMMENT 'x' READS SQL DATA BEGIN END"),
        WHOLE("CREATE DEFINER=event@trigger PROCEDURE p() BEGIN a; END"),
        WHOLE("CREATE PROCEDURE begin() SELECT 1"),
        WHOLE("CREATE PROCEDURE p() l: BEGIN LEAVE l; END l"),
        WHOLE("CREATE PROCEDURE p() BEGIN IF a THEN b; ELSEIF c THEN d; ELSE e; END IF; END"),
        WHOLE("CREATE PROCEDURE p() IF a THEN b; END IF"),
        WHOLE("CREATE PROCEDURE p() BEGIN SET x = IF(a, b, c); SELECT REPEAT('x', 3); END"),
        WHOLE("CREATE PROCEDURE p() BEGIN IF IF(a,b,c) THEN d; END IF; END"),
        WHOLE("CREATE PROCEDURE p() BEGIN CASE x WHEN 1 THEN a; ELSE BEGIN b; END; END CASE; END"),
        WHOLE(
            "CREATE PROCEDURE p() BEGIN SET x = CASE a WHEN 1 THEN IF(b,1,2) ELSE REPEAT('x',2) END; "
            "SELECT CASE WHEN CASE WHEN 1 THEN 2 END THEN 3 END; END"),
        WHOLE("CREATE PROCEDURE p() BEGIN l: LOOP LEAVE l; END LOOP l; WHILE a DO b; END WHILE; "
              "REPEAT c; UNTIL d END REPEAT; FOR i IN 1..10 DO e; END FOR; END"),
        WHOLE("CREATE PROCEDURE p() BEGIN SELECT start, end FROM t; SELECT begin FROM t; "
              "SELECT t.end, a AS end FROM t; END"),
        WHOLE(
            "CREATE PROCEDURE p() BEGIN SELECT CASE WHEN end > 1 THEN end ELSE end END FROM t; END"),
        WHOLE("CREATE PROCEDURE p() BEGIN REPEAT SET i = i + 1; UNTIL end > 5 END REPEAT; END"),
        WHOLE("CREATE PROCEDURE p() BEGIN DECLARE c CURSOR FOR SELECT 1; DECLARE EXIT HANDLER FOR "
              "SQLEXCEPTION, NOT FOUND, SQLSTATE VALUE '23000', 1062 BEGIN ROLLBACK; END; "
              "DECLARE CONTINUE HANDLER FOR my_cond IF a THEN b; END IF; "
              "DECLARE CONTINUE HANDLER FOR NOT FOUND SET x = IF(a,1,2); OPEN c; END"),
        WHOLE("CREATE PROCEDURE p() BEGIN SET x := IF(a,1,2); DO SLEEP(1); DO IF(a,1,2); END"),
        WHOLE("CREATE PROCEDURE p() BEGIN SELECT 'END; BEGIN'; -- END;\n SELECT 1; END"),
        WHOLE(
            "CREATE PROCEDURE p() BEGIN IF EXISTS (SELECT 1) THEN DROP TABLE IF EXISTS t; END IF; END"),
        WHOLE(
            "CREATE FUNCTION f(a INT) RETURNS VARCHAR(10) CHARSET utf8mb4 DETERMINISTIC RETURN a"),
        WHOLE("CREATE FUNCTION f() RETURNS INT RETURN IF(a,1,2)"),
        WHOLE("CREATE FUNCTION f() RETURNS INT BEGIN RETURN REPEAT('a',1); END"),
        WHOLE("CREATE FUNCTION f RETURNS STRING SONAME 'f.so'"),
        WHOLE(
            "CREATE AGGREGATE FUNCTION f(x INT) RETURNS INT BEGIN DECLARE y INT; LOOP FETCH GROUP NEXT "
            "ROW; END LOOP; END"),
        WHOLE("CREATE TRIGGER t BEFORE INSERT ON x FOR EACH ROW SET NEW.a = IF(1,2,3)"),
        WHOLE("CREATE TRIGGER t AFTER UPDATE ON x FOR EACH ROW FOLLOWS u BEGIN a; END"),
        WHOLE("CREATE TRIGGER t AFTER UPDATE ON x FOR EACH ROW PRECEDES `u` IF a THEN b; END IF"),
        WHOLE("CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO BEGIN a; b; END"),
        WHOLE("CREATE EVENT e ON SCHEDULE EVERY 1 DAY COMMENT 'x' DO DELETE FROM t"),
        WHOLE("ALTER EVENT e DO BEGIN a; END"),
        WHOLE("ALTER PROCEDURE p COMMENT 'x'"),
        WHOLE("BEGIN NOT ATOMIC SELECT 1; IF a THEN b; END IF; END"),
        WHOLE("IF a THEN b; END IF"),
        WHOLE("WHILE a DO b; END WHILE"),
        WHOLE("FOR i IN (SELECT 1) DO b; END FOR"),
        WHOLE("CREATE VIEW v AS SELECT CASE WHEN 1 THEN 2 END"),
        WHOLE("CREATE TABLE t (begin INT, end INT)"),
        WHOLE("DROP PROCEDURE IF EXISTS p"),
    };
    check_splits(SQL_MARIADB, cases, COUNT(cases));
}

TEST(oracle_mode)
{
    static const struct split_case cases[] = {
        WHOLE("CREATE PROCEDURE p AS x INT; BEGIN a; END"),
        WHOLE(
            "CREATE PROCEDURE p(a INT) IS x INT; BEGIN WHILE a LOOP b; END LOOP; FOR i IN 1..2 LOOP IF "
            "c THEN d; ELSIF e THEN f; END IF; END LOOP; EXCEPTION WHEN OTHERS THEN g; END p"),
        WHOLE("CREATE FUNCTION f(a INT) RETURN INT AS BEGIN RETURN a; END"),
        WHOLE("CREATE FUNCTION f(a INT) RETURN INT IS x INT; BEGIN RETURN a IS NULL; END"),
        WHOLE("CREATE FUNCTION f(a INT) RETURNS INT RETURN a IS NOT NULL"),
        WHOLE("CREATE FUNCTION f(a INT) RETURNS INT RETURN CAST(a AS CHAR) IS NULL"),
        WHOLE("CREATE PACKAGE k AS PROCEDURE p(a INT); FUNCTION f RETURN INT; END"),
        WHOLE(
            "CREATE PACKAGE BODY k AS v INT; PROCEDURE p(a INT) AS x INT; BEGIN b; END; FUNCTION f "
            "RETURN INT AS BEGIN RETURN 1; END; END"),
        WHOLE("CREATE PACKAGE BODY k AS PROCEDURE p AS BEGIN a; END; BEGIN b; END"),
    };
    check_splits(SQL_MARIADB, cases, COUNT(cases));
}

TEST(refusals_name_the_line)
{
    static const struct split_refusal cases[] = {
        {"SELECT 1;\nSELECT 'a\\'", "line 2: a quoted string is not closed"},
        {"SELECT 'a\\", "line 1: a quoted string is not closed"},
        {"SELECT `a", "line 1: a quoted name is not closed"},
        {"\n/* a", "line 2: a comment is not closed"},
        {"\n/*!50003 a", "line 2: a versioned comment in this statement is not closed"},
        {"X;\nCREATE PROCEDURE p() BEGIN a;",
         "line 2: the body that begins in this statement has no END"},
        {"X;\nsource other.sql\n", "line 2: client command 'source' is not understood"},
        {"SELECT 1\\G\n", "line 1: client command '\\G' is not understood"},
        {"\\. file\n", "line 1: client command '\\.' is not understood"},
        {"DELIMITER \n", "line 1: DELIMITER wants one word"},
        {"DELIMITER 0123456789abcdef\n", "line 1: DELIMITER wants one word"},
        {"DELIMITER \\\\\n", "line 1: DELIMITER wants one word"},
    };
    check_refusals(SQL_MARIADB, cases, COUNT(cases));
}

TEST(blocks_too_deep)
{
    char text[8192] = "BEGIN NOT ATOMIC ";
    struct split_list list;
    struct err err = {0};

    for (size_t i = 0; i < 1000; i++)
        memcpy(text + strlen("BEGIN NOT ATOMIC ") + i * 6, "BEGIN ", 6);
    assert_fails(split_all(SQL_MARIADB, span_of(text), &list, &err), &err, ERR_SQL);
}

TEST(cut_anywhere)
{
    static const char text[] =
        "/*M!999999\\- s */\nDELIMITER //\nSELECT 'a\\'' \"b\" `c`, \\N //\nDELIMITER ;\n"
        "/*!50003 CREATE PROCEDURE p(a INT) COMMENT 'x' BEGIN DECLARE EXIT HANDLER FOR SQLSTATE '1' SET "
        "a = 1; IF a THEN SELECT CASE WHEN end THEN 2*/* c */3 END; END IF; REPEAT b; UNTIL c END "
        "REPEAT; END */;\nSET @x = @@sql_mode, sql_mode = 'ANSI';# x\nSELECT 1--2-- c";
    cut_everywhere(SQL_MARIADB, text);
}

TESTS(simple_statements, quotes, modes_in_the_text, modes_from_the_caller, versioned_comments,
      delimiters, bodies_without_delimiter, oracle_mode, refusals_name_the_line, blocks_too_deep,
      cut_anywhere)
