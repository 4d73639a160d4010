/* Differences grouped by endpoint, place and kind, with one small example each. */
#ifndef REPLAY_GROUPS_H
#define REPLAY_GROUPS_H

#include "replay/differ.h"
#include "replay/endpoint.h"
#include "replay/events.h"

struct groups;
bool groups_new(struct groups **out, struct err *err);
void groups_free(struct groups *g);
AUTO_PTR(groups, struct groups, groups_free)

/* Compares every request that both sides have and counts what differs. `noise` NULL: none. */
bool groups_compare(struct groups *g, const struct answers *old, const struct answers *new,
                    const struct groups *noise, struct err *err);
struct groups_totals {
    uint64_t compared, differing, noisy; /* requests; noisy: that differ by noise alone */
    uint64_t missing;                    /* requests that one side lacks */
    size_t groups;
};
struct groups_totals groups_totals(const struct groups *g);
/* replay.difference, the most frequent first. */
bool groups_tell(const struct groups *g, const char *against, struct events *events,
                 struct err *err);
/* replay.noise */
bool groups_tell_noise(const struct groups *g, struct events *events, struct err *err);

#define EXAMPLE_MAX 240
/* A value as an example: short, printable, without what looks like a secret. Returns out. */
const char *groups_example(const char *where, struct span value, char out[EXAMPLE_MAX]);

#endif
