/* Which scripts of a directory are applied, and in which order.
 *
 * An explicit list (a file "order" or "manifest.txt": one path per line, # comments) always wins;
 * then sqitch.plan; then Diesel (NAME/up.sql); then the names themselves (migrate/name.h). Two
 * scripts of one version, two conventions in one folder, and scripts whose place nobody can tell
 * are refused with both names. Down, undo and baseline scripts never run. What is left out is told.
 * Ownership: order_done() releases what order_resolve() filled.
 * Errors:    ERR_CONFIG for what cannot be ordered, ERR_MISSING for a script that is listed only.
 */
#ifndef MIGRATE_ORDER_H
#define MIGRATE_ORDER_H

#include "lib/base/auto.h"
#include "lib/base/vec.h"
#include "lib/db/db.h"

struct order_file {
    char *name;    /* relative to the directory; the script's identity in the ledger */
    char *version; /* "" when the list alone gives the place */
    bool repeatable;
    bool no_transaction; /* said by the name */
};

struct order_left {
    char *name;
    const char *why; /* static */
};

struct order {
    char *dir;
    const char *convention; /* "flyway", "manifest" ...: static */
    struct vec files;       /* of struct order_file, as they are applied */
    struct vec left;        /* of struct order_left */
};

bool order_resolve(const char *dir, enum db_engine engine, struct order *out, struct err *err);
void order_done(struct order *o);
static inline void auto_order(struct order *o)
{
    order_done(o);
}
const struct order_file *order_files(const struct order *o);
const struct order_left *order_lefts(const struct order *o);

/* For the readers of lists. Strings are copied. */
bool order_add(struct order *o, const char *name, struct span version, struct order_file **out,
               struct err *err);
bool order_leave(struct order *o, const char *name, const char *why, struct err *err);

#endif
