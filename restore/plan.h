/* What a restore does, laid out over one scheduler: a target per component of the bundle.
 *
 * Life: plan_open (targets are opened: what is missing is told before anything is loaded),
 * plan_run (all tasks of all targets, then their finish), plan_close.
 * Threads: the owner's; the tasks run on the scheduler's. */
#ifndef RESTORE_PLAN_H
#define RESTORE_PLAN_H

#include "lib/base/opt.h"
#include "restore/place.h"
#include "restore/target.h"

struct plan;

struct plan_conf {
    struct bundle *bundle;
    struct place place;             /* of a box the databases run in load mode */
    const struct opt_list *replace; /* databases of servers that may be replaced; NULL: none */
    struct journal *journal;
    struct selection what;
    unsigned jobs;
    bool show_values; /* of refused rows, in errors */
    bool verify;      /* a proof follows plan_run(), on servers with plan_seats() */
    bool resume;      /* what is complete is left as it is, what is half is gone on with */
};

/* Whether the bundle and the environment name the same databases and trees, and --only something
 * that is there; before a box is made for them. */
bool plan_check(struct bundle *bundle, const struct env *env, const struct opt_list *only,
                struct err *err);
/* The same for servers: of the bundle the databases that `env` names are restored; what else is
 * selected goes into `left_out` ([{"what", "why"}]). */
bool plan_check_servers(struct bundle *bundle, const struct env *env, const struct opt_list *only,
                        json_t *left_out, struct err *err);
bool plan_open(const struct plan_conf *conf, struct plan **out, struct err *err);
bool plan_run(struct plan *p, struct err *err);
/* In a box, of what plan_run() has loaded: a server that has crashed since has emptied unlogged tables,
 * which is ERR_FAILED. */
bool plan_whole(const struct plan_conf *conf, struct err *err);
/* On servers, once it is proven: every database gets its name; then those that had them go. */
bool plan_keep(struct plan *p, struct err *err);
/* Idle once plan_run() has ended; the plan's. */
struct seats *plan_seats(struct plan *p);
/* Components that had their names before, as keys; for struct place. The plan's. */
const json_t *plan_placed(const struct plan *p);
/* [{"component", "database", "rows", "bytes", "replaced", "left_out"}]; new reference. */
bool plan_report(const struct plan *p, json_t **out, struct err *err);
void plan_close(struct plan *p);
AUTO_PTR(plan, struct plan, plan_close)

#endif
