#include "lib/base/fd.h"
#include "lib/base/vec.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static inline void auto_dir(DIR **d)
{
    if (*d)
        closedir(*d);
}

/* Who may make a directory in another may still not be allowed to read, and so to sync, that one. */
static bool sync_parent(const char *path, struct err *err)
{
    const char *slash = strrchr(path, '/');
    size_t len = !slash ? 0 : slash == path ? 1 : (size_t)(slash - path);
    AUTO(free) char *parent = slash ? span_dup((struct span){path, len}) : strdup(".");

    if (!parent)
        return err_memory(err);
    return access(parent, R_OK) != 0 || dir_sync(parent, err);
}

static bool make_one(const char *path, mode_t mode, struct err *err)
{
    struct stat st;

    if (mkdir(path, mode) == 0)
        return sync_parent(path, err);
    int why = errno;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return true;
    errno = why;
    if (why == EEXIST)
        return err_set(err, ERR_EXISTS, "cannot make directory '%s': a file is in its place", path);
    return err_sys(err, ERR_IO, "cannot make directory '%s'", path);
}

bool dir_make(const char *path, mode_t mode, struct err *err)
{
    AUTO(free) char *part = strdup(path);
    if (!part)
        return err_memory(err);

    for (char *p = part + 1; *part && *p; p++) {
        if (*p != '/' || p[-1] == '/')
            continue;
        *p = 0;
        if (!make_one(part, mode, err))
            return false;
        *p = '/';
    }
    return make_one(part, mode, err);
}

bool dir_sync(const char *path, struct err *err)
{
    AUTO(fd) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_sys(err, ERR_IO, "cannot open directory '%s'", path);
    /* Some file systems (FUSE, CIFS) cannot sync a directory and say so with EINVAL. */
    if (fsync(fd) != 0 && errno != EINVAL)
        return err_sys(err, ERR_IO, "cannot sync directory '%s'", path);
    return true;
}

struct names {
    struct vec at; /* char * */
};

static inline void auto_names(struct names *n)
{
    char **at = n->at.at;

    for (size_t i = 0; i < n->at.count; i++)
        free(at[i]);
    vec_done(&n->at);
}

static bool is_dots(const char *name)
{
    return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

bool dir_scan(const char *path, bool (*each)(void *ctx, const char *name, struct err *err),
              void *ctx, struct err *err)
{
    AUTO(dir) DIR *d = opendir(path);
    struct dirent *entry = NULL;

    if (!d)
        return err_sys(err, ERR_IO, "cannot open directory '%s'", path);
    while ((errno = 0, entry = readdir(d)))
        if (!is_dots(entry->d_name) && !each(ctx, entry->d_name, err))
            return false;
    return errno == 0 || err_sys(err, ERR_IO, "cannot read directory '%s'", path);
}

static bool keep_name(void *ctx, const char *name, struct err *err)
{
    struct names *names = ctx;
    char **to = vec_add(&names->at, err);

    if (to)
        *to = strdup(name);
    return to && (*to || err_memory(err));
}

static int by_name(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

bool dir_each(const char *path, bool (*each)(void *ctx, const char *name, struct err *err),
              void *ctx, struct err *err)
{
    AUTO(names) struct names names = {.at = VEC(char *)};

    if (!dir_scan(path, keep_name, &names, err))
        return false;
    char **at = names.at.at;
    if (names.at.count)
        qsort(at, names.at.count, sizeof(*at), by_name);
    for (size_t i = 0; i < names.at.count; i++)
        if (!each(ctx, at[i], err))
            return false;
    return true;
}
