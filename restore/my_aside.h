/* Foreign keys of tables that are replaced and stay in their database for a moment.
 *
 * InnoDB knows a foreign key by its database and name, so that one of a new table cannot come while an
 * old one has its name. Names are changed and given back; the keys hold all the time. A restore that is
 * killed meanwhile leaves the other name.
 * Threads: none shared. */
#ifndef RESTORE_MY_ASIDE_H
#define RESTORE_MY_ASIDE_H

#include "lib/base/vec.h"
#include "lib/db/db.h"

struct my_aside {
    struct db *db;   /* on the database of the tables; borrowed */
    struct vec back; /* char *: statements that give the names back */
};

/* The keys of `table` that have a name of their own get another one. */
bool my_aside_keys(struct my_aside *a, const char *table, struct err *err);
/* As they were; the first that fails is told in *err, the others are tried all the same. */
bool my_aside_back(struct my_aside *a, struct err *err);
void my_aside_done(struct my_aside *a);

#endif
