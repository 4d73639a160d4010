/* What of a database was loaded already, kept in the database itself.
 *
 * Every piece of the load notes itself in its own transaction, so after whatever crash a piece is
 * either there and noted, or neither. The notes lie in a schema of their own that the restore drops
 * at its end. A database whose notes are not of this bundle, or that has none because its schema was
 * not complete, is made anew; on a server that is not ours notes of another bundle, or of a restore
 * with other options, are ERR_USAGE. Of unlogged tables, which a crash of the server empties, notes are
 * believed only as long as there are rows.
 * Threads: each session notes for itself; what was found at the beginning is read-only. */
#ifndef RESTORE_PG_PROGRESS_H
#define RESTORE_PG_PROGRESS_H

#include "restore/pg.h"

/* On resume: what is noted, into t->done; stays NULL when the database must be made anew. */
bool pg_progress_find(struct pg_target *t, struct err *err);
/* The schema is complete: from now on it can be gone on with. */
bool pg_progress_begin(struct pg_target *t, struct db *db, struct err *err);
/* Of a database that was complete: whether it is still. A crash of the server empties what is
 * unlogged; a load that was begun anew may not have come to its end. */
bool pg_progress_whole(struct pg_target *t, bool *whole, struct err *err);
bool pg_progress_has(const struct pg_target *t, const char *what);
/* In the caller's transaction. */
bool pg_progress_note(struct db *db, const char *what, struct err *err);
/* The step (or the constraint over its index) in a transaction with its note, unless it is noted. */
bool pg_progress_step(struct pg_target *t, struct db *db, const struct pg_step *step,
                      bool constraint, struct err *err);
/* Ends the notes and, in the same transaction, makes production's event triggers: they see nothing of
 * what a restore does, and who goes on finds either. */
bool pg_progress_end(struct pg_target *t, struct db *db, struct err *err);

#endif
