/* MariaDB's accounts, roles and grants, as statements that make them.
 *
 * Read from SHOW CREATE USER and SHOW GRANTS, each line for the account it is about (SHOW GRANTS of
 * a role lists those of its roles as well). The accounts that every server makes for itself are not
 * among them.
 * Session:  one that may read the server's own database `mysql`.
 * Threads:  the session's. Errors: ERR_UNSUPPORTED for MySQL. Never a password's hash in an error.
 */
#ifndef LIB_DB_MY_ACCOUNTS_H
#define LIB_DB_MY_ACCOUNTS_H

#include "lib/db/db.h"

struct my_accounts_conf {
    const char *database; /* whose tables' and routines' grants are read */
    bool hashes;          /* else accounts that have one come locked and without */
};

struct my_accounts {
    struct buf
        accounts; /* roles, accounts, memberships, default roles, what the whole server grants */
    struct buf grants; /* on databases, and on what is in `database` */
    json_t *elsewhere; /* other databases with grants on tables or routines, as keys */
    json_t *ignored; /* that are in its tables alone, as keys: a server with skip_name_resolve does
                          * not take up those with a host's name */
    unsigned users, roles;
    bool without_hash; /* of one or more it was left out */
};

/* Neither do SHOW GRANTS and SHOW CREATE USER of MySQL quote every name, nor has MariaDB the plugins of
 * its passwords. */
bool my_accounts_supported(const struct db *db, struct err *err);
bool my_accounts_read(struct db *db, const struct my_accounts_conf *conf, struct my_accounts *out,
                      struct err *err);
void my_accounts_done(struct my_accounts *a);

#endif
