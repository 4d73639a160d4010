/* What --only selects: whole components, or parts of databases.
 *
 *   files            all trees              postgresql.NAME          a database
 *   files/NAME       one tree               postgresql.NAME/SCHEMA   a schema with all in it
 *   mariadb.NAME     a database             postgresql.NAME/SCHEMA.OBJECT
 *   mariadb.NAME/OBJECT                     a table, view, sequence, routine, type ...
 *
 * In SCHEMA and OBJECT * stands for any characters and ? for one; %2E is a dot, and any other byte
 * may be written as %XX as well, as names of streams have it.
 * Ownership: a part borrows the option's text. Threads: pure.
 */
#ifndef RESTORE_ONLY_H
#define RESTORE_ONLY_H

#include "lib/base/opt.h"
#include "lib/base/vec.h"

struct only_part {
    struct span schema; /* .at NULL: MariaDB has none */
    struct span name;   /* .at NULL: all of the schema */
    const char *given;
    bool found; /* set by who looked for it */
};

/* Whether anything of the component is selected; all are without --only. */
bool only_component(const struct opt_list *only, struct span component);
/* Adds the parts of a component that are selected to a vec of struct only_part; none: the whole. */
bool only_parts(const struct opt_list *only, const char *component, struct vec *parts,
                struct err *err);
/* Whether an entry is about this component. */
bool only_is(const char *entry, struct span component);
bool only_match(struct span pattern, struct span name);
/* ERR_MISSING for the part, with the nearest of the names in the hint. `names`: an array of text. */
bool only_unknown(const char *component, const struct only_part *part, const char *const *names,
                  size_t count, struct err *err);

#endif
