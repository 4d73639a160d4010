/* Directories below a root, opened without ever following a link.
 *
 * For trees whose names come from outside, or that somebody may change while they are walked: each
 * part of the path is opened by itself with O_NOFOLLOW, so a link that appears in the way is an
 * error and never a way out.
 * Threads: a struct beneath belongs to one. Ownership: `root` stays the caller's.
 */
#ifndef LIB_BASE_BENEATH_H
#define LIB_BASE_BENEATH_H

#include "lib/base/auto.h"
#include "lib/base/buf.h"

#include <limits.h>

struct beneath {
    int root;
    int dir;         /* the directory of the last call */
    struct buf path; /* its path */
};

#define BENEATH_NAME (NAME_MAX + 1)
#define BENEATH(fd)  ((struct beneath){.root = (fd), .dir = -1})

/* `path`: relative, "" or "." is the root; parts "..", "." and "" are ERR_DAMAGED. With `make`
 * missing directories are made with mode 0700. *fd is valid until the next call. */
bool beneath_dir(struct beneath *b, struct span path, bool make, int *fd, struct err *err);
/* The directory of the file `path`, and the last part of the path. A part that is longer than any
 * name of a Linux file system (a network's may give such) is ERR_DAMAGED. */
bool beneath_parent(struct beneath *b, struct span path, bool make, int *fd,
                    char name[BENEATH_NAME], struct err *err);
void beneath_done(struct beneath *b);

#endif
