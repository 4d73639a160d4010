/* Which database a command works on: one of a box, or of an environment that is not production. */
#ifndef MIGRATE_TARGET_H
#define MIGRATE_TARGET_H

#include "lib/base/auto.h"
#include "lib/box/box.h"

struct target_choice {
    const char *box, *env; /* one of them */
    const char *database;  /* NULL: the only one there is */
    const char *ledger;    /* NULL: the box's own */
};

struct migrate_target {
    struct box *box;
    struct env *env;
    const char *name; /* of the database in the environment file */
    struct db_conf db;
    char *ledger;
};

/* A box stays locked against others until target_done(). Refuses production. */
bool target_resolve(const struct target_choice *c, struct migrate_target *out, struct err *err);
void target_done(struct migrate_target *t);
static inline void auto_migrate_target(struct migrate_target *t)
{
    target_done(t);
}
/* The ledger alone: heap. */
bool target_ledger(const struct target_choice *c, char **out, struct err *err);

#endif
