/* What is kept of a struct stat: half the size. */
#ifndef SNAPSHOT_FILES_STATE_H
#define SNAPSHOT_FILES_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct file_state {
    mode_t mode;
    uid_t uid;
    gid_t gid;
    uint32_t links;
    uint64_t device, inode, rdev, size; /* size: of a regular file; else 0 */
    int64_t mtime_ns, ctime_ns;
    bool sparse; /* it may have holes: fewer blocks than bytes */
};

static inline int64_t files_ns(struct timespec at)
{
    return (int64_t)at.tv_sec * 1000000000 + at.tv_nsec;
}

static inline void files_state(const struct stat *from, struct file_state *to)
{
    bool regular = S_ISREG(from->st_mode);

    *to = (struct file_state){.mode = from->st_mode,
                              .uid = from->st_uid,
                              .gid = from->st_gid,
                              .links = from->st_nlink > UINT32_MAX ? UINT32_MAX
                                                                   : (uint32_t)from->st_nlink,
                              .device = from->st_dev,
                              .inode = from->st_ino,
                              .rdev = from->st_rdev,
                              .size = regular ? (uint64_t)from->st_size : 0,
                              .mtime_ns = files_ns(from->st_mtim),
                              .ctime_ns = files_ns(from->st_ctim),
                              .sparse = regular && from->st_blocks * (off_t)512 < from->st_size};
}

/* Whether the content may be told apart by it: not of a file that somebody writes just now. */
static inline bool files_state_same(const struct file_state *a, const struct file_state *b)
{
    return a->size == b->size && a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

/* A name beside others of the same content. */
static inline bool files_state_linked(const struct file_state *st)
{
    return st->links > 1 && !S_ISDIR(st->mode);
}

#endif
