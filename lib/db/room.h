/* How many more sessions a server lets an account open.
 *
 * Told is the narrowest of its limits: PostgreSQL's max_connections less what is reserved, and the
 * role's own; MariaDB's max_connections and max_user_connections.
 * Sessions of others come and go, so this is a look before the work, not a promise.
 */
#ifndef LIB_DB_ROOM_H
#define LIB_DB_ROOM_H

#include "lib/db/db.h"

struct db_room {
    uint64_t limit, used, free; /* used: this session is one of them */
    char setting[96];           /* what sets the limit */
};

bool db_room_read(struct db *db, struct db_room *out, struct err *err);
/* ERR_UNREACHABLE unless the server has room for `needed` sessions more; `what` is what for. */
bool db_room_check(const struct db_room *room, const struct db *db, uint64_t needed,
                   const char *what, struct err *err);

#endif
