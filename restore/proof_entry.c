/* One entry of a tree: content, and everything that is kept of it. */
#include "restore/proof_files.h"

#include "lib/base/fd.h"
#include "lib/base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#define CHUNK ((size_t)256 << 10)

/* ---- content -----------------------------------------------------------------------------------*/

/* Up to `len` bytes; less at the end of the file. */
static bool read_some(int fd, char *to, size_t len, uint64_t offset, size_t *got, struct err *err)
{
    for (*got = 0; *got < len;) {
        ssize_t n = pread(fd, to + *got, len - *got, (off_t)(offset + *got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(err, ERR_IO, "cannot read it");
        if (n == 0)
            break;
        *got += (size_t)n;
    }
    return true;
}

bool content_zeros(struct content *c, uint64_t to, struct err *err)
{
    static const char zeros[4096];
    char have[sizeof(zeros)];
    size_t got = 0;

    while (c->at < to && !c->differs) {
        off_t data = lseek(c->fd, (off_t)c->at, SEEK_DATA);
        if ((data < 0 && errno == ENXIO) || (data >= 0 && (uint64_t)data >= to))
            break;
        if (data > 0 && (uint64_t)data > c->at)
            c->at = (uint64_t)data;
        size_t len = to - c->at < sizeof(have) ? (size_t)(to - c->at) : sizeof(have);
        if (!read_some(c->fd, have, len, c->at, &got, err))
            return false;
        c->differs = got < len || memcmp(have, zeros, len) != 0;
        c->at += len;
    }
    c->at = to > c->at ? to : c->at;
    return true;
}

bool content_compare(struct content *c, struct span piece, uint64_t offset, struct err *err)
{
    AUTO(free) char *have = NULL;
    size_t got = 0;

    if (!content_zeros(c, offset, err))
        return false;
    if (piece.len && !(have = malloc(CHUNK)))
        return err_memory(err);
    for (size_t done = 0; done < piece.len && !c->differs; done += got) {
        size_t len = piece.len - done < CHUNK ? piece.len - done : CHUNK;
        if (!read_some(c->fd, have, len, offset + done, &got, err))
            return false;
        c->differs = got < len || memcmp(have, piece.at + done, len) != 0;
    }
    c->at = offset + piece.len;
    return true;
}

static bool compare_content(struct tar_reader *tar, const struct tar_entry *e, int fd,
                            bool *differs, struct err *err)
{
    struct content c = {.fd = fd};

    for (;;) {
        struct span piece;
        uint64_t offset = 0;

        if (!tar_content(tar, &piece, &offset, err))
            return false;
        if (!piece.len)
            break;
        if (!content_compare(&c, piece, offset, err))
            return false;
    }
    if (!content_zeros(&c, e->size, err))
        return false;
    *differs = c.differs;
    return true;
}

/* ---- attributes --------------------------------------------------------------------------------*/

/* Others than root cannot have restored more than these. */
static bool is_ours(const struct tree_proof *t, const char *name)
{
    return t->as_root || strncmp(name, "user.", 5) == 0;
}

static const struct tar_xattr *find_xattr(const struct tar_entry *e, const char *name)
{
    for (size_t i = 0; i < e->xattr_count; i++)
        if (strcmp(e->xattrs[i].name, name) == 0)
            return &e->xattrs[i];
    return NULL;
}

static bool same_xattr(const char *proc, const struct tar_xattr *x, bool *same, struct err *err)
{
    AUTO(free) char *value = malloc(x->value.len + 1);

    if (!value)
        return err_memory(err);
    ssize_t len = lgetxattr(proc, x->name, value, x->value.len + 1);
    *same = len >= 0 && (size_t)len == x->value.len && memcmp(value, x->value.at, (size_t)len) == 0;
    return true;
}

static bool compare_xattrs(struct tree_proof *t, const char *proc, const struct tar_entry *e,
                           bool *same, struct err *err)
{
    AUTO(free) char *names = malloc(XATTR_LIST_MAX);
    ssize_t len = names ? llistxattr(proc, names, XATTR_LIST_MAX) : -1;

    if (!names)
        return err_memory(err);
    *same = true;
    for (const char *n = names; len > 0 && n < names + len; n += strlen(n) + 1)
        *same = *same && (!is_ours(t, n) || find_xattr(e, n));
    for (size_t i = 0; i < e->xattr_count && *same; i++)
        if (is_ours(t, e->xattrs[i].name) && !same_xattr(proc, &e->xattrs[i], same, err))
            return false;
    return true;
}

static bool same_link(int dir, const char *name, const char *link)
{
    char to[PATH_MAX];
    ssize_t len = readlinkat(dir, name, to, sizeof(to));

    return len >= 0 && link && strlen(link) == (size_t)len && memcmp(to, link, (size_t)len) == 0;
}

/* ---- the entry ---------------------------------------------------------------------------------*/

static bool note(struct tree_proof *t, const char *path, const char *kind, struct err *err)
{
    return proof_note_kind(t->part, "file", span_of(path), kind, err);
}

static void add_kind(struct buf *kinds, bool differs, const char *kind)
{
    if (differs)
        buf_printf(kinds, "%s%s", kinds->len ? ", " : "", kind);
}

bool entry_find(struct tree_proof *t, unsigned worker, const char *path, int *dir, char *name,
                struct err *err)
{
    if (strcmp(path, ".") == 0) {
        memcpy(name, ".", 2);
        *dir = t->root;
        return true;
    }
    return beneath_parent(&t->dirs[worker], span_of(path), false, dir, name, err);
}

/* By the file itself: a rule may name it by a link or one of several names. */
static bool is_rewritten(const struct tree_proof *t, int fd)
{
    const struct stat *rule = t->rewritten.at;
    struct stat st;

    if (fstat(fd, &st) != 0)
        return false;
    for (size_t i = 0; i < t->rewritten.count; i++)
        if (rule[i].st_dev == st.st_dev && rule[i].st_ino == st.st_ino)
            return true;
    return false;
}

static bool list_rewritten(struct tree_proof *t, const char *path, struct err *err)
{
    pthread_mutex_lock(&t->part->lock);
    bool ok = json_array_append_new(t->part->rewritten, json_bytes(span_of(path))) == 0;
    pthread_mutex_unlock(&t->part->lock);
    return ok || err_memory(err);
}

bool entry_content_differs(struct tree_proof *t, const char *path, int fd, struct err *err)
{
    return is_rewritten(t, fd) ? list_rewritten(t, path, err) : note(t, path, "content", err);
}

static bool take_regions(struct tree_group *g, const struct tar_entry *e, struct err *err)
{
    const struct tar_region whole = {0, e->size};
    const struct tar_region *from = e->region_count ? e->regions : &whole;

    for (size_t i = 0; i < (e->region_count ? e->region_count : 1); i++) {
        struct tar_region *r = vec_add(&g->regions, err);
        if (!r)
            return false;
        *r = from[i];
        g->stored += r->len;
    }
    g->big = strdup(e->path);
    return g->big || err_memory(err);
}

/* Of a large file only its holes: the pieces have the rest. */
static bool compare_holes(const struct tree_group *g, const struct tar_entry *e, int fd,
                          bool *differs, struct err *err)
{
    const struct tar_region *r = g->regions.at;
    struct content c = {.fd = fd};

    for (size_t i = 0; i < g->regions.count; i++) {
        if (!content_zeros(&c, r[i].offset, err))
            return false;
        c.at = r[i].offset + r[i].len;
    }
    if (!content_zeros(&c, e->size, err))
        return false;
    *differs = c.differs;
    return true;
}

struct looking {
    const struct tar_entry *e;
    struct stat st;
    const char *proc;
    struct buf kinds;
    bool rewritten;
};

static bool compare_file(struct tree_proof *t, struct looking *l, int dir, const char *name,
                         struct tar_reader *tar, struct tree_group *group, struct err *err)
{
    const struct tar_entry *e = l->e;
    AUTO(fd) int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool differs = false;

    if (fd < 0) {
        add_kind(&l->kinds, true, "cannot be read");
        return true;
    }
    if (group && !take_regions(group, e, err))
        return false;
    if (group ? !compare_holes(group, e, fd, &differs, err)
              : !compare_content(tar, e, fd, &differs, err))
        return false;
    differs |= (uint64_t)l->st.st_size != e->size;
    l->rewritten = is_rewritten(t, fd);
    if (differs && group)
        group->noted = true;
    if (differs && l->rewritten)
        return list_rewritten(t, e->path, err);
    add_kind(&l->kinds, differs, "content");
    return true;
}

static bool compare_attributes(struct tree_proof *t, struct looking *l, struct err *err)
{
    const struct tar_entry *e = l->e;
    const struct stat *st = &l->st;
    bool same = true;

    add_kind(&l->kinds, !S_ISLNK(e->mode) && ((st->st_mode ^ e->mode) & 07777), "mode");
    add_kind(&l->kinds, t->as_root && (st->st_uid != e->uid || st->st_gid != e->gid), "owner");
    add_kind(&l->kinds,
             !l->rewritten &&
                 (st->st_mtim.tv_sec != e->mtime_s || st->st_mtim.tv_nsec != e->mtime_ns),
             "time");
    add_kind(&l->kinds, (S_ISCHR(e->mode) || S_ISBLK(e->mode)) && st->st_rdev != e->rdev, "device");
    if (!compare_xattrs(t, l->proc, e, &same, err))
        return false;
    add_kind(&l->kinds, !same, "xattr");
    return buf_ok(&l->kinds, err);
}

static bool compare_hardlink(struct tree_proof *t, unsigned worker, const struct tar_entry *e,
                             const struct stat *st, struct err *err)
{
    char name[NAME_MAX + 1];
    struct stat first;
    struct err why = {0};
    int dir = -1;

    if (entry_find(t, worker, e->hardlink, &dir, name, &why) &&
        fstatat(dir, name, &first, AT_SYMLINK_NOFOLLOW) == 0 && first.st_ino == st->st_ino &&
        first.st_dev == st->st_dev)
        return true;
    return note(t, e->path, "link", err);
}

static bool compare_there(struct tree_proof *t, struct looking *l, int dir, const char *name,
                          struct tar_reader *tar, struct tree_group *group, struct err *err)
{
    const struct tar_entry *e = l->e;

    if ((l->st.st_mode & S_IFMT) != (e->mode & S_IFMT))
        return note(t, e->path, "type", err);
    if (S_ISREG(e->mode) && !compare_file(t, l, dir, name, tar, group, err))
        return err_add(err, "'%s'", e->path);
    add_kind(&l->kinds, S_ISLNK(e->mode) && !same_link(dir, name, e->link), "link");
    if (!compare_attributes(t, l, err))
        return err_add(err, "'%s'", e->path);
    return !l->kinds.len || note(t, e->path, buf_str(&l->kinds), err);
}

bool entry_compare(struct tree_proof *t, unsigned worker, struct tar_reader *tar,
                   const struct tar_entry *e, struct tree_group *group, struct err *err)
{
    char name[NAME_MAX + 1], proc[NAME_MAX + 64];
    struct looking l = {.e = e, .proc = proc};
    struct err why = {0};
    int dir = -1;

    bool there = entry_find(t, worker, e->path, &dir, name, &why);
    if (!there && why.code != ERR_MISSING && why.code != ERR_DAMAGED && why.code != ERR_IO)
        return err_pass(err, &why);
    if (there && fstatat(dir, name, &l.st, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno != ENOENT)
            return err_sys(err, ERR_IO, "cannot look at '%s'", e->path);
        there = false;
    }
    bool device = S_ISCHR(e->mode) || S_ISBLK(e->mode);
    if (!there)
        return (device && !t->as_root) || note(t, e->path, "missing", err);
    if (e->hardlink)
        return compare_hardlink(t, worker, e, &l.st, err);
    snprintf(proc, sizeof(proc), "/proc/self/fd/%d/%s", dir, name);
    bool ok = compare_there(t, &l, dir, name, tar, group, err);
    buf_done(&l.kinds);
    return ok;
}
