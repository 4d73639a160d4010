/* `rehearse restore`, `rehearse box ...`. */
#ifndef RESTORE_CMD_H
#define RESTORE_CMD_H

#include "lib/base/cmd.h"
#include "lib/box/box.h"
#include "lib/journal/journal.h"
#include "restore/selection.h"

struct restore_conf {
    const char *from; /* store URL */
    const char *env;  /* NULL: the one kept in the bundle */
    const char *into; /* box directory */
    const char *journal;
    const char *key;         /* file of a secret key, for encrypted bundles */
    struct opt_list trusted; /* public signing keys; given: only bundles that they signed */
    struct chosen what;
    const char *to;                    /* file of servers that are there already, instead of into */
    struct opt_list replace_databases; /* on them */
    uint64_t jobs;                     /* 0: one per core */
    bool resume;      /* go on with the restore that was killed or has failed there */
    bool replace;     /* an existing box is replaced */
    bool pristine;    /* keep the restored state for reset (default) */
    bool start;       /* start databases and services at the end */
    bool show_values; /* of rows, in errors, output and journal */
    bool verify;      /* read all of it again and compare it with the bundle */
};

/* Restores bundle `ref` and leaves the box ready (stopped unless conf->start). On failure a box
 * that was to be replaced stands again as it was, and runs if it ran; a new one is left "broken",
 * with the reason. */
bool restore_run(const struct restore_conf *conf, const char *ref, struct journal *journal,
                 struct err *err);

/* For struct box_watch: writes what became of a service into the journal that is its ctx. */
bool restore_note_service(void *journal, const struct box_service *s, struct err *err);

extern const struct cmd restore_cmd;
extern const struct cmd box_ls_cmd, box_show_cmd, box_start_cmd, box_stop_cmd, box_reset_cmd,
    box_verify_cmd, box_exec_cmd, box_destroy_cmd;

#endif
