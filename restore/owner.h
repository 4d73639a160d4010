/* --owner OLD=NEW: to whom things of PostgreSQL belong where they are restored.
 *
 * Role OLD becomes NEW wherever the schema names it: as an owner, in grants and default privileges,
 * policies and user mappings.
 * OLD ends at the first '='. Threads: pure.
 */
#ifndef RESTORE_OWNER_H
#define RESTORE_OWNER_H

#include "lib/base/opt.h"

/* ERR_USAGE for what is not OLD=NEW, and for an OLD that is given twice. */
bool owner_check(const struct opt_list *owners, struct err *err);
/* NEW of OLD, borrowed; NULL: it keeps its name. `owners` may be NULL. */
const char *owner_new(const struct opt_list *owners, struct span old);

#endif
