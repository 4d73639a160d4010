#include "lib/bundle/tar.h"

#include "lib/base/vec.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <sys/stat.h>

struct tar_writer {
    /* One for names of ASCII alone, one for any bytes: only there libarchive is told not to convert
     * them, since that adds a record to every entry which GNU tar grumbles about. */
    struct archive *ascii, *binary;
    struct archive *archive; /* of the entry under way: one of the two */
    struct archive_entry *entry;
    struct buf *out; /* of the call under way; NULL: what comes is dropped */
    bool closing;
};

struct tar_reader {
    struct archive *archive;
    struct vec xattrs;  /* struct tar_xattr */
    struct vec regions; /* struct tar_region */
    char *path;         /* without the slash of a directory */
};

/* ---- writing ---------------------------------------------------------------------------------*/

static la_ssize_t collect(struct archive *a, void *ctx, const void *bytes, size_t len)
{
    struct tar_writer *w = ctx;

    if (w->closing)
        return -1;
    if (!w->out || buf_add(w->out, bytes, len))
        return (la_ssize_t)len;
    archive_set_error(a, ENOMEM, "out of memory");
    return -1;
}

static bool failed(struct archive *a, const char *what, struct err *err)
{
    const char *why = archive_error_string(a);

    return err_set(err, ERR_FAILED, "%s: %s", what, why ? why : "out of memory");
}

static bool open_archive(struct tar_writer *w, const char *options, struct archive **out,
                         struct err *err)
{
    struct archive *a = *out = archive_write_new();

    if (!a)
        return err_memory(err);
    if (archive_write_set_format_pax(a) != ARCHIVE_OK ||
        archive_write_set_bytes_per_block(a, 0) != ARCHIVE_OK ||
        archive_write_set_options(a, options) != ARCHIVE_OK ||
        archive_write_open(a, w, NULL, collect, NULL) != ARCHIVE_OK)
        return failed(a, "cannot write tar entries", err);
    return true;
}

bool tar_writer_open(struct tar_writer **out, struct err *err)
{
    AUTO(tar_writer) struct tar_writer *w = calloc(1, sizeof(*w));

    if (!w)
        return err_memory(err);
    w->entry = archive_entry_new();
    if (!w->entry)
        return err_memory(err);
    if (!open_archive(w, "pax:xattrheader=SCHILY", &w->ascii, err) ||
        !open_archive(w, "pax:xattrheader=SCHILY,pax:hdrcharset=BINARY", &w->binary, err))
        return false;
    *out = TAKE(w);
    return true;
}

void tar_writer_close(struct tar_writer *w)
{
    if (!w)
        return;
    /* A refused write keeps it from padding the entry under way, which may be terabytes; after
     * archive_write_fail() it would leak (libarchive 3.6.2). */
    w->closing = true;
    archive_write_free(w->ascii);
    archive_write_free(w->binary);
    archive_entry_free(w->entry);
    free(w);
}

/* ---- access control lists --------------------------------------------------------------------*/

/* The kernel's form of a list, in an attribute: a version, then tag, permissions and id of each. */
#define ACL_HEAD ((size_t)4)
#define ACL_ITEM ((size_t)8)

static int acl_tag(unsigned tag)
{
    switch (tag) {
    case 0x01:
        return ARCHIVE_ENTRY_ACL_USER_OBJ;
    case 0x02:
        return ARCHIVE_ENTRY_ACL_USER;
    case 0x04:
        return ARCHIVE_ENTRY_ACL_GROUP_OBJ;
    case 0x08:
        return ARCHIVE_ENTRY_ACL_GROUP;
    case 0x10:
        return ARCHIVE_ENTRY_ACL_MASK;
    case 0x20:
        return ARCHIVE_ENTRY_ACL_OTHER;
    default:
        return 0;
    }
}

/* GNU tar restores lists from a record of its own; we restore the attribute. */
static void add_acl(struct archive_entry *to, const struct tar_xattr *x)
{
    int type = strcmp(x->name, "system.posix_acl_access") == 0    ? ARCHIVE_ENTRY_ACL_TYPE_ACCESS
               : strcmp(x->name, "system.posix_acl_default") == 0 ? ARCHIVE_ENTRY_ACL_TYPE_DEFAULT
                                                                  : 0;

    for (size_t at = ACL_HEAD; type && at + ACL_ITEM <= x->value.len; at += ACL_ITEM) {
        const unsigned char *p = (const unsigned char *)x->value.at + at;
        int tag = acl_tag(p[0] | (unsigned)p[1] << 8);
        uint32_t id = p[4] | (uint32_t)p[5] << 8 | (uint32_t)p[6] << 16 | (uint32_t)p[7] << 24;

        if (tag)
            archive_entry_acl_add_entry(to, type, p[2] & 7, tag, (int)id, NULL);
    }
}

static void fill_entry(struct archive_entry *to, const struct tar_entry *e)
{
    archive_entry_clear(to);
    archive_entry_copy_pathname(to, e->path);
    archive_entry_set_mode(to, e->mode); /* the list, below, changes the group's part of it */
    archive_entry_set_uid(to, e->uid);
    archive_entry_set_gid(to, e->gid);
    archive_entry_set_mtime(to, e->mtime_s, e->mtime_ns);
    archive_entry_set_size(to, S_ISREG(e->mode) && !e->hardlink ? (la_int64_t)e->size : 0);
    if (S_ISCHR(e->mode) || S_ISBLK(e->mode))
        archive_entry_set_rdev(to, e->rdev);
    if (e->link)
        archive_entry_copy_symlink(to, e->link);
    if (e->hardlink)
        archive_entry_copy_hardlink(to, e->hardlink);
    for (size_t i = 0; i < e->xattr_count; i++) {
        archive_entry_xattr_add_entry(to, e->xattrs[i].name, e->xattrs[i].value.at,
                                      e->xattrs[i].value.len);
        add_acl(to, &e->xattrs[i]);
    }
    for (size_t i = 0; i < e->region_count; i++)
        archive_entry_sparse_add_entry(to, (la_int64_t)e->regions[i].offset,
                                       (la_int64_t)e->regions[i].len);
}

static bool ascii(const char *s)
{
    while (s && *s && (unsigned char)*s < 128)
        s++;
    return !s || !*s;
}

static bool put_head(struct tar_writer *w, const struct tar_entry *e, struct buf *out,
                     struct err *err)
{
    w->out = out;
    w->archive = ascii(e->path) && ascii(e->link) && ascii(e->hardlink) ? w->ascii : w->binary;
    fill_entry(w->entry, e);
    if (archive_write_header(w->archive, w->entry) == ARCHIVE_OK)
        return true;
    failed(w->archive, "cannot write a tar entry", err);
    return err_add(err, "'%s'", e->path);
}

bool tar_add(struct tar_writer *w, const struct tar_entry *e, struct span content, struct buf *out,
             struct err *err)
{
    bool ok = put_head(w, e, out, err);

    if (ok && content.len &&
        archive_write_data(w->archive, content.at, content.len) != (la_ssize_t)content.len)
        ok = failed(w->archive, "cannot write a tar entry", err);
    if (ok && archive_write_finish_entry(w->archive) != ARCHIVE_OK)
        ok = failed(w->archive, "cannot end a tar entry", err);
    w->out = NULL;
    return ok && buf_ok(out, err);
}

bool tar_add_head(const struct tar_entry *e, struct buf *out, struct err *err)
{
    AUTO(tar_writer) struct tar_writer *w = NULL;

    if (!tar_writer_open(&w, err) || !put_head(w, e, out, err))
        return false;
    if (e->region_count == 0 || e->size == 0)
        return buf_ok(out, err);
    /* The map of a sparse file comes with the first byte of content, which is cut off again: all
     * that belongs here is a multiple of a block. */
    if (archive_write_data(w->archive, "", 1) != 1)
        return failed(w->archive, "cannot write the map of a sparse file", err);
    out->len -= out->len % TAR_BLOCK;
    return buf_ok(out, err);
}

/* ---- reading ---------------------------------------------------------------------------------*/

static bool damaged(struct tar_reader *r, const char *what, struct err *err)
{
    const char *why = archive_error_string(r->archive);

    return err_set(err, ERR_DAMAGED, "%s: %s", what, why ? why : "no reason given");
}

bool tar_reader_open(struct span bytes, struct tar_reader **out, struct err *err)
{
    AUTO(tar_reader) struct tar_reader *r = calloc(1, sizeof(*r));

    if (!r)
        return err_memory(err);
    r->xattrs = (struct vec)VEC(struct tar_xattr);
    r->regions = (struct vec)VEC(struct tar_region);
    r->archive = archive_read_new();
    if (!r->archive)
        return err_memory(err);
    if (archive_read_support_format_tar(r->archive) != ARCHIVE_OK ||
        archive_read_open_memory(r->archive, bytes.at, bytes.len) != ARCHIVE_OK)
        return damaged(r, "cannot read tar entries", err);
    *out = TAKE(r);
    return true;
}

void tar_reader_close(struct tar_reader *r)
{
    if (!r)
        return;
    archive_read_free(r->archive);
    vec_done(&r->xattrs);
    vec_done(&r->regions);
    free(r->path);
    free(r);
}

static bool take_xattrs(struct tar_reader *r, struct archive_entry *from, struct err *err)
{
    const char *name;
    const void *value;
    size_t len;

    r->xattrs.count = 0;
    archive_entry_xattr_reset(from);
    while (archive_entry_xattr_next(from, &name, &value, &len) == ARCHIVE_OK) {
        struct tar_xattr *to = vec_add(&r->xattrs, err);
        if (!to)
            return false;
        *to = (struct tar_xattr){name, {value, len}};
    }
    return true;
}

static bool take_regions(struct tar_reader *r, struct archive_entry *from, struct err *err)
{
    la_int64_t offset, len;

    r->regions.count = 0;
    archive_entry_sparse_reset(from);
    while (archive_entry_sparse_next(from, &offset, &len) == ARCHIVE_OK) {
        struct tar_region *to = vec_add(&r->regions, err);
        if (!to)
            return false;
        if (offset < 0 || len < 0)
            return err_set(err, ERR_DAMAGED, "a sparse file with impossible regions");
        *to = (struct tar_region){(uint64_t)offset, (uint64_t)len};
    }
    return true;
}

static bool take_path(struct tar_reader *r, struct archive_entry *from, struct err *err)
{
    const char *path = archive_entry_pathname(from);
    size_t len = path ? strlen(path) : 0;

    if (len == 0)
        return err_set(err, ERR_DAMAGED, "a tar entry without a name");
    while (len > 1 && path[len - 1] == '/')
        len--;
    free(r->path);
    r->path = span_dup((struct span){path, len});
    return r->path || err_memory(err);
}

bool tar_next(struct tar_reader *r, struct tar_entry *e, bool *more, struct err *err)
{
    struct archive_entry *from = NULL;
    int status = archive_read_next_header(r->archive, &from);

    *more = status != ARCHIVE_EOF;
    if (!*more)
        return true;
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN)
        return damaged(r, "cannot read a tar entry", err);
    if (!take_path(r, from, err) || !take_xattrs(r, from, err) || !take_regions(r, from, err))
        return false;
    if (archive_entry_size(from) < 0)
        return err_set(err, ERR_DAMAGED, "'%s' has a size below 0", r->path);
    *e = (struct tar_entry){.path = r->path,
                            .mode = archive_entry_mode(from),
                            .uid = (uid_t)archive_entry_uid(from),
                            .gid = (gid_t)archive_entry_gid(from),
                            .mtime_s = archive_entry_mtime(from),
                            .mtime_ns = archive_entry_mtime_nsec(from),
                            .size = (uint64_t)archive_entry_size(from),
                            .rdev = archive_entry_rdev(from),
                            .link = archive_entry_symlink(from),
                            .hardlink = archive_entry_hardlink(from),
                            .xattrs = r->xattrs.at,
                            .xattr_count = r->xattrs.count,
                            .regions = r->regions.at,
                            .region_count = r->regions.count};
    return true;
}

bool tar_content(struct tar_reader *r, struct span *piece, uint64_t *offset, struct err *err)
{
    const void *at = NULL;
    size_t len = 0;
    la_int64_t where = 0;
    int status = archive_read_data_block(r->archive, &at, &len, &where);

    if (status == ARCHIVE_EOF) {
        *piece = (struct span){NULL, 0};
        return true;
    }
    if (status != ARCHIVE_OK || where < 0)
        return damaged(r, "cannot read the content of a tar entry", err);
    *piece = (struct span){at, len};
    *offset = (uint64_t)where;
    return true;
}
