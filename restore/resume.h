/* A restore that was killed or has failed goes on: what a later process must know of it.
 *
 * box.json keeps how it was begun: what was selected, with how many jobs (pieces of tables depend on
 * it), and the boot of the host, for servers load without fsync: after a restart of the host nothing
 * that they wrote can be trusted. journal.restore in the box names the components that are complete,
 * a line each, appended; databases keep what is done inside one themselves (pg_progress.h,
 * my_progress.h). On servers that are not ours the latter know how it was begun, too.
 * Threads: the owner's. */
#ifndef RESTORE_RESUME_H
#define RESTORE_RESUME_H

#include "lib/base/json.h"
#include "lib/box/box.h"
#include "restore/selection.h"

bool resume_begin(struct box *b, const struct selection *what, unsigned jobs, struct err *err);
/* What "restore" of a box says (box_show): ERR_FAILED when it cannot be gone on with. `what`
 * borrows its texts from `shown`. */
bool resume_read(const json_t *shown, struct chosen *what, uint64_t *jobs, struct err *err);
/* ERR_USAGE, false: --`option` is not as the restore was begun. mend: what else may be done. */
bool resume_refuse(const char *option, const char *mend, struct err *err);
/* Components that are complete, as keys; new reference. */
bool resume_done(const struct box *b, json_t **out, struct err *err);
bool resume_add(const struct box *b, const char *component, struct err *err);
/* It is not complete after all. */
bool resume_remove(const struct box *b, const char *component, struct err *err);
bool resume_end(const struct box *b, struct err *err);

#endif
