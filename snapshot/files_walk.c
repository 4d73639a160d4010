#include "snapshot/files.h"

#include "lib/base/cmd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <unistd.h>

#define DEPTH_MAX 512
/* What an entry costs in the tar besides its content: a pax record, its body, the header. */
#define ENTRY_BYTES ((uint64_t)3 * TAR_BLOCK)

/* ---- listing ---------------------------------------------------------------------------------*/

static bool excluded(const struct tree *t, const char *path, bool is_dir)
{
    for (unsigned i = 0; i < t->env->exclude.count; i++) {
        const char *pattern = t->env->exclude.at[i];
        size_t len = strlen(pattern);
        char plain[4096];

        if (len > 1 && pattern[len - 1] == '/') {
            if (!is_dir || len >= sizeof(plain))
                continue;
            memcpy(plain, pattern, len - 1);
            plain[len - 1] = '\0';
            pattern = plain;
        }
        if (fnmatch(pattern, path, 0) == 0)
            return true;
    }
    return false;
}

static int by_name(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;

    return strcmp(*x, *y);
}

static void names_free(struct vec *names)
{
    char **all = names->at;

    for (size_t i = 0; i < names->count; i++)
        free(all[i]);
    vec_done(names);
}

static bool read_names(DIR *dir, struct vec *names, struct err *err)
{
    for (;;) {
        errno = 0;
        const struct dirent *d = readdir(dir);
        if (!d && errno)
            return err_sys(err, ERR_IO, "cannot list a directory");
        if (!d)
            break;
        if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
            continue;
        char **to = vec_add(names, err);
        if (!to)
            return false;
        *to = strdup(d->d_name);
        if (!*to)
            return err_memory(err);
    }
    if (names->count)
        qsort(names->at, names->count, sizeof(char *), by_name);
    return true;
}

/* ---- nodes -----------------------------------------------------------------------------------*/

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
static bool find_holes(int dir, const char *name, struct node *n, struct err *err)
{
    AUTO(vec) struct vec regions = VEC(struct tar_region);
    AUTO(fd) int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0)
        return err_sys(err, ERR_IO, "cannot open the file");
    if (!scan_regions(fd, (off_t)n->st.size, &regions, err))
        return false;
    const struct tar_region *r = regions.at;
    if (regions.count == 1 && r[0].offset == 0 && r[0].len == n->st.size)
        return true;
    n->stored_bytes = 0;
    for (size_t i = 0; i < regions.count; i++)
        n->stored_bytes += r[i].len;
    n->region_count = regions.count;
    n->regions = TAKE(regions.at);
    return true;
}

void files_state(const struct stat *from, struct file_state *to)
{
    *to = (struct file_state){
        .mode = from->st_mode,
        .uid = from->st_uid,
        .gid = from->st_gid,
        .links = from->st_nlink > UINT32_MAX ? UINT32_MAX : (uint32_t)from->st_nlink,
        .device = from->st_dev,
        .inode = from->st_ino,
        .rdev = from->st_rdev,
        .size = S_ISREG(from->st_mode) ? (uint64_t)from->st_size : 0,
        .mtime_ns = (int64_t)from->st_mtim.tv_sec * 1000000000 + from->st_mtim.tv_nsec,
        .ctime_ns = (int64_t)from->st_ctim.tv_sec * 1000000000 + from->st_ctim.tv_nsec};
}

static bool add_node(struct tree *t, const char *path, const struct stat *st, struct node **out,
                     struct err *err)
{
    struct node *n = vec_add(&t->nodes, err);

    if (!n)
        return false;
    n->path = t->paths.len;
    files_state(st, &n->st);
    n->stored_bytes = n->st.size;
    *out = n;
    return buf_add(&t->paths, path, strlen(path) + 1) || buf_ok(&t->paths, err);
}

/* A message that says which entry of the tree it is about, and what to do about it. */
static bool unreadable(const struct tree *t, const struct buf *path, struct err *err)
{
    err_add(err, "cannot capture '%s/%s'", t->env->path, buf_str(path));
    return err_hint(err, "run as a user who may read it, or exclude it in the environment file");
}

static bool walk_dir(struct tree *t, int fd, struct buf *path, unsigned depth, struct err *err);

/* `path` holds the entry's path. *sub: an opened directory that is to be walked, or -1. */
static bool take_entry(struct tree *t, int dir, const char *name, const char *path, int *sub,
                       struct err *err)
{
    struct stat st;
    struct node *n = NULL;

    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0) /* gone since the listing */
        return errno == ENOENT || err_sys(err, ERR_IO, "cannot look at it");
    if (excluded(t, path, S_ISDIR(st.st_mode)))
        return true;
    if (S_ISSOCK(st.st_mode))
        return files_leave_out(t, path, "a socket has no content", err);
    if (!add_node(t, path, &st, &n, err))
        return false;
    if (S_ISREG(st.st_mode) && st.st_blocks * (off_t)512 < st.st_size)
        return find_holes(dir, name, n, err);
    if (!S_ISDIR(st.st_mode))
        return true;
    *sub = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return *sub >= 0 || err_sys(err, ERR_IO, "cannot open the directory");
}

static bool walk_names(struct tree *t, int fd, struct buf *path, unsigned depth,
                       const struct vec *names, struct err *err)
{
    size_t base = path->len;
    char *const *all = names->at;

    for (size_t i = 0; i < names->count; i++) {
        int sub = -1;

        path->len = base;
        if (base)
            buf_putc(path, '/');
        buf_puts(path, all[i]);
        if (!buf_ok(path, err))
            return false;
        if (!take_entry(t, fd, all[i], buf_str(path), &sub, err))
            return unreadable(t, path, err);
        if (sub >= 0 && !walk_dir(t, sub, path, depth + 1, err))
            return false;
    }
    path->len = base;
    return true;
}

/* fdopendir() takes its descriptor over, and the entries are opened through another. */
static bool list_dir(int fd, struct vec *names, struct err *err)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);

    if (!dir) {
        err_sys(err, ERR_IO, "cannot list the directory");
        if (copy >= 0)
            close(copy);
        return false;
    }
    bool ok = read_names(dir, names, err);
    closedir(dir);
    return ok;
}

/* Takes `fd` over. */
static bool walk_dir(struct tree *t, int fd, struct buf *path, unsigned depth, struct err *err)
{
    AUTO(fd) int own = fd;
    struct vec names = VEC(char *);
    bool ok = cmd_stop_check(err);

    if (ok && depth > DEPTH_MAX)
        ok = err_set(err, ERR_UNSUPPORTED, "directories are nested deeper than %d", DEPTH_MAX);
    if (ok)
        ok = list_dir(own, &names, err) || unreadable(t, path, err);
    if (ok)
        ok = walk_names(t, own, path, depth, &names, err);
    names_free(&names);
    return ok;
}

/* ---- hard links ------------------------------------------------------------------------------*/

struct inode {
    uint64_t dev, ino;
    size_t node;
};

static int by_inode(const void *a, const void *b)
{
    const struct inode *x = a, *y = b;

    if (x->dev != y->dev)
        return x->dev < y->dev ? -1 : 1;
    if (x->ino != y->ino)
        return x->ino < y->ino ? -1 : 1;
    return (x->node > y->node) - (x->node < y->node);
}

/* The first name in the order of the tar keeps the content; the others refer to it. */
static bool join_links(struct tree *t, struct err *err)
{
    AUTO(vec) struct vec inodes = VEC(struct inode);
    struct node *nodes = t->nodes.at;

    for (size_t i = 0; i < t->nodes.count; i++) {
        if (nodes[i].st.links < 2 || S_ISDIR(nodes[i].st.mode))
            continue;
        struct inode *to = vec_add(&inodes, err);
        if (!to)
            return false;
        *to = (struct inode){nodes[i].st.device, nodes[i].st.inode, i};
    }
    struct inode *all = inodes.at;
    if (inodes.count)
        qsort(all, inodes.count, sizeof(*all), by_inode);
    for (size_t i = 1, first = 0; i < inodes.count; i++) {
        if (all[i].dev != all[first].dev || all[i].ino != all[first].ino) {
            first = i;
            continue;
        }
        nodes[all[i].node].link_to = all[first].node + 1;
        nodes[all[i].node].stored_bytes = 0;
    }
    return true;
}

/* ---- units -----------------------------------------------------------------------------------*/

static struct unit *new_unit(struct tree *t, size_t first, struct err *err)
{
    uint64_t seq = t->units.count;
    struct unit *u = vec_add(&t->units, err);

    if (u)
        *u = (struct unit){.first = first, .seq = seq};
    return u;
}

static bool cut_pieces(struct tree *t, size_t node, struct err *err)
{
    const struct node *n = &((const struct node *)t->nodes.at)[node];
    const struct files_old *old = files_old_find(&t->old_pieces, node_path(t, n));
    uint64_t bytes = n->stored_bytes;

    for (uint64_t at = 0; at < bytes; at += SEGMENT_TARGET) {
        struct unit *u = new_unit(t, node, err);
        if (!u)
            return false;
        u->offset = at;
        if (old && at / SEGMENT_TARGET < old->count)
            u->like = old->first + at / SEGMENT_TARGET;
        u->len = bytes - at < SEGMENT_TARGET ? bytes - at : SEGMENT_TARGET;
        u->bytes = u->len;
    }
    return true;
}

/* Whether node `i` begins a new unit behind `u`, and of which of the parent's segments (*like). */
static bool begins_unit(const struct tree *t, const struct unit *u, const struct node *n,
                        const struct segment **like)
{
    const struct files_old *old = files_old_find(&t->old_heads, node_path(t, n));

    *like = old ? old->first : NULL;
    if (!u)
        return true;
    if (old) {
        uint64_t both = u->bytes + old->first->raw_bytes;
        bool small = u->bytes < SEGMENT_TARGET / 4 || old->first->raw_bytes < SEGMENT_TARGET / 4;
        return !small || both > SEGMENT_TARGET;
    }
    return u->bytes >= (u->like ? 2 * SEGMENT_TARGET : SEGMENT_TARGET);
}

static bool cut_units(struct tree *t, struct err *err)
{
    struct node *nodes = t->nodes.at;
    struct unit *u = NULL;

    for (size_t i = 0; i < t->nodes.count; i++) {
        bool large = nodes[i].stored_bytes > SEGMENT_TARGET;
        const struct segment *like = NULL;

        if (begins_unit(t, u, &nodes[i], &like)) {
            if (!(u = new_unit(t, i, err)))
                return false;
            u->like = like;
        }
        nodes[i].seq = u->seq;
        u->count++;
        u->bytes += ENTRY_BYTES + (large ? 0 : nodes[i].stored_bytes);
        t->bytes += ENTRY_BYTES + nodes[i].stored_bytes;
        if (!large)
            continue;
        u = NULL;
        if (!cut_pieces(t, i, err))
            return false;
    }
    return true;
}

bool files_walk(struct tree *t, struct err *err)
{
    AUTO(buf) struct buf path = {0};
    struct stat st;
    struct node *root = NULL;

    t->paths.max = (size_t)16 << 30;
    if (fstat(t->root, &st) != 0)
        return err_sys(err, ERR_IO, "cannot look at '%s'", t->env->path);
    int copy = fcntl(t->root, F_DUPFD_CLOEXEC, 0);
    if (copy < 0)
        return err_sys(err, ERR_IO, "cannot open '%s'", t->env->path);
    if (!add_node(t, ".", &st, &root, err)) {
        close(copy);
        return false;
    }
    return walk_dir(t, copy, &path, 0, err) && join_links(t, err) && cut_units(t, err);
}
