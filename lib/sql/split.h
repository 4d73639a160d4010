/* Splits SQL text into statements, as psql and the mariadb client would.
 *
 * PostgreSQL: quotes, E'' and U&'', $tag$, nested comments, parentheses, BEGIN ATOMIC ... END with
 *   CASE inside, COPY ... FROM stdin data until \. ; \restrict and \unrestrict are skipped, any
 *   other meta-command is an error that names the line.
 * MariaDB: quotes with backslash escapes (or not: NO_BACKSLASH_ESCAPES), ANSI_QUOTES, # and -- and
 *   / * * / comments, versioned comments kept as part of the statement, DELIMITER, routine bodies
 *   (BEGIN ... END, IF, CASE, LOOP, WHILE, REPEAT) without DELIMITER.
 * Both: BOM, CRLF, a last statement without terminator, comment-only files (no statement).
 * Pure: text in, spans out. Threads: one splitter per thread. Errors: ERR_SQL with the line for
 *   an unclosed quote, comment, body or COPY block. Never reads past the span.
 * Source: PostgreSQL psqlscan.l, MariaDB client/mysql.cc behaviour.
 */
#ifndef LIB_SQL_SPLIT_H
#define LIB_SQL_SPLIT_H

#include "lib/base/err.h"
#include "lib/base/span.h"

enum sql_dialect { SQL_POSTGRESQL, SQL_MARIADB };

struct sql_statement {
    struct span text; /* without the terminator and outer white space; borrowed from the input */
    struct span copy_data; /* PostgreSQL COPY FROM stdin: the lines before \. ; else .at == NULL */
    unsigned line;    /* 1-based, of the first token */
};

struct sql_splitter {
    enum sql_dialect dialect;
    bool ansi_quotes, no_backslash_escapes;
    struct span rest;
    unsigned line;
    char delimiter[16];
    bool started;
};

void sql_split_init(struct sql_splitter *s, enum sql_dialect dialect, struct span text);
/* *more is false at the end (then *out is untouched). */
bool sql_split_next(struct sql_splitter *s, struct sql_statement *out, bool *more,
                    struct err *err);

/* Next token of a statement, comments and white space skipped; for classification and lint. */
enum sql_token { SQL_END, SQL_WORD, SQL_QUOTED_NAME, SQL_STRING, SQL_NUMBER, SQL_PUNCT };
enum sql_token sql_token_next(enum sql_dialect dialect, struct span *rest, struct span *token);
/* True when the statement starts with these words: sql_starts(d, text, "create unique index"). */
bool sql_starts(enum sql_dialect dialect, struct span text, const char *words);

#endif
