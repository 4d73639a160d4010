/* MariaDB's accounts, roles and grants of a bundle, and the accounts that objects run as.
 *
 * In a box they are made as the bundle has them, but for those that the box makes for itself; and an
 * account that an object runs as and the bundle does not hold is made locked, and told. On a server
 * of others none is ours to make, as with PostgreSQL's roles: those that are missing are told before
 * anything is loaded, and only what is granted on the database itself is granted there.
 * A grant that the server refuses is told and costs nothing else.
 */
#ifndef RESTORE_MY_ACCOUNTS_H
#define RESTORE_MY_ACCOUNTS_H

#include "lib/sql/my_grant.h"
#include "restore/missing.h"
#include "restore/my.h"

/* Before the objects. */
bool my_accounts_restore(struct my_target *t, struct db *db, struct err *err);
/* At the end, when the other databases have brought their accounts: who objects run as and nobody has
 * brought. */
bool my_definers_restore(struct my_target *t, struct err *err);
/* Behind the objects: grants on the database, which is called `database` here, and what is in it. */
bool my_grants_restore(struct my_target *t, struct db *db, const char *database, struct err *err);
/* Accounts and plugins that the server lacks. offered: libraries of plugins that it has not loaded, by
 * their names in lower case. */
bool my_accounts_missing(struct my_target *t, const json_t *offered, struct missing *m,
                         struct err *err);

/* Plugins of a kind that the server has loaded, and the libraries of those that it could load; both by
 * names in lower case. */
struct my_plugins {
    struct missing *missing;
    const char *kind;
    const json_t *loaded, *offered;
    bool box;
};
bool my_plugin_check(const struct my_plugins *p, struct span plugin, struct err *err);

/* "accounts.sql" or "grants.sql"; nothing where accounts were not captured. */
bool my_accounts_text(struct my_target *t, const char *file, struct buf *out, struct err *err);
/* Of "user@host", and of a role "role" or "role@", as the kind of object has it. name: as statements
 * have it. */
void my_definer_split(struct db *db, struct span who, struct buf *name, struct span *user,
                      struct span *host);
bool my_account_there(struct db *db, struct span user, struct span host, bool *there,
                      struct err *err);
/* Whether it is one that the box has made for itself. */
bool my_account_boxes(const struct my_target *t, struct span account);

/* A statement of grants.sql as it is for a database that has another name here; false in *ours: it
 * is about another database, or a pattern that the server does not come to. Rights on what is not
 * selected are not ours either. */
struct my_grant_place {
    const char *captured, *database;
    const struct my_select *select;
    struct span all; /* grants.sql */
    bool others;     /* grants on other databases belong to it as well: a server of our own */
};
/* user@host that it is for here. */
bool my_grant_to(struct my_target *t, const struct my_grant *g, struct buf *who, struct err *err);
bool my_grant_placed(const struct my_grant_place *place, struct span sql, struct buf *out,
                     bool *ours, struct err *err);

#endif
