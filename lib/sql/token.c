#include "lib/sql/lex.h"

enum sql_token sql_token_next(enum sql_dialect dialect, struct span *rest, struct span *token)
{
    return sql_token_under(dialect, dialect == SQL_POSTGRESQL, rest, token);
}

enum sql_token sql_token_under(enum sql_dialect dialect, bool no_backslash_escapes,
                               struct span *rest, struct span *token)
{
    /* One level of versioned comment is always taken as open: the text may begin inside. */
    struct lex x = {.dialect = dialect,
                    .no_backslash_escapes = no_backslash_escapes,
                    .version_depth = 1,
                    .at = rest->at,
                    .end = rest->at + rest->len};
    static const enum sql_token kinds[] = {
        [LEX_WORD] = SQL_WORD,     [LEX_NAME] = SQL_QUOTED_NAME, [LEX_STRING] = SQL_STRING,
        [LEX_NUMBER] = SQL_NUMBER, [LEX_PUNCT] = SQL_PUNCT,      [LEX_BACKSLASH] = SQL_PUNCT,
    };
    struct lexeme l = {.kind = LEX_END};

    while (rest->len > 0) {
        /* In 2*(slash star)x(star slash)3 the first two bytes close nothing. */
        x.version_depth = rest->len >= 3 && memcmp(x.at, "*/*", 3) == 0 ? 0 : 1;
        l = lex_next(&x);
        rest->at = x.at;
        rest->len = (size_t)(x.end - x.at);
        if (l.kind == LEX_UNCLOSED) {
            *token = l.text;
            return *l.what == 'c' ? SQL_END : SQL_STRING;
        }
        if (l.kind != LEX_SPACE && l.kind != LEX_VERSION_OPEN && l.kind != LEX_VERSION_CLOSE) {
            *token = l.text;
            return kinds[l.kind];
        }
    }
    *token = (struct span){rest->at, 0};
    return SQL_END;
}

bool sql_unquote(struct span token, char quote, struct buf *out)
{
    bool quoted = token.len >= 2 && *token.at == quote && token.at[token.len - 1] == quote;
    size_t end = token.len - quoted;

    buf_clear(out);
    buf_puts(out, "");
    for (size_t i = quoted; i < end; i++) {
        buf_putc(out, token.at[i]);
        i += quoted && token.at[i] == quote && i + 1 < end && token.at[i + 1] == quote;
    }
    return !out->failed;
}

bool sql_starts(enum sql_dialect dialect, struct span text, const char *words)
{
    struct span want = span_of(words), word, token;

    while (span_split(&want, ' ', &word)) {
        if (word.len == 0)
            continue;
        if (sql_token_next(dialect, &text, &token) != SQL_WORD || token.len != word.len ||
            strncasecmp(token.at, word.at, word.len) != 0)
            return false;
    }
    return true;
}
