/* Processes that a crash of ours left behind, and what logs say. */
#include "lib/box/local.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/proc.h"

#define ENVIRON_MAX ((size_t)1 << 20)
#define TAIL_BYTES  4096

const char *sweep_mark(const struct local *l, char out[SWEEP_MARK])
{
    snprintf(out, SWEEP_MARK, SWEEP_VAR "=%s", entry_str(l->state, "id"));
    return out;
}

static bool is_ours(const char *pid, const char *mark)
{
    char path[64];
    AUTO(buf) struct buf vars = {0};
    struct err ignored = {0};
    struct span rest, var;

    snprintf(path, sizeof(path), "/proc/%.20s/environ", pid);
    if (!file_read(path, ENVIRON_MAX, &vars, &ignored))
        return false;
    rest = buf_view(&vars);
    while (span_split(&rest, '\0', &var))
        if (span_is(var, mark))
            return true;
    return false;
}

static bool known(const json_t *list, pid_t pid)
{
    size_t i;
    json_t *entry;

    json_array_foreach(list, i, entry) if (json_integer_value(json_object_get(entry, "pid")) ==
                                           pid) return true;
    return false;
}

static pid_t parent_of(const char *pid)
{
    char path[64], text[1024];
    int parent = 0;

    snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
    AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (n <= 0)
        return 0;
    text[n] = '\0';
    const char *rest = strrchr(text, ')');
    return rest && sscanf(rest, ") %*c %d", &parent) == 1 ? parent : 0;
}

/* A process is known by itself, its parent or the leader of its session. */
static bool is_known(const struct local *l, const char *name, pid_t pid)
{
    pid_t ids[] = {pid, parent_of(name), getsid(pid)};

    for (size_t i = 0; i < COUNT(ids); i++)
        if (ids[i] > 1 && (known(local_servers(l), ids[i]) || known(local_services(l), ids[i])))
            return true;
    return false;
}

static bool sweep_one(void *ctx, const char *name, struct err *err)
{
    const struct local *l = ctx;
    char mark[SWEEP_MARK];
    uint64_t pid = 0;

    (void)err;
    if (!span_u64(span_of(name), &pid) || (pid_t)pid == getpid())
        return true;
    if (is_ours(name, sweep_mark(l, mark)) && !is_known(l, name, (pid_t)pid)) {
        struct err ignored = {0};
        proc_stop((pid_t)pid, SIGTERM, 10, &ignored);
    }
    return true;
}

void sweep(const struct local *l)
{
    struct err ignored = {0};

    if (*entry_str(l->state, "id"))
        dir_each("/proc", sweep_one, (void *)(uintptr_t)l, &ignored);
}

/* ---- of a server that was killed ------------------------------------------------------------------*/

struct leftovers {
    const char *program, *data;
};

/* A file that was replaced while it ran, as by a package upgrade, has a word behind its name
 * (proc_pid_exe(5)). */
static bool links_to(const char *pid, const char *what, const char *target)
{
    static const char gone[] = " (deleted)";
    size_t len = strlen(target);
    char path[64], got[PATH_MAX + sizeof(gone)];

    snprintf(path, sizeof(path), "/proc/%.20s/%s", pid, what);
    ssize_t n = readlink(path, got, sizeof(got) - 1);
    if (n < (ssize_t)len || memcmp(got, target, len) != 0)
        return false;
    struct span rest = {got + len, (size_t)n - len};
    return !rest.len || span_is(rest, gone);
}

/* By program and folder: PostgreSQL's children write their titles over their environment. */
static bool end_leftover(void *ctx, const char *name, struct err *err)
{
    const struct leftovers *w = ctx;
    uint64_t pid = 0;

    if (!span_u64(span_of(name), &pid) || !links_to(name, "cwd", w->data) ||
        !links_to(name, "exe", w->program))
        return true;
    return proc_stop((pid_t)pid, SIGKILL, 10, err) ||
           err_add(err, "cannot end what a killed server left in '%s'", w->data);
}

bool sweep_server(const char *program, const char *data, struct err *err)
{
    AUTO(free) char *exe = realpath(program, NULL), *dir = realpath(data, NULL);
    struct leftovers w = {exe, dir};

    if (!exe || !dir)
        return err_sys(err, ERR_IO, "cannot find '%s'", exe ? data : program);
    return dir_each("/proc", end_leftover, &w, err);
}

/* ---- logs -----------------------------------------------------------------------------------------*/

off_t log_size(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? st.st_size : 0;
}

static bool any_line(struct span line)
{
    return line.len > 0;
}

/* PostgreSQL's and MariaDB's words. */
static bool is_reason(struct span line)
{
    static const char *const words[] = {"FATAL:", "PANIC:", "[ERROR]"};

    for (size_t i = 0; i < COUNT(words); i++)
        if (memmem(line.at, line.len, words[i], strlen(words[i])))
            return true;
    return false;
}

static char *last_of(const char *path, off_t from, bool (*wanted)(struct span line))
{
    char tail[TAIL_BYTES];
    AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    off_t size = log_size(path);
    off_t start = size - (off_t)sizeof(tail) > from ? size - (off_t)sizeof(tail) : from;
    ssize_t n = fd < 0 || start > size ? -1 : pread(fd, tail, sizeof(tail), start);
    struct span rest = {tail, n > 0 ? (size_t)n : 0}, line, last = {0};

    while (rest.len && span_split(&rest, '\n', &line)) {
        line = span_trim(line);
        if (wanted(line))
            last = line;
    }
    return last.len ? span_dup(last) : NULL;
}

char *log_last_line(const char *path, off_t from)
{
    return last_of(path, from, any_line);
}

char *log_reason(const char *path, off_t from)
{
    char *reason = last_of(path, from, is_reason);
    return reason ? reason : log_last_line(path, from);
}
