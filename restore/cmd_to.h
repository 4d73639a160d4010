/* `rehearse restore --to FILE`: into databases on servers that are there already. */
#ifndef RESTORE_CMD_TO_H
#define RESTORE_CMD_TO_H

#include "lib/bundle/access.h"
#include "restore/cmd.h"

/* Whose signature counts, and the key that opens: of the options, and of `env` (may be NULL). */
bool restore_access(const struct restore_conf *conf, const struct env *env, struct bundle_access *a,
                    struct err *err);
/* conf->to is given. *report: {"bundle", "databases": [...], "left_out": [...], "verified"}; new
 * reference. On failure the servers are as they were; databases that were whole before another one
 * failed stay. */
bool restore_to(const struct restore_conf *conf, const char *ref, struct journal *journal,
                json_t **report, struct err *err);
bool restore_to_print(const json_t *report, struct err *err);

#endif
