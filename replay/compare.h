/* What answers differ between two replays of a tape, or between the tape and a replay.
 *
 * Status, some headers, and bodies by structure are compared, request by request; differences are
 * grouped by endpoint and place, with counts and one small example each. Values that stand for the
 * same recorded one (cookies, tokens, ids) are equal. What differs between two baselines is noise:
 * listed, and not judged; a status is never noise.
 * Writes the events replay.noise, replay.difference, replay.latency and replay.compare.
 */
#ifndef REPLAY_COMPARE_H
#define REPLAY_COMPARE_H

#include "replay/events.h"

struct compare_conf {
    const char *old_path;   /* a results file, or a tape */
    const char *new_path;   /* a results file */
    const char *noise_path; /* a results file of the same release as old_path, or NULL */
};

bool compare_run(const struct compare_conf *conf, struct events *events, struct err *err);

#endif
