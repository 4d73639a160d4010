/* What servers say of a failure, without the values of rows in it.
 *
 * A bundle may hold data of persons; errors reach logs, journals and tickets. So a value is hidden
 * unless db_conf.show_values is set: the messages keep names, numbers of rows and the columns of a
 * key. Servers put values into known places: PostgreSQL into the detail and the context of errors of
 * classes 22 and 23 and behind quotes in the message, MariaDB between single quotes. Where a function
 * raises an error of its own its whole text is hidden, with detail and hint: they may say anything.
 * Messages are taken to be in English; sessions see to that where they may.
 * Threads: pure.
 */
#ifndef LIB_DB_VALUES_H
#define LIB_DB_VALUES_H

#include "lib/db/db.h"

#define VALUES_HIDDEN "[hidden]"

/* Whether a function said it itself: its state, and the place in the server's source, which is the
 * same in all languages. */
bool values_pg_raised(const char *state, const char *file, const char *function);
/* The parts of an error or notice that no function raised; none is NULL. */
bool values_hide_pg_primary(const char *state, const char *primary, struct buf *out);
bool values_hide_pg_detail(const char *state, struct span detail, struct buf *out);
/* In the place of the message, the detail and the hint of one that a function raised. */
bool values_hide_pg_raised(const char *context, struct buf *out);
bool values_hide_pg_context(struct span context, struct buf *out);
/* number: of the error or warning. */
bool values_hide_my(unsigned number, struct span message, struct buf *out);
/* A row of SHOW WARNINGS, as the session's show_values has it. */
bool values_warning(const struct db *db, const struct db_row *row, struct buf *out);

#endif
