/* One thread of a replay: some of the recorded connections, each replayed on one of its own.
 *
 * Open loop: a request is sent at t0 + (recorded - first) / speed whatever the server does; only
 * its own connection's earlier response can hold it back, unless the recorded client pipelined.
 * What is late is told apart: the sender itself (ready to sent) from being blocked behind the
 * response before or by connecting (due to ready); see struct outcome.
 * Sleeping is by absolute deadlines on the monotonic clock with a slack of a nanosecond.
 * Threads: everything here is the worker's; it shares the plan (read only), the outcomes (each
 * request belongs to one worker), the session map and the results file, which are safe to share.
 */
#ifndef REPLAY_WORKER_H
#define REPLAY_WORKER_H

#include "replay/outcome.h"
#include "replay/plan.h"
#include "replay/session.h"
#include "replay/tape_file.h"
#include "replay/target.h"

struct replay_shared {
    const struct plan *plan;
    const struct targets *targets;
    struct session *session;
    struct tape_out *results; /* NULL: none */
    struct outcome *outcomes; /* by index in the plan */
    int64_t t0_ns;            /* monotonic */
    double speed;
    bool no_wait, keep_host;
    int64_t timeout_ns;
    size_t body_max; /* kept of each response */
    size_t open_max; /* connections of one worker at once */
};

struct worker_counts {
    uint64_t sent, answered, errors, skipped, connects, retries;
};

struct worker;
bool worker_new(const struct replay_shared *shared, struct worker **out, struct err *err);
void worker_free(struct worker *w);
AUTO_PTR(worker, struct worker, worker_free)
/* Gives it a connection of the plan; before it runs. */
bool worker_add(struct worker *w, size_t conn, struct err *err);
/* Until every request has its outcome, or a stop signal. */
bool worker_run(struct worker *w, struct err *err);
struct worker_counts worker_counts(const struct worker *w);

#endif
