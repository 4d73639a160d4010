/* Which name of a hard-linked file came first: it has the content, the others refer to it.
 *
 * A file is held until as many names were met as it has links, so what is held is small as long as
 * the names of a file are all in the tree, and close together.
 * Threads: one at a time; the caller locks.
 */
#ifndef SNAPSHOT_FILES_LINKS_H
#define SNAPSHOT_FILES_LINKS_H

#include "lib/base/err.h"
#include "snapshot/files_state.h"

#include <stddef.h>

struct link;
struct links {
    void *root;        /* of a tsearch() tree */
    struct link *last; /* all of its names were met: it is held for one call more */
};

/* Meets `path`, a name of a file with more than one. *first is that of the name met before, valid
 * until the next call; NULL: this is the first. */
bool links_meet(struct links *all, const struct file_state *st, const char *path,
                const char **first, struct err *err);
/* The first name went away before it was read. true: no other refers to it, and the next one that
 * is met counts as the first; false: too late. */
bool links_forget(struct links *all, const struct file_state *st);
void links_done(struct links *all);

#endif
