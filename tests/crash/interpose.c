/* Preloaded into a program under test: counts the calls by which it changes what lies below one
 * folder, keeps a log of them, and at the Nth kills the program or lets the call fail.
 *
 * CRASH_ROOT   the folder; an absolute path without links
 * CRASH_STATE  file of counters, shared by all processes that have the same; made when missing
 * CRASH_LOG    file: a line per call, for crash-replay; CRASH_LOG.data: the bytes written
 * CRASH_AT     number of the call that is met, from 1
 * CRASH_DO     what happens to it:
 *                kill    SIGKILL before the call
 *                torn    SIGKILL after half of a write
 *                short   half of a write is written and said to be
 *                ENOSPC  (any of `errors`) the call fails, where it can fail so
 *              with "+" behind, also to every later call
 * CRASH_CONF   file of such lines, NAME=VALUE, which count more: of a server that is not started anew
 * CRASH_VICTIM file with the number of another process, which is killed instead
 *
 * Counted: open that creates, write, pwrite, ftruncate, fsync, fdatasync, rename, link, unlink, mkdir,
 * rmdir, copy_file_range, sendfile; with torn and short only writes, with EMFILE and EINTR what can fail so.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

enum kind { OPEN, CREATE, READ, WRITE, TRUNCATE, SYNC, RENAME, LINK, UNLINK, MKDIR, RMDIR };
enum fate { NOT_OURS, PASS, HALF, FAIL };

static const char *const kind_names[] = {"open",   "create", "read",   "write", "truncate", "sync",
                                         "rename", "link",   "unlink", "mkdir", "rmdir"};

#define BIT(kind) (1u << (kind))
#define CHANGES   (~(BIT(OPEN) | BIT(READ)))
#define GROWS \
    (BIT(CREATE) | BIT(WRITE) | BIT(TRUNCATE) | BIT(SYNC) | BIT(RENAME) | BIT(LINK) | BIT(MKDIR))

/* What is counted with each, and what of it can fail so. */
static const struct {
    const char *name;
    int number;
    unsigned counted, fails;
} errors[] = {
    {"ENOSPC", ENOSPC, CHANGES, GROWS},
    {"EDQUOT", EDQUOT, CHANGES, GROWS},
    {"EIO", EIO, CHANGES, CHANGES},
    {"EROFS", EROFS, CHANGES, CHANGES & ~BIT(SYNC)},
    {"EMFILE", EMFILE, BIT(OPEN) | BIT(CREATE), BIT(OPEN) | BIT(CREATE)},
    {"EINTR", EINTR, BIT(READ) | BIT(WRITE), BIT(READ) | BIT(WRITE)},
};

struct shared {
    _Atomic uint64_t calls, data_bytes;
};

/* Between the threads of a process; processes exclude each other by a lock on the log, which ends with
 * its holder, for that is what gets killed here. */
static atomic_flag logging = ATOMIC_FLAG_INIT;

/* Descriptors of what lies below the folder. Of others nothing is asked: a process in a sandbox would
 * be killed for it. */
#define FD_MAX 4096
static atomic_bool ours[FD_MAX];

static struct {
    const char *root;
    struct shared *shared;
    const char *log_path;
    int log, data, number;
    unsigned counted, fails;
    uint64_t at;
    bool kills, halves, lasting;
    const char *victim;
} conf = {.log = -1, .data = -1, .counted = CHANGES};

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* ---- configuration ---------------------------------------------------------------------------*/

static void read_do(const char *text)
{
    size_t len = strlen(text);

    conf.lasting = len > 0 && text[len - 1] == '+';
    len -= conf.lasting;
    conf.kills = strncmp(text, "kill", len) == 0 || strncmp(text, "torn", len) == 0;
    conf.halves = strncmp(text, "torn", len) == 0 || strncmp(text, "short", len) == 0;
    if (conf.halves)
        conf.counted = BIT(WRITE);
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (strlen(errors[i].name) != len || strncmp(text, errors[i].name, len) != 0)
            continue;
        conf.number = errors[i].number;
        conf.counted = errors[i].counted;
        conf.fails = errors[i].fails;
    }
}

static struct shared *map_state(const char *path)
{
    int fd = path ? REAL(open)(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666) : -1;

    if (fd < 0 || REAL(ftruncate)(fd, sizeof(struct shared)) != 0)
        return NULL;
    void *at = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return at == MAP_FAILED ? NULL : at;
}

/* In the process's environment, from which all of it is read; lines that are too long are none. */
static void read_conf(const char *path)
{
    char line[PATH_MAX + 64];
    FILE *in = path ? fopen(path, "re") : NULL;

    while (in && fgets(line, sizeof(line), in)) {
        char *value = strchr(line, '=');

        line[strcspn(line, "\n")] = '\0';
        if (value) {
            *value = '\0';
            setenv(line, value + 1, 1);
        }
    }
    if (in)
        fclose(in);
}

__attribute__((constructor)) static void configure(void)
{
    read_conf(getenv("CRASH_CONF"));
    const char *at = getenv("CRASH_AT"), *what = getenv("CRASH_DO");

    conf.root = getenv("CRASH_ROOT");
    conf.victim = getenv("CRASH_VICTIM");
    conf.at = at ? strtoull(at, NULL, 10) : 0;
    if (what)
        read_do(what);
    conf.shared = map_state(getenv("CRASH_STATE"));
    conf.log_path = getenv("CRASH_LOG");
}

/* ---- which calls -----------------------------------------------------------------------------*/

static bool below(const char *path)
{
    size_t len = conf.root ? strlen(conf.root) : 0;

    return len && conf.shared && strncmp(path, conf.root, len) == 0 &&
           (path[len] == '/' || path[len] == '\0');
}

static const char *path_of(int fd, char out[PATH_MAX])
{
    char link[64];

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, out, PATH_MAX - 1);
    out[len > 0 ? len : 0] = '\0';
    return out;
}

static const char *path_at(int dir, const char *name, char out[PATH_MAX])
{
    char base[PATH_MAX] = "";

    if (name[0] != '/' && dir == AT_FDCWD && !getcwd(base, sizeof(base)))
        base[0] = '\0';
    else if (name[0] != '/' && dir != AT_FDCWD)
        path_of(dir, base);
    while (name[0] == '.' && name[1] == '/')
        name += 2;
    if ((size_t)snprintf(out, PATH_MAX, "%s%s%s", base, base[0] ? "/" : "", name) >= PATH_MAX)
        out[0] = '\0';
    return out;
}

static void die(void)
{
    char text[32] = "";
    int fd = conf.victim ? REAL(open)(conf.victim, O_RDONLY | O_CLOEXEC) : -1;
    pid_t pid = getpid();

    if (fd >= 0 && read(fd, text, sizeof(text) - 1) > 0)
        pid = (pid_t)strtol(text, NULL, 10);
    if (fd >= 0)
        close(fd);
    kill(pid, SIGKILL);
    while (!conf.victim)
        pause();
}

static enum fate fate_of(enum kind kind, const char *path)
{
    if (!below(path))
        return NOT_OURS;
    if (!(conf.counted & BIT(kind)))
        return PASS;
    uint64_t n = atomic_fetch_add(&conf.shared->calls, 1) + 1;
    if (conf.at == 0 || n < conf.at || (n > conf.at && !conf.lasting))
        return PASS;
    if (conf.number) {
        errno = conf.number;
        return conf.fails & BIT(kind) ? FAIL : PASS;
    }
    if (conf.halves && kind == WRITE)
        return HALF;
    if (conf.kills)
        die();
    return PASS;
}

static void note_fd(int fd, enum fate fate)
{
    if (fd >= 0 && fd < FD_MAX)
        ours[fd] = fate != NOT_OURS;
}

static enum fate fate_of_fd(enum kind kind, int fd)
{
    char path[PATH_MAX];

    if (fd < 0 || fd >= FD_MAX || !ours[fd])
        return NOT_OURS;
    int saved = errno;
    enum fate fate = fate_of(kind, path_of(fd, path));

    if (fate != FAIL)
        errno = saved;
    return fate;
}

/* ---- the log ---------------------------------------------------------------------------------*/

struct record {
    enum kind kind;
    uint64_t ino, offset, len;
    const void *bytes;
    const char *path, *to;
};

/* By whom has something to tell: a server closes all that it finds open when it starts. */
static bool log_open(void)
{
    char data[PATH_MAX];

    if (!conf.log_path)
        return false;
    if (conf.log >= 0)
        return true;
    snprintf(data, sizeof(data), "%s.data", conf.log_path);
    conf.log = REAL(open)(conf.log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    conf.data = REAL(open)(data, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (conf.log < 0 || conf.data < 0)
        abort();
    return true;
}

/* From here to log_end() no other call is made, so the log has the order of the calls. */
static void log_begin(enum fate fate)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    if (fate == NOT_OURS || !log_open())
        return;
    while (atomic_flag_test_and_set(&logging))
        sched_yield();
    while (fcntl(conf.log, F_SETLKW, &whole) != 0 && errno == EINTR)
        ;
}

static void log_end(enum fate fate, bool done, const struct record *r)
{
    char line[2 * PATH_MAX + 128];
    int saved = errno;

    if (fate == NOT_OURS || conf.log < 0)
        return;
    if (done) {
        uint64_t at = atomic_fetch_add(&conf.shared->data_bytes, r->bytes ? r->len : 0);
        int len = snprintf(
            line, sizeof(line), "%s %llu %llu %llu %llu %s %s\n", kind_names[r->kind],
            (unsigned long long)r->ino, (unsigned long long)r->offset, (unsigned long long)r->len,
            (unsigned long long)at, r->path && r->path[0] ? r->path : "-", r->to ? r->to : "-");
        if ((r->bytes && REAL(pwrite)(conf.data, r->bytes, r->len, (off_t)at) != (ssize_t)r->len) ||
            REAL(write)(conf.log, line, (size_t)len) != len)
            abort();
    }
    struct flock whole = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
    fcntl(conf.log, F_SETLK, &whole);
    atomic_flag_clear(&logging);
    errno = saved;
}

static uint64_t ino_of(int fd)
{
    struct stat st;

    return fd >= 0 && fstat(fd, &st) == 0 ? st.st_ino : 0;
}

/* ---- opening ---------------------------------------------------------------------------------*/

static int open_counted(int dir, const char *name, int flags, mode_t mode)
{
    __typeof__(&openat) real = REAL(openat);
    char path[PATH_MAX];
    struct stat st;

    if (!below(path_at(dir, name, path)))
        return real(dir, name, flags, mode);
    bool new = (flags & O_CREAT) && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0;
    bool cut = !new && (flags & O_TRUNC);
    enum kind kind = new ? CREATE : cut ? TRUNCATE : OPEN;
    enum fate fate = fate_of(kind, path);

    if (fate == FAIL)
        return -1;
    log_begin(fate);
    int fd = real(dir, name, flags, mode);
    note_fd(fd, fate);
    log_end(fate, fd >= 0 && kind != OPEN,
            &(struct record){.kind = kind, .ino = ino_of(fd), .path = path});
    return fd;
}

static mode_t mode_of(int flags, va_list ap)
{
    return flags & (O_CREAT | __O_TMPFILE) ? (mode_t)va_arg(ap, unsigned) : 0;
}

#define OPEN_BODY(dir, name, flags)   \
    va_list ap;                       \
    va_start(ap, flags);              \
    mode_t mode = mode_of(flags, ap); \
    va_end(ap);                       \
    return open_counted(dir, name, flags, mode)

int open(const char *name, int flags, ...)
{
    OPEN_BODY(AT_FDCWD, name, flags);
}

int open64(const char *name, int flags, ...)
{
    OPEN_BODY(AT_FDCWD, name, flags);
}

int openat(int dir, const char *name, int flags, ...)
{
    OPEN_BODY(dir, name, flags);
}

int openat64(int dir, const char *name, int flags, ...)
{
    OPEN_BODY(dir, name, flags);
}

int __open_2(const char *name, int flags);
int __open_2(const char *name, int flags)
{
    return open_counted(AT_FDCWD, name, flags, 0);
}

int __open64_2(const char *name, int flags);
int __open64_2(const char *name, int flags)
{
    return open_counted(AT_FDCWD, name, flags, 0);
}

int __openat_2(int dir, const char *name, int flags);
int __openat_2(int dir, const char *name, int flags)
{
    return open_counted(dir, name, flags, 0);
}

int mkostemp(char *name, int flags)
{
    char path[PATH_MAX];
    enum fate fate = fate_of(CREATE, path_at(AT_FDCWD, name, path));

    if (fate == FAIL)
        return -1;
    log_begin(fate);
    int fd = REAL(mkostemp)(name, flags);
    note_fd(fd, fate);
    log_end(
        fate, fd >= 0,
        &(struct record){.kind = CREATE, .ino = ino_of(fd), .path = path_at(AT_FDCWD, name, path)});
    return fd;
}

int close(int fd)
{
    note_fd(fd, NOT_OURS);
    return REAL(close)(fd);
}

/* ---- bytes -----------------------------------------------------------------------------------*/

static void end_write(enum fate fate, int fd, const void *from, ssize_t n, off_t at)
{
    char path[PATH_MAX];

    log_end(fate, n > 0,
            &(struct record){WRITE, ino_of(fd), (uint64_t)at, n > 0 ? (uint64_t)n : 0, from,
                             path_of(fd, path), NULL});
    if (fate == HALF && conf.kills)
        die();
}

ssize_t write(int fd, const void *from, size_t len)
{
    enum fate fate = fate_of_fd(WRITE, fd);

    if (fate == FAIL || fate == NOT_OURS)
        return fate == FAIL ? -1 : REAL(write)(fd, from, len);
    log_begin(fate);
    off_t at = lseek(fd, 0, SEEK_CUR);
    ssize_t n = REAL(write)(fd, from, fate == HALF && len > 1 ? len / 2 : len);
    end_write(fate, fd, from, n, at);
    return n;
}

static ssize_t pwrite_counted(int fd, const void *from, size_t len, off_t at)
{
    enum fate fate = fate_of_fd(WRITE, fd);

    if (fate == FAIL || fate == NOT_OURS)
        return fate == FAIL ? -1 : REAL(pwrite)(fd, from, len, at);
    log_begin(fate);
    ssize_t n = REAL(pwrite)(fd, from, fate == HALF && len > 1 ? len / 2 : len, at);
    end_write(fate, fd, from, n, at);
    return n;
}

ssize_t pwrite(int fd, const void *from, size_t len, off_t at)
{
    return pwrite_counted(fd, from, len, at);
}

ssize_t pwrite64(int fd, const void *from, size_t len, off_t at)
{
    return pwrite_counted(fd, from, len, at);
}

ssize_t read(int fd, void *to, size_t len)
{
    enum fate fate = conf.number == EINTR ? fate_of_fd(READ, fd) : NOT_OURS;

    return fate == FAIL ? -1 : REAL(read)(fd, to, len);
}

ssize_t pread(int fd, void *to, size_t len, off_t at)
{
    enum fate fate = conf.number == EINTR ? fate_of_fd(READ, fd) : NOT_OURS;

    return fate == FAIL ? -1 : REAL(pread)(fd, to, len, at);
}

/* Who asks for these has to be able to do without. */
ssize_t copy_file_range(int from, off_t *from_at, int to, off_t *to_at, size_t len, unsigned flags)
{
    if (fate_of_fd(WRITE, to) == NOT_OURS)
        return REAL(copy_file_range)(from, from_at, to, to_at, len, flags);
    errno = ENOSYS;
    return -1;
}

ssize_t sendfile(int to, int from, off_t *at, size_t len)
{
    if (fate_of_fd(WRITE, to) == NOT_OURS)
        return REAL(sendfile)(to, from, at, len);
    errno = ENOSYS;
    return -1;
}

int ftruncate(int fd, off_t len)
{
    enum fate fate = fate_of_fd(TRUNCATE, fd);

    if (fate == FAIL || fate == NOT_OURS)
        return fate == FAIL ? -1 : REAL(ftruncate)(fd, len);
    log_begin(fate);
    int status = REAL(ftruncate)(fd, len);
    log_end(fate, status == 0,
            &(struct record){.kind = TRUNCATE, .ino = ino_of(fd), .len = (uint64_t)len});
    return status;
}

/* Said to be done: a kill loses nothing that was written, and power is lost in crash-replay only. */
static int sync_counted(int fd, int (*real)(int))
{
    char path[PATH_MAX];
    enum fate fate = fate_of_fd(SYNC, fd);

    if (fate == FAIL || fate == NOT_OURS)
        return fate == FAIL ? -1 : real(fd);
    log_begin(fate);
    log_end(fate, true,
            &(struct record){.kind = SYNC, .ino = ino_of(fd), .path = path_of(fd, path)});
    return 0;
}

int fsync(int fd)
{
    return sync_counted(fd, REAL(fsync));
}

int fdatasync(int fd)
{
    return sync_counted(fd, REAL(fdatasync));
}

/* ---- names -----------------------------------------------------------------------------------*/

#define NAMES_BODY(kind_, from_dir, from, to_dir, to, call)                                        \
    char path[PATH_MAX], target[PATH_MAX];                                                         \
    enum fate fate = fate_of(kind_, path_at(to_dir, to, target));                                  \
    if (fate == FAIL)                                                                              \
        return -1;                                                                                 \
    log_begin(fate);                                                                               \
    int status = call;                                                                             \
    log_end(fate, status == 0,                                                                     \
            &(struct record){.kind = kind_, .path = path_at(from_dir, from, path), .to = target}); \
    return status

int rename(const char *from, const char *to)
{
    NAMES_BODY(RENAME, AT_FDCWD, from, AT_FDCWD, to, REAL(rename)(from, to));
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    NAMES_BODY(RENAME, from_dir, from, to_dir, to, REAL(renameat)(from_dir, from, to_dir, to));
}

int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
    NAMES_BODY(RENAME, from_dir, from, to_dir, to,
               REAL(renameat2)(from_dir, from, to_dir, to, flags));
}

int link(const char *from, const char *to)
{
    NAMES_BODY(LINK, AT_FDCWD, from, AT_FDCWD, to, REAL(link)(from, to));
}

int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
    NAMES_BODY(LINK, from_dir, from, to_dir, to, REAL(linkat)(from_dir, from, to_dir, to, flags));
}

#define NAME_BODY(kind_, dir, name, call)                                      \
    char path[PATH_MAX];                                                       \
    enum fate fate = fate_of(kind_, path_at(dir, name, path));                 \
    if (fate == FAIL)                                                          \
        return -1;                                                             \
    log_begin(fate);                                                           \
    int status = call;                                                         \
    log_end(fate, status == 0, &(struct record){.kind = kind_, .path = path}); \
    return status

int unlink(const char *name)
{
    NAME_BODY(UNLINK, AT_FDCWD, name, REAL(unlink)(name));
}

int unlinkat(int dir, const char *name, int flags)
{
    NAME_BODY(flags & AT_REMOVEDIR ? RMDIR : UNLINK, dir, name, REAL(unlinkat)(dir, name, flags));
}

int mkdir(const char *name, mode_t mode)
{
    NAME_BODY(MKDIR, AT_FDCWD, name, REAL(mkdir)(name, mode));
}

int mkdirat(int dir, const char *name, mode_t mode)
{
    NAME_BODY(MKDIR, dir, name, REAL(mkdirat)(dir, name, mode));
}

int rmdir(const char *name)
{
    NAME_BODY(RMDIR, AT_FDCWD, name, REAL(rmdir)(name));
}
