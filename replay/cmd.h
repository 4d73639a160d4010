/* `rehearse record`, `rehearse replay`, `rehearse tape ...`. */
#ifndef REPLAY_CMD_H
#define REPLAY_CMD_H

#include "lib/base/cmd.h"
#include "lib/journal/journal.h"

struct record_conf {
    const char *interface;  /* default lo */
    struct opt_list ports;  /* server ports; or from --env */
    const char *env;
    const char *to;         /* tape file */
    const char *journal;
    double duration_s;      /* 0: until a signal */
    uint64_t max_bytes;     /* of the tape; 0: no bound */
};
bool record_run(const struct record_conf *conf, struct journal *journal, struct err *err);

struct replay_conf {
    const char *tape;
    struct opt_list to;     /* [RECORDED_PORT=]HOST:PORT */
    const char *results;    /* file to write: every response and its timing */
    const char *against;    /* results file to compare with; "tape": the recorded responses */
    const char *noise;      /* a second results file of the same release: what differs is noise */
    const char *journal;
    const char *label;      /* "baseline", "candidate": written into the journal's events */
    double speed;
    uint64_t connections_max;
    double timeout_s;
};
/* Replays; writes replay.summary and replay.endpoint events, and with `against` also
 * replay.difference and replay.compare events (docs/journal.md). */
bool replay_run(const struct replay_conf *conf, struct journal *journal, struct err *err);

extern const struct cmd record_cmd, replay_cmd, tape_show_cmd;

#endif
