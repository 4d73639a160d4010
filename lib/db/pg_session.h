/* Sessions that dump or load: everything that changes the text form of a value is fixed, an empty
 * search_path makes every name mean what the catalog says, time limits are off and row-level
 * security raises an error instead of hiding rows. */
#ifndef LIB_DB_PG_SESSION_H
#define LIB_DB_PG_SESSION_H

#include "lib/db/db.h"

bool pg_session_fix(struct db *db, struct err *err);

#endif
