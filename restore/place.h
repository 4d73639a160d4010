/* Where a restore goes: into a box of ours, or into databases on servers that are there already.
 *
 * On a server a database is loaded, and proven, under a name of its own, and gets the name that it
 * was asked for when it is whole. That name follows from the one asked for, so that the next restore
 * finds what a killed one has left.
 * Ownership: strings of a struct db_conf are borrowed from the place. Threads: read-only.
 */
#ifndef RESTORE_PLACE_H
#define RESTORE_PLACE_H

#include "lib/box/box.h"

struct place {
    struct box *box;       /* or */
    const struct env *env; /* servers: the databases that are to be filled */
    const json_t *placed;  /* on them: components that have theirs already, as keys; or NULL */
};

const struct env *place_env(const struct place *p);
/* Names of databases on servers: while it is loaded, what it replaces until that is gone, and where a
 * proof asks the server what it makes of a text. */
#define PLACE_NAME 40
void place_load_name(const char *database, char out[PLACE_NAME]);
void place_old_name(const char *database, char out[PLACE_NAME]);
void place_echo_name(const char *database, char out[PLACE_NAME]);

/* A session's configuration; on a server `load` takes the place of the database's name. */
struct place_db {
    struct db_conf conf;
    const char *final; /* the name that it gets; NULL in a box */
    char load[PLACE_NAME];
};
/* `out` must stay where it is: its own name is part of its configuration. */
bool place_db(const struct place *p, const char *name, struct place_db *out, struct err *err);

#endif
