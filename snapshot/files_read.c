#include "snapshot/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/xattr.h>
#include <unistd.h>

#define READ_TRIES 3
#define GROWN_MAX  (4 * SEGMENT_TARGET)

/* What became of an entry between the walk and its reading. */
enum fate { FATE_READ, FATE_GONE, FATE_CHANGED, FATE_FAILED };

/* ---- extended attributes ---------------------------------------------------------------------*/

/* `fd` for a regular file; else `path` is looked at, without following a link. */
static ssize_t list_xattrs(int fd, const char *path, char *to, size_t len)
{
    return fd >= 0 ? flistxattr(fd, to, len) : llistxattr(path, to, len);
}

static ssize_t get_xattr(int fd, const char *path, const char *name, char *to, size_t len)
{
    return fd >= 0 ? fgetxattr(fd, name, to, len) : lgetxattr(path, name, to, len);
}

/* No such attributes on this file system, or gone since they were listed. */
static bool harmless(int error)
{
    return error == ENOTSUP || error == ENODATA || error == ENOENT;
}

static bool read_value(struct files_worker *w, int fd, const char *path, const char *name,
                       struct err *err)
{
    ssize_t len = get_xattr(fd, path, name, NULL, 0);

    if (len >= 0 && !buf_reserve(&w->values, (size_t)len))
        return err_memory(err);
    if (len > 0)
        len = get_xattr(fd, path, name, w->values.at + w->values.len, (size_t)len);
    if (len < 0)
        return harmless(errno) || err_sys(err, ERR_IO, "cannot read attribute '%s'", name);

    struct tar_xattr *x = vec_add(&w->xattrs, err);
    if (!x)
        return false;
    /* The buffer may move: for now `at` is an offset. */
    *x = (struct tar_xattr){name, {(const char *)w->values.len, (size_t)len}};
    w->values.len += (size_t)len;
    return true;
}

static bool read_xattrs(struct files_worker *w, int fd, const char *path, struct err *err)
{
    w->xattrs.count = 0;
    buf_clear(&w->values);
    buf_clear(&w->names);
    ssize_t len = list_xattrs(fd, path, NULL, 0);
    if (len == 0 || (len < 0 && harmless(errno)))
        return true;
    if (len > 0 && !buf_reserve(&w->names, (size_t)len))
        return err_memory(err);
    if (len > 0)
        len = list_xattrs(fd, path, w->names.at, (size_t)len);
    if (len < 0)
        return harmless(errno) || err_sys(err, ERR_IO, "cannot list extended attributes");

    for (const char *name = w->names.at; name < w->names.at + len; name += strlen(name) + 1)
        if (!read_value(w, fd, path, name, err))
            return false;
    struct tar_xattr *all = w->xattrs.at;
    for (size_t i = 0; i < w->xattrs.count; i++)
        all[i].value.at = buf_str(&w->values) + (size_t)all[i].value.at;
    return true;
}

/* ---- content ---------------------------------------------------------------------------------*/

/* Reading leaves no trace on production where that is allowed. */
static int open_quietly(int dir, const char *name)
{
    int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    int fd = openat(dir, name, flags | O_NOATIME);

    return fd < 0 && errno == EPERM ? openat(dir, name, flags) : fd;
}

/* Up to `len` bytes; fewer at the end of the file. -1 with errno. */
static ssize_t pread_up_to(int fd, char *to, size_t len, uint64_t offset)
{
    size_t got = 0;

    while (got < len) {
        ssize_t n = pread(fd, to + got, len - got, (off_t)(offset + got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    return (ssize_t)got;
}

static bool look(int fd, struct file_state *out, struct err *err)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return err_sys(err, ERR_IO, "cannot look at it");
    files_state(&st, out);
    return true;
}

/* Into w->content, tried again when the file changes meanwhile. What st says is what was read. */
static enum fate read_small(struct files_worker *w, int fd, struct file_state *st, struct err *err)
{
    for (int try = 0;; try++) {
        struct file_state after;

        if (!look(fd, st, err))
            return FATE_FAILED;
        bool grown = st->size > GROWN_MAX;
        if (grown)
            st->size = GROWN_MAX;
        buf_clear(&w->content);
        if (!buf_reserve(&w->content, st->size))
            return err_memory(err), FATE_FAILED;
        ssize_t got = pread_up_to(fd, w->content.at, st->size, 0);
        if (got < 0)
            return err_sys(err, ERR_IO, "cannot read it"), FATE_FAILED;
        if (!look(fd, &after, err))
            return FATE_FAILED;
        w->content.len = (size_t)got;
        if (!grown && w->content.len == st->size && files_state_same(st, &after))
            return FATE_READ;
        if (try + 1 < READ_TRIES && !grown)
            continue;
        st->size = w->content.len;
        return FATE_CHANGED;
    }
}

/* ---- entries ---------------------------------------------------------------------------------*/

/* Seconds and the nanoseconds above them, also before 1970. */
static int64_t floor_seconds(int64_t ns)
{
    return ns / 1000000000 - (ns % 1000000000 < 0);
}

/* But for the regions of a sparse file. */
static struct tar_entry describe(const struct unit *u, const struct node *n,
                                 const struct files_worker *w)
{
    int64_t second = floor_seconds(n->st.mtime_ns);

    return (struct tar_entry){.path = node_path(u, n),
                              .mode = n->st.mode,
                              .uid = n->st.uid,
                              .gid = n->st.gid,
                              .mtime_s = second,
                              .mtime_ns = (long)(n->st.mtime_ns - second * 1000000000),
                              .size = n->st.size,
                              .rdev = n->st.rdev,
                              .link = S_ISLNK(n->st.mode) ? buf_str(&w->link) : NULL,
                              .hardlink = n->link ? u->text.at + n->link - 1 : NULL,
                              .xattrs = w->xattrs.at,
                              .xattr_count = w->xattrs.count};
}

static enum fate opened_wrong(struct err *err)
{
    if (errno == ENOENT)
        return FATE_GONE;
    if (errno == ELOOP || errno == ENXIO)
        return FATE_CHANGED;
    err_sys(err, ERR_IO, "cannot open it");
    return FATE_FAILED;
}

/* ---- holes -----------------------------------------------------------------------------------*/

static bool add_region(struct vec *regions, off_t from, off_t to, struct err *err)
{
    struct tar_region *r = vec_add(regions, err);

    if (!r)
        return false;
    *r = (struct tar_region){(uint64_t)from, (uint64_t)(to - from)};
    return true;
}

static bool scan_regions(int fd, off_t size, struct vec *regions, struct err *err)
{
    off_t at = 0;

    while (at < size) {
        off_t data = lseek(fd, at, SEEK_DATA);
        if (data < 0 && errno == ENXIO)
            break;
        off_t hole = data < 0 ? -1 : lseek(fd, data, SEEK_HOLE);
        if (hole < 0)
            return err_sys(err, ERR_IO, "cannot find the holes of a file");
        if (hole > size)
            hole = size;
        if (data < hole && !add_region(regions, data, hole, err))
            return false;
        at = hole > data ? hole : size;
    }
    /* libarchive takes a file without regions for one without holes. */
    return regions->count || add_region(regions, 0, 0, err);
}

/* A compressing file system also has fewer blocks than bytes: only real holes count. */
bool files_regions(int fd, uint64_t size, struct vec *regions, uint64_t *stored, struct err *err)
{
    const struct tar_region *r = NULL;
    uint64_t bytes = 0;

    regions->count = 0;
    if (!scan_regions(fd, (off_t)size, regions, err))
        return false;
    r = regions->at;
    for (size_t i = 0; i < regions->count; i++)
        bytes += r[i].len;
    if (bytes == size)
        regions->count = 0;
    *stored = bytes;
    return true;
}

static void set_regions(struct tar_entry *e, const struct vec *regions)
{
    e->regions = regions->count ? regions->at : NULL;
    e->region_count = regions->count;
}

/* Regions of a sparse file that fits in a unit, one behind the other, and the padding. */
static enum fate copy_regions(struct files_worker *w, int fd, const struct tar_entry *e,
                              struct err *err)
{
    size_t before = w->out.len;
    enum fate fate = FATE_READ;

    for (size_t i = 0; i < e->region_count; i++) {
        size_t len = (size_t)e->regions[i].len;
        if (!buf_reserve(&w->out, len + TAR_BLOCK))
            return err_memory(err), FATE_FAILED;
        char *to = w->out.at + w->out.len;
        ssize_t got = pread_up_to(fd, to, len, e->regions[i].offset);

        if (got < 0)
            return err_sys(err, ERR_IO, "cannot read it"), FATE_FAILED;
        memset(to + got, 0, len - (size_t)got);
        w->out.len += len;
        if ((size_t)got < len)
            fate = FATE_CHANGED;
    }
    while ((w->out.len - before) % TAR_BLOCK)
        buf_putc(&w->out, '\0');
    return buf_ok(&w->out, err) ? fate : FATE_FAILED;
}

/* *done: it had holes, and is there now. */
static enum fate add_sparse(struct files_worker *w, int fd, const struct unit *u, struct node *n,
                            bool *done, struct err *err)
{
    struct file_state after;
    uint64_t stored = 0;

    if (!files_regions(fd, n->st.size, &w->regions, &stored, err))
        return FATE_FAILED;
    if (!w->regions.count)
        return FATE_READ;
    if (stored > GROWN_MAX) {
        err_set(err, ERR_FAILED, "it was filled while it was captured");
        return FATE_FAILED;
    }
    struct tar_entry e = describe(u, n, w);
    set_regions(&e, &w->regions);
    if (!tar_add_head(&e, &w->out, err))
        return FATE_FAILED;
    enum fate fate = copy_regions(w, fd, &e, err);
    if (fate == FATE_FAILED || !look(fd, &after, err))
        return FATE_FAILED;
    *done = true;
    return fate == FATE_READ && files_state_same(&after, &n->st) ? FATE_READ : FATE_CHANGED;
}

/* The pieces say whether it changed. */
static enum fate add_large(struct files_worker *w, const struct unit *u, const struct node *n,
                           struct err *err)
{
    struct tar_entry e = describe(u, n, w);

    set_regions(&e, &u->large->regions);
    return tar_add_head(&e, &w->out, err) ? FATE_READ : FATE_FAILED;
}

static enum fate add_small(struct files_worker *w, int fd, const struct unit *u, struct node *n,
                           struct err *err)
{
    enum fate fate = read_small(w, fd, &n->st, err);

    if (fate == FATE_FAILED)
        return fate;
    struct tar_entry e = describe(u, n, w);
    return tar_add(w->tar, &e, buf_view(&w->content), &w->out, err) ? fate : FATE_FAILED;
}

static enum fate add_regular(struct files_worker *w, int dir, const char *name,
                             const struct unit *u, struct node *n, struct err *err)
{
    AUTO(fd) int fd = open_quietly(dir, name);
    struct file_state st;
    bool done = false;

    if (fd < 0)
        return opened_wrong(err);
    if (!look(fd, &st, err))
        return FATE_FAILED;
    if (!S_ISREG(st.mode))
        return FATE_CHANGED;
    if (!read_xattrs(w, fd, NULL, err))
        return FATE_FAILED;
    if (n->large)
        return add_large(w, u, n, err);
    n->st = st;
    if (!st.sparse)
        return add_small(w, fd, u, n, err);
    enum fate fate = add_sparse(w, fd, u, n, &done, err);
    return done || fate == FATE_FAILED ? fate : add_small(w, fd, u, n, err);
}

static enum fate read_link(struct files_worker *w, int dir, const char *name, struct err *err)
{
    buf_clear(&w->link);
    if (!buf_reserve(&w->link, PATH_MAX))
        return err_memory(err), FATE_FAILED;
    ssize_t len = readlinkat(dir, name, w->link.at, PATH_MAX);
    if (len < 0 && errno == EINVAL)
        return FATE_CHANGED;
    if (len < 0)
        return opened_wrong(err);
    w->link.len = (size_t)len;
    w->link.at[len] = '\0';
    return FATE_READ;
}

/* Directories, links, fifos and devices: no content of their own. */
static enum fate add_other(struct files_worker *w, int dir, const char *name, const struct unit *u,
                           const struct node *n, struct err *err)
{
    char proc[NAME_MAX + 64];
    enum fate fate = FATE_READ;

    snprintf(proc, sizeof(proc), "/proc/self/fd/%d/%s", dir, name);
    if (S_ISLNK(n->st.mode))
        fate = read_link(w, dir, name, err);
    if (fate != FATE_READ)
        return fate;
    if (!read_xattrs(w, -1, proc, err))
        return FATE_FAILED;
    struct tar_entry e = describe(u, n, w);
    return tar_add(w->tar, &e, SPAN(""), &w->out, err) ? FATE_READ : FATE_FAILED;
}

static enum fate add_link(struct files_worker *w, const struct unit *u, const struct node *n,
                          struct err *err)
{
    w->xattrs.count = 0;
    struct tar_entry e = describe(u, n, w);

    e.link = NULL;
    e.size = 0;
    return tar_add(w->tar, &e, SPAN(""), &w->out, err) ? FATE_READ : FATE_FAILED;
}

static enum fate add_entry(struct files_worker *w, const struct unit *u, struct node *n,
                           struct err *err)
{
    struct span path = span_of(node_path(u, n));
    int dir = -1;
    char name[BENEATH_NAME];
    struct err why = {0};

    if (n->link)
        return add_link(w, u, n, err);
    if (span_is(path, "."))
        return beneath_dir(&w->dirs, path, false, &dir, err) ? add_other(w, dir, ".", u, n, err)
                                                             : FATE_FAILED;
    if (!beneath_parent(&w->dirs, path, false, &dir, name, &why)) {
        if (why.code == ERR_MISSING)
            return FATE_GONE;
        return err_pass(err, &why), FATE_FAILED;
    }
    return S_ISREG(n->st.mode) ? add_regular(w, dir, name, u, n, err)
                               : add_other(w, dir, name, u, n, err);
}

static const char mixture[] = "it was changed while it was read: its content is a mixture";

/* Further names of a file, or pieces of it, cannot stand without its first name. */
static bool needed_by_others(struct tree *t, const struct node *n)
{
    bool needed = n->large;

    if (!needed && !n->link && files_state_linked(&n->st)) {
        pthread_mutex_lock(&t->lock);
        needed = !links_forget(&t->links, &n->st);
        pthread_mutex_unlock(&t->lock);
    }
    return needed;
}

static bool settle(struct tree *t, const struct unit *u, struct node *n, enum fate fate, bool added,
                   struct err *err)
{
    const char *path = node_path(u, n);

    if (fate == FATE_FAILED)
        return files_unreadable(t, path, err);
    n->left_out = !added;
    if (!added && needed_by_others(t, n)) {
        err_set(err, ERR_FAILED, "'%s/%s' went away while it was captured", t->env->path, path);
        return err_hint(err, "take the snapshot again, or exclude it in the environment file");
    }
    if (fate == FATE_READ)
        return true;
    return files_leave_out(t, path, added ? mixture : "it went away while the snapshot was taken",
                           err);
}

bool files_read_entries(struct tree *t, struct files_worker *w, struct unit *u, uint64_t *records,
                        struct err *err)
{
    struct node *nodes = u->nodes.at;

    for (size_t i = 0; i < u->nodes.count; i++) {
        size_t before = w->out.len;
        enum fate fate = add_entry(w, u, &nodes[i], err);
        bool added = w->out.len > before;

        if (!settle(t, u, &nodes[i], fate, added, err))
            return false;
        *records += added;
    }
    return true;
}

/* ---- pieces of large files -------------------------------------------------------------------*/

/* Once for all pieces. */
static bool note_mixture(struct tree *t, struct large *l, struct err *err)
{
    pthread_mutex_lock(&t->lock);
    bool first = !l->noted;
    l->noted = true;
    pthread_mutex_unlock(&t->lock);
    return !first || files_leave_out(t, l->path, mixture, err);
}

/* Appends [offset, offset + len) of the stored bytes, which in a sparse file are its regions. */
static bool read_stored(struct files_worker *w, int fd, const struct unit *u, bool *cut,
                        struct err *err)
{
    const struct tar_region whole = {0, u->large->stored_bytes};
    const struct tar_region *r = u->large->regions.count ? u->large->regions.at : &whole;
    uint64_t offset = u->offset, len = u->len;

    while (offset >= r->len) {
        offset -= r->len;
        r++;
    }
    for (; len; r++, offset = 0) {
        size_t part = (size_t)(r->len - offset < len ? r->len - offset : len);
        char *to = w->out.at + w->out.len;
        ssize_t got = pread_up_to(fd, to, part, r->offset + offset);

        if (got < 0)
            return err_sys(err, ERR_IO, "cannot read it");
        if ((size_t)got < part) {
            memset(to + got, 0, part - (size_t)got);
            *cut = true;
        }
        w->out.len += part;
        len -= part;
    }
    return true;
}

static bool read_piece(struct tree *t, struct files_worker *w, const struct unit *u,
                       struct err *err)
{
    struct large *l = u->large;
    char name[BENEATH_NAME];
    struct file_state st;
    bool cut = false;
    int dir = -1;

    if (!beneath_parent(&w->dirs, span_of(l->path), false, &dir, name, err))
        return false;
    AUTO(fd) int fd = open_quietly(dir, name);
    if (fd < 0)
        return err_sys(err, ERR_IO, "cannot open it");
    if (!buf_reserve(&w->out, u->len + TAR_BLOCK))
        return err_memory(err);
    if (!read_stored(w, fd, u, &cut, err))
        return false;
    bool is_last = u->offset + u->len == l->stored_bytes;
    while (is_last && w->out.len % TAR_BLOCK)
        buf_putc(&w->out, '\0');
    if (!look(fd, &st, err))
        return false;
    return (!cut && files_state_same(&st, &l->st)) || note_mixture(t, l, err);
}

bool files_read_piece(struct tree *t, struct files_worker *w, const struct unit *u, struct err *err)
{
    return read_piece(t, w, u, err) || files_unreadable(t, u->large->path, err);
}
