#include "lib/base/fd.h"
#include "restore/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

/* ---- owner, attributes, mode, times ----------------------------------------------------------*/

static void refused(struct files_target *t, const char *path, const char *what)
{
    pthread_mutex_lock(&t->lock);
    if (t->refused++ == 0)
        snprintf(t->refused_first, sizeof(t->refused_first), "%s of %.180s", what, path);
    pthread_mutex_unlock(&t->lock);
}

/* What this user or file system cannot hold is counted; anything else is an error. */
static bool tolerate(struct files_target *t, const struct tar_entry *e, const char *what,
                     struct err *err)
{
    if (errno != EPERM && errno != EACCES && errno != ENOTSUP)
        return err_sys(err, ERR_IO, "cannot set %s of '%s'", what, e->path);
    refused(t, e->path, what);
    return true;
}

static bool is_acl(const struct tar_xattr *x)
{
    return strncmp(x->name, "system.posix_acl_", 17) == 0;
}

static bool apply_xattrs(struct files_target *t, int fd, const char *proc,
                         const struct tar_entry *e, bool acls, struct err *err)
{
    for (size_t i = 0; i < e->xattr_count; i++) {
        const struct tar_xattr *x = &e->xattrs[i];

        if (is_acl(x) != acls)
            continue;
        int status = fd >= 0 ? fsetxattr(fd, x->name, x->value.at, x->value.len, 0)
                             : lsetxattr(proc, x->name, x->value.at, x->value.len, 0);
        if (status != 0 && !tolerate(t, e, x->name, err))
            return false;
    }
    return true;
}

static bool apply_mode(int fd, int dir, const char *name, const struct tar_entry *e,
                       struct err *err)
{
    mode_t mode = e->mode & 07777;

    if (S_ISLNK(e->mode))
        return true;
    return (fd >= 0 ? fchmod(fd, mode) : fchmodat(dir, name, mode, 0)) == 0 ||
           err_sys(err, ERR_IO, "cannot set the mode of '%s'", e->path);
}

/* A change of the owner clears set-uid bits and capabilities, so it comes first; attributes need a
 * file that may be written; an access list sets a part of the mode, so it comes after that. */
bool files_apply(struct files_target *t, int fd, int dir, const char *name,
                 const struct tar_entry *e, struct err *err)
{
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
                                      {.tv_sec = e->mtime_s, .tv_nsec = e->mtime_ns}};
    char proc[NAME_MAX + 64];
    int flags = fd >= 0 ? AT_EMPTY_PATH : AT_SYMLINK_NOFOLLOW;
    int at = fd >= 0 ? fd : dir;

    snprintf(proc, sizeof(proc), "/proc/self/fd/%d/%s", dir, name);
    if (t->as_root && fchownat(at, fd >= 0 ? "" : name, e->uid, e->gid, flags) != 0 &&
        !tolerate(t, e, "the owner", err))
        return false;
    if (!apply_xattrs(t, fd, proc, e, false, err) || !apply_mode(fd, dir, name, e, err) ||
        !apply_xattrs(t, fd, proc, e, true, err))
        return false;
    return (fd >= 0 ? futimens(fd, times) : utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW)) ==
               0 ||
           err_sys(err, ERR_IO, "cannot set the time of '%s'", e->path);
}

/* ---- entries that wait -----------------------------------------------------------------------*/

void late_done(struct late *l)
{
    for (size_t i = 0; l->xattrs && i < l->entry.xattr_count; i++) {
        free((char *)(uintptr_t)l->xattrs[i].name);
        free((char *)(uintptr_t)l->xattrs[i].value.at);
    }
    free(l->xattrs);
    free((char *)(uintptr_t)l->entry.path);
    free((char *)(uintptr_t)l->entry.hardlink);
}

static bool late_fill(struct late *l, const struct tar_entry *e, struct err *err)
{
    l->entry = *e;
    l->entry.link = NULL;
    l->entry.regions = NULL;
    l->entry.path = strdup(e->path);
    l->entry.hardlink = e->hardlink ? strdup(e->hardlink) : NULL;
    l->xattrs = calloc(e->xattr_count + 1, sizeof(*l->xattrs));
    l->entry.xattrs = l->xattrs;
    if (!l->entry.path || !l->xattrs || (e->hardlink && !l->entry.hardlink))
        return err_memory(err);
    for (size_t i = 0; i < e->xattr_count; i++) {
        struct span value = e->xattrs[i].value;

        l->xattrs[i].name = strdup(e->xattrs[i].name);
        l->xattrs[i].value = (struct span){span_dup(value.len ? value : SPAN("")), value.len};
        if (!l->xattrs[i].name || !l->xattrs[i].value.at)
            return err_memory(err);
    }
    return true;
}

static bool postpone(struct files_target *t, struct vec *list, const struct tar_entry *e,
                     struct err *err)
{
    struct late l = {0};

    if (!late_fill(&l, e, err)) {
        late_done(&l);
        return false;
    }
    pthread_mutex_lock(&t->lock);
    struct late *to = vec_add(list, err);
    if (to)
        *to = l;
    pthread_mutex_unlock(&t->lock);
    if (!to)
        late_done(&l);
    return to != NULL;
}

/* ---- one entry -------------------------------------------------------------------------------*/

struct spot {
    int dir;
    char name[BENEATH_NAME];
};

static bool find_place(struct beneath *dirs, const char *path, struct spot *p, struct err *err)
{
    return beneath_parent(dirs, span_of(path), true, &p->dir, p->name, err) ||
           err_add(err, "'%s'", path);
}

static bool cannot_make(const struct tar_entry *e, struct err *err)
{
    if (errno == EEXIST)
        return err_set(err, ERR_DAMAGED, "'%s' is in the tree twice", e->path);
    return err_sys(err, ERR_IO, "cannot make '%s'", e->path);
}

static bool open_new(const struct spot *p, const struct tar_entry *e, int *out, struct err *err)
{
    if (e->size > INT64_MAX)
        return err_set(err, ERR_DAMAGED, "'%s' has an impossible size", e->path);
    *out = openat(p->dir, p->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return *out >= 0 || cannot_make(e, err);
}

static bool copy_content(struct tar_reader *tar, int fd, const struct tar_entry *e, struct err *err)
{
    uint64_t end = 0;

    for (;;) {
        struct span piece;
        uint64_t offset = 0;

        if (!tar_content(tar, &piece, &offset, err))
            return err_add(err, "'%s'", e->path);
        if (piece.len == 0)
            break;
        if (offset > e->size || piece.len > e->size - offset)
            return err_set(err, ERR_DAMAGED, "'%s' has more content than its size", e->path);
        if (!fd_pwrite_all(fd, piece.at, piece.len, (off_t)offset, err))
            return err_add(err, "cannot write '%s'", e->path);
        end = offset + piece.len;
    }
    if (end < e->size && ftruncate(fd, (off_t)e->size) != 0)
        return err_sys(err, ERR_IO, "cannot write '%s'", e->path);
    return true;
}

static bool make_file(struct files_target *t, const struct spot *p, struct tar_reader *tar,
                      const struct tar_entry *e, struct err *err)
{
    AUTO(fd) int fd = -1;

    return open_new(p, e, &fd, err) && copy_content(tar, fd, e, err) &&
           files_apply(t, fd, -1, "", e, err);
}

static bool make_dir(struct files_target *t, const struct spot *p, const struct tar_entry *e,
                     struct err *err)
{
    struct stat st;

    /* It may be there already, made for an entry within it that another task was faster with. */
    if (mkdirat(p->dir, p->name, 0700) != 0 &&
        (errno != EEXIST || fstatat(p->dir, p->name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
         !S_ISDIR(st.st_mode)))
        return cannot_make(e, err);
    return postpone(t, &t->dirs, e, err);
}

static bool make_node(struct files_target *t, const struct spot *p, const struct tar_entry *e,
                      struct err *err)
{
    if (mknodat(p->dir, p->name, (e->mode & S_IFMT) | 0600, e->rdev) != 0) {
        if (errno != EPERM || S_ISFIFO(e->mode))
            return cannot_make(e, err);
        refused(t, e->path, "the device");
        return true;
    }
    return files_apply(t, -1, p->dir, p->name, e, err);
}

static bool make_link(struct files_target *t, const struct spot *p, const struct tar_entry *e,
                      struct err *err)
{
    if (!e->link || symlinkat(e->link, p->dir, p->name) != 0)
        return e->link ? cannot_make(e, err)
                       : err_set(err, ERR_DAMAGED, "link '%s' leads nowhere", e->path);
    return files_apply(t, -1, p->dir, p->name, e, err);
}

static bool make_entry(struct files_target *t, struct files_worker *w, struct tar_reader *tar,
                       const struct tar_entry *e, struct err *err)
{
    struct spot p;

    if (strcmp(e->path, ".") == 0 && S_ISDIR(e->mode))
        return postpone(t, &t->dirs, e, err);
    if (!find_place(&w->dirs, e->path, &p, err))
        return false;
    if (e->hardlink)
        return postpone(t, &t->links, e, err);
    switch (e->mode & S_IFMT) {
    case S_IFREG:
        return make_file(t, &p, tar, e, err);
    case S_IFDIR:
        return make_dir(t, &p, e, err);
    case S_IFLNK:
        return make_link(t, &p, e, err);
    case S_IFIFO:
    case S_IFCHR:
    case S_IFBLK:
        return make_node(t, &p, e, err);
    default:
        return err_set(err, ERR_DAMAGED, "'%s' is of no known type", e->path);
    }
}

/* ---- large files -----------------------------------------------------------------------------*/

static bool take_regions(struct group *g, const struct tar_entry *e, struct err *err)
{
    uint64_t at = 0;

    g->big_bytes = e->size;
    if (e->region_count == 0)
        return true;
    g->regions = calloc(e->region_count, sizeof(*g->regions));
    if (!g->regions)
        return err_memory(err);
    g->big_bytes = 0;
    for (size_t i = 0; i < e->region_count; i++) {
        struct tar_region r = e->regions[i];

        if (r.offset < at || r.offset > e->size || r.len > e->size - r.offset)
            return err_set(err, ERR_DAMAGED, "'%s' has impossible regions", e->path);
        at = r.offset + r.len;
        g->big_bytes += r.len;
        g->regions[i] = r;
    }
    return true;
}

static bool make_big(struct files_target *t, struct files_worker *w, struct group *g,
                     const struct tar_entry *e, struct err *err)
{
    struct spot p;
    AUTO(fd) int fd = -1;

    if (!S_ISREG(e->mode) || e->hardlink || !take_regions(g, e, err) ||
        g->piece_bytes != (g->big_bytes + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK)
        return err_set(err, ERR_DAMAGED, "the pieces of '%s' are not its content", e->path);
    if (!find_place(&w->dirs, e->path, &p, err) || !open_new(&p, e, &fd, err))
        return false;
    if (ftruncate(fd, (off_t)e->size) != 0)
        return err_sys(err, ERR_IO, "cannot write '%s'", e->path);
    g->big = strdup(e->path);
    return g->big ? postpone(t, &t->bigs, e, err) : err_memory(err);
}

bool files_make_entries(struct files_target *t, struct files_worker *w, struct group *g,
                        struct err *err)
{
    AUTO(tar_reader) struct tar_reader *tar = NULL;
    uint64_t made = 0;
    struct tar_entry e;
    bool more = true;

    if (!bundle_read(t->conf->bundle, g->head, &w->raw, err) ||
        !tar_reader_open(buf_view(&w->raw), &tar, err))
        return false;
    for (; made < g->head->records; made++) {
        bool is_big = g->pieces && made + 1 == g->head->records;

        if (!tar_next(tar, &e, &more, err))
            return false;
        if (!more)
            return err_set(err, ERR_DAMAGED, "a segment has fewer entries than the index says");
        if (is_big ? !make_big(t, w, g, &e, err) : !make_entry(t, w, tar, &e, err))
            return false;
    }
    if (g->pieces || !tar_next(tar, &e, &more, err))
        return g->pieces > 0;
    return !more || err_set(err, ERR_DAMAGED, "a segment has more entries than the index says");
}

bool files_write_piece(struct files_target *t, struct files_worker *w, const struct piece *p,
                       struct err *err)
{
    const struct group *g = p->group;
    const struct tar_region whole = {0, g->big_bytes};
    const struct tar_region *r = g->regions ? g->regions : &whole;
    uint64_t skip = p->offset;
    struct spot place;

    if (!bundle_read(t->conf->bundle, p->segment, &w->raw, err) ||
        !find_place(&w->dirs, g->big, &place, err))
        return false;
    AUTO(fd) int fd = openat(place.dir, place.name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return err_sys(err, ERR_IO, "cannot open '%s'", g->big);

    uint64_t left = p->offset < g->big_bytes ? g->big_bytes - p->offset : 0; /* not the padding */
    if (left > w->raw.len)
        left = w->raw.len;
    for (const char *at = w->raw.at; left; r++) {
        if (skip >= r->len) {
            skip -= r->len;
            continue;
        }
        size_t len = (size_t)(r->len - skip < left ? r->len - skip : left);
        if (!fd_pwrite_all(fd, at, len, (off_t)(r->offset + skip), err))
            return err_add(err, "cannot write '%s'", g->big);
        at += len;
        left -= len;
        skip = 0;
    }
    return true;
}

/* ---- the end ---------------------------------------------------------------------------------*/

static bool link_one(struct beneath *from_dirs, struct beneath *to_dirs, const struct tar_entry *e,
                     struct err *err)
{
    struct spot from, to;

    if (!find_place(from_dirs, e->hardlink, &from, err) || !find_place(to_dirs, e->path, &to, err))
        return false;
    if (linkat(from.dir, from.name, to.dir, to.name, 0) == 0)
        return true;
    if (errno == ENOENT)
        return err_set(err, ERR_DAMAGED, "'%s' is a name of '%s', which is not there", e->path,
                       e->hardlink);
    return cannot_make(e, err);
}

static bool make_links(struct files_target *t, struct err *err)
{
    struct beneath from = BENEATH(t->root), to = BENEATH(t->root);
    const struct late *all = t->links.at;
    bool ok = true;

    for (size_t i = 0; ok && i < t->links.count; i++)
        ok = link_one(&from, &to, &all[i].entry, err);
    beneath_done(&from);
    beneath_done(&to);
    return ok;
}

static bool complete_one(struct files_target *t, struct beneath *dirs, const struct tar_entry *e,
                         struct err *err)
{
    struct spot p;

    if (strcmp(e->path, ".") == 0)
        return files_apply(t, t->root, -1, "", e, err);
    if (!find_place(dirs, e->path, &p, err))
        return false;
    AUTO(fd) int fd = openat(p.dir, p.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return err_sys(err, ERR_IO, "cannot open '%s'", e->path);
    return files_apply(t, fd, -1, "", e, err);
}

static bool complete_all(struct files_target *t, const struct vec *list, struct err *err)
{
    struct beneath dirs = BENEATH(t->root);
    const struct late *all = list->at;
    bool ok = true;

    for (size_t i = 0; ok && i < list->count; i++)
        ok = complete_one(t, &dirs, &all[i].entry, err);
    beneath_done(&dirs);
    return ok;
}

static int children_first(const void *a, const void *b)
{
    const struct late *x = a, *y = b;
    bool x_root = strcmp(x->entry.path, ".") == 0, y_root = strcmp(y->entry.path, ".") == 0;

    if (x_root || y_root)
        return x_root - y_root;
    return strcmp(y->entry.path, x->entry.path);
}

/* A directory that loses its own write permission is done after everything in it. */
bool files_complete(struct files_target *t, struct err *err)
{
    if (!make_links(t, err) || !complete_all(t, &t->bigs, err))
        return false;
    if (t->dirs.count)
        qsort(t->dirs.at, t->dirs.count, sizeof(struct late), children_first);
    return complete_all(t, &t->dirs, err);
}
