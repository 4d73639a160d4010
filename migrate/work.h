/* One item of a job, made ready: its scripts read and split, and what is to be done with each. */
#ifndef MIGRATE_WORK_H
#define MIGRATE_WORK_H

#include "lib/base/auto.h"
#include "migrate/ledger.h"
#include "migrate/session.h"

enum action { ACTION_APPLY, ACTION_SKIP };

struct plan_file {
    struct script *script;
    enum action action;
    unsigned from; /* first statement that is not committed */
    char why[160]; /* "" or what is worth telling: a changed comment, a resumption */
};

struct work {
    const struct migrate_item *item;
    struct order order;
    struct vec files; /* of struct plan_file */
};

struct work_conf {
    const struct migrate_job *job;
    const struct ledger *ledger; /* NULL: nothing is applied yet */
    struct session *session;     /* NULL: no server is asked */
};

/* Opens and splits all scripts of the item. */
bool work_read(const struct migrate_item *item, const struct script_modes *modes, struct work *out,
               struct err *err);
/* Compares with the ledger: what is applied, changed, late, half done or in doubt. */
bool work_decide(struct work *w, const struct work_conf *conf, struct err *err);
void work_done(struct work *w);
struct plan_file *work_files(const struct work *w);

#endif
