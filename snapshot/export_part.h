/* The file that an export writes, until it gets its name.
 *
 * It lies beside its target as FILE.rehearse-part, so that naming it stays on one file system and
 * nothing fills up /tmp; what room an export needs besides is FILE.rehearse-full, a store. The names
 * are always the same, and the file is locked: what a killed export left is taken over by the next.
 * Nobody else's file is written to or removed.
 */
#ifndef SNAPSHOT_EXPORT_PART_H
#define SNAPSHOT_EXPORT_PART_H

#include "lib/base/auto.h"
#include "lib/base/err.h"

struct part {
    const char *to; /* the target; borrowed */
    char *path, *scratch;
    int fd;     /* -1 before part_open() */
    bool ours;  /* the lock */
    bool whole; /* complete and durable: worth keeping */
};

/* Empty, ready to be written. ERR_EXISTS when the target exists, or something else in the way;
 * ERR_LOCK while another export writes it. */
bool part_open(struct part *p, const char *to, struct err *err);
/* Makes what was written durable and gives it its name. Where only the name fails, it is kept under
 * the one it has, and the error says so; but not on a full disk. */
bool part_finish(struct part *p, struct err *err);
void part_done(struct part *p);

#endif
