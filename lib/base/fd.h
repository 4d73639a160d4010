/* Files and directories, done safely: whole reads, whole writes, atomic replacement, no following
 * of links where the name came from outside. */
#ifndef LIB_BASE_FD_H
#define LIB_BASE_FD_H

#include "lib/base/auto.h"
#include "lib/base/buf.h"

#include <sys/types.h>

bool fd_write_all(int fd, const void *bytes, size_t len, struct err *err);
bool fd_pwrite_all(int fd, const void *bytes, size_t len, off_t offset, struct err *err);
/* Exactly `len` bytes; a short file is ERR_DAMAGED. */
bool fd_pread_all(int fd, void *bytes, size_t len, off_t offset, struct err *err);

/* Lets the disk begin on what was written to `fd` so far, now and then: else all of a large file is
 * waited for at once, by an fsync. Only a hint; *begun starts at 0 and is this function's own. */
void fd_write_behind(int fd, off_t written, off_t *begun);

/* The whole file, at most `max` bytes. */
bool file_read(const char *path, size_t max, struct buf *out, struct err *err);
/* Temporary name in the same directory, fsync, rename, fsync of the directory. */
bool file_replace(const char *path, struct span content, mode_t mode, struct err *err);
/* Gives a file another name in the same directory, durably, which nobody else must have: ERR_EXISTS.
 * Where the file system has no such rename (NFS, some of FUSE) it gets a second name and loses the
 * first, and where it has no second names (exFAT) it is looked for first. */
bool file_name(const char *from, const char *to, struct err *err);
/* Refuses a secret file that others may read: ERR_RIGHTS with the chmod as hint. One trailing
 * newline is taken off. */
bool file_read_secret(const char *path, struct buf *out, struct err *err);

/* With parents; exists is fine. What is made has a durable name. */
bool dir_make(const char *path, mode_t mode, struct err *err);
/* Removes a tree; never follows links, never leaves `path`, never crosses into another file
 * system. A path that does not exist is fine. */
bool dir_remove(const char *path, struct err *err);
bool dir_sync(const char *path, struct err *err);
/* Calls `each` for every entry but . and ..; sorted by name (memcmp). */
bool dir_each(const char *path, bool (*each)(void *ctx, const char *name, struct err *err),
              void *ctx, struct err *err);
/* The same in no order and without holding the names in memory: for folders of a million files. `each`
 * may remove the entry that it is given. */
bool dir_scan(const char *path, bool (*each)(void *ctx, const char *name, struct err *err),
              void *ctx, struct err *err);
/* `a/b`; heap; NULL without memory. */
char *path_join(const char *a, const char *b);
bool path_exists(const char *path);
/* True when `name` is relative, without "..", empty or "." parts, and without NUL: safe to append
 * to a directory of ours. */
bool path_is_inside(struct span name);

#endif
