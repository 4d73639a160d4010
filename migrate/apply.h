/* Applies the scripts of one item, unit by unit, each recorded in the ledger before and after.
 * Threads: one. Errors: the statement's own, with file, line, and exactly what is committed. */
#ifndef MIGRATE_APPLY_H
#define MIGRATE_APPLY_H

#include "migrate/work.h"

struct apply_conf {
    const struct migrate_job *job;
    struct journal *journal;
    struct ledger *ledger;
};

bool apply_work(const struct apply_conf *conf, const struct work *work, struct err *err);

#endif
