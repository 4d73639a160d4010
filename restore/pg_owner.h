/* To whom a PostgreSQL schema belongs where it is restored: --owner, --no-owner, --no-privileges
 * (restore/owner.h), and what an account that is no superuser cannot make.
 *
 * The restore and the proof take production's texts through the same rules, so that what was mapped
 * or dropped is no difference.
 * Ownership: the selection is borrowed. Threads: none shared.
 * Source:    pg_dump.c of PostgreSQL 15: the forms of the statements that name roles.
 */
#ifndef RESTORE_PG_OWNER_H
#define RESTORE_PG_OWNER_H

#include "lib/base/json.h"
#include "lib/base/vec.h"
#include "lib/db/db.h"
#include "restore/selection.h"

struct pg_owner {
    const struct selection *what;
    struct vec quoted; /* char *: the new names as pg_dump writes them; as what->owners */
    bool limited;      /* the session is no superuser's */
    bool merged;       /* a new name is a role of production's, too: two roles become one */
    json_t *left_out;  /* [{"what", "why"}] */
    json_t *members;   /* of a limited session: roles that it may become, as keys */
    json_t *roles;     /* while a text is for a server of others: those that are there, as keys */
};

/* db: a session on the server that the texts are for. */
bool pg_owner_open(const struct selection *what, struct db *db, struct pg_owner *out,
                   struct err *err);
void pg_owner_done(struct pg_owner *o);
/* name: of the text, for errors. */
bool pg_owner_apply(struct pg_owner *o, struct buf *text, const char *name, struct err *err);
/* database.sql; on_server: of others, where a role's own settings need the role, and a superuser. */
bool pg_owner_database(struct pg_owner *o, struct db *db, bool on_server, struct buf *text,
                       struct err *err);
/* Whether a proof cannot compare privileges: other owners, or roles that became one, have others. */
bool pg_owner_blurs(const struct pg_owner *o);
/* Takes out of a text what then cannot be compared; pg_dump writes the roles of a policy in the order
 * in which they were made: here they are in that of their names. */
bool pg_owner_blur(const struct pg_owner *o, struct buf *text, struct err *err);

bool pg_is_owner_statement(struct span sql);
bool pg_is_privilege_statement(struct span sql);

#endif
