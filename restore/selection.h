/* What of a bundle a restore or a proof is about, and how its report is told. */
#ifndef RESTORE_SELECTION_H
#define RESTORE_SELECTION_H

#include "lib/base/json.h"
#include "lib/base/opt.h"
#include "lib/journal/journal.h"

struct selection {
    const struct opt_list *only; /* restore/only.h; none: all */
    bool references;             /* tables that foreign keys and bodies name come with the rest */
};

/* For box.json; new reference. */
bool selection_keep(const struct selection *what, json_t **out, struct err *err);
/* The same again. The texts in `only` are borrowed from `kept`, which may be NULL. */
void selection_take(const json_t *kept, struct opt_list *only, bool *references);

/* {"selected": [], "needed": [], "left_out": [{"what", "why"}]} of a component into the log and the
 * journal (restore.selection). */
bool selection_tell(const char *component, json_t *report, struct journal *journal,
                    struct err *err);

#endif
