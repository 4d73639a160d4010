#include "lib/store/local_lock.h"

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/store/name.h"
#include "lib/store/swap_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#define WAIT_NS (60 * (int64_t)1000000000)
#define STEP_NS (5 * (int64_t)1000000)
/* What the lock file of a local process says behind its first line. */
#define LOCAL_TOKEN "flock"

static bool take_flock(int dir, const char *url, int *out, struct err *err)
{
    int64_t until = clock_mono_ns() + WAIT_NS;
    AUTO(fd) int fd = openat(dir, STORE_LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0)
        return err_sys(err, ERR_IO, "cannot open the lock file of store '%s'", url);
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return err_sys(err, ERR_IO, "cannot lock store '%s'", url);
        if (clock_mono_ns() > until)
            return err_set(err, ERR_UNREACHABLE, "store '%s' stays locked by another process", url);
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

static bool look(int dir, struct swap_lock *lock, struct err *err)
{
    AUTO(fd) int fd = openat(dir, SWAP_LOCK, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    char text[SWAP_LOCK_MAX], grave[STORE_NAME_MAX];
    struct stat st;

    if (fd < 0)
        return errno == ENOENT || err_sys(err, ERR_IO, "cannot open '" SWAP_LOCK "'");
    ssize_t n = pread(fd, text, sizeof(text), 0);
    if (n < 0 || fstat(fd, &st) != 0)
        return err_sys(err, ERR_IO, "cannot read '" SWAP_LOCK "'");

    struct span now = {text, (size_t)n};
    enum swap_lock_state state = swap_lock_watch(lock, now, (uint32_t)st.st_mtim.tv_sec);
    if (is_local(now))
        return remove_file(dir, err);
    if (state != SWAP_LOCK_DEAD)
        return true;
    if (linkat(dir, SWAP_LOCK, dir, swap_lock_grave(lock, grave), 0) == 0)
        return remove_file(dir, err);
    return errno == EEXIST || errno == ENOENT ||
           err_sys(err, ERR_IO, "cannot move '" SWAP_LOCK "' of a dead writer away");
}

static bool take_file(int dir, const char *url, struct err *err)
{
    int64_t pause = STEP_NS;
    struct swap_lock lock;
    bool made = false;

    swap_lock_init(&lock, LOCAL_TOKEN);
    for (;;) {
        if (!make_file(dir, &lock, &made, err))
            return err_add(err, "cannot lock store '%s'", url);
        if (made)
            return true;
        if (!look(dir, &lock, err))
            return err_add(err, "cannot lock store '%s'", url);
        if (!swap_lock_wait(&lock, url, &pause, err))
            return false;
    }
}

bool local_lock_take(int dir, const char *url, struct local_lock *out, struct err *err)
{
    AUTO(local_lock) struct local_lock l = {dir, -1, false};

    if (!take_flock(dir, url, &l.fd, err) || !take_file(dir, url, err))
        return false;
    *out = (struct local_lock){dir, take_fd(&l.fd), true};
    return true;
}

void local_lock_drop(struct local_lock *l)
{
    if (l->file)
        unlinkat(l->dir, SWAP_LOCK, 0);
    if (l->fd >= 0)
        close(l->fd);
    *l = LOCAL_LOCK;
}
