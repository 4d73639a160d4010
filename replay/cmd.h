/* `rehearse record`, `rehearse replay`, `rehearse tape ...`. */
#ifndef REPLAY_CMD_H
#define REPLAY_CMD_H

#include "lib/base/cmd.h"
#include "lib/journal/journal.h"

struct record_conf {
    const char *interface; /* default lo */
    struct opt_list ports; /* server ports; or from --env */
    const char *env;
    const char *to; /* tape file */
    const char *journal;
    double duration_s;     /* 0: until a signal */
    uint64_t max_bytes;    /* of the tape; 0: no bound */
    uint64_t body_max;     /* kept of each body; 0: 16 MiB */
    uint64_t memory_max;   /* for messages and segments in work; 0: 128 MiB */
    uint64_t buffer_bytes; /* of the kernel's capture buffer; 0: 32 MiB */
    double cpu_max; /* percent of one core, over 10 s; more ends the recording; 0: no bound */
};
/* Journals record.summary. */
bool record_run(const struct record_conf *conf, struct journal *journal, struct err *err);

struct replay_conf {
    const char *tape;
    struct opt_list to;  /* [RECORDED_PORT=]HOST:PORT */
    const char *results; /* file to write: every response and its timing */
    const char *against; /* results file to compare with; "tape": the recorded responses */
    const char *noise;   /* a second results file of the same release: what differs is noise */
    const char *journal;
    const char *label;        /* "baseline", "candidate": written into the journal's events */
    double speed;             /* 0: 1.0 */
    bool no_wait;             /* as fast as the server answers, instead of when it was recorded */
    uint64_t connections_max; /* open at once; 0: as many as recorded and allowed */
    uint64_t threads;         /* 0: by the cores */
    double timeout_s;         /* for one response; 0: 30 */
    bool keep_host;           /* send the recorded Host header */
    bool allow_source;        /* permit the very address that was recorded as target */
};
/* Replays; writes replay.summary and replay.endpoint events, and with `against` also
 * replay.difference and replay.compare events (docs/journal.md). */
bool replay_run(const struct replay_conf *conf, struct journal *journal, struct err *err);

extern const struct cmd record_cmd, replay_cmd, tape_show_cmd;

#endif
