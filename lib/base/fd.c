#include "lib/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

bool fd_write_all(int fd, const void *bytes, size_t len, struct err *err)
{
    const char *at = bytes;

    while (len) {
        ssize_t n = write(fd, at, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(err, ERR_IO, "cannot write");
        at += n;
        len -= (size_t)n;
    }
    return true;
}

bool fd_pwrite_all(int fd, const void *bytes, size_t len, off_t offset, struct err *err)
{
    const char *at = bytes;

    while (len) {
        ssize_t n = pwrite(fd, at, len, offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(err, ERR_IO, "cannot write");
        at += n;
        offset += n;
        len -= (size_t)n;
    }
    return true;
}

bool fd_pread_all(int fd, void *bytes, size_t len, off_t offset, struct err *err)
{
    char *at = bytes;

    while (len) {
        ssize_t n = pread(fd, at, len, offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(err, ERR_IO, "cannot read");
        if (n == 0)
            return err_set(err, ERR_DAMAGED, "the file ends %zu bytes early", len);
        at += n;
        offset += n;
        len -= (size_t)n;
    }
    return true;
}

#define WRITE_BEHIND ((off_t)8 << 20)

void fd_write_behind(int fd, off_t written, off_t *begun)
{
    if (written - *begun < WRITE_BEHIND)
        return;
    sync_file_range(fd, *begun, written - *begun, SYNC_FILE_RANGE_WRITE);
    *begun = written;
}

/* The size is a guess only: files in /proc say 0, and a log may grow while it is read. */
static bool read_to_end(int fd, const char *path, size_t max, struct buf *out, struct err *err)
{
    char piece[16384];
    size_t got = 0;

    for (;;) {
        ssize_t n = read(fd, piece, sizeof(piece));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(err, ERR_IO, "cannot read '%s'", path);
        if (n == 0) {
            explicit_bzero(piece, got < sizeof(piece) ? got : sizeof(piece)); /* may be a secret */
            return true;
        }
        got += (size_t)n;
        if (got > max)
            return err_set(err, ERR_DAMAGED, "'%s' is larger than %zu bytes", path, max);
        if (!buf_add(out, piece, (size_t)n))
            return buf_ok(out, err);
    }
}

bool file_read(const char *path, size_t max, struct buf *out, struct err *err)
{
    AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_sys(err, ERR_IO, "cannot open '%s'", path);

    size_t before = out->len;
    if (read_to_end(fd, path, max, out, err))
        return true;
    out->len = before;
    if (out->at)
        out->at[before] = 0;
    return false;
}

#define SECRET_MAX 65536

static bool check_private(int fd, const char *path, struct err *err)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return err_sys(err, ERR_IO, "cannot read '%s'", path);
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_CONFIG, "secret file '%s' is not a regular file", path);
    if ((st.st_mode & 077) == 0)
        return true;
    err_set(err, ERR_RIGHTS, "secret file '%s' can be read by others (mode %04o)", path,
            (unsigned)st.st_mode & 07777);
    return err_hint(err, "chmod 600 '%s'", path);
}

bool file_read_secret(const char *path, struct buf *out, struct err *err)
{
    AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return err_sys(err, ERR_IO, "cannot open secret file '%s'", path);
    if (!check_private(fd, path, err))
        return false;

    size_t before = out->len;
    if (!read_to_end(fd, path, SECRET_MAX, out, err))
        return false;
    if (out->len > before && out->at[out->len - 1] == '\n')
        out->at[--out->len] = 0;
    if (out->len > before && memchr(out->at + before, 0, out->len - before)) {
        out->len = before;
        return err_set(err, ERR_CONFIG, "secret file '%s' holds a zero byte", path);
    }
    return true;
}

/* The directory part of `path`, "." when there is none. Heap. */
static char *dir_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return strdup(".");
    return span_dup((struct span){path, slash == path ? 1 : (size_t)(slash - path)});
}

static bool write_temp(int fd, struct span content, mode_t mode, struct err *err)
{
    if (fchmod(fd, mode) != 0)
        return err_sys(err, ERR_IO, "cannot set the mode");
    if (!fd_write_all(fd, content.at, content.len, err))
        return false;
    return fsync(fd) == 0 || err_sys(err, ERR_IO, "cannot sync");
}

bool file_replace(const char *path, struct span content, mode_t mode, struct err *err)
{
    AUTO(free) char *dir = dir_of(path);
    AUTO(buf) struct buf temp = {0};

    if (!dir)
        return err_memory(err);
    if (!buf_printf(&temp, "%s.XXXXXX", path))
        return buf_ok(&temp, err);
    AUTO(fd) int fd = mkostemp(temp.at, O_CLOEXEC);
    if (fd < 0)
        return err_sys(err, ERR_IO, "cannot make a file in '%s'", dir);

    bool ok = write_temp(fd, content, mode, err);
    if (!ok)
        err_add(err, "cannot write '%s'", path);
    else if (rename(temp.at, path) != 0)
        ok = err_sys(err, ERR_IO, "cannot rename to '%s'", path);
    if (!ok) {
        unlink(temp.at);
        return false;
    }
    return dir_sync(dir, err);
}

/* ---- naming ----------------------------------------------------------------------------------*/

static bool is_one_file(const char *a, const char *b)
{
    struct stat x, y;

    return lstat(a, &x) == 0 && lstat(b, &y) == 0 && x.st_ino == y.st_ino && x.st_dev == y.st_dev;
}

/* Linked, it has its name; should the first stay, it is one more of the same file. */
static bool link_new(const char *from, const char *to)
{
    if (link(from, to) != 0) {
        int why = errno;
        /* An NFS server's answer may get lost: asked again, it finds what it has done. */
        bool done = why == EEXIST && is_one_file(from, to);
        errno = why;
        if (!done)
            return false;
    }
    unlink(from);
    return true;
}

static bool rename_new(const char *from, const char *to)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return true;
    if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
        return false;
    if (link_new(from, to))
        return true;
    if (errno == EEXIST)
        return false;
    if (path_exists(to)) {
        errno = EEXIST;
        return false;
    }
    return rename(from, to) == 0;
}

bool file_name(const char *from, const char *to, struct err *err)
{
    AUTO(free) char *dir = dir_of(to);

    if (!dir)
        return err_memory(err);
    if (!rename_new(from, to))
        return err_sys(err, ERR_IO, "cannot rename '%s' to '%s'", from, to);
    return dir_sync(dir, err);
}

char *path_join(const char *a, const char *b)
{
    char *both;
    size_t len = strlen(a);
    const char *between = len && a[len - 1] == '/' ? "" : "/";

    return asprintf(&both, "%s%s%s", a, between, b) < 0 ? NULL : both;
}

bool path_exists(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

bool path_is_inside(struct span name)
{
    struct span part;

    if (!name.len || memchr(name.at, 0, name.len))
        return false;
    while (span_split(&name, '/', &part))
        if (!part.len || span_is(part, ".") || span_is(part, ".."))
            return false;
    return true;
}
