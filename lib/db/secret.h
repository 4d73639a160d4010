/* The password of a connection, from where the environment file says it is.
 *
 * password_env names a variable, password_file a private file (others' access is ERR_RIGHTS). With
 * neither, *given is false and the client library looks at ~/.pgpass or ~/.my.cnf itself.
 * The caller wipes `out` when it is done. Errors: ERR_AUTH for a variable that is not set, and those
 * of file_read_secret(). No secret is part of an error.
 */
#ifndef LIB_DB_SECRET_H
#define LIB_DB_SECRET_H

#include "lib/db/db.h"

bool db_secret(const struct db_conf *conf, struct buf *out, bool *given, struct err *err);

#endif
