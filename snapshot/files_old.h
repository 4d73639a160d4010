/* The parent's catalog of a file tree: which entries are as they were, and where they lie.
 *
 * It is read along with the walk, whose order it has, one segment at a time. An entry is unchanged
 * when type, permissions, owner, links, size, mtime, ctime, device and inode are what the catalog
 * says. Nobody but the clock sets a ctime, so content cannot change and all of that stay; except
 *  - within one tick of that clock: what was changed less than OLD_RACY_NS before the parent began,
 *    or after, counts as changed (as with git's "racily clean" entries);
 *  - when the clock was set back behind the parent's start: then nothing is believed;
 *  - where the file system does not keep ctime, or memory maps are written late: documented, and
 *    what --paranoid is for.
 * Errors:  a catalog that cannot be read, or makes no sense, is as if it ended there.
 * Memory:  one segment, and 12 bytes per file (at most OLD_GUESSES) once a new directory was met.
 * Threads: the walk's only.
 */
#ifndef SNAPSHOT_FILES_OLD_H
#define SNAPSHOT_FILES_OLD_H

#include "lib/bundle/bundle.h"
#include "snapshot/files_state.h"

#define OLD_RACY_NS ((int64_t)3 * 1000000000)
#define OLD_GUESSES ((size_t)1 << 20)

/* The columns that both sides name so. */
extern const char *const catalog_columns[];
enum {
    CATALOG_PATH,
    CATALOG_MODE,
    CATALOG_UID,
    CATALOG_GID,
    CATALOG_SIZE,
    CATALOG_MTIME,
    CATALOG_CTIME,
    CATALOG_DEVICE,
    CATALOG_INODE,
    CATALOG_LINKS,
    CATALOG_SEGMENT,
    CATALOG_COLUMNS
};
#define CATALOG_STARTED "started_ns" /* member of the stream's metadata */

struct files_old;

/* `catalog` and `tree`: the parent's streams. *out is NULL when they are of no use. Not to `believe`
 * it: nothing is unchanged, and it only says where the parent cut. */
bool files_old_open(const struct bundle_writer *w, const struct stream *catalog,
                    const struct stream *tree, bool believe, struct files_old **out,
                    struct err *err);
void files_old_close(struct files_old *old);
AUTO_PTR(files_old, struct files_old, files_old_close)

struct old_entry {
    const struct segment *segment; /* in which it begins; NULL: nowhere */
    bool known;                    /* the parent had an entry of that path */
    bool large;                    /* its content has segments of its own, behind that one */
    bool unchanged;
    bool guessed; /* it is another entry, that looks like this one */
};

/* The next entry of the walk. `first`: of a further name of a file the path of the first one; NULL:
 * none. */
bool files_old_next(struct files_old *old, const char *path, const struct file_state *st,
                    const char *first, struct old_entry *out, struct err *err);
/* Where the parent has what was moved or copied here: a file of that name and size, best of that inode
 * or mtime; `near` is preferred. *out stays when there is none, or too many. For files in directories
 * that it has not. */
void files_old_guess(struct files_old *old, const char *path, const struct file_state *st,
                     const struct segment *near, struct old_entry *out);
/* The order of the walk: as if '/' came before all other bytes. */
int files_order(const char *a, const char *b);

#endif
