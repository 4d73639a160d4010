/* What a server lacks for what is to be loaded: gathered first, told all at once.
 *
 * Each thing has its own mend. Nothing has been made or changed when it is told. */
#ifndef RESTORE_MISSING_H
#define RESTORE_MISSING_H

#include "lib/base/json.h"
#include "lib/journal/journal.h"

struct missing {
    json_t *list; /* {"what", "mend"}; made at the first */
};

void missing_done(struct missing *m);
static inline void auto_missing(struct missing *m)
{
    missing_done(m);
}
/* Said once however often it is added. */
bool missing_add(struct missing *m, const char *kind, const char *name, const char *mend,
                 struct err *err);
/* ERR_MISSING that names them all when there are any; each is logged with its mend and is in the
 * journal (restore.missing). label: the server. */
bool missing_judge(const struct missing *m, const char *component, const char *label,
                   struct journal *journal, struct err *err);

#endif
