/* What a restore does, laid out over one scheduler: a target per component of the bundle.
 *
 * Life: plan_open (targets are opened: what is missing is told before anything is loaded),
 * plan_run (all tasks of all targets, then their finish), plan_close.
 * Threads: the owner's; the tasks run on the scheduler's. */
#ifndef RESTORE_PLAN_H
#define RESTORE_PLAN_H

#include "lib/base/opt.h"
#include "lib/box/box.h"
#include "restore/target.h"

struct plan;

struct plan_conf {
    struct bundle *bundle;
    struct box *box; /* its databases run in load mode */
    struct journal *journal;
    struct selection what;
    unsigned jobs;
    bool show_values; /* of refused rows, in errors */
    bool resume;      /* what is complete is left as it is, what is half is gone on with */
};

/* Whether the bundle and the environment name the same databases and trees, and --only something
 * that is there; before a box is made for them. */
bool plan_check(struct bundle *bundle, const struct env *env, const struct opt_list *only,
                struct err *err);
bool plan_open(const struct plan_conf *conf, struct plan **out, struct err *err);
bool plan_run(struct plan *p, struct err *err);
void plan_close(struct plan *p);
AUTO_PTR(plan, struct plan, plan_close)

#endif
