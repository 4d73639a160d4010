/* A database that an environment names, as a client on that server itself reaches it.
 *
 * Ownership: strings are borrowed from the environment. Errors: ERR_CONFIG for an unknown engine.
 */
#ifndef LIB_BOX_CLIENT_H
#define LIB_BOX_CLIENT_H

#include "lib/db/db.h"
#include "lib/env/env.h"

bool client_conf(const struct env_database *db, struct db_conf *out, struct err *err);

#endif
