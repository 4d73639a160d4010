#include "snapshot/files.h"

#include "lib/base/clock.h"
#include "lib/base/cmd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define DEPTH_MAX 512

struct names { /* of a directory */
    struct buf text;
    struct vec offsets; /* size_t */
};

struct walk_at {
    unsigned depth;
    bool moved; /* the parent had no such directory */
};

/* ---- listing ---------------------------------------------------------------------------------*/

static int by_name(const void *a, const void *b, void *text)
{
    return strcmp((const char *)text + *(const size_t *)a, (const char *)text + *(const size_t *)b);
}

static void names_free(struct names *names)
{
    buf_done(&names->text);
    vec_done(&names->offsets);
}

static bool read_names(DIR *dir, struct names *names, struct err *err)
{
    for (;;) {
        errno = 0;
        const struct dirent *d = readdir(dir);
        if (!d && errno)
            return err_sys(err, ERR_IO, "cannot list a directory");
        if (!d)
            break;
        if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
            continue;
        size_t *to = vec_add(&names->offsets, err);
        if (!to)
            return false;
        *to = names->text.len;
        buf_add(&names->text, d->d_name, strlen(d->d_name) + 1);
    }
    if (names->offsets.count)
        qsort_r(names->offsets.at, names->offsets.count, sizeof(size_t), by_name, names->text.at);
    return buf_ok(&names->text, err);
}

/* ---- walking ---------------------------------------------------------------------------------*/

bool files_unreadable(const struct tree *t, const char *path, struct err *err)
{
    err_add(err, "cannot capture '%s/%s'", t->env->path, path);
    return err_hint(err, "run as a user who may read it, or exclude it in the environment file");
}

static bool walk_dir(struct tree *t, int fd, struct buf *path, struct walk_at at, struct err *err);

/* *sub: an opened directory that is to be walked, or -1; *known: the parent had the entry. */
static bool take_entry(struct tree *t, const struct found *where, int *sub, bool *known,
                       struct err *err)
{
    struct found f = *where;
    struct stat st;

    if (fstatat(f.dir, f.name, &st, AT_SYMLINK_NOFOLLOW) != 0) /* gone since the listing */
        return errno == ENOENT ||
               (err_sys(err, ERR_IO, "cannot look at it"), files_unreadable(t, f.path, err));
    if (files_excluded(t->env, f.path, S_ISDIR(st.st_mode)))
        return true;
    if (S_ISSOCK(st.st_mode))
        return files_leave_out(t, f.path, "a socket has no content", err);
    files_state(&st, &f.st);
    if (!files_take(t, &f, known, err))
        return false;
    if (!S_ISDIR(st.st_mode))
        return true;
    *sub = openat(f.dir, f.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return *sub >= 0 ||
           (err_sys(err, ERR_IO, "cannot open the directory"), files_unreadable(t, f.path, err));
}

static bool walk_names(struct tree *t, int fd, struct buf *path, struct walk_at at,
                       const struct names *names, struct err *err)
{
    size_t base = path->len;
    const size_t *all = names->offsets.at;

    for (size_t i = 0; i < names->offsets.count; i++) {
        const char *name = names->text.at + all[i];
        struct walk_at below = {at.depth + 1, false};
        bool known = true;
        int sub = -1;

        path->len = base;
        if (base)
            buf_putc(path, '/');
        buf_puts(path, name);
        if (!buf_ok(path, err))
            return false;
        const struct found f = {.path = buf_str(path), .dir = fd, .name = name, .moved = at.moved};
        if (!take_entry(t, &f, &sub, &known, err))
            return false;
        below.moved = !known;
        if (sub >= 0 && !walk_dir(t, sub, path, below, err))
            return false;
    }
    path->len = base;
    return true;
}

/* fdopendir() takes its descriptor over, and the entries are opened through another. */
static bool list_dir(int fd, struct names *names, struct err *err)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);

    if (!dir) {
        err_sys(err, ERR_IO, "cannot list the directory");
        if (copy >= 0)
            close(copy);
        return false;
    }
    bool ok = read_names(dir, names, err);
    closedir(dir);
    return ok;
}

/* Takes `fd` over. */
static bool walk_dir(struct tree *t, int fd, struct buf *path, struct walk_at at, struct err *err)
{
    AUTO(fd) int own = fd;
    struct names names = {.text.max = (size_t)4 << 30, .offsets = VEC(size_t)};
    bool ok = cmd_stop_check(err);

    if (ok && at.depth > DEPTH_MAX)
        ok = err_set(err, ERR_UNSUPPORTED, "directories are nested deeper than %d", DEPTH_MAX);
    if (ok)
        ok = list_dir(own, &names, err) || files_unreadable(t, buf_str(path), err);
    if (ok)
        ok = walk_names(t, own, path, at, &names, err);
    names_free(&names);
    return ok;
}

/* A parent that a stranger may have written is not believed: our signature would cover it. */
static bool open_old(struct tree *t, struct err *err)
{
    const struct bundle_writer *w = t->conf->writer;
    AUTO(free) char *name = stream_name("facts", "catalog", t->env->name);
    bool believe = !t->conf->paranoid && bundle_parent_trusted(w);

    if (!name)
        return err_memory(err);
    if (!files_old_open(w, bundle_parent_stream(w, name), t->parent, believe, &t->walk.old, err))
        return false;
    return t->walk.old || t->conf->dry_run ||
           files_twins(t->env, SEGMENT_TARGET, &t->walk.twins, err);
}

bool files_walk(struct tree *t, unsigned worker, struct err *err)
{
    AUTO(buf) struct buf path = {0};
    struct stat st;
    struct found root = {.path = ".", .dir = t->root, .name = "."};
    bool known = true;

    t->walk.worker = worker;
    t->walk.twins = (struct vec)VEC(uint64_t);
    t->started_ns = clock_wall_ns();
    if (fstat(t->root, &st) != 0)
        return err_sys(err, ERR_IO, "cannot look at '%s'", t->env->path);
    files_state(&st, &root.st);
    int copy = fcntl(t->root, F_DUPFD_CLOEXEC, 0);
    if (copy < 0)
        return err_sys(err, ERR_IO, "cannot open '%s'", t->env->path);
    if (!open_old(t, err) || !files_catalog_open(t, err) || !files_take(t, &root, &known, err)) {
        close(copy);
        return false;
    }
    return walk_dir(t, copy, &path, (struct walk_at){0}, err) && files_cut_last(t, err) &&
           files_run_rest(t, err);
}
