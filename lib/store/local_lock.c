#include "lib/store/local_lock.h"

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/store/name.h"
#include "lib/store/swap_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#define STEP_NS (5 * (int64_t)1000000)
/* What the lock file of a local process says behind its first line. */
#define LOCAL_TOKEN "flock"

/* What the lock file holds, up to `len` bytes; less than 0: errno says why not. */
static ssize_t read_file(int dir, char *to, size_t len, struct stat *st)
{
    AUTO(fd) int fd = openat(dir, SWAP_LOCK, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    ssize_t n = -1;

    if (fd < 0 || fstat(fd, st) != 0)
        return -1;
    do
        n = pread(fd, to, len, 0);
    while (n < 0 && errno == EINTR);
    return n;
}

static bool stays_locked(int dir, const char *url, struct err *err)
{
    char text[SWAP_LOCK_MAX];
    struct stat st;
    ssize_t n = read_file(dir, text, sizeof(text), &st);
    struct span rest = {text, n > 0 ? (size_t)n : 0}, line = {NULL, 0};

    if (span_split(&rest, '\n', &line) && line.len)
        err_set(err, ERR_UNREACHABLE, "store '%s' stays locked by '%.*s'", url,
                (int)(line.len < 128 ? line.len : 128), line.at);
    else
        err_set(err, ERR_UNREACHABLE, "store '%s' stays locked by another process", url);
    return err_hint(err, "if that is stopped let it go on, or end it: then its lock is gone");
}

static bool take_flock(int dir, const char *url, int64_t wait_ns, int *out, struct err *err)
{
    int64_t until = clock_mono_ns() + wait_ns;
    AUTO(fd) int fd = openat(dir, STORE_LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0)
        return err_sys(err, ERR_IO, "cannot open the lock file of store '%s'", url);
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return err_sys(err, ERR_IO, "cannot lock store '%s'", url);
        if (clock_mono_ns() > until)
            return stays_locked(dir, url, err);
        if (!clock_sleep_until(clock_mono_ns() + STEP_NS))
            return err_set(err, ERR_STOPPED, "stopped while waiting for store '%s'", url);
    }
    *out = take_fd(&fd);
    return true;
}

/* *made is false when somebody else has it. */
static bool make_file(int dir, const struct swap_lock *lock, bool *made, struct err *err)
{
    AUTO(fd) int fd = openat(dir, SWAP_LOCK, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    *made = fd >= 0;
    if (fd < 0)
        return errno == EEXIST || err_sys(err, ERR_IO, "cannot make '" SWAP_LOCK "'");
    if (fd_write_all(fd, lock->text, strlen(lock->text), err))
        return true;
    unlinkat(dir, SWAP_LOCK, 0);
    return false;
}

/* Whoever wrote this token held the flock that is ours now: it died. */
static bool is_local(struct span text)
{
    struct span line;

    return span_split(&text, '\n', &line) && span_split(&text, '\n', &line) &&
           span_is(line, LOCAL_TOKEN);
}

/* Else who holds the flock would wait for a file that nobody takes away. */
static bool remove_file(int dir, struct err *err)
{
    return unlinkat(dir, SWAP_LOCK, 0) == 0 || errno == ENOENT ||
           err_sys(err, ERR_IO, "cannot remove '" SWAP_LOCK "'");
}

/* Two names of one file: where it had to be moved in two steps, and the second was not made. */
static bool is_half_moved(int dir, const char *grave)
{
    struct stat lock, moved;

    return fstatat(dir, SWAP_LOCK, &lock, AT_SYMLINK_NOFOLLOW) == 0 &&
           fstatat(dir, grave, &moved, AT_SYMLINK_NOFOLLOW) == 0 && lock.st_dev == moved.st_dev &&
           lock.st_ino == moved.st_ino;
}

static bool has_no_links(int why)
{
    return why == EPERM || why == ENOSYS || why == EOPNOTSUPP || why == EMLINK;
}

/* Moved by its content's name, as writers by SFTP do: had one of them been quicker, then it is there
 * already and the file in its place is another's. A local one is certainly dead: where files can be
 * neither renamed without replacing nor linked it is removed. */
static bool bury(int dir, const struct swap_lock *lock, bool local, struct err *err)
{
    char grave[STORE_NAME_MAX];

    swap_lock_grave(lock, grave);
    if (renameat2(dir, SWAP_LOCK, dir, grave, RENAME_NOREPLACE) == 0)
        return true;
    /* NFS and others do not know that rename */
    if (errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP) {
        if (linkat(dir, SWAP_LOCK, dir, grave, 0) == 0 || (local && has_no_links(errno)))
            return remove_file(dir, err);
    }
    if (errno == EEXIST)
        return !is_half_moved(dir, grave) || remove_file(dir, err);
    if (errno == ENOENT) /* it is gone; or there is no place for graves */
        return faccessat(dir, STORE_TMP, F_OK, 0) == 0 || remove_file(dir, err);
    err_sys(err, ERR_IO, "cannot move '" SWAP_LOCK "' of a dead writer away");
    return err_hint(err, "remove '" SWAP_LOCK "' from the store's folder");
}

static bool look(int dir, struct swap_lock *lock, struct err *err)
{
    char text[SWAP_LOCK_MAX];
    struct stat st;
    ssize_t n = read_file(dir, text, sizeof(text), &st);

    if (n < 0)
        return errno == ENOENT || err_sys(err, ERR_IO, "cannot read '" SWAP_LOCK "'");
    struct span now = {text, (size_t)n};
    enum swap_lock_state state = swap_lock_watch(lock, now, (uint32_t)st.st_mtim.tv_sec);
    bool local = is_local(now);
    return (state != SWAP_LOCK_DEAD && !local) || bury(dir, lock, local, err);
}

static bool take_file(int dir, const char *url, struct swap_lock *lock, struct err *err)
{
    int64_t pause = STEP_NS;
    bool made = false;

    swap_lock_init(lock, LOCAL_TOKEN);
    for (;;) {
        if (!make_file(dir, lock, &made, err))
            return err_add(err, "cannot lock store '%s'", url);
        if (made) {
            swap_lock_taken(lock);
            return true;
        }
        if (!look(dir, lock, err))
            return err_add(err, "cannot lock store '%s'", url);
        if (!swap_lock_wait(lock, url, &pause, err))
            return false;
    }
}

bool local_lock_take(int dir, const char *url, int64_t wait_ns, struct local_lock *out,
                     struct err *err)
{
    AUTO(local_lock) struct local_lock l = {.dir = dir, .fd = -1};

    if (!take_flock(dir, url, wait_ns, &l.fd, err) || !take_file(dir, url, &l.swap, err))
        return false;
    l.file = true;
    *out = l;
    l = LOCAL_LOCK;
    return true;
}

enum whose { OURS, OTHERS, UNKNOWN };

static enum whose whose(const struct local_lock *l)
{
    char text[SWAP_LOCK_MAX];
    struct stat st;
    ssize_t n = read_file(l->dir, text, sizeof(text), &st);

    if (n < 0)
        return errno == ENOENT ? OTHERS : UNKNOWN;
    return span_is((struct span){text, (size_t)n}, l->swap.text) ? OURS : OTHERS;
}

bool local_lock_held(const struct local_lock *l, const char *url, struct err *err)
{
    enum whose now = whose(l);

    if (now == UNKNOWN)
        return err_sys(err, ERR_IO, "cannot see who has the lock of store '%s'", url);
    return (swap_lock_fresh(&l->swap) && now == OURS) ||
           err_set(err, ERR_LOCK, "the lock of store '%s' was lost to somebody else", url);
}

/* Left where it is certain that it is another's, or likely. */
static bool is_to_go(const struct local_lock *l)
{
    enum whose now = whose(l);

    return now == OURS || (now == UNKNOWN && swap_lock_fresh(&l->swap));
}

void local_lock_drop(struct local_lock *l)
{
    if (l->file && is_to_go(l))
        unlinkat(l->dir, SWAP_LOCK, 0);
    if (l->fd >= 0)
        close(l->fd);
    *l = LOCAL_LOCK;
}
