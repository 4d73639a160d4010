/* Removal of a tree that may be hostile: links are never followed (every step is an openat below a
 * directory that is held), mounts are refused, and a depth beyond DEPTH_MAX does not need more
 * descriptors: such a directory is first moved up to the root of the tree. */
#include "lib/base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#define DEPTH_MAX 64

struct removal {
    const char *path; /* as the caller named it, for messages */
    int root;
    unsigned moved;
    bool again; /* something was moved up to the root */
};

static inline void auto_dir(DIR **d)
{
    if (*d)
        closedir(*d);
}

static bool empty_dir(struct removal *r, int fd, unsigned depth, struct err *err);

static bool refuse_mount(int at, const char *name, struct removal *r, struct err *err)
{
    struct statx x = {0};

    if (statx(at, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &x) != 0)
        return err_sys(err, ERR_IO, "cannot read '%s' in '%s'", name, r->path);
    if (!(x.stx_attributes & STATX_ATTR_MOUNT_ROOT))
        return true;
    err_set(err, ERR_FAILED, "cannot remove '%s': '%s' in it is a mount point", r->path, name);
    return err_hint(err, "unmount it first");
}

/* Trees are restored with the modes they had; a directory without rwx for its owner is one. */
static int open_dir(int at, const char *name)
{
    const int how = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    struct stat st;

    if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode) &&
        (st.st_mode & 0700) != 0700) {
        AUTO(fd) int path_fd = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        char self[64];
        snprintf(self, sizeof(self), "/proc/self/fd/%d", path_fd);
        if (path_fd >= 0 && chmod(self, 0700) != 0)
            return -1;
    }
    return openat(at, name, how);
}

static bool move_up(struct removal *r, int at, const char *name, struct err *err)
{
    char new_name[40];

    do
        snprintf(new_name, sizeof(new_name), ".rehearse-remove-%u", r->moved++);
    while (faccessat(r->root, new_name, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
    r->again = true;
    if (renameat(at, name, r->root, new_name) == 0)
        return true;
    return err_sys(err, ERR_IO, "cannot remove '%s' in '%s'", name, r->path);
}

static bool remove_entry(struct removal *r, int at, const char *name, unsigned depth,
                         struct err *err)
{
    if (unlinkat(at, name, 0) == 0 || errno == ENOENT)
        return true;
    if (errno != EISDIR && errno != EPERM)
        return err_sys(err, ERR_IO, "cannot remove '%s' in '%s'", name, r->path);
    if (!refuse_mount(at, name, r, err))
        return false;
    if (unlinkat(at, name, AT_REMOVEDIR) == 0)
        return true;
    if (depth >= DEPTH_MAX)
        return move_up(r, at, name, err);
    {
        AUTO(fd) int fd = open_dir(at, name);
        if (fd < 0)
            return err_sys(err, ERR_IO, "cannot remove '%s' in '%s'", name, r->path);
        if (!empty_dir(r, fd, depth + 1, err))
            return false;
    }
    if (unlinkat(at, name, AT_REMOVEDIR) == 0)
        return true;
    return err_sys(err, ERR_IO, "cannot remove directory '%s' in '%s'", name, r->path);
}

static bool empty_dir(struct removal *r, int fd, unsigned depth, struct err *err)
{
    /* Not a dup(): that would share its place in the directory with the round before. */
    int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO(dir) DIR *d = own < 0 ? NULL : fdopendir(own);

    if (!d) {
        if (own >= 0)
            close(own);
        return err_sys(err, ERR_IO, "cannot read a directory in '%s'", r->path);
    }
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(d);
        if (!entry && errno)
            return err_sys(err, ERR_IO, "cannot read a directory in '%s'", r->path);
        if (!entry)
            return true;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (!remove_entry(r, fd, entry->d_name, depth, err))
            return false;
    }
}

bool dir_remove(const char *path, struct err *err)
{
    struct stat st;
    struct removal r = {.path = path, .root = -1};

    if (lstat(path, &st) != 0)
        return errno == ENOENT || err_sys(err, ERR_IO, "cannot remove '%s'", path);
    if (!S_ISDIR(st.st_mode))
        return unlink(path) == 0 || err_sys(err, ERR_IO, "cannot remove '%s'", path);
    if (!refuse_mount(AT_FDCWD, path, &r, err))
        return false;

    AUTO(fd) int root = open_dir(AT_FDCWD, path);
    if (root < 0)
        return err_sys(err, ERR_IO, "cannot remove '%s'", path);
    r.root = root;
    do {
        r.again = false;
        if (!empty_dir(&r, root, 1, err))
            return false;
    } while (r.again);
    return rmdir(path) == 0 || err_sys(err, ERR_IO, "cannot remove '%s'", path);
}
