/* What of a MariaDB database was loaded already, noted in a database of its own on a box's server, else
 * in the database that is loaded.
 *
 * DDL cannot be taken back there, so a table is noted when all of it is done, its foreign keys by
 * themselves; a table without its note is dropped and loaded again. All notes are in InnoDB: after a
 * crash of the server they are never ahead of the tables.
 * Threads: each session notes for itself; what was found at the beginning is read-only. */
#ifndef RESTORE_MY_PROGRESS_H
#define RESTORE_MY_PROGRESS_H

#include "restore/my.h"

/* The name of the database, or of the table that holds them there. */
#define MY_NOTES "rehearse_loading"

/* On a server: whether a restore of this bundle has begun, and has come to moving its tables. On
 * resume ERR_USAGE when it was begun with another bundle or other options. */
bool my_progress_find(struct my_target *t, bool *begun, bool *moving, struct err *err);
/* Makes the place for notes; on resume reads them. */
bool my_progress_open(struct my_target *t, struct err *err);
/* kind: "table", "unseen" (warnings of one), "keys", "load" ("begun", "moving"), "tables" (how many there
 * are to move). Whether it is noted; and whether that is gone on with, too. */
bool my_progress_noted(const struct my_target *t, const char *kind, const char *name);
bool my_progress_has(const struct my_target *t, const char *kind, const char *name);
bool my_progress_note(struct my_target *t, struct db *db, const char *kind, const char *name,
                      struct err *err);
/* Drops what a crash may have left of it: a table, a sequence ... */
bool my_progress_drop(struct my_target *t, struct db *db, const char *kind, const char *name,
                      struct err *err);
bool my_progress_end(struct my_target *t, struct err *err);

#endif
