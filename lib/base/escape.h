/* COPY text escaping: any bytes as one field of a line of fields split by tabs.
 *
 * Tab, newline, carriage return and backslash become \t \n \r \\, a NULL becomes \N, NUL becomes
 * \x00; every other byte stays. But for the zero byte it is what PostgreSQL's COPY and MariaDB's
 * LOAD DATA read: COPY has no zero bytes, and LOAD DATA writes them \0.
 */
#ifndef LIB_BASE_ESCAPE_H
#define LIB_BASE_ESCAPE_H

#include "lib/base/buf.h"

/* Appends the escaped form; s.at == NULL is written as \N. */
bool escape_add(struct buf *out, struct span s);
/* Undoes it in place: the result is never longer. \N alone gives {NULL, 0}. false when an escape is
 * unknown or cut. */
bool escape_undo(char *at, size_t len, struct span *out);

#endif
