/* Whether a server takes in what was captured from another version: the same or a newer one does. */
#ifndef RESTORE_VERSION_H
#define RESTORE_VERSION_H

#include "lib/db/db.h"

/* captured: as the bundle says it ("15.5 (Debian ...)", "10.11.6-MariaDB"); server: as in struct db.
 * What MySQL was captured from is not compared with MariaDB, which numbers its versions its own
 * way. ERR_UNSUPPORTED names both. */
bool version_check(enum db_engine engine, const char *captured, unsigned server,
                   bool server_is_mysql, const char *label, struct err *err);

/* Both are the same product in the same major version: what they say of an object is the same text. */
bool version_same(enum db_engine engine, const char *captured, unsigned server,
                  bool server_is_mysql);

#endif
