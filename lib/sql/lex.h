/* Lexemes of SQL text, as far as splitting and classifying need them.
 *
 * White space and comments come as LEX_SPACE, so that nothing between two lexemes is lost. A MariaDB
 * versioned comment is not a comment: its opening and closing marks are lexemes and what stands
 * inside is lexed as usual. Words are ASCII letters, digits, _, $ and every byte from 0x80 up.
 * Pure, never reads past `end`. Private to lib/sql.
 * Source: PostgreSQL src/fe_utils/psqlscan.l, MariaDB client/mysql.cc and sql/sql_lex.cc.
 */
#ifndef LIB_SQL_LEX_H
#define LIB_SQL_LEX_H

#include "lib/sql/split.h"

enum lex_kind {
    LEX_END,
    LEX_SPACE,
    LEX_WORD,
    LEX_NAME, /* a quoted identifier, quotes included */
    LEX_STRING,
    LEX_NUMBER,
    LEX_PUNCT,         /* one byte, but := and :: are one lexeme */
    LEX_DELIMITER,     /* MariaDB: the delimiter in force */
    LEX_VERSION_OPEN,  /* MariaDB: slash star bang and the version */
    LEX_VERSION_CLOSE, /* star slash of it */
    LEX_BACKSLASH,     /* a client command begins */
    LEX_UNCLOSED,      /* a quote or comment without end; `what` names it */
};

struct lex {
    enum sql_dialect dialect;
    bool ansi_quotes, no_backslash_escapes;
    bool fresh; /* MariaDB: before the first token "--" is a comment whatever follows */
    unsigned version_depth;
    struct span delimiter; /* MariaDB; .len 0: none */
    const char *at, *end;
};

struct lexeme {
    enum lex_kind kind;
    struct span text;
    const char *what;
};

/* The next lexeme; x->at moves behind it. */
struct lexeme lex_next(struct lex *x);

#endif
