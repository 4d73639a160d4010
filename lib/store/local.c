#include "lib/store/local.h"

#include "lib/base/fd.h"
#include "lib/store/local_lock.h"
#include "lib/store/name.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>

#define SWAP_MAX ((size_t)64 << 20)

struct local {
    struct store base;
    int dir;
};

struct local_put {
    struct store_put base;
    struct local *store;
    int fd;
    off_t written, begun; /* bytes, and those of them that the disk was told of */
    char tmp[64];         /* "tmp/..." */
};

static struct local *local_of(struct store *s)
{
    return (struct local *)s;
}

static bool sync_dir(struct local *l, const char *name, struct err *err)
{
    AUTO(fd) int fd = openat(l->dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    /* Some file systems (FUSE, CIFS) cannot sync a directory and say so with EINVAL. */
    if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL))
        return err_sys(err, ERR_IO, "cannot make '%s/%s' durable", l->base.url, name);
    return true;
}

/* ---- open ------------------------------------------------------------------------------------*/

static bool see_entry(void *ctx, const char *name, struct err *err)
{
    (void)err;
    store_entry_seen(ctx, span_of(name));
    return true;
}

/* A directory that holds something else is never written into: the path may be mistyped. */
static bool refuse_foreign(const char *path, int dir, enum store_mode mode, struct err *err)
{
    struct store_entries entries = {0};

    if (faccessat(dir, STORE_LAYOUT, F_OK, 0) == 0)
        return true;
    if (mode == STORE_READ) {
        err_set(err, ERR_MISSING, "'%s' is not a bundle store: it has no '%s'", path, STORE_LAYOUT);
        return err_hint(err, "name the directory that 'rehearse snapshot --to' wrote");
    }
    if (!dir_each(path, see_entry, &entries, err))
        return false;
    if (store_may_be_made(&entries))
        return true;
    err_set(err, ERR_EXISTS, "refusing to make a store in '%s': it holds other files", path);
    return err_hint(err, "name an empty directory or a new one");
}

static bool make_dir(struct local *l, const char *parent, const char *name, struct err *err)
{
    if (mkdirat(l->dir, name, 0700) == 0)
        return sync_dir(l, parent, err);
    return errno == EEXIST || err_sys(err, ERR_IO, "cannot make '%s/%s'", l->base.url, name);
}

static void local_done(struct local *l)
{
    if (!l)
        return;
    if (l->dir >= 0)
        close(l->dir);
    free(l->base.url);
    free(l);
}

AUTO_PTR(local, struct local, local_done)

static void local_close(struct store *s)
{
    local_done(local_of(s));
}

static bool local_open(const char *url, enum store_mode mode, struct store **out, struct err *err)
{
    if (mode == STORE_WRITE && !dir_make(url, 0700, err))
        return err_add(err, "cannot make the store");

    AUTO(local) struct local *l = calloc(1, sizeof(*l));
    if (!l)
        return err_memory(err);
    l->dir = -1;
    l->base.ops = &store_local;
    l->base.url = strdup(url);
    if (!l->base.url)
        return err_memory(err);
    l->dir = open(url, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (l->dir < 0)
        return err_sys(err, ERR_IO, "cannot open store '%s'", url);
    if (!refuse_foreign(url, l->dir, mode, err))
        return false;
    if (mode == STORE_WRITE &&
        (!make_dir(l, ".", "blobs", err) || !make_dir(l, "blobs", "blobs/sha256", err) ||
         !make_dir(l, ".", "tmp", err)))
        return false;
    struct local *made = TAKE(l);
    *out = &made->base;
    return true;
}

/* ---- reading ---------------------------------------------------------------------------------*/

static void fill_stat(const struct stat *from, struct store_stat *to)
{
    to->bytes = (uint64_t)from->st_size;
    to->mtime_ns = (int64_t)from->st_mtim.tv_sec * 1000000000 + from->st_mtim.tv_nsec;
}

static bool local_stat(struct store *s, const char *name, struct store_stat *out, struct err *err)
{
    struct stat st;

    if (!store_name_check(name, err))
        return false;
    if (fstatat(local_of(s)->dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return err_sys(err, ERR_IO, "cannot find '%s/%s'", s->url, name);
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_DAMAGED, "'%s/%s' is not a regular file", s->url, name);
    fill_stat(&st, out);
    return true;
}

static bool local_read(struct store *s, const char *name, uint64_t offset, void *to, size_t len,
                       struct err *err)
{
    if (!store_name_check(name, err))
        return false;
    if (offset > INT64_MAX - len)
        return err_set(err, ERR_DAMAGED, "'%s' has no byte %llu", name, (unsigned long long)offset);

    AUTO(fd)
    int fd = openat(local_of(s)->dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return err_sys(err, ERR_IO, "cannot open '%s/%s'", s->url, name);
    if (!fd_pread_all(fd, to, len, (off_t)offset, err))
        return err_add(err, "cannot read '%s/%s'", s->url, name);
    return true;
}

/* ---- writing ---------------------------------------------------------------------------------*/

/* A name nobody else has, in tmp/; O_EXCL guards the rest. */
static bool open_tmp(struct local *l, char name[64], int *fd, struct err *err)
{
    uint64_t salt[2];

    if (getrandom(salt, sizeof(salt), 0) != (ssize_t)sizeof(salt))
        return err_sys(err, ERR_IO, "cannot get random bytes");
    snprintf(name, 64, STORE_TMP "%016llx%016llx", (unsigned long long)salt[0],
             (unsigned long long)salt[1]);
    *fd = openat(l->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (*fd < 0)
        return err_sys(err, ERR_IO, "cannot write into store '%s'", l->base.url);
    return true;
}

static void put_abort(struct store_put *put)
{
    struct local_put *p = (struct local_put *)put;

    if (!p)
        return;
    if (p->fd >= 0)
        close(p->fd);
    unlinkat(p->store->dir, p->tmp, 0);
    free(p);
}

static bool put_append(struct store_put *put, const void *bytes, size_t len, struct err *err)
{
    struct local_put *p = (struct local_put *)put;

    if (!fd_write_all(p->fd, bytes, len, err))
        return err_add(err, "cannot write into store '%s'", p->store->base.url);
    p->written += (off_t)len;
    fd_write_behind(p->fd, p->written, &p->begun);
    return true;
}

/* Renames over an object of that name: the content is the same, its age (for gc) starts anew. With
 * `lock` only while that is held: fsync() may have taken longer than others wait. */
static bool publish(struct local *l, const char *tmp, int fd, const char *name,
                    const struct local_lock *lock, struct err *err)
{
    const char *slash = strrchr(name, '/');
    char dir[STORE_NAME_MAX] = ".";

    if (slash)
        snprintf(dir, sizeof(dir), "%.*s", (int)(slash - name), name);
    if (fsync(fd) != 0)
        return err_sys(err, ERR_IO, "cannot make '%s' durable in store '%s'", name, l->base.url);
    if (lock && !local_lock_held(lock, l->base.url, err))
        return false;
    if (renameat(l->dir, tmp, l->dir, name) != 0)
        return err_sys(err, ERR_IO, "cannot publish '%s' in store '%s'", name, l->base.url);
    return sync_dir(l, dir, err);
}

static bool put_commit(struct store_put *put, const char *name, struct err *err)
{
    struct local_put *p = (struct local_put *)put;
    bool ok = store_name_check(name, err) && publish(p->store, p->tmp, p->fd, name, NULL, err);

    put_abort(put);
    return ok;
}

static const struct store_put_ops put_ops = {put_append, put_commit, put_abort};

static bool local_put(struct store *s, struct store_put **out, struct err *err)
{
    AUTO(free) struct local_put *p = calloc(1, sizeof(*p));

    if (!p)
        return err_memory(err);
    p->base.ops = &put_ops;
    p->store = local_of(s);
    if (!open_tmp(p->store, p->tmp, &p->fd, err))
        return false;
    struct local_put *made = TAKE(p);
    *out = &made->base;
    return true;
}

/* ---- swap ------------------------------------------------------------------------------------*/

static bool still_as_expected(struct store *s, const char *name, const struct digest *expected,
                              struct err *err)
{
    AUTO(buf) struct buf now = {0};
    struct err why = {0};
    bool there = store_get(s, name, SWAP_MAX, &now, &why);

    if (!there && why.code != ERR_MISSING)
        return err_pass(err, &why);
    struct digest digest = hash_of(buf_view(&now));
    if (there == (expected != NULL) && (!there || digest_eq(&digest, expected)))
        return true;
    return err_set(err, ERR_LOCK, "'%s' in store '%s' was changed by somebody else", name, s->url);
}

static bool write_tmp(struct local *l, struct span content, char tmp[64], int *out, struct err *err)
{
    AUTO(fd) int fd = -1;

    if (!open_tmp(l, tmp, &fd, err))
        return false;
    if (!fd_write_all(fd, content.at, content.len, err)) {
        unlinkat(l->dir, tmp, 0);
        return err_add(err, "cannot write into store '%s'", l->base.url);
    }
    *out = take_fd(&fd);
    return true;
}

static bool local_swap(struct store *s, const char *name, const struct digest *expected,
                       struct span content, struct err *err)
{
    struct local *l = local_of(s);
    AUTO(local_lock) struct local_lock lock = LOCAL_LOCK;
    AUTO(fd) int fd = -1;
    char tmp[64];

    if (!store_name_check(name, err) ||
        !local_lock_take(l->dir, s->url, LOCAL_LOCK_WAIT_NS, &lock, err) ||
        !still_as_expected(s, name, expected, err) || !write_tmp(l, content, tmp, &fd, err))
        return false;
    bool ok = publish(l, tmp, fd, name, &lock, err);
    if (!ok)
        unlinkat(l->dir, tmp, 0);
    return ok;
}

/* ---- list and remove -------------------------------------------------------------------------*/

struct listing {
    struct local *store;
    const char *dir; /* "" or ending in a slash */
    const char *prefix;
    store_each each;
    void *ctx;
};

static bool list_entry(void *ctx, const char *entry, struct err *err)
{
    struct listing *list = ctx;
    char name[STORE_NAME_MAX];
    struct err foreign = {0};
    struct stat st;
    struct store_stat out;

    if (snprintf(name, sizeof(name), "%s%s", list->dir, entry) >= (int)sizeof(name) ||
        !store_name_check(name, &foreign) || !span_starts(span_of(name), list->prefix))
        return true;
    if (fstatat(list->store->dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0) /* renamed just now */
        return errno == ENOENT || err_sys(err, ERR_IO, "cannot look at '%s'", name);
    if (!S_ISREG(st.st_mode))
        return true;
    fill_stat(&st, &out);
    return list->each(list->ctx, name, &out, err);
}

/* Whether names in `dir` can start with `prefix`. */
static bool may_match(const char *dir, const char *prefix)
{
    size_t d = strlen(dir), p = strlen(prefix);

    return strncmp(dir, prefix, d < p ? d : p) == 0;
}

static bool local_list(struct store *s, const char *prefix, store_each each, void *ctx,
                       struct err *err)
{
    static const char *const dirs[] = {"", STORE_BLOBS, STORE_TMP};

    for (size_t i = 0; i < COUNT(dirs); i++) {
        struct listing list = {local_of(s), dirs[i], prefix, each, ctx};
        AUTO(free) char *path = path_join(s->url, dirs[i][0] ? dirs[i] : ".");

        if (!may_match(dirs[i], prefix))
            continue;
        if (!path)
            return err_memory(err);
        if (path_exists(path) && !dir_each(path, list_entry, &list, err))
            return false;
    }
    return true;
}

static bool local_remove(struct store *s, const char *name, struct err *err)
{
    if (!store_name_check(name, err))
        return false;
    if (unlinkat(local_of(s)->dir, name, 0) != 0)
        return err_sys(err, ERR_IO, "cannot remove '%s/%s'", s->url, name);
    return true;
}

const struct store_ops store_local = {
    .scheme = "",
    .help = "DIRECTORY",
    .open = local_open,
    .close = local_close,
    .stat = local_stat,
    .read = local_read,
    .put = local_put,
    .list = local_list,
    .remove = local_remove,
    .swap = local_swap,
};
