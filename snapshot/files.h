/* A file tree being captured: what the walk found, and how it is cut into units of work.
 *
 * The walk (main thread) lists every entry in the order directory, its content sorted by name; that
 * is the order of the tar. A unit is either consecutive entries of about SEGMENT_TARGET bytes, or a
 * piece of one large file. Units begin where the parent's segments did, as long as that gives no
 * crumbs, and none of twice the size. A file is large when its bytes (holes not counted) exceed the target: its
 * head ends the unit of entries before it, and its pieces follow as segments with 0 records.
 * Threads: after the walk each node is written by the one task that reads it.
 */
#ifndef SNAPSHOT_FILES_H
#define SNAPSHOT_FILES_H

#include "lib/base/beneath.h"
#include "lib/base/vec.h"
#include "lib/bundle/tar.h"
#include "snapshot/source.h"

#include <pthread.h>
#include <sys/stat.h>

/* What is kept of a struct stat: half the size, for millions of entries. */
struct file_state {
    mode_t mode;
    uid_t uid;
    gid_t gid;
    uint32_t links;
    uint64_t device, inode, rdev, size;
    int64_t mtime_ns, ctime_ns;
};

struct node {
    size_t path;           /* offset in tree.paths */
    struct file_state st;  /* of the walk; of the reading for what is not large */
    uint64_t stored_bytes; /* bytes of content in the tar */
    size_t link_to;        /* of a further name of a file: its first name's node + 1; 0: none */
    struct tar_region *regions; /* heap; NULL: no holes */
    size_t region_count;
    uint64_t seq;  /* of the segment it begins in */
    bool noted;    /* that it was changed; under the lock */
    bool left_out; /* it could not be kept; tree.left_out says why */
};

struct unit {
    size_t first, count;  /* nodes; count 0: a piece of node `first` */
    uint64_t offset, len; /* of the piece, in stored bytes */
    uint64_t seq, bytes;
    const struct segment *like; /* of the parent; NULL: none */
};

/* Segments of the parent one behind the other: one of entries, or all pieces of a large file. */
struct files_old {
    struct span path; /* of the first entry, or of the file */
    const struct segment *first;
    size_t count;
};

struct files_worker {
    struct beneath dirs;
    struct tar_writer *tar;
    struct buf out, content, names, values, link;
    struct vec xattrs; /* struct tar_xattr */
};

struct tree {
    struct source base;
    const struct source_conf *conf;
    const struct env_files *env;
    int root;
    uint32_t stream;
    struct buf paths; /* NUL-terminated, one behind the other; does not move after the walk */
    struct vec nodes; /* struct node */
    struct vec units; /* struct unit */
    struct vec old_heads, old_pieces; /* struct files_old, by path */
    struct files_worker *workers;     /* conf->jobs */
    uint64_t bytes;
    int64_t started_ns;
    pthread_mutex_t lock;
    json_t *left_out; /* array of {what, why}; under the lock */
};

static inline const char *node_path(const struct tree *t, const struct node *n)
{
    return t->paths.at + n->path;
}

void files_state(const struct stat *from, struct file_state *to);

/* Fills old_heads and old_pieces by the parent's stream, if there is one. */
bool files_old_read(struct tree *t, const char *stream, struct err *err);
const struct files_old *files_old_find(const struct vec *all, const char *path); /* NULL: none */

/* Fills paths, nodes and units. */
bool files_walk(struct tree *t, struct err *err);
/* Notes something that is not, or not exactly, in the bundle. */
bool files_leave_out(struct tree *t, const char *path, const char *why, struct err *err);

/* Appends entries [first, first + count) to w->out; *records are those that are there. */
bool files_read_entries(struct tree *t, struct files_worker *w, const struct unit *u,
                        uint64_t *records, struct err *err);
/* Appends a piece of a large file, with the padding behind the last one. */
bool files_read_piece(struct tree *t, struct files_worker *w, const struct unit *u,
                      struct err *err);

/* The catalog: path, times and inode of every entry, as a stream of columns. */
bool files_write_catalog(struct tree *t, struct err *err);

#endif
