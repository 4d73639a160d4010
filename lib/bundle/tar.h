/* pax entries in memory, through libarchive.
 *
 * Names are bytes (hdrcharset=BINARY), so nothing depends on the locale. Extended attributes are
 * SCHILY.xattr records, ACLs among them as system.posix_acl_*; holes are GNU sparse 1.0. atime and
 * ctime are left out: the same file gives the same bytes.
 * Threads: a writer or reader belongs to one. Errors: ERR_DAMAGED for what is no tar.
 */
#ifndef LIB_BUNDLE_TAR_H
#define LIB_BUNDLE_TAR_H

#include "lib/base/auto.h"
#include "lib/base/buf.h"

#include <sys/types.h>

#define TAR_BLOCK ((size_t)512)

struct tar_region { /* bytes of a sparse file that are there */
    uint64_t offset, len;
};

struct tar_xattr {
    const char *name;
    struct span value;
};

struct tar_entry {
    const char *path; /* relative; directories without a slash at the end, the root is "." */
    mode_t mode;      /* type and permissions */
    uid_t uid;
    gid_t gid;
    int64_t mtime_s;
    long mtime_ns;
    uint64_t size; /* of a regular file, holes counted */
    dev_t rdev;
    const char *link;     /* of a symbolic link; else NULL */
    const char *hardlink; /* path of the entry that has the content; else NULL */
    const struct tar_xattr *xattrs;
    size_t xattr_count;
    const struct tar_region *regions; /* in order; NULL: no holes */
    size_t region_count;
};

struct tar_writer;
bool tar_writer_open(struct tar_writer **out, struct err *err);
void tar_writer_close(struct tar_writer *w);
AUTO_PTR(tar_writer, struct tar_writer, tar_writer_close)
/* Appends an entry without holes, and its padding, to `out`. */
bool tar_add(struct tar_writer *w, const struct tar_entry *e, struct span content, struct buf *out,
             struct err *err);
/* Appends only what stands before the content; the content, or of a sparse file its regions one
 * behind the other, and then zeros up to a multiple of TAR_BLOCK, are to follow. */
bool tar_add_head(const struct tar_entry *e, struct buf *out, struct err *err);

struct tar_reader;
bool tar_reader_open(struct span bytes, struct tar_reader **out, struct err *err);
void tar_reader_close(struct tar_reader *r);
AUTO_PTR(tar_reader, struct tar_reader, tar_reader_close)
/* *more is false behind the last one. What *e points to is valid until the next call. */
bool tar_next(struct tar_reader *r, struct tar_entry *e, bool *more, struct err *err);
/* The next piece of the entry's content and where it belongs; empty at its end. */
bool tar_content(struct tar_reader *r, struct span *piece, uint64_t *offset, struct err *err);

#endif
