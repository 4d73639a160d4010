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

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/span.h"

enum sql_dialect { SQL_POSTGRESQL, SQL_MARIADB };

struct sql_statement {
    struct span text; /* without the terminator and outer white space; borrowed from the input */
    struct span copy_data; /* PostgreSQL COPY FROM stdin: the lines before \. ; else .at == NULL */
    unsigned line;         /* 1-based, of the first token */
};

/* ansi_quotes and no_backslash_escapes say how quotes are read; the caller may set them before the
 * first statement and between any two, as the server's mode wants it. Literal SETs of sql_mode and
 * of standard_conforming_strings in the text itself are followed. */
struct sql_splitter {
    enum sql_dialect dialect;
    bool ansi_quotes, no_backslash_escapes;
    bool outer_ansi_quotes,
        outer_no_backslash_escapes; /* what a mode that is put back returns to */
    struct span rest;
    unsigned line;
    char delimiter[16];
    bool started;
};

void sql_split_init(struct sql_splitter *s, enum sql_dialect dialect, struct span text);
/* *more is false at the end (then *out is untouched). */
bool sql_split_next(struct sql_splitter *s, struct sql_statement *out, bool *more, struct err *err);
/* Every statement of the text, in order, until `each` fails. */
bool sql_each(enum sql_dialect dialect, struct span text,
              bool (*each)(void *ctx, const struct sql_statement *st, struct err *err), void *ctx,
              struct err *err);

/* Next token of a statement, comments and white space skipped; for classification and lint. Quotes
 * and prefixes belong to the token; what stands in a versioned comment comes as tokens; := and ::
 * are one SQL_PUNCT, all others are single bytes. */
enum sql_token { SQL_END, SQL_WORD, SQL_QUOTED_NAME, SQL_STRING, SQL_NUMBER, SQL_PUNCT };
enum sql_token sql_token_next(enum sql_dialect dialect, struct span *rest, struct span *token);
/* The same under a mode of which it is known how it reads backslashes in strings. */
enum sql_token sql_token_under(enum sql_dialect dialect, bool no_backslash_escapes,
                               struct span *rest, struct span *token);
/* The text of a name: a token in `quote`s comes without them, doubled ones as one; any other token, also
 * one whose quote does not end, as it is. */
bool sql_unquote(struct span token, char quote, struct buf *out);
/* True when the statement starts with these words: sql_starts(d, text, "create unique index"). */
bool sql_starts(enum sql_dialect dialect, struct span text, const char *words);

#endif
