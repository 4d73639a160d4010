#include "lib/db/pg_session.h"

static const char session_sql[] =
#include "lib/db/pg_session.sql.h"
    ;

bool pg_session_fix(struct db *db, struct err *err)
{
    if (!db->ops->query(db, span_of(session_sql), NULL, NULL, NULL, err))
        return err_add(err, "cannot fix the session's settings");
    /* What is said is looked into for the number of a row; only administrators may set it. */
    db_exec(db, NULL, "SET lc_messages = 'C'");
    /* New in 14: an idle session is one that waits for its next table. */
    if (db->version >= 140000)
        return db_exec(db, err, "SET idle_session_timeout = 0");
    return true;
}
