/* Refuses an account that would silently see less than there is: information_schema hides what an
 * account has no right to, so that triggers or routines would be lost without a word. */
#include "snapshot/my.h"

#include "lib/db/my_accounts.h"
#include "lib/sql/my_grant.h"

struct right {
    const char *wanted, *database;
    bool has;
};

static bool take_grant(void *ctx, const struct db_row *row, struct err *err)
{
    struct right *r = ctx;

    (void)err;
    r->has = r->has || my_grant_gives(row->value[0], r->wanted, r->database);
    return true;
}

#define MYSQL_HAS_PROC 80000u /* up to it */

/* Routines of others show only to those who may read where the server keeps them. */
static bool check_routines(struct my_source *s, struct err *err)
{
    struct err refused = {0};

    if ((s->main->is_mysql && s->main->version >= MYSQL_HAS_PROC) ||
        db_exec(s->main, &refused, "SELECT 1 FROM mysql.proc LIMIT 1"))
        return true;
    if (refused.code != ERR_RIGHTS)
        return err_pass(err, &refused);
    err_set(err, ERR_RIGHTS, "'%s' may not see the routines of database '%s'", s->from->user,
            s->from->database);
    return err_hint(err, "GRANT SELECT ON mysql.proc to it");
}

/* *lacks: the first of those wanted, which end with NULL, that the account has not; NULL: none. */
static bool check_rights(struct my_source *s, const char *const *wanted, const char *database,
                         const char **lacks, struct err *err)
{
    *lacks = NULL;
    for (; *wanted; wanted++) {
        struct right r = {*wanted, database, false};
        /* Without FOR it lists the grants of the roles in force as well. */
        if (!db_rows(s->main, take_grant, &r, err, "SHOW GRANTS"))
            return false;
        if (!r.has && !*lacks)
            *lacks = *wanted;
    }
    return true;
}

/* Who may not see others' accounts is told that there are none. */
static bool check_accounts(struct my_source *s, struct err *err)
{
    static const char *const wanted[] = {"SELECT", NULL};
    const char *lacks;

    if (s->from->accounts_as == ENV_ACCOUNTS_NONE)
        return true;
    if (!my_accounts_supported(s->main, err) || !check_rights(s, wanted, "mysql", &lacks, err))
        return false;
    if (!lacks)
        return true;
    err_set(err, ERR_RIGHTS, "'%s' may not see the accounts of the server of '%s'", s->from->user,
            s->from->name);
    return err_hint(err, "GRANT SELECT ON mysql.* to it, or leave 'accounts' out");
}

bool my_rights_check(struct my_source *s, struct err *err)
{
    static const char *const wanted[] = {"SELECT", "SHOW VIEW", "TRIGGER", "EVENT", NULL};
    const char *lacks;

    if (!check_rights(s, wanted, s->from->database, &lacks, err))
        return false;
    if (!lacks)
        return check_routines(s, err) && check_accounts(s, err);
    err_set(err, ERR_RIGHTS, "'%s' lacks %s on database '%s'", s->from->user, lacks,
            s->from->database);
    return err_hint(err,
                    "GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, LOCK TABLES ON `%s`.* and "
                    "RELOAD, %s ON *.* to it",
                    s->from->database, s->main->is_mysql ? "REPLICATION CLIENT" : "BINLOG MONITOR");
}
