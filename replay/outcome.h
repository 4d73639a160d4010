/* What became of one replayed request. */
#ifndef REPLAY_OUTCOME_H
#define REPLAY_OUTCOME_H

#include <stdint.h>

/* Numbers are on the results tape. */
enum outcome_code {
    OUTCOME_NONE = 0, /* not replayed: the run ended before */
    OUTCOME_ANSWERED = 1,
    OUTCOME_CONNECT = 2, /* no connection */
    OUTCOME_TIMEOUT = 3,
    OUTCOME_CLOSED = 4, /* the server closed or reset without a whole response */
    OUTCOME_BROKEN = 5, /* what came back is no HTTP */
    OUTCOME_SKIPPED = 6 /* not whole on the tape */
};
const char *outcome_name(enum outcome_code code);

/* Nanoseconds since the replay began. */
struct outcome {
    int64_t due_ns;   /* as recorded, at the replay's speed */
    int64_t ready_ns; /* sent_ns less the sender's own lateness: from due to here it was blocked by
                         the response before it, or by connecting */
    int64_t sent_ns, first_ns, last_ns;
    uint64_t body_bytes;
    uint16_t status;
    _Atomic uint8_t code; /* enum outcome_code; set last, other threads may wait for it */
    uint8_t tries;
};

#endif
