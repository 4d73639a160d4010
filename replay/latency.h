/* replay.latency: per endpoint, how long the new release takes beside the old one.
 *
 * Taken from when a request was sent, so that an endpoint is not blamed for a slow one before it on
 * its connection; what users felt in all, from when it was due, stands beside it (due_p95). */
#ifndef REPLAY_LATENCY_H
#define REPLAY_LATENCY_H

#include "replay/answers.h"
#include "replay/events.h"

/* `noise` NULL: none; else the spread between two runs of the old release is told as well. */
bool latency_compare(const struct answers *old, const struct answers *new,
                     const struct answers *noise, struct events *events, struct err *err);

#endif
