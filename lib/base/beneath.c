#include "lib/base/beneath.h"

#include "lib/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

static bool copy_name(struct span part, char name[BENEATH_NAME], struct err *err)
{
    if (part.len > NAME_MAX)
        return err_set(err, ERR_DAMAGED, "a name of %zu bytes; %d are possible", part.len,
                       NAME_MAX);
    memcpy(name, part.at, part.len);
    name[part.len] = '\0';
    return true;
}

static bool step(int *at, struct span part, bool make, struct err *err)
{
    char name[BENEATH_NAME];

    if (!copy_name(part, name, err))
        return false;

    int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int next = openat(*at, name, flags);
    if (next < 0 && errno == ENOENT && make) {
        if (mkdirat(*at, name, 0700) != 0 && errno != EEXIST)
            return err_sys(err, ERR_IO, "cannot make directory '%s'", name);
        next = openat(*at, name, flags);
    }
    if (next < 0 && (errno == ELOOP || errno == ENOTDIR))
        return err_set(err, ERR_DAMAGED, "'%s' is not a directory, or a link to one", name);
    if (next < 0)
        return err_sys(err, ERR_IO, "cannot open directory '%s'", name);
    close(*at);
    *at = next;
    return true;
}

static bool walk(const struct beneath *b, struct span path, bool make, int *out, struct err *err)
{
    AUTO(fd) int at = fcntl(b->root, F_DUPFD_CLOEXEC, 0);
    struct span rest = path, part;

    if (at < 0)
        return err_sys(err, ERR_IO, "cannot open the root of a tree");
    if (path.len && !path_is_inside(path))
        return err_set(err, ERR_DAMAGED, "the path leads out of its tree");
    while (path.len && span_split(&rest, '/', &part))
        if (!step(&at, part, make, err))
            return false;
    *out = take_fd(&at);
    return true;
}

bool beneath_dir(struct beneath *b, struct span path, bool make, int *fd, struct err *err)
{
    int found = -1;

    if (span_is(path, "."))
        path = SPAN("");
    if (b->dir >= 0 && span_eq(path, buf_view(&b->path))) {
        *fd = b->dir;
        return true;
    }
    if (!walk(b, path, make, &found, err))
        return false;
    if (b->dir >= 0)
        close(b->dir);
    b->dir = found;
    buf_clear(&b->path);
    if (!buf_span(&b->path, path)) {
        beneath_done(b);
        return err_memory(err);
    }
    *fd = found;
    return true;
}

bool beneath_parent(struct beneath *b, struct span path, bool make, int *fd,
                    char name[BENEATH_NAME], struct err *err)
{
    const char *slash = path.len ? memrchr(path.at, '/', path.len) : NULL;
    struct span dir = {path.at, slash ? (size_t)(slash - path.at) : 0};
    struct span last = slash ? (struct span){slash + 1, path.len - dir.len - 1} : path;

    if (!path_is_inside(last))
        return err_set(err, ERR_DAMAGED, "the path leads out of its tree");
    return copy_name(last, name, err) && beneath_dir(b, dir, make, fd, err);
}

void beneath_done(struct beneath *b)
{
    if (b->dir >= 0)
        close(b->dir);
    b->dir = -1;
    buf_done(&b->path);
}
