/* Whether a process lives, and ending one with all it started. */
#include "lib/base/proc.h"

#include "lib/base/auto.h"
#include "lib/base/clock.h"
#include "lib/base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NS_PER_S INT64_C(1000000000)
#define WAIT_NS  INT64_C(10000000)

struct stat_line {
    char state;
    int group;
    int threads;
    uint64_t start;
};

static inline void auto_dir(DIR **d)
{
    if (*d)
        closedir(*d);
}

/* proc(5): fields 3, 5, 20 and 22. The name in field 2 may hold blanks and brackets, so they are counted
 * from the last bracket on. */
static bool read_stat(const char *pid, struct stat_line *out)
{
    char path[64], text[1024];

    snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
    AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (n <= 0)
        return false;
    text[n] = 0;
    const char *rest = strrchr(text, ')');
    return rest && sscanf(rest,
                          ") %c %*d %d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
                          "%d %*d %" SCNu64,
                          &out->state, &out->group, &out->threads, &out->start) == 4;
}

/* The first thread of a process that is killed may be a zombie before the others, which hold its ports
 * and files for as long as they need. */
static bool is_over(const struct stat_line *line)
{
    return (line->state == 'Z' || line->state == 'X') && line->threads <= 1;
}

static bool stat_of(pid_t pid, struct stat_line *out)
{
    char name[24];

    snprintf(name, sizeof(name), "%d", (int)pid);
    return pid > 0 && read_stat(name, out) && !is_over(out);
}

uint64_t proc_start_ticks(pid_t pid)
{
    struct stat_line s;
    return stat_of(pid, &s) ? s.start : 0;
}

bool proc_gone(pid_t pid, uint64_t start_ticks)
{
    struct stat_line line;
    char name[24];

    if (pid <= 0 || (kill(pid, 0) != 0 && errno == ESRCH))
        return true;
    snprintf(name, sizeof(name), "%d", (int)pid);
    if (!read_stat(name, &line))
        return false;
    return is_over(&line) || (start_ticks && line.start != start_ticks);
}

const char *proc_kernel(char out[PROC_KERNEL])
{
    AUTO(buf) struct buf boot = {0};
    char space[64];
    ssize_t len = readlink("/proc/self/ns/pid", space, sizeof(space) - 1);

    out[0] = '\0';
    if (len <= 0 || !file_read("/proc/sys/kernel/random/boot_id", 100, &boot, NULL))
        return out;
    space[len] = '\0';
    struct span id = span_trim(buf_view(&boot));
    snprintf(out, PROC_KERNEL, "%.*s %s", (int)id.len, id.at, space);
    return out;
}

bool proc_alive(pid_t pid, uint64_t start_ticks)
{
    struct stat_line s;
    return stat_of(pid, &s) && (!start_ticks || s.start == start_ticks);
}

/* Whether any member of the group still runs. kill(-group, 0) would count zombies, which stay for
 * ever where process 1 does not collect them, as in many containers. */
static bool group_alive(pid_t group)
{
    AUTO(dir) DIR *d = opendir("/proc");
    struct stat_line s;
    struct dirent *entry;

    while (d && (entry = readdir(d)))
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && read_stat(entry->d_name, &s) &&
            s.group == group && !is_over(&s))
            return true;
    return false;
}

static bool gone(pid_t pid)
{
    waitpid(pid, NULL, WNOHANG); /* a child of ours would stay a zombie otherwise */
    return !proc_alive(pid, 0) && !group_alive(pid);
}

static bool wait_gone(pid_t pid, double wait_s)
{
    int64_t deadline = clock_mono_ns() + (int64_t)(wait_s * (double)NS_PER_S);

    while (!gone(pid)) {
        if (clock_mono_ns() >= deadline)
            return false;
        struct timespec pause = {.tv_nsec = WAIT_NS};
        nanosleep(&pause, NULL);
    }
    return true;
}

/* A process that is no leader of a group has no group of its own to be signalled. */
static bool signal_all(pid_t pid, int sig)
{
    bool group = kill(-pid, sig) == 0;
    if (!group && errno == EPERM)
        return false;
    if (group && getpgid(pid) == pid)
        return true;
    return kill(pid, sig) == 0 || errno == ESRCH;
}

bool proc_stop(pid_t pid, int sig, double grace_s, struct err *err)
{
    if (pid <= 1)
        return err_set(err, ERR_FAILED, "refusing to signal process %d", (int)pid);
    if (!signal_all(pid, sig))
        return err_sys(err, ERR_IO, "cannot signal process %d", (int)pid);
    if (wait_gone(pid, grace_s))
        return true;
    if (!signal_all(pid, SIGKILL))
        return err_sys(err, ERR_IO, "cannot kill process %d", (int)pid);
    if (wait_gone(pid, 5))
        return true;
    return err_set(err, ERR_SERVICE, "process %d does not end, even by SIGKILL", (int)pid);
}
