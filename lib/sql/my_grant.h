/* Takes apart what MariaDB says of accounts: the lines of SHOW GRANTS and SHOW CREATE USER.
 *
 * Spans borrow the text and hold names as they stand there, in backticks. An account is
 * `user`@`host`, a role `name`, and the role of all is PUBLIC.
 * Pure; false for a text that is not of that shape.
 * Source: MariaDB sql/sql_acl.cc, mysql_show_grants() and mysql_show_create_user().
 */
#ifndef LIB_SQL_MY_GRANT_H
#define LIB_SQL_MY_GRANT_H

#include "lib/base/buf.h"

enum my_scope {
    MY_SCOPE_SERVER,
    MY_SCOPE_DATABASE, /* `database` is a pattern of LIKE */
    MY_SCOPE_TABLE,
    MY_SCOPE_ROUTINE,
    MY_SCOPE_PROXY,  /* `what` is the account that may be taken */
    MY_SCOPE_MEMBER, /* `what` is the role */
    MY_SCOPE_DEFAULT /* SET DEFAULT ROLE; `what` is the role */
};

struct my_grant {
    enum my_scope scope;
    struct span what; /* "SELECT, INSERT (`a`, `b`)" */
    struct span kind; /* of routines: PROCEDURE, FUNCTION, PACKAGE, PACKAGE BODY */
    struct span database, object;
    struct span to;
    bool option; /* WITH GRANT OPTION, WITH ADMIN OPTION */
};

bool my_grant_parse(struct span sql, struct my_grant *out);
/* The statement again, without what SHOW GRANTS says beside the grant: passwords and limits. */
bool my_grant_write(const struct my_grant *g, struct buf *out);
/* `what` with the columns of each right in the order of their names: servers show them in any. */
bool my_grant_rights(const struct my_grant *g, struct buf *out);

/* The clauses of CREATE USER and ALTER USER; .at is NULL without one. */
struct my_user {
    struct span name;
    struct span auth;     /* IDENTIFIED ... */
    struct span require;  /* REQUIRE ... */
    struct span limits;   /* WITH MAX_... */
    struct span lock;     /* ACCOUNT LOCK */
    struct span password; /* PASSWORD EXPIRE ... */
};

bool my_user_parse(struct span sql, struct my_user *out);
/* The next way in of *auth: its plugin, and what that is given (.at is NULL: nothing). */
bool my_user_way(struct span *auth, struct span *plugin, struct span *given);
/* The same account without its password's hash, and locked if there was one. */
bool my_user_without_hash(const struct my_user *u, struct buf *out, bool *had);
/* A name without its backticks or apostrophes. */
bool my_name(struct span quoted, struct buf *out);
/* user and host of `user`@`host`; of a role the host is "". */
bool my_account_names(struct span account, struct buf *user, struct buf *host);
/* Whether it is one account or role, whatever the quotes; false: out of memory. */
bool my_account_same(struct span a, struct span b, bool *same);
/* Whether one line of SHOW GRANTS gives the privilege, or "GRANT OPTION", on the whole database. */
bool my_grant_gives(struct span line, const char *privilege, const char *database);
/* Whether a name of a database matches the pattern, that is not quoted any more. */
bool my_like(struct span pattern, struct span name);

#endif
