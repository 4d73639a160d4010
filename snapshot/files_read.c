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

static bool same_state(const struct file_state *a, const struct file_state *b)
{
    return a->size == b->size && a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
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
        if (!grown && w->content.len == st->size && same_state(st, &after))
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

static struct tar_entry describe(const struct tree *t, const struct node *n,
                                 const struct files_worker *w)
{
    const struct node *nodes = t->nodes.at;
    int64_t second = floor_seconds(n->st.mtime_ns);

    return (struct tar_entry){.path = node_path(t, n),
                              .mode = n->st.mode,
                              .uid = n->st.uid,
                              .gid = n->st.gid,
                              .mtime_s = second,
                              .mtime_ns = (long)(n->st.mtime_ns - second * 1000000000),
                              .size = n->st.size,
                              .rdev = n->st.rdev,
                              .link = S_ISLNK(n->st.mode) ? buf_str(&w->link) : NULL,
                              .hardlink = n->link_to ? node_path(t, &nodes[n->link_to - 1]) : NULL,
                              .xattrs = w->xattrs.at,
                              .xattr_count = w->xattrs.count,
                              .regions = n->regions,
                              .region_count = n->region_count};
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

/* Regions of a sparse file that fits in a unit, one behind the other, and the padding. */
static enum fate add_sparse(struct files_worker *w, int fd, const struct node *n,
                            const struct tar_entry *e, struct err *err)
{
    size_t before = w->out.len;
    enum fate fate = FATE_READ;

    if (!tar_add_head(e, &w->out, err) || !buf_reserve(&w->out, n->stored_bytes + TAR_BLOCK))
        return err_memory(err), FATE_FAILED;
    for (size_t i = 0; i < n->region_count; i++) {
        size_t len = (size_t)n->regions[i].len;
        char *to = w->out.at + w->out.len;
        ssize_t got = pread_up_to(fd, to, len, n->regions[i].offset);

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

static enum fate add_regular(struct tree *t, struct files_worker *w, int dir, const char *name,
                             struct node *n, struct err *err)
{
    AUTO(fd) int fd = open_quietly(dir, name);
    struct file_state st;

    if (fd < 0)
        return opened_wrong(err);
    if (!look(fd, &st, err))
        return FATE_FAILED;
    if (!S_ISREG(st.mode))
        return FATE_CHANGED;
    if (!read_xattrs(w, fd, NULL, err))
        return FATE_FAILED;

    struct tar_entry e = describe(t, n, w);
    if (n->stored_bytes > SEGMENT_TARGET) /* the pieces say whether it changed */
        return tar_add_head(&e, &w->out, err) ? FATE_READ : FATE_FAILED;
    if (n->regions) {
        enum fate fate = add_sparse(w, fd, n, &e, err);
        return fate == FATE_READ && !same_state(&st, &n->st) ? FATE_CHANGED : fate;
    }
    enum fate fate = read_small(w, fd, &n->st, err);
    if (fate == FATE_FAILED)
        return fate;
    e = describe(t, n, w);
    return tar_add(w->tar, &e, buf_view(&w->content), &w->out, err) ? fate : FATE_FAILED;
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
static enum fate add_other(struct tree *t, struct files_worker *w, int dir, const char *name,
                           struct node *n, struct err *err)
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
    struct tar_entry e = describe(t, n, w);
    return tar_add(w->tar, &e, SPAN(""), &w->out, err) ? FATE_READ : FATE_FAILED;
}

static enum fate add_link(struct tree *t, struct files_worker *w, struct node *n, struct err *err)
{
    w->xattrs.count = 0;
    struct tar_entry e = describe(t, n, w);

    e.link = NULL;
    e.size = 0;
    e.region_count = 0;
    return tar_add(w->tar, &e, SPAN(""), &w->out, err) ? FATE_READ : FATE_FAILED;
}

static enum fate add_entry(struct tree *t, struct files_worker *w, struct node *n, struct err *err)
{
    struct span path = span_of(node_path(t, n)), last = path;
    int dir = -1;
    char name[NAME_MAX + 1];
    struct err why = {0};

    if (n->link_to)
        return add_link(t, w, n, err);
    if (span_is(path, "."))
        return beneath_dir(&w->dirs, path, false, &dir, err) ? add_other(t, w, dir, ".", n, err)
                                                             : FATE_FAILED;
    if (!beneath_parent(&w->dirs, path, false, &dir, &last, &why)) {
        if (why.code == ERR_MISSING)
            return FATE_GONE;
        return err_pass(err, &why), FATE_FAILED;
    }
    memcpy(name, last.at, last.len);
    name[last.len] = '\0';
    return S_ISREG(n->st.mode) ? add_regular(t, w, dir, name, n, err)
                               : add_other(t, w, dir, name, n, err);
}

static bool note_mixture(struct tree *t, struct node *n, struct err *err)
{
    pthread_mutex_lock(&t->lock);
    bool first = !n->noted;
    n->noted = true;
    pthread_mutex_unlock(&t->lock);
    return !first ||
           files_leave_out(t, node_path(t, n),
                           "it was changed while it was read: its content is a mixture", err);
}

/* Further names of a file, or pieces of it, cannot stand without its first name. */
static bool needed_by_others(const struct tree *t, const struct node *n)
{
    const struct node *nodes = t->nodes.at;

    if (n->stored_bytes > SEGMENT_TARGET)
        return true;
    for (size_t i = 0; n->st.links > 1 && i < t->nodes.count; i++)
        if (nodes[i].link_to && &nodes[nodes[i].link_to - 1] == n)
            return true;
    return false;
}

static bool settle(struct tree *t, struct node *n, enum fate fate, bool added, uint64_t *records,
                   struct err *err)
{
    const char *path = node_path(t, n);

    if (fate == FATE_FAILED) {
        err_add(err, "cannot capture '%s/%s'", t->env->path, path);
        return err_hint(err,
                        "run as a user who may read it, or exclude it in the environment file");
    }
    *records += added;
    n->left_out = !added;
    if (!added && needed_by_others(t, n)) {
        err_set(err, ERR_FAILED, "'%s/%s' went away while it was captured", t->env->path, path);
        return err_hint(err, "take the snapshot again, or exclude it in the environment file");
    }
    if (fate == FATE_READ)
        return true;
    if (!added)
        return files_leave_out(t, path, "it went away while the snapshot was taken", err);
    return note_mixture(t, n, err);
}

bool files_read_entries(struct tree *t, struct files_worker *w, const struct unit *u,
                        uint64_t *records, struct err *err)
{
    struct node *nodes = t->nodes.at;

    for (size_t i = u->first; i < u->first + u->count; i++) {
        size_t before = w->out.len;
        enum fate fate = add_entry(t, w, &nodes[i], err);

        if (!settle(t, &nodes[i], fate, w->out.len > before, records, err))
            return false;
    }
    return true;
}

/* ---- pieces of large files -------------------------------------------------------------------*/

/* Appends [offset, offset + len) of the stored bytes, which in a sparse file are its regions. */
static bool read_stored(struct files_worker *w, int fd, const struct node *n, uint64_t offset,
                        uint64_t len, bool *cut, struct err *err)
{
    const struct tar_region whole = {0, n->stored_bytes};
    const struct tar_region *r = n->regions ? n->regions : &whole;

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
    struct node *n = &((struct node *)t->nodes.at)[u->first];
    struct span last;
    char name[NAME_MAX + 1];
    struct file_state st;
    bool cut = false;
    int dir = -1;

    if (!beneath_parent(&w->dirs, span_of(node_path(t, n)), false, &dir, &last, err))
        return false;
    memcpy(name, last.at, last.len);
    name[last.len] = '\0';
    AUTO(fd) int fd = open_quietly(dir, name);
    if (fd < 0)
        return err_sys(err, ERR_IO, "cannot open it");
    if (!buf_reserve(&w->out, u->len + TAR_BLOCK))
        return err_memory(err);
    if (!read_stored(w, fd, n, u->offset, u->len, &cut, err))
        return false;
    bool is_last = u->offset + u->len == n->stored_bytes;
    while (is_last && w->out.len % TAR_BLOCK)
        buf_putc(&w->out, '\0');
    if (!look(fd, &st, err))
        return false;
    return (!cut && same_state(&st, &n->st)) || note_mixture(t, n, err);
}

bool files_read_piece(struct tree *t, struct files_worker *w, const struct unit *u, struct err *err)
{
    const struct node *n = &((const struct node *)t->nodes.at)[u->first];

    if (read_piece(t, w, u, err))
        return true;
    err_add(err, "cannot capture '%s/%s'", t->env->path, node_path(t, n));
    return err_hint(err, "run as a user who may read it, or exclude it in the environment file");
}
