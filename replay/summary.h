/* What a replay measured: the events replay.summary and replay.endpoint. */
#ifndef REPLAY_SUMMARY_H
#define REPLAY_SUMMARY_H

#include "replay/events.h"
#include "replay/outcome.h"
#include "replay/plan.h"
#include "replay/worker.h"

struct summary {
    const char *label, *tape;
    const struct plan *plan;
    const struct outcome *outcomes; /* by index in the plan */
    struct worker_counts counts;
    size_t mapped;
    int64_t took_ns;
};

bool summary_write(const struct summary *s, struct events *events, struct err *err);

#endif
