/* The roles that a statement of pg_dump needs: who owns, is granted or revoked something, has defaults,
 * a policy or a user mapping. PUBLIC is none.
 * Pure. Threads: any. */
#ifndef RESTORE_PG_ROLE_NAMES_H
#define RESTORE_PG_ROLE_NAMES_H

#include "lib/base/err.h"
#include "lib/base/span.h"

/* Their tokens as the statement has them, in its order. */
bool pg_role_tokens(struct span sql, bool (*each)(void *ctx, struct span token, struct err *err),
                    void *ctx, struct err *err);
/* Names come unquoted, in the order of the statement. */
bool pg_role_names(struct span sql, bool (*each)(void *ctx, const char *name, struct err *err),
                   void *ctx, struct err *err);

#endif
