#include "rehearse/overlay.h"

#include "lib/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define FILE_MAX ((size_t)2 << 30)

struct overlay {
    const char *from, *to; /* to: NULL when only the digest is wanted */
    const struct overlay_conf *conf;
    struct hash *hash;
    struct overlay_result *result;
};

static bool overlay_dir(struct overlay *o, const char *rel, struct err *err);

/* What lies at the target now: whether there is a file of the same bytes, and who owns it. */
static bool same_content(const char *path, struct span content)
{
    AUTO(buf) struct buf now = {0};
    struct stat st;

    if (lstat(path, &st) < 0 || !S_ISREG(st.st_mode) || (size_t)st.st_size != content.len)
        return false;
    return file_read(path, FILE_MAX, &now, NULL) && span_eq(buf_view(&now), content);
}

static bool owner_for(const char *path, struct stat *st)
{
    AUTO(free) char *dir = strdup(path);
    char *slash = dir ? strrchr(dir, '/') : NULL;

    if (lstat(path, st) == 0)
        return true;
    if (!slash)
        return false;
    *slash = '\0';
    return lstat(dir, st) == 0;
}

static bool put_file(struct overlay *o, const char *path, struct span content, mode_t mode,
                     bool *landed, struct err *err)
{
    struct stat owner, st;
    bool existed = lstat(path, &st) == 0;

    if (existed && S_ISDIR(st.st_mode))
        return err_set(err, ERR_EXISTS, "cannot put a file over the folder '%s'", path);
    if (same_content(path, content) && (st.st_mode & 07777) == mode) {
        o->result->same++;
        *landed = false;
        return true;
    }
    *landed = true;
    bool owned = owner_for(path, &owner);
    if (!file_replace(path, content, mode, err))
        return false;
    /* The process may be unprivileged: then files are its own, as all others in the box. */
    if (owned && lchown(path, owner.st_uid, owner.st_gid) < 0 && errno != EPERM)
        return err_sys(err, ERR_IO, "cannot set the owner of '%s'", path);
    if (existed)
        o->result->changed++;
    else
        o->result->added++;
    return true;
}

static void digest_entry(struct overlay *o, const char *rel, mode_t mode, struct span content)
{
    char head[64];
    int len = snprintf(head, sizeof(head), "%o %zu ", mode & 07777, content.len);

    hash_add(o->hash, head, (size_t)len);
    hash_add(o->hash, rel, strlen(rel) + 1);
    hash_add(o->hash, content.at, content.len);
}

static bool overlay_file(struct overlay *o, const char *rel, const struct stat *st, struct err *err)
{
    AUTO(free) char *from = path_join(o->from, rel);
    AUTO(free) char *to = o->to ? path_join(o->to, rel) : NULL;
    AUTO(buf) struct buf content = {.max = FILE_MAX};

    if (!from || (o->to && !to))
        return err_memory(err);
    if (!file_read(from, FILE_MAX, &content, err))
        return false;
    digest_entry(o, rel, st->st_mode, buf_view(&content));
    if (!to)
        return true;
    bool landed;
    return put_file(o, to, buf_view(&content), st->st_mode & 07777, &landed, err) &&
           (!landed || !o->conf->landed || o->conf->landed(o->conf->ctx, rel, err));
}

static bool overlay_link(struct overlay *o, const char *rel, struct err *err)
{
    AUTO(free) char *from = path_join(o->from, rel);
    AUTO(free) char *to = o->to ? path_join(o->to, rel) : NULL;
    AUTO(free) char *temp = NULL;
    char target[4096];

    ssize_t len = from ? readlink(from, target, sizeof(target) - 1) : -1;
    if (len < 0)
        return err_sys(err, ERR_IO, "cannot read the link '%s'", rel);
    target[len] = '\0';
    digest_entry(o, rel, S_IFLNK, (struct span){target, (size_t)len});
    if (!to)
        return true;
    if (asprintf(&temp, "%s.rehearse-new", to) < 0)
        return err_memory(err);
    unlink(temp);
    if (symlink(target, temp) < 0 || rename(temp, to) < 0)
        return err_sys(err, ERR_IO, "cannot make the link '%s'", to);
    o->result->changed++;
    return true;
}

/* A folder of the box that is a link would lead out of it: refused. */
static bool make_folder(const char *path, mode_t mode, struct err *err)
{
    struct stat st, owner;

    if (lstat(path, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            return true;
        return err_set(err, ERR_EXISTS, "'%s' is not a folder, the release has one there", path);
    }
    bool owned = owner_for(path, &owner);
    if (!dir_make(path, mode, err))
        return false;
    if (owned && lchown(path, owner.st_uid, owner.st_gid) < 0 && errno != EPERM)
        return err_sys(err, ERR_IO, "cannot set the owner of '%s'", path);
    return true;
}

struct overlay_walk {
    struct overlay *o;
    const char *rel;
};

static bool overlay_entry(void *ctx, const char *name, struct err *err)
{
    struct overlay_walk *walk = ctx;
    struct overlay *o = walk->o;
    AUTO(free) char *rel = walk->rel[0] ? path_join(walk->rel, name) : strdup(name);
    AUTO(free) char *from = rel ? path_join(o->from, rel) : NULL;
    struct stat st;

    if (!from)
        return err_memory(err);
    if (lstat(from, &st) < 0)
        return err_sys(err, ERR_IO, "cannot look at '%s'", from);
    if (S_ISREG(st.st_mode))
        return overlay_file(o, rel, &st, err);
    if (S_ISLNK(st.st_mode))
        return overlay_link(o, rel, err);
    if (!S_ISDIR(st.st_mode))
        return err_set(err, ERR_UNSUPPORTED, "'%s' is neither a file, a folder nor a link", from);
    if (o->to) {
        AUTO(free) char *to = path_join(o->to, rel);
        if (!to || !make_folder(to, st.st_mode & 07777, err))
            return to ? false : err_memory(err);
    }
    return overlay_dir(o, rel, err);
}

static bool overlay_dir(struct overlay *o, const char *rel, struct err *err)
{
    struct overlay_walk walk = {o, rel};
    AUTO(free) char *dir = rel[0] ? path_join(o->from, rel) : strdup(o->from);

    if (!dir)
        return err_memory(err);
    return dir_each(dir, overlay_entry, &walk, err);
}

static bool overlay_all(struct overlay *o, struct err *err)
{
    struct stat st;

    if (stat(o->from, &st) < 0)
        return err_sys(err, ERR_IO, "cannot find '%s'", o->from);
    if (S_ISDIR(st.st_mode))
        return overlay_dir(o, "", err);

    AUTO(buf) struct buf content = {.max = FILE_MAX};
    if (o->to)
        return err_set(err, ERR_CONFIG, "'%s' is not a folder", o->from);
    if (!file_read(o->from, FILE_MAX, &content, err))
        return false;
    hash_add(o->hash, content.at, content.len);
    return true;
}

bool overlay_apply(const struct overlay_conf *conf, struct overlay_result *out, struct err *err)
{
    AUTO(hash) struct hash *hash = NULL;
    struct overlay_result result = {0};
    struct overlay o = {.from = conf->from, .to = conf->to, .conf = conf, .result = &result};

    if (!hash_open(&hash, err))
        return false;
    o.hash = hash;
    if (!overlay_all(&o, err))
        return false;
    result.digest = hash_end(hash);
    *out = result;
    return true;
}

bool overlay_digest(const char *from, struct digest *out, struct err *err)
{
    struct overlay_conf conf = {.from = from};
    struct overlay_result result;

    if (!overlay_apply(&conf, &result, err))
        return false;
    *out = result.digest;
    return true;
}
