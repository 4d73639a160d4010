/* `rehearse migrate plan|apply|status`. */
#ifndef MIGRATE_CMD_H
#define MIGRATE_CMD_H

#include "lib/base/cmd.h"
#include "lib/db/db.h"
#include "lib/journal/journal.h"

struct migrate_item {
    const char *database; /* name in the environment file */
    const struct db_conf *db;
    const char *dir;
    bool data; /* a data script, not a schema migration (for the report) */
};

struct migrate_job {
    const struct migrate_item *items; /* applied in this order */
    size_t count;
    const char *ledger;    /* file: outside the target database */
    double lock_timeout_s; /* per statement; 0: the server's */
    bool profile;          /* measure columns of touched tables before and after each statement */
    bool out_of_order;     /* a version below one that is applied is no error */
    bool forget;           /* what the ledger holds of these databases is void (they were reset) */
    const char
        *resume_at; /* FILE:N settles a file in doubt: N is the first statement not applied */
    /* What is being done, for people; NULL: silent. */
    void (*report)(void *ctx, const char *what, const struct field *fields);
    void *report_ctx;
};

/* Applies what the ledger does not hold yet. Everything is read, ordered, split and compared with
 * the ledger before the first statement runs. On failure err says exactly what is committed. */
bool migrate_run(const struct migrate_job *job, struct journal *journal, struct err *err);

extern const struct cmd migrate_plan_cmd, migrate_apply_cmd, migrate_status_cmd;

#endif
