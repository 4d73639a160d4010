#include "lib/base/spill.h"

#include "lib/base/auto.h"
#include "lib/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define STEP ((size_t)4 << 20) /* of a file */

static size_t round_up(size_t bytes, size_t to)
{
    return (bytes + to - 1) / to * to;
}

size_t spill_share(size_t most)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur / 16 < most)
        return (size_t)limit.rlim_cur / 16;
    return most;
}

bool spill_open(struct spill *s, size_t most, struct err *err)
{
    if (most <= SPILL_MEMORY) {
        *s = (struct spill){.at = calloc(1, most + 1), .room = most, .most = most, .heap = true};
        return s->at || err_memory(err);
    }
    size_t whole = round_up(most, STEP);
    char *at = mmap(NULL, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (at == MAP_FAILED)
        return err_sys(err, ERR_FAILED, "cannot get %zu bytes of address space", whole);
    *s = (struct spill){.at = at, .most = whole};
    return true;
}

void spill_done(struct spill *s)
{
    if (s->heap)
        free(s->at);
    else if (s->at)
        munmap(s->at, s->most);
    if (s->file)
        close(s->file - 1);
    *s = (struct spill){0};
}

/* A file that never had a name, or has lost it. */
static int nameless(const char *folder)
{
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
        return fd;
    AUTO(free) char *name = path_join(folder, "rehearse-XXXXXX");
    fd = name ? mkostemp(name, O_CLOEXEC) : -1;
    if (fd >= 0)
        unlink(name);
    return fd;
}

static const char *folder_of_files(void)
{
    const char *wanted = getenv("TMPDIR");

    return wanted && *wanted ? wanted : "/var/tmp";
}

static bool open_file(const struct spill *s, int *out, struct err *err)
{
    const char *folder = folder_of_files();
    AUTO(fd) int fd = nameless(folder);

    if (fd < 0) {
        err_sys(err, ERR_IO, "cannot make a temporary file in '%s'", folder);
        return err_hint(err, "name a folder with room in TMPDIR");
    }
    if (!fd_pwrite_all(fd, s->at, s->len, 0, err))
        return err_add(err, "a temporary file in '%s'", folder);
    *out = take_fd(&fd);
    return true;
}

/* Where the file system can reserve them, its blocks are there before it is written to: a full disk is
 * an error here, not a signal later. */
static bool map_more(struct spill *s, int fd, size_t from, size_t room, struct err *err)
{
    int failed;

    do
        failed = posix_fallocate(fd, (off_t)from, (off_t)(room - from));
    while (failed == EINTR);
    if (failed) {
        errno = failed;
        err_sys(err, ERR_IO, "cannot make a temporary file of %zu bytes in '%s'", room,
                folder_of_files());
        return err_hint(err, "make room, or name a folder with room in TMPDIR");
    }
    if (mmap(s->at + from, room - from, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
             (off_t)from) == MAP_FAILED)
        return err_sys(err, ERR_FAILED, "cannot map a temporary file");
    s->room = room;
    spill_forget(s);
    return true;
}

static bool grow_file(struct spill *s, size_t need, struct err *err)
{
    size_t room = round_up(need, STEP);
    AUTO(fd) int fd = -1;

    if (s->file)
        return map_more(s, s->file - 1, s->room, room, err);
    if (!open_file(s, &fd, err) || !map_more(s, fd, 0, room, err))
        return false;
    s->file = take_fd(&fd) + 1;
    return true;
}

static bool grow_memory(struct spill *s, size_t need, struct err *err)
{
    size_t room = round_up(need < s->room * 2 ? s->room * 2 : need, (size_t)64 << 10);

    room = room > SPILL_MEMORY ? SPILL_MEMORY : room;
    if (mprotect(s->at, room, PROT_READ | PROT_WRITE) != 0)
        return err_memory(err);
    s->room = room;
    return true;
}

void *spill_add(struct spill *s, const void *bytes, size_t len, struct err *err)
{
    char *to = s->at + s->len;

    if (len > s->most - s->len) {
        err_set(err, ERR_UNSUPPORTED, "more than %zu bytes of them", s->most);
        return NULL;
    }
    if (len > s->room - s->len) {
        size_t need = s->len + len;
        bool small = !s->file && need <= SPILL_MEMORY;
        if (!(small ? grow_memory(s, need, err) : grow_file(s, need, err)))
            return NULL;
    }
    if (bytes)
        memcpy(to, bytes, len); /* else: fresh memory and files are zero */
    s->len += len;
    return to;
}

bool spill_next(const struct spill *s, size_t *at, struct span *piece)
{
    size_t left = s->len - *at;

    spill_forget(s);
    *piece = (struct span){s->at + *at, left < SPILL_PIECE ? left : SPILL_PIECE};
    *at += piece->len;
    return piece->len > 0;
}

void spill_forget(const struct spill *s)
{
    if (s->file)
        madvise(s->at, s->room, MADV_DONTNEED);
}
