/* Follows a MariaDB stored program or compound statement, to know which semicolons end it.
 *
 * Fed with every lexeme of a statement but white space. A statement that is no program costs
 * nothing: routine_open() stays false. Knows BEGIN, IF, CASE (statement and expression), LOOP,
 * WHILE, REPEAT, FOR, condition handlers, labels, and the AS/IS blocks of Oracle mode. END, BEGIN
 * and most of their kin are not reserved words, so each counts only where the grammar lets it.
 * Private to lib/sql.
 */
#ifndef LIB_SQL_ROUTINE_H
#define LIB_SQL_ROUTINE_H

#include "lib/sql/lex.h"

#define ROUTINE_DEPTH_MAX 128

struct routine {
    unsigned char phase, kind, handler;
    unsigned char stack[ROUTINE_DEPTH_MAX];
    unsigned depth, words, paren;
    bool at_start;  /* a statement may begin with the next token */
    bool operand;   /* an expression goes on with a value, so END is a name there */
    bool after_end; /* the IF of END IF opens nothing */
    bool skip;      /* the next token is a part of a name */
    bool declare, nested, until, ordered, too_deep;
};

void routine_feed(struct routine *r, const struct lexeme *l);
bool routine_open(const struct routine *r);

#endif
