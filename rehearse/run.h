/* A rehearsal in steps. Private to rehearse/run*.c.
 *
 * The table of steps (run_steps.c) is the order of the day; run.c walks it, journals each step and
 * decides what a failure means: of the release (NO-GO, with the evidence) or of the machinery
 * (an error's exit status). A step may be repeated: it starts by putting in order what it needs.
 */
#ifndef REHEARSE_RUN_H
#define REHEARSE_RUN_H

#include "lib/base/cmd.h"
#include "lib/box/box.h"
#include "lib/bundle/bundle.h"
#include "lib/env/release.h"
#include "lib/journal/journal.h"

struct run_conf {
    const char *out;    /* folder of journal and reports; NULL: rehearsals/RELEASE-TIME */
    const char *resume; /* folder of an interrupted run */
    const char *key;    /* file of a secret key, for encrypted bundles */
    uint64_t jobs;
    bool keep_running;
};

struct run {
    const struct run_conf *conf;
    char *dir;
    struct release *release;
    struct env *env;
    struct journal *journal;
    struct box *box; /* open from step 4 on */
};

/* Whose fault a failure of the step is, unless its class says otherwise. */
enum blame { BLAME_MACHINERY, BLAME_RELEASE };

struct run_step {
    unsigned number;
    const char *title;
    enum blame blame;
    bool checkpoint; /* an interrupted run goes on behind it */
    bool (*run)(struct run *r, struct err *err);
};
extern const struct run_step run_steps[];
/* Numbers in that table. */
enum { RUN_STEP_RESTORE = 4, RUN_STEP_BASELINES = 5, RUN_STEP_RESET = 6, RUN_STEP_REPLAY = 11 };
extern const size_t run_steps_count;

/* Path of a file of the run; heap. */
char *run_path(const struct run *r, const char *name);
/* Opens r->box when it is not open yet. */
bool run_box(struct run *r, struct err *err);
/* Services and databases down, state as restored. */
bool run_reset(struct run *r, struct err *err);

/* ---- pieces of steps, each in its file --------------------------------------------------------*/

/* run_check.c: the release's bundle, with the key of --key and the trust of the environment file;
 * closed before the store. */
bool run_open_bundle(struct run *r, struct store **store, struct bundle **bundle, struct err *err);
/* Digests of all inputs; release and environment fit together. */
bool run_check_inputs(struct run *r, struct err *err);
/* The same of those that are still to be used by a run that goes on behind step `after`. ERR_DIFFERS when
 * the tape is not the one that was replayed already. */
bool run_check_again(struct run *r, unsigned after, struct err *err);
/* run_replay.c */
bool run_baselines(struct run *r, struct err *err);
bool run_candidate(struct run *r, struct err *err);
/* Replays against the new release that runs now; `label` names the run in the journal. */
bool run_replay_new(struct run *r, const char *label, struct err *err);
/* run_confirm.c: what seems slower is rehearsed a second time, steps 6 to 11, and what that run says
 * of it is written to the journal. Nothing when nothing seems slower. */
bool run_confirm(struct run *r, struct err *err);
/* drift.c: what differs between the bundle's facts and this box. */
bool run_drift(struct run *r, struct err *err);
/* touched.c: which tables were read; counts are cumulative, so it is asked before and after. */
bool touched_begin(struct run *r, json_t **before, struct err *err);
bool touched_end(struct run *r, const json_t *before, struct err *err);

#endif
