/* What the two files of the proof of file trees share.
 *
 * Every segment is a task. The names that the bundle holds are kept as hashes; what the tree holds
 * besides is looked for when all are known. Paths are opened part by part, as in restore/files.h.
 */
#ifndef RESTORE_PROOF_FILES_H
#define RESTORE_PROOF_FILES_H

#include "lib/base/beneath.h"
#include "lib/bundle/tar.h"
#include "restore/proof_part.h"

#include <sys/stat.h>

/* Segments that belong together: entries, and the pieces of a large file at their end. */
struct tree_group {
    const struct segment *head;
    size_t pieces;
    char *big;          /* path; NULL: not to be compared */
    uint64_t stored;    /* bytes of its content, without padding */
    struct vec regions; /* struct tar_region */
    bool noted;
};

struct tree_piece {
    struct tree_group *group;
    const struct segment *segment;
    uint64_t offset; /* in the stored bytes */
};

struct tree_name {
    uint64_t a, b; /* of the path's hash */
};

struct tree_proof {
    struct proof_part *part;
    const struct stream *stream;
    char *dir;
    int root;
    bool as_root;         /* owners and devices could be given */
    struct beneath *dirs; /* of each worker */
    unsigned workers;
    struct tree_group *groups;
    struct tree_piece *pieces;
    size_t group_count, piece_count;
    struct vec names;     /* struct tree_name; under the part's lock */
    struct vec rewritten; /* struct stat of files that rules change */
};

/* An open file whose content is compared piece by piece. */
struct content {
    int fd;
    uint64_t at; /* behind what was compared */
    bool differs;
};

/* What stands between is a hole: zeros. */
bool content_compare(struct content *c, struct span piece, uint64_t offset, struct err *err);
bool content_zeros(struct content *c, uint64_t to, struct err *err);

/* With `group` the entry is its large file: pieces bring the content. */
bool entry_compare(struct tree_proof *t, unsigned worker, struct tar_reader *tar,
                   const struct tar_entry *e, struct tree_group *group, struct err *err);
/* The content of a file differs: expected of those that rules change. */
bool entry_content_differs(struct tree_proof *t, const char *path, int fd, struct err *err);
/* O_RDONLY and never through a link; -1 with errno. The entry's directory stays open until the next
 * call. */
bool entry_find(struct tree_proof *t, unsigned worker, const char *path, int *dir, char *name,
                struct err *err);

#endif
