/* Of the proof of PostgreSQL: what is not in a database, but around it. */
#ifndef RESTORE_PROOF_PG_H
#define RESTORE_PROOF_PG_H

#include "lib/db/db.h"
#include "restore/pg_owner.h"
#include "restore/proof_part.h"

/* Encoding, locale, owner, limits, settings, comment and rights of the session's database. */
bool proof_pg_database(struct proof_part *p, const struct pg_owner *owner, struct db *db,
                       struct err *err);
/* Roles of the server with attributes, settings, comments and memberships, and rights on parameters.
 * They are those of all databases of the bundle: the first component compares them. */
bool proof_pg_globals(struct proof_part *p, struct db *db, struct err *err);
/* Where the statements of two schemas put things. offered: names of the server's tablespaces, as keys;
 * others are told as not compared; NULL: all are compared. */
bool proof_pg_tablespaces(struct proof_part *p, const json_t *offered, struct span bundle,
                          struct span box, struct err *err);
bool proof_pg_is_first(const struct proof_part *p);

#endif
