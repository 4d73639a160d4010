/* LOAD DATA text of single values, as bundles hold it for MariaDB and MySQL.
 *
 * Tab ends a value, newline ends a row, backslash escapes: NUL \0, tab \t, newline \n, backslash \\;
 * every other byte stands for itself, whatever its charset, so that a value read with
 * `character_set_results = NULL` and loaded with CHARACTER SET binary comes back bit by bit.
 * SQL NULL is \N.
 * Threads: pure. Errors: those of the buffer.
 * Source: MariaDB manual, LOAD DATA INFILE, "FIELDS ESCAPED BY".
 */
#ifndef LIB_DB_MY_TEXT_H
#define LIB_DB_MY_TEXT_H

#include "lib/base/buf.h"

/* value.at == NULL is SQL NULL. */
bool my_text_add(struct buf *out, struct span value);
/* The same for text that cannot need an escape: numbers and times. */
bool my_text_plain(struct buf *out, struct span value);
/* The value of one line again; *null when it is \N. Escapes that LOAD DATA knows and we do not
 * write (\b \r \Z) are understood. */
bool my_text_value(struct span line, struct buf *out, bool *null);

#endif
