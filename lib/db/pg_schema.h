/* The schema of a PostgreSQL database as text, by the server's own programs.
 *
 * pg_dump writes its archive at the price of one look at the catalogs; pg_restore takes sections out
 * of it. A snapshot and a proof use the same calls, so that their texts can be compared.
 * Errors: those of the programs; ERR_MISSING without them. Threads: any.
 */
#ifndef LIB_DB_PG_SCHEMA_H
#define LIB_DB_PG_SCHEMA_H

#include "lib/base/hash.h"
#include "lib/db/db.h"

struct pg_schema_conf {
    const char *const *env; /* of db_tool_env() */
    const char *snapshot;   /* exported; NULL: as it is now */
    const char *encoding;   /* of the text */
    double lock_timeout_s;
};

bool pg_schema_archive(const struct pg_schema_conf *conf, struct buf *out, struct err *err);
/* The archive but for the time of its making: equal ones have equal sections. False: it is of a version
 * that is not known (1.14 to 1.16 are, of PostgreSQL 12 to 18), or none. */
bool pg_schema_print(struct span archive, struct digest *out, struct err *err);
/* section: "pre-data" or "post-data". `archive` is a file, read from its beginning. */
bool pg_schema_section(int archive, const char *section, struct buf *out, struct err *err);
#define PG_SEQUENCE_HEAD "SELECT pg_catalog.setval("
/* A line "SELECT pg_catalog.setval('NAME', VALUE, CALLED);" for every sequence, by name. One that
 * cannot be read is an error, never a silent 1. */
bool pg_sequences_read(struct db *db, struct buf *out, unsigned *count, struct err *err);
/* Statements, one per line but for newlines in names and values, that make the roles as they are:
 * attributes, settings, comments, memberships, rights on parameters. No password is in them. */
bool pg_globals_read(struct db *db, struct buf *out, struct err *err);
/* Those of the database that the session is in: CREATE DATABASE, owner, limits, settings, comment,
 * rights. */
bool pg_database_read(struct db *db, struct buf *out, struct err *err);

#endif
