#include "tests/test.h"

#include "tests/unit/lib/sql/statements.h"

struct token_case {
    enum sql_dialect dialect;
    const char *text;
    const char *want; /* kind letter and token, joined by a blank */
};

static void check_tokens(const struct token_case *c)
{
    static const char letters[] = {[SQL_WORD] = 'w',
                                   [SQL_QUOTED_NAME] = 'q',
                                   [SQL_STRING] = 's',
                                   [SQL_NUMBER] = 'n',
                                   [SQL_PUNCT] = 'p'};
    struct span rest = span_of(c->text), token;
    char got[512] = "";
    size_t len = 0;
    enum sql_token kind;

    while ((kind = sql_token_next(c->dialect, &rest, &token)) != SQL_END)
        len += (size_t)snprintf(got + len, sizeof(got) - len, "%s%c%.*s", len ? " " : "",
                                letters[kind], (int)token.len, token.at);
    assert_string_equal(got, c->want);
}

TEST(tokens)
{
    static const struct token_case cases[] = {
        {SQL_POSTGRESQL, "", ""},
        {SQL_POSTGRESQL, " -- c\n/* c */ ", ""},
        {SQL_POSTGRESQL, "SELECT a.\"b\"", "wSELECT wa p. q\"b\""},
        {SQL_POSTGRESQL, "'a' E'b\\'' $$c$$ U&'d'", "s'a' sE'b\\'' s$$c$$ sU&'d'"},
        {SQL_POSTGRESQL, "1 1.5 .5 1e-3 $1 1.", "n1 n1.5 n.5 n1e-3 n$1 n1."},
        {SQL_POSTGRESQL, "a::int:=1", "wa p:: wint p:= n1"},
        {SQL_POSTGRESQL, "'open", "s'open"},
        {SQL_POSTGRESQL, "a /* open", "wa"},
        {SQL_MARIADB, "`a``b` \"c\" 'd'", "q`a``b` s\"c\" s'd'"},
        {SQL_MARIADB, "/*!40000 ALTER */ TABLE", "wALTER wTABLE"},
        {SQL_MARIADB, "2*/* c */3", "n2 p* n3"},
        {SQL_MARIADB, "a # c\n-- c\nb--c", "wa wb p- p- wc"},
        {SQL_MARIADB, "@@x \\N", "p@ p@ wx w\\N"},
        {SQL_MARIADB, "1..10", "n1 p. n.10"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        check_tokens(&cases[i]);
}

TEST(starts)
{
    assert_true(
        sql_starts(SQL_POSTGRESQL, SPAN("/* c */ Create  unique\nINDEX i"), "create unique index"));
    assert_true(sql_starts(SQL_POSTGRESQL, SPAN("CREATE"), "create"));
    assert_false(sql_starts(SQL_POSTGRESQL, SPAN("CREATE"), "create index"));
    assert_false(sql_starts(SQL_POSTGRESQL, SPAN("CREATED"), "create"));
    assert_false(sql_starts(SQL_POSTGRESQL, SPAN("\"create\" x"), "create"));
    assert_true(sql_starts(SQL_MARIADB, SPAN("/*!50001 DROP */ VIEW v"), "drop view"));
    assert_true(sql_starts(SQL_POSTGRESQL, SPAN(""), ""));
}

TEST(names_come_without_their_quotes)
{
    static const struct {
        const char *token, *name;
        char quote;
    } cases[] = {
        {"\"a\"", "a", '"'},
        {"\"a\"\"b\"", "a\"b", '"'},
        {"\"\"\"\"\"\"", "\"\"", '"'},
        {"\"\"", "", '"'},
        {"`a``b`", "a`b", '`'},
        {"'it''s'", "it's", '\''},
        {"a", "a", '"'},
        {"", "", '"'},
        /* Quotes of another kind belong to the name. */
        {"`a`", "`a`", '"'},
        {"'a`", "'a`", '`'},
        {"`\"\"`", "\"\"", '`'},
        /* Nothing that a lexer gives. */
        {"\"", "\"", '"'},
        {"\"a", "\"a", '"'},
        {"a\"", "a\"", '"'},
        {"\"a\"\"", "a\"", '"'},
        {"\"a\"b\"", "a\"b", '"'},
        {"\"\"\"", "\"", '"'},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        AUTO(buf) struct buf out = {0};

        buf_puts(&out, "before");
        assert_true(sql_unquote(span_of(cases[i].token), cases[i].quote, &out));
        assert_string_equal(buf_str(&out), cases[i].name);
    }
}

/* A NUL is a byte like others, and what stands behind the token is not read. */
TEST(names_are_bytes)
{
    AUTO(buf) struct buf out = {0};

    assert_true(sql_unquote((struct span){"\"a\0b\"\"\"", 5}, '"', &out));
    assert_int_equal(out.len, 3);
    assert_memory_equal(out.at, "a\0b", 3);
}

TESTS(tokens, starts, names_come_without_their_quotes, names_are_bytes)
