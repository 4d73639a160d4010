/* A database session that answers nothing and notes what it was asked: no rows, no errors.
 * Names are quoted with backticks, as MariaDB does. */
#ifndef TESTS_FAKE_DB_NOTE_H
#define TESTS_FAKE_DB_NOTE_H

#include "lib/db/db.h"

/* Statements are appended to `asked`, one per line; it is the caller's and outlives the session. */
bool fake_db_note(unsigned version, struct buf *asked, struct db **out, struct err *err);

#endif
