#include "lib/sql/lex.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_word(char c)
{
    return is_word_start(c) || is_digit(c) || c == '$';
}

static size_t left(const struct lex *x)
{
    return (size_t)(x->end - x->at);
}

static char peek(const struct lex *x, size_t n)
{
    return n < left(x) ? x->at[n] : '\0';
}

static bool comes(const struct lex *x, const char *text, size_t len)
{
    return left(x) >= len && memcmp(x->at, text, len) == 0;
}

/* From where x->at stands to `to`. */
static struct lexeme give(struct lex *x, enum lex_kind kind, const char *to)
{
    struct lexeme l = {.kind = kind, .text = {x->at, (size_t)(to - x->at)}};

    x->at = to;
    return l;
}

static struct lexeme unclosed(struct lex *x, const char *what)
{
    struct lexeme l = give(x, LEX_UNCLOSED, x->end);

    l.what = what;
    return l;
}

/* A lone carriage return ends a line for PostgreSQL, not for MariaDB. */
static const char *line_end(const struct lex *x, const char *p)
{
    while (p < x->end && *p != '\n' && (*p != '\r' || x->dialect == SQL_MARIADB))
        p++;
    return p;
}

/* ---- comments ----------------------------------------------------------------------------------*/

static struct lexeme block_comment(struct lex *x)
{
    bool nests = x->dialect == SQL_POSTGRESQL;
    unsigned depth = 1;
    const char *p = x->at + 2;

    while (x->end - p >= 2) {
        if (p[0] == '*' && p[1] == '/') {
            p += 2;
            if (--depth == 0)
                return give(x, LEX_SPACE, p);
        } else if (nests && p[0] == '/' && p[1] == '*') {
            p += 2;
            depth++;
        } else {
            p++;
        }
    }
    return unclosed(x, "comment");
}

/* The mark that newer dumps begin with is meant for the client alone, so it counts as a comment:
 * "slash star M!999999\- enable the sandbox mode star slash". */
static struct lexeme version_open(struct lex *x)
{
    const char *p = x->at + (x->at[2] == '!' ? 3 : 4);

    while (p < x->end && is_digit(*p))
        p++;
    if (x->end - p >= 2 && p[0] == '\\' && p[1] == '-')
        return block_comment(x);
    x->version_depth++;
    return give(x, LEX_VERSION_OPEN, p);
}

static bool is_version_open(const struct lex *x)
{
    return x->dialect == SQL_MARIADB && (comes(x, "/*!", 3) || comes(x, "/*M!", 4));
}

/* MariaDB wants white space or a control character behind the dashes: 5--3 is 8 there. */
static bool is_line_comment(const struct lex *x)
{
    if (x->dialect == SQL_MARIADB && peek(x, 0) == '#')
        return true;
    if (!comes(x, "--", 2))
        return false;
    if (x->dialect == SQL_POSTGRESQL || x->fresh || left(x) == 2)
        return true;
    return is_space(x->at[2]) || (unsigned char)x->at[2] < ' ';
}

/* ---- quotes ------------------------------------------------------------------------------------*/

/* The byte behind the closing quote of a text whose first byte is `p`; NULL without one. Doubled
 * quotes belong to the text. */
static const char *quote_end(const struct lex *x, const char *p, char quote, bool backslashes)
{
    while (p < x->end) {
        if (backslashes && *p == '\\') {
            p += x->end - p >= 2 ? 2 : 1;
        } else if (*p != quote) {
            p++;
        } else if (x->end - p >= 2 && p[1] == quote) {
            p += 2;
        } else {
            return p + 1;
        }
    }
    return NULL;
}

/* A string goes on behind white space that holds a newline, and keeps its kind: E'a' <newline>
 * 'b\'c' is one string. Gives the byte behind the next opening quote, or NULL. */
static const char *continued(const struct lex *x, const char *p)
{
    bool newline = false;

    for (;;) {
        if (x->end - p >= 2 && p[0] == '-' && p[1] == '-')
            p = line_end(x, p);
        if (p >= x->end)
            return NULL;
        if (*p == '\'')
            return newline ? p + 1 : NULL;
        if (!is_space(*p))
            return NULL;
        newline |= *p == '\n' || *p == '\r';
        p++;
    }
}

static struct lexeme string(struct lex *x, size_t prefix, char quote, bool backslashes)
{
    const char *p = quote_end(x, x->at + prefix + 1, quote, backslashes);

    while (p && x->dialect == SQL_POSTGRESQL && backslashes) {
        const char *more = continued(x, p);
        if (!more)
            break;
        p = quote_end(x, more, quote, backslashes);
    }
    return p ? give(x, LEX_STRING, p) : unclosed(x, "quoted string");
}

static struct lexeme name(struct lex *x, size_t prefix, char quote)
{
    const char *p = quote_end(x, x->at + prefix + 1, quote, false);

    return p ? give(x, LEX_NAME, p) : unclosed(x, "quoted name");
}

/* $$ or $tag$: a tag is a word without $ that does not begin with a digit. */
static size_t dollar_tag(const struct lex *x)
{
    size_t n = 1;

    if (is_digit(peek(x, 1)))
        return 0;
    while (n < left(x) && x->at[n] != '$' && is_word(x->at[n]))
        n++;
    return peek(x, n) == '$' && n < left(x) ? n + 1 : 0;
}

static struct lexeme dollar_string(struct lex *x, size_t tag)
{
    const char *from = x->at + tag;
    const char *p = memmem(from, (size_t)(x->end - from), x->at, tag);

    return p ? give(x, LEX_STRING, p + tag) : unclosed(x, "dollar-quoted string");
}

/* ---- words and numbers -------------------------------------------------------------------------*/

/* A delimiter made of letters ends a statement only where it is a word of its own. */
static bool delimiter_at(const struct lex *x, const char *p)
{
    struct span d = x->delimiter;

    if (d.len == 0 || (size_t)(x->end - p) < d.len || memcmp(p, d.at, d.len) != 0)
        return false;
    return !is_word_start(d.at[0]) || p + d.len == x->end || !is_word(p[d.len]);
}

/* `END$$` under DELIMITER $$ is a word and a delimiter, though $ may stand in names. */
static bool delimiter_inside(const struct lex *x, const char *p)
{
    return x->delimiter.len && !is_word_start(x->delimiter.at[0]) && delimiter_at(x, p);
}

static struct lexeme word(struct lex *x)
{
    const char *p = x->at + 1;

    while (p < x->end && is_word(*p) && !delimiter_inside(x, p))
        p++;
    return give(x, LEX_WORD, p);
}

static bool is_exponent(const struct lex *x, const char *p)
{
    if (*p != 'e' && *p != 'E')
        return false;
    if (++p < x->end && (*p == '+' || *p == '-'))
        p++;
    return p < x->end && is_digit(*p);
}

/* 1, 1.5, .5, 1e-3, 0x1f: letters behind the digits belong to it. 1..10 is two numbers. */
static struct lexeme number(struct lex *x)
{
    bool hex = comes(x, "0x", 2) || comes(x, "0X", 2);
    bool dot = false;
    const char *p = x->at;

    while (p < x->end && !delimiter_inside(x, p)) {
        if (*p == '.' && !dot && !(x->end - p >= 2 && p[1] == '.'))
            dot = true;
        else if (!hex && is_exponent(x, p))
            p++;
        else if (!is_word(*p) || *p == '$')
            break;
        p++;
    }
    return give(x, LEX_NUMBER, p);
}

/* ---- dialects ----------------------------------------------------------------------------------*/

static struct lexeme punct(struct lex *x)
{
    size_t len = comes(x, ":=", 2) || comes(x, "::", 2) ? 2 : 1;

    return give(x, LEX_PUNCT, x->at + len);
}

/* Letters that change how the quote behind them is read. */
static bool prefixed(struct lex *x, struct lexeme *out)
{
    char c = (char)(peek(x, 0) | 0x20);
    bool plain = !x->no_backslash_escapes;

    if (x->dialect == SQL_POSTGRESQL && c == 'u' && peek(x, 1) == '&') {
        if (peek(x, 2) == '"')
            return *out = name(x, 2, '"'), true;
        if (peek(x, 2) == '\'')
            return *out = string(x, 2, '\'', false), true;
    }
    if (peek(x, 1) != '\'')
        return false;
    if (x->dialect == SQL_POSTGRESQL && c == 'e')
        return *out = string(x, 1, '\'', true), true;
    if (c == 'b' || c == 'x')
        return *out = string(x, 1, '\'', false), true;
    if (c == 'n')
        return *out = string(x, 1, '\'', plain), true;
    return false;
}

static struct lexeme postgresql(struct lex *x)
{
    char c = *x->at;
    size_t tag;

    if (c == '\'')
        return string(x, 0, c, !x->no_backslash_escapes);
    if (c == '"')
        return name(x, 0, c);
    if (c == '$' && (tag = dollar_tag(x)) > 0)
        return dollar_string(x, tag);
    if (c == '$' && is_digit(peek(x, 1))) {
        const char *p = x->at + 1;
        while (p < x->end && is_digit(*p))
            p++;
        return give(x, LEX_NUMBER, p);
    }
    return punct(x);
}

static struct lexeme mariadb(struct lex *x)
{
    char c = *x->at;

    if (x->version_depth && comes(x, "*/", 2)) {
        x->version_depth--;
        return give(x, LEX_VERSION_CLOSE, x->at + 2);
    }
    if (c == '"' && x->ansi_quotes)
        return name(x, 0, c);
    if (c == '\'' || c == '"')
        return string(x, 0, c, !x->no_backslash_escapes);
    if (c == '`')
        return name(x, 0, c);
    if (c == '\\' && peek(x, 1) == 'N') /* NULL, as in LOAD DATA */
        return give(x, LEX_WORD, x->at + 2);
    return punct(x);
}

static struct lexeme space(struct lex *x)
{
    const char *p = x->at;

    while (p < x->end && is_space(*p))
        p++;
    return give(x, LEX_SPACE, p);
}

struct lexeme lex_next(struct lex *x)
{
    struct lexeme l;

    if (x->at >= x->end)
        return (struct lexeme){.kind = LEX_END, .text = {x->end, 0}};
    if (is_space(*x->at))
        return space(x);
    if (delimiter_at(x, x->at))
        return give(x, LEX_DELIMITER, x->at + x->delimiter.len);
    if (is_line_comment(x))
        return give(x, LEX_SPACE, line_end(x, x->at));
    if (is_version_open(x))
        return version_open(x);
    if (comes(x, "/*", 2))
        return block_comment(x);
    if (prefixed(x, &l))
        return l;
    if (is_word_start(*x->at))
        return word(x);
    if (is_digit(*x->at) || (*x->at == '.' && is_digit(peek(x, 1))))
        return number(x);
    l = x->dialect == SQL_POSTGRESQL ? postgresql(x) : mariadb(x);
    if (l.kind == LEX_PUNCT && *l.text.at == '\\')
        l.kind = LEX_BACKSLASH;
    return l;
}
