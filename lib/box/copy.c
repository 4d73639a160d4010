/* Copies a tree: the walk makes directories and links and gathers files, workers copy the files,
 * and the times of directories come last, when nothing is put into them any more. */
#include "lib/box/local.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <search.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/base/cmd.h"
#include "lib/base/fd.h"
#include "lib/base/sched.h"
#include "lib/base/vec.h"

#define COPY_CHUNK ((size_t)8 << 20)

struct item {
    char *from, *to;
    struct stat st;
};

struct inode { /* of a file with several names */
    dev_t dev;
    ino_t ino;
    char *to; /* borrowed from its item */
};

struct copy {
    struct vec files, dirs, links; /* struct item; `from` of a link is the first name's copy */
    void *inodes;                  /* tsearch() tree of struct inode */
    atomic_size_t next;
};

static void items_done(struct vec *v)
{
    struct item *at = v->at;

    for (size_t i = 0; i < v->count; i++) {
        free(at[i].from);
        free(at[i].to);
    }
    vec_done(v);
}

static inline void auto_copy(struct copy *c)
{
    tdestroy(c->inodes, free);
    items_done(&c->files);
    items_done(&c->dirs);
    items_done(&c->links);
}

/* ---- attributes -----------------------------------------------------------------------------------*/

static bool copy_xattrs(const struct item *it, struct err *err)
{
    char names[65536], value[65536];
    ssize_t len = llistxattr(it->from, names, sizeof(names));

    if (len < 0)
        return errno == ENOTSUP || err_sys(err, ERR_IO, "cannot list attributes of '%s'", it->from);
    for (const char *name = names; name < names + len; name += strlen(name) + 1) {
        ssize_t size = lgetxattr(it->from, name, value, sizeof(value));
        if (size < 0 && errno == ENODATA)
            continue;
        if (size < 0 || lsetxattr(it->to, name, value, (size_t)size, 0) != 0)
            return err_sys(err, ERR_IO, "cannot copy attribute '%s' of '%s'", name, it->from);
    }
    return true;
}

/* Owner before mode and attributes: a change of owner takes set-id bits and capabilities away. */
static bool copy_meta(const struct item *it, struct err *err)
{
    struct timespec times[2] = {it->st.st_atim, it->st.st_mtim};
    bool ours = it->st.st_uid == geteuid() && geteuid() != 0;

    if (lchown(it->to, it->st.st_uid, it->st.st_gid) != 0 && !ours)
        return err_sys(err, ERR_IO, "cannot keep the owner of '%s'", it->from);
    if (!S_ISLNK(it->st.st_mode) && chmod(it->to, it->st.st_mode & 07777) != 0)
        return err_sys(err, ERR_IO, "cannot keep the mode of '%s'", it->from);
    if (!copy_xattrs(it, err))
        return false;
    if (utimensat(AT_FDCWD, it->to, times, AT_SYMLINK_NOFOLLOW) != 0)
        return err_sys(err, ERR_IO, "cannot keep the times of '%s'", it->from);
    return true;
}

/* ---- content --------------------------------------------------------------------------------------*/

static bool copy_plain(int from, int to, off_t at, size_t len, struct err *err)
{
    AUTO(free) char *piece = malloc(COPY_CHUNK);

    if (!piece)
        return err_memory(err);
    while (len) {
        size_t want = len < COPY_CHUNK ? len : COPY_CHUNK;
        ssize_t n = pread(from, piece, want, at);
        if (n < 0)
            return err_sys(err, ERR_IO, "cannot read");
        if (n == 0)
            return true; /* shorter than it was: the size is set by the caller */
        if (!fd_pwrite_all(to, piece, (size_t)n, at, err))
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

static bool copy_range(int from, int to, off_t at, size_t len, struct err *err)
{
    while (len) {
        off_t in = at, out = at;
        ssize_t n = copy_file_range(from, &in, to, &out, len, 0);

        if (n < 0 && (errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP))
            return copy_plain(from, to, at, len, err);
        if (n < 0)
            return err_sys(err, ERR_IO, "cannot copy");
        if (n == 0)
            return true;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

/* Only what is not a hole. */
static bool copy_data(int from, int to, off_t size, struct err *err)
{
    off_t at = 0;

    while (at < size) {
        off_t data = lseek(from, at, SEEK_DATA);
        if (data < 0 && errno == ENXIO)
            break;
        if (data < 0)
            return copy_range(from, to, at, (size_t)(size - at), err);
        off_t hole = lseek(from, data, SEEK_HOLE);
        if (hole < 0 || hole > size)
            hole = size;
        if (!copy_range(from, to, data, (size_t)(hole - data), err))
            return false;
        at = hole;
    }
    return ftruncate(to, size) == 0 || err_sys(err, ERR_IO, "cannot set the size");
}

static bool copy_file(const struct item *it, struct err *err)
{
    AUTO(fd) int from = open(it->from, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (from < 0)
        return err_sys(err, ERR_IO, "cannot read '%s'", it->from);
    AUTO(fd) int to = open(it->to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (to < 0)
        return err_sys(err, ERR_IO, "cannot make '%s'", it->to);
    if (ioctl(to, FICLONE, from) != 0 && !copy_data(from, to, it->st.st_size, err))
        return err_add(err, "'%s'", it->from);
    return copy_meta(it, err);
}

static bool copy_files(void *ctx, void *arg, unsigned worker, struct err *err)
{
    struct copy *c = ctx;
    const struct item *files = c->files.at;

    (void)arg;
    (void)worker;
    for (size_t i; (i = atomic_fetch_add(&c->next, 1)) < c->files.count;)
        if (!cmd_stop_check(err) || !copy_file(&files[i], err))
            return false;
    return true;
}

/* ---- the walk -------------------------------------------------------------------------------------*/

static bool walk(struct copy *c, const char *from, const char *to, struct err *err);

static int inode_cmp(const void *a, const void *b)
{
    const struct inode *x = a, *y = b;

    if (x->dev != y->dev)
        return x->dev < y->dev ? -1 : 1;
    return x->ino < y->ino ? -1 : x->ino > y->ino;
}

/* *first: the copy that has this inode already; NULL when this is the first name. */
static bool know_inode(struct copy *c, const struct item *it, const char **first, struct err *err)
{
    struct inode *node = malloc(sizeof(*node));

    if (!node)
        return err_memory(err);
    *node = (struct inode){it->st.st_dev, it->st.st_ino, it->to};
    struct inode *const *found = tsearch(node, &c->inodes, inode_cmp);
    if (!found) {
        free(node);
        return err_memory(err);
    }
    *first = *found == node ? NULL : (*found)->to;
    if (*found != node)
        free(node);
    return true;
}

static bool keep(struct vec *into, const struct item *it, struct err *err)
{
    struct item *last = vec_add(into, err);

    if (last)
        *last = *it;
    return last != NULL;
}

static bool take_file(struct copy *c, struct item *it, bool *kept, struct err *err)
{
    const char *first = NULL;

    if (it->st.st_nlink > 1 && !know_inode(c, it, &first, err))
        return false;
    if (first) {
        char *copy = strdup(first);
        if (!copy)
            return err_memory(err);
        free(it->from);
        it->from = copy;
    }
    *kept = keep(first ? &c->links : &c->files, it, err);
    return *kept;
}

static bool copy_link(const struct item *it, struct err *err)
{
    char target[PATH_MAX];
    ssize_t n = readlink(it->from, target, sizeof(target) - 1);

    if (n < 0)
        return err_sys(err, ERR_IO, "cannot read the link '%s'", it->from);
    target[n] = '\0';
    if (symlink(target, it->to) != 0)
        return err_sys(err, ERR_IO, "cannot make the link '%s'", it->to);
    return copy_meta(it, err);
}

static bool copy_node(const struct item *it, struct err *err)
{
    if (S_ISSOCK(it->st.st_mode))
        return true; /* lives as long as whoever listens on it */
    if (mknod(it->to, it->st.st_mode, it->st.st_rdev) != 0)
        return err_sys(err, ERR_IO, "cannot make '%s'", it->to);
    return copy_meta(it, err);
}

static bool take_item(struct copy *c, struct item *it, bool *kept, struct err *err)
{
    if (lstat(it->from, &it->st) != 0)
        return err_sys(err, ERR_IO, "cannot look at '%s'", it->from);
    if (S_ISREG(it->st.st_mode))
        return take_file(c, it, kept, err);
    if (S_ISLNK(it->st.st_mode))
        return copy_link(it, err);
    if (!S_ISDIR(it->st.st_mode))
        return copy_node(it, err);
    if (mkdir(it->to, 0700) != 0)
        return err_sys(err, ERR_IO, "cannot make the directory '%s'", it->to);
    *kept = keep(&c->dirs, it, err);
    return *kept && walk(c, it->from, it->to, err);
}

struct walk {
    struct copy *copy;
    const char *from, *to;
};

static bool walk_entry(void *ctx, const char *name, struct err *err)
{
    const struct walk *w = ctx;
    struct item it = {.from = path_join(w->from, name), .to = path_join(w->to, name)};
    bool kept = false;
    bool ok = it.from && it.to ? take_item(w->copy, &it, &kept, err) : err_memory(err);

    if (!kept) {
        free(it.from);
        free(it.to);
    }
    return ok;
}

static bool walk(struct copy *c, const char *from, const char *to, struct err *err)
{
    struct walk w = {c, from, to};

    return cmd_stop_check(err) && dir_each(from, walk_entry, &w, err);
}

/* ---- all of it ------------------------------------------------------------------------------------*/

static bool run_copies(struct copy *c, unsigned jobs, struct err *err)
{
    AUTO(sched) struct sched *s = NULL;

    if (!sched_new(jobs, &s, err))
        return false;
    for (unsigned i = 0; i < jobs; i++)
        if (!sched_add(s, &(struct task){.run = copy_files, .ctx = c, .name = "copy"}, NULL, 0,
                       NULL, err))
            return false;
    return sched_run(s, err);
}

static bool make_links(const struct copy *c, struct err *err)
{
    const struct item *links = c->links.at;

    for (size_t i = 0; i < c->links.count; i++)
        if (link(links[i].from, links[i].to) != 0)
            return err_sys(err, ERR_IO, "cannot make the link '%s'", links[i].to);
    return true;
}

/* From the deepest up: setting the times of one changes none above it. */
static bool end_dirs(const struct copy *c, struct err *err)
{
    const struct item *dirs = c->dirs.at;

    for (size_t i = c->dirs.count; i-- > 0;)
        if (!copy_meta(&dirs[i], err))
            return false;
    return true;
}

bool copy_tree(const char *from, const char *to, unsigned jobs, struct err *err)
{
    AUTO(copy)
    struct copy c = {
        .files = VEC(struct item), .dirs = VEC(struct item), .links = VEC(struct item)};
    struct item root = {.from = strdup(from), .to = strdup(to)};
    bool kept = false;
    bool ok = root.from && root.to ? take_item(&c, &root, &kept, err) : err_memory(err);

    if (!kept) {
        free(root.from);
        free(root.to);
    }
    return ok && run_copies(&c, jobs ? jobs : 1, err) && make_links(&c, err) && end_dirs(&c, err);
}
