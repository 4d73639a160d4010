/* A file tree being restored.
 *
 * Every segment is a task. Directories get their owner, mode and times last, hard links are made when
 * all files are there, and a large file is finished when its pieces are written: all three are kept
 * in lists until then. Paths are opened part by part below the target directory, so neither a
 * hostile name nor a link in the way leads out of it.
 * Threads: the lists are under the lock; a files_worker belongs to one thread.
 */
#ifndef RESTORE_FILES_H
#define RESTORE_FILES_H

#include "lib/base/beneath.h"
#include "lib/base/vec.h"
#include "lib/bundle/tar.h"
#include "restore/target.h"

#include <pthread.h>

/* An entry that is completed at the end; everything it points to is heap of its own. */
struct late {
    struct tar_entry entry;
    struct tar_xattr *xattrs;
};

/* The segments of a tree that belong together: entries, and the pieces of a large file at their
 * end. `big` is set by the task of the entries; the pieces run after it. */
struct group {
    const struct segment *head;
    size_t pieces;
    uint64_t piece_bytes;
    char *big;                  /* path */
    uint64_t big_bytes;         /* stored bytes of its content, without padding */
    struct tar_region *regions; /* NULL: no holes */
};

struct piece {
    struct group *group;
    const struct segment *segment;
    uint64_t offset; /* in the stored bytes of the file */
};

struct files_worker {
    struct beneath dirs;
    struct buf raw;
};

struct files_target {
    struct target base;
    const struct target_conf *conf;
    const struct stream *stream;
    int root;
    bool as_root; /* owners can be given away */
    struct group *groups;
    struct piece *pieces;
    size_t group_count, piece_count;
    struct files_worker *workers;
    pthread_mutex_t lock;
    struct vec dirs, bigs, links; /* struct late */
    uint64_t refused; /* attributes, owners and devices that the system would not take */
    char refused_first[256];
};

/* Makes the entries of a segment; with `big` the last one is a large file without its content. */
bool files_make_entries(struct files_target *t, struct files_worker *w, struct group *g,
                        struct err *err);
bool files_write_piece(struct files_target *t, struct files_worker *w, const struct piece *p,
                       struct err *err);
/* Hard links, large files, directories; in this order. */
bool files_complete(struct files_target *t, struct err *err);
void late_done(struct late *l);

/* Owner, attributes, mode and times. `fd` may be -1: then it is `name` in `dir`, not followed. */
bool files_apply(struct files_target *t, int fd, int dir, const char *name,
                 const struct tar_entry *e, struct err *err);

#endif
