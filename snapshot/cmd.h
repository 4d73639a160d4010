/* `rehearse snapshot`, `rehearse bundle ...`. */
#ifndef SNAPSHOT_CMD_H
#define SNAPSHOT_CMD_H

#include "lib/base/cmd.h"
#include "lib/bundle/bundle.h"
#include "lib/journal/journal.h"

struct snapshot_conf {
    const char *env; /* FILE */
    const char *to;  /* store URL */
    const char *tag;
    const char *parent; /* NULL: the newest of the same environment; "none" */
    const char *journal;
    uint64_t jobs, level, rate;
    double lock_timeout_s, max_lag_s, lag_timeout_s; /* max_lag_s 0: replicas are not watched */
    bool dry_run, paranoid;
};

bool snapshot_run(const struct snapshot_conf *conf, struct journal *journal, struct bundle_ref *out,
                  struct err *err);

/* The same, and *result is bundle.json (new reference); of a dry run, what would be read. */
bool snapshot_take(const struct snapshot_conf *conf, struct journal *journal,
                   struct bundle_ref *out, json_t **result, struct err *err);

extern const struct cmd snapshot_cmd;
extern const struct cmd bundle_ls_cmd, bundle_show_cmd, bundle_verify_cmd;
extern const struct cmd bundle_tag_cmd, bundle_pin_cmd, bundle_unpin_cmd, bundle_rm_cmd;
extern const struct cmd bundle_gc_cmd, bundle_diff_cmd;
extern const struct cmd bundle_push_cmd, bundle_pull_cmd, bundle_export_cmd, bundle_import_cmd;

#endif
