/* Whether an account that is no superuser may make what a schema says; asked before anything is
 * made. Nothing is asked of a superuser.
 * Source: the PostgreSQL 15 manual on each of the statements. */
#ifndef RESTORE_PG_RIGHTS_H
#define RESTORE_PG_RIGHTS_H

#include "restore/missing.h"
#include "restore/pg.h"

struct pg_rights {
    bool limited;
    json_t *roles, *extensions, *languages; /* that it may use, as keys */
};

bool pg_rights_open(struct pg_target *t, struct pg_rights *out, struct missing *m, struct err *err);
void pg_rights_done(struct pg_rights *r);
/* Adds what the account lacks for this statement. */
bool pg_rights_look(const struct pg_rights *r, struct span sql, struct missing *m, struct err *err);

#endif
