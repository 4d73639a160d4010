/* A file tree being captured: the walk finds entries, units of them are read by all workers.
 *
 * The walk (one task) meets every entry in the order directory, its content sorted by name; that is
 * the order of the tar. It cuts what it meets into units: consecutive entries of about
 * SEGMENT_TARGET bytes, or a piece of one large file. Units begin where the parent's segments did,
 * as long as that gives no crumbs, and none of twice the size. A file is large when its bytes (holes
 * not counted) exceed the target, or when there are others like it and the same bytes shall be stored
 * once: its head ends the unit of entries before it, and its pieces follow as segments with 0 records.
 * Unread:  a unit that has exactly the entries of one of the parent's segments, all unchanged by the
 *          parent's catalog, is referenced, and its files are not opened (files_old.h).
 * Memory:  of the tree only what is under way is held: a few units, the names of the directories
 *          the walk is in, and hard links whose other names were not met yet.
 * Threads: one walks; any worker reads a unit, which is then its own. What else is shared stands
 *          under the tree's lock.
 */
#ifndef SNAPSHOT_FILES_H
#define SNAPSHOT_FILES_H

#include "lib/base/beneath.h"
#include "lib/base/vec.h"
#include "lib/bundle/columns.h"
#include "lib/bundle/tar.h"
#include "snapshot/files_links.h"
#include "snapshot/files_old.h"
#include "snapshot/files_state.h"
#include "snapshot/files_twins.h"
#include "snapshot/source.h"

#include <pthread.h>
#include <stdatomic.h>

struct node {
    size_t path; /* offset in unit.text */
    size_t link; /* of a further name of a file: offset of the first one's path + 1; 0: none */
    struct file_state st;  /* of the walk; of the reading for what is not large */
    uint64_t stored_bytes; /* of content in the tar, about; exactly that of a large file */
    bool large;
    bool left_out; /* it could not be kept; tree.left_out says why */
};

/* A file whose content has units of its own. */
struct large {
    unsigned users; /* units; under the lock */
    bool noted;     /* that it was changed; under the lock */
    struct file_state st;
    uint64_t stored_bytes;
    struct vec regions; /* struct tar_region; none: no holes */
    char path[];
};

struct unit {
    uint64_t seq, bytes;
    const struct segment *like; /* of the parent; NULL: none */
    bool guessed;               /* `like` holds files of such names and sizes, elsewhere */
    bool same;                  /* so far, the entries of `like` as they were */
    struct buf text;            /* paths, NUL-terminated */
    struct vec nodes;           /* struct node; none: a piece */
    struct large *large;        /* whose head is the last entry, or whose piece it is; or NULL */
    uint64_t offset, len;       /* of the piece, in stored bytes */
    struct buf rows;            /* of the catalog */
    struct unit *next;          /* in a list of the tree */
};

struct files_worker {
    struct beneath dirs;
    struct tar_writer *tar;
    struct buf out, content, names, values, link;
    struct vec xattrs;  /* struct tar_xattr */
    struct vec regions; /* struct tar_region */
};

/* What the walk knows; nobody else looks at it. */
struct files_walk {
    struct files_old *old; /* NULL: no parent with a catalog */
    struct vec twins;      /* keys of files that are there more than once; without a parent */
    struct unit *unit;     /* being filled; NULL: none */
    uint64_t units;
    unsigned worker;
};

/* The catalog being written, in the order of the units. */
struct files_catalog {
    uint32_t stream;
    uint64_t next;      /* unit */
    struct unit *early; /* done before units ahead of them; by number */
    size_t early_bytes;
    struct buf rows;
    struct columns cols;
    uint64_t seq;
};

struct tree {
    struct source base;
    const struct source_conf *conf;
    const struct env_files *env;
    struct sched *sched;
    int root;
    uint32_t stream;
    const struct stream *parent;  /* NULL: none */
    struct files_worker *workers; /* conf->jobs */
    struct files_walk walk;
    int64_t started_ns;
    atomic_bool failed; /* some unit was: the walk need not go on */

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t moved; /* a unit was committed, or failed */
    struct err why;       /* it failed */
    struct unit *waiting, **waiting_end;
    unsigned waiting_count, helpers;
    struct files_catalog catalog;
    struct links links;
    uint64_t entries, unread, bytes;
    json_t *left_out; /* array of {what, why} */
};

static inline const char *node_path(const struct unit *u, const struct node *n)
{
    return u->text.at + n->path;
}

/* Notes something that is not, or not exactly, in the bundle. */
bool files_leave_out(struct tree *t, const char *path, const char *why, struct err *err);

/* ---- files_walk.c: the task that walks ------------------------------------------------------- */

bool files_walk(struct tree *t, unsigned worker, struct err *err);
/* Adds which entry it is about, and what to do. Returns false. */
bool files_unreadable(const struct tree *t, const char *path, struct err *err);

/* ---- files_cut.c: units ---------------------------------------------------------------------- */

struct found { /* by the walk */
    const char *path;
    struct file_state st;
    int dir; /* the directory that has it, and its name there */
    const char *name;
    bool moved; /* its directory was not there in the parent */
};

/* *known: the parent had an entry of that path. */
bool files_take(struct tree *t, const struct found *f, bool *known, struct err *err);
bool files_cut_last(struct tree *t, struct err *err);
void unit_free(struct tree *t, struct unit *u);

/* ---- files_run.c: units on workers ----------------------------------------------------------- */

/* Hands a unit over to whoever is free; with too many under way it works itself. Takes it. */
bool files_run(struct tree *t, struct unit *u, struct err *err);
/* All that is waiting. */
bool files_run_rest(struct tree *t, struct err *err);

/* ---- files_read.c ---------------------------------------------------------------------------- */

/* The data regions of a file that may have holes; none in *regions: it has not. */
bool files_regions(int fd, uint64_t size, struct vec *regions, uint64_t *stored, struct err *err);
/* Appends the unit's entries to w->out; *records are those that are there. */
bool files_read_entries(struct tree *t, struct files_worker *w, struct unit *u, uint64_t *records,
                        struct err *err);
/* Appends a piece of a large file, with the padding behind the last one. */
bool files_read_piece(struct tree *t, struct files_worker *w, const struct unit *u,
                      struct err *err);

/* ---- files_catalog.c ------------------------------------------------------------------------- */

bool files_catalog_open(struct tree *t, struct err *err);
/* The rows of a unit that is stored. Takes it. */
bool files_catalog_add(struct tree *t, struct unit *u, struct err *err);
/* Too many rows wait for a unit ahead of them. Under the lock. */
bool files_catalog_crowded(const struct tree *t);
/* The rest; once all units were added. */
bool files_catalog_end(struct tree *t, struct err *err);
void files_catalog_done(struct tree *t);

#endif
