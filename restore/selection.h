/* What of a bundle a restore or a proof is about, to whom it belongs there, and how its report is
 * told. */
#ifndef RESTORE_SELECTION_H
#define RESTORE_SELECTION_H

#include "lib/base/json.h"
#include "lib/base/opt.h"
#include "lib/journal/journal.h"

/* As options and box.json give it. The texts are borrowed. */
struct chosen {
    struct opt_list only; /* restore/only.h; none: all */
    bool references;      /* tables that foreign keys and bodies name come with the rest */
    struct opt_list owners;
    bool no_owner, no_privileges;
};

struct selection {
    const struct opt_list *only;
    bool references;
    const struct opt_list *owners; /* restore/owner.h; NULL: all keep theirs */
    bool no_owner, no_privileges;
};

/* Borrows from `c`. */
struct selection selection_of(const struct chosen *c);

/* For box.json; new reference. */
bool selection_keep(const struct selection *what, json_t **out, struct err *err);
/* The same again. The texts in `out` are borrowed from `kept`, which may be NULL. */
void selection_take(const json_t *kept, struct chosen *out);

/* {"selected": [], "needed": [], "left_out": [{"what", "why"}]} of a component into the log and the
 * journal (restore.selection). */
bool selection_tell(const char *component, json_t *report, struct journal *journal,
                    struct err *err);

#endif
