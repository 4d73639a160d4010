#include "lib/store/sftp.h"

#include "lib/base/fd.h"
#include "lib/base/vec.h"
#include "lib/store/name.h"
#include "lib/store/sftp_pool.h"

#include <sys/stat.h>

#define DIR_MODE 0700

/* ---- open ------------------------------------------------------------------------------------*/

static bool is_there(struct sftp_conn *conn, const char *path, bool *there, struct err *err)
{
    struct sftp_attr attr;
    struct err why = {0};

    *there = sftp_stat(conn->sftp, path, &attr, &why);
    return *there || why.code == ERR_MISSING || err_pass(err, &why);
}

/* Another writer may make it at the same time; servers call that a failure without a name. */
static bool make_dir(struct sftp_store *st, struct sftp_conn *conn, const char *path,
                     struct err *err)
{
    struct err why = {0};
    bool there = false;

    if (!is_there(conn, path, &there, err))
        return false;
    if (there)
        return true;
    if (sftp_mkdir(conn->sftp, path, DIR_MODE, &why))
        return sftp_sync_parent(conn, path, err);
    if (is_there(conn, path, &there, &(struct err){0}) && there)
        return true;
    pool_explain(st, conn, &why);
    return err_pass(err, &why);
}

static bool make_dirs(struct sftp_store *st, struct sftp_conn *conn, struct err *err)
{
    AUTO(free) char *path = strdup(st->to.path);
    bool there = false;

    if (!path)
        return err_memory(err);
    if (!is_there(conn, path, &there, err) || there)
        return there;
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (!make_dir(st, conn, path, err))
            return false;
        *slash = '/';
    }
    return make_dir(st, conn, path, err);
}

static bool see_entry(void *ctx, struct span name, const struct sftp_attr *attr, struct err *err)
{
    (void)attr;
    (void)err;
    store_entry_seen(ctx, name);
    return true;
}

/* A directory that holds something else is never written into: the path may be mistyped. */
static bool refuse_foreign(struct sftp_store *st, struct sftp_conn *conn, struct err *err)
{
    AUTO(free) char *layout = sftp_path(st, STORE_LAYOUT, err);
    bool made = false;
    struct store_entries entries = {0};

    if (!layout || !is_there(conn, layout, &made, err))
        return false;
    if (made)
        return true;
    if (!sftp_list(conn->sftp, st->to.path, see_entry, &entries, err))
        return false;
    if (store_may_be_made(&entries))
        return true;
    err_set(err, ERR_EXISTS, "refusing to make a store in '%s': it holds other files",
            st->base.url);
    return err_hint(err, "name an empty directory or a new one");
}

static bool open_for_write(struct sftp_store *st, struct sftp_conn *conn, void *arg,
                           struct err *err)
{
    static const char *const dirs[] = {"blobs", "blobs/sha256", "tmp"};

    (void)arg;
    if (!sftp_extensions(conn->sftp)->posix_rename) {
        err_set(err, ERR_UNSUPPORTED, "'%s' has no posix-rename@openssh.com", st->to.host);
        return err_hint(err, "a store needs it to replace a file in one step: use OpenSSH there");
    }
    if (!make_dirs(st, conn, err) || !refuse_foreign(st, conn, err))
        return false;
    for (size_t i = 0; i < COUNT(dirs); i++) {
        AUTO(free) char *path = sftp_path(st, dirs[i], err);

        if (!path || !make_dir(st, conn, path, err))
            return false;
    }
    return true;
}

static bool open_for_read(struct sftp_store *st, struct sftp_conn *conn, void *arg, struct err *err)
{
    AUTO(free) char *layout = sftp_path(st, STORE_LAYOUT, err);
    bool there = false;

    (void)arg;
    if (!layout || !is_there(conn, layout, &there, err))
        return false;
    if (there)
        return true;
    err_set(err, ERR_MISSING, "'%s' is not a bundle store: it has no '%s'", st->base.url,
            STORE_LAYOUT);
    return err_hint(err, "name the directory that 'rehearse snapshot --to' wrote");
}

static void sftp_store_close(struct store *s)
{
    struct sftp_store *st = sftp_store_of(s);

    pool_done(st);
    for (size_t i = 0; i < POOL_MAX; i++)
        pthread_mutex_destroy(&st->conns[i].lock);
    pthread_mutex_destroy(&st->lock);
    pthread_mutex_destroy(&st->swap);
    ssh_target_done(&st->to);
    free(st->base.url);
    free(st);
}

static bool sftp_store_open(const char *url, enum store_mode mode, struct store **out,
                            struct err *err)
{
    struct ssh_target to;

    if (!ssh_target_parse(url, &to, err))
        return false;
    struct sftp_store *st = calloc(1, sizeof(*st));
    char *copy = strdup(url);
    if (!st || !copy) {
        ssh_target_done(&to);
        free(st);
        free(copy);
        return err_memory(err);
    }
    st->base = (struct store){&store_sftp, copy};
    st->to = to;
    pthread_mutex_init(&st->lock, NULL);
    pthread_mutex_init(&st->swap, NULL);
    for (size_t i = 0; i < POOL_MAX; i++)
        pthread_mutex_init(&st->conns[i].lock, NULL);

    AUTO(store) struct store *made = &st->base;
    if (!sftp_salt(st->token, err))
        return false;
    if (!pool_run(st, mode == STORE_WRITE ? open_for_write : open_for_read, NULL, err))
        return err_add(err, "cannot open store '%s'", url);
    *out = TAKE(made);
    return true;
}

/* ---- reading ---------------------------------------------------------------------------------*/

static void fill_stat(const struct sftp_attr *from, struct store_stat *to)
{
    to->bytes = from->bytes;
    to->mtime_ns = (int64_t)from->mtime_s * 1000000000;
}

struct named {
    const char *name;
    struct sftp_attr attr;
};

/* A link or a fifo would read something else, or hang. */
static bool stat_regular(struct sftp_store *st, struct sftp_conn *conn, const char *name,
                         struct sftp_attr *out, struct err *err)
{
    AUTO(free) char *path = sftp_path(st, name, err);

    if (!path || !sftp_stat(conn->sftp, path, out, err))
        return false;
    if (out->has_bytes && (out->mode == 0 || S_ISREG(out->mode)))
        return true;
    return err_set(err, ERR_DAMAGED, "'%s' on '%s' is not a regular file", path, st->to.host);
}

static bool stat_op(struct sftp_store *st, struct sftp_conn *conn, void *arg, struct err *err)
{
    struct named *n = arg;

    return stat_regular(st, conn, n->name, &n->attr, err);
}

static bool sftp_store_stat(struct store *s, const char *name, struct store_stat *out,
                            struct err *err)
{
    struct named n = {.name = name};

    if (!store_name_check(name, err))
        return false;
    if (!pool_run(sftp_store_of(s), stat_op, &n, err))
        return err_add(err, "cannot look into store '%s'", s->url);
    fill_stat(&n.attr, out);
    return true;
}

struct range {
    const char *name;
    uint64_t offset;
    void *to;
    size_t len;
};

static bool open_reading(struct sftp_store *st, struct sftp_conn *conn, const char *name,
                         struct err *err)
{
    struct sftp_reading *r = &conn->reading;
    AUTO(free) char *path = sftp_path(st, name, err);
    uint64_t removals = st->removals;
    struct err ignored = {0};
    struct sftp_attr attr;

    (void)sftp_file_close(conn->sftp, &r->file, &ignored);
    *r = (struct sftp_reading){0};
    if (!path || !stat_regular(st, conn, name, &attr, err) ||
        !sftp_file_open(conn->sftp, path, SFTP_FOR_READ, 0, &r->file, err))
        return false;
    snprintf(r->name, sizeof(r->name), "%s", name);
    r->removals = removals;
    return true;
}

static bool read_op(struct sftp_store *st, struct sftp_conn *conn, void *arg, struct err *err)
{
    const struct range *range = arg;
    struct sftp_reading *r = &conn->reading;
    /* What is no blob is replaced under its name. */
    bool kept = r->file.handle_len > 0 && strcmp(r->name, range->name) == 0 &&
                r->removals == st->removals && span_starts(span_of(r->name), STORE_BLOBS);

    if (!kept && !open_reading(st, conn, range->name, err))
        return false;
    return sftp_file_read(conn->sftp, &r->file, range->offset, range->to, range->len, err);
}

static bool sftp_store_read(struct store *s, const char *name, uint64_t offset, void *to,
                            size_t len, struct err *err)
{
    struct range range = {name, offset, to, len};

    if (!store_name_check(name, err))
        return false;
    if (offset > INT64_MAX - len)
        return err_set(err, ERR_DAMAGED, "'%s' has no byte %llu", name, (unsigned long long)offset);
    return pool_run(sftp_store_of(s), read_op, &range, err) ||
           err_add(err, "cannot read '%s' in store '%s'", name, s->url);
}

struct whole {
    const char *name;
    size_t max;
    struct buf *out;
};

/* What is swapped gets another file: one that is open has one size and one content. */
static bool whole_op(struct sftp_store *st, struct sftp_conn *conn, void *arg, struct err *err)
{
    const struct whole *w = arg;
    AUTO(free) char *path = sftp_path(st, w->name, err);
    struct sftp_attr attr;

    return path && stat_regular(st, conn, w->name, &attr, err) &&
           sftp_read_small(conn, path, w->max, w->out, err);
}

static bool sftp_store_get(struct store *s, const char *name, size_t max, struct buf *out,
                           struct err *err)
{
    struct whole w = {name, max, out};

    if (!store_name_check(name, err))
        return false;
    return pool_run(sftp_store_of(s), whole_op, &w, err) ||
           err_add(err, "cannot read '%s' in store '%s'", name, s->url);
}

/* ---- list and remove -------------------------------------------------------------------------*/

struct entry {
    char name[STORE_NAME_MAX];
    struct store_stat st;
};

struct listing {
    const char *dir; /* "" or ending in a slash */
    const char *prefix;
    struct vec found; /* struct entry */
};

static bool list_entry(void *ctx, struct span name, const struct sftp_attr *attr, struct err *err)
{
    struct listing *list = ctx;
    struct err foreign = {0};
    char full[STORE_NAME_MAX];

    if (name.len >= sizeof(full) ||
        snprintf(full, sizeof(full), "%s%.*s", list->dir, (int)name.len, name.at) >=
            (int)sizeof(full) ||
        !store_name_check(full, &foreign) || !span_starts(span_of(full), list->prefix) ||
        (attr->mode != 0 && !S_ISREG(attr->mode)))
        return true;
    struct entry *e = vec_add(&list->found, err);
    if (!e)
        return false;
    snprintf(e->name, sizeof(e->name), "%s", full);
    fill_stat(attr, &e->st);
    return true;
}

static bool list_op(struct sftp_store *st, struct sftp_conn *conn, void *arg, struct err *err)
{
    struct listing *list = arg;
    AUTO(free) char *path = list->dir[0] ? sftp_path(st, list->dir, err) : strdup(st->to.path);
    struct err why = {0};

    if (!path)
        return err_memory(err);
    list->found.count = 0;
    return sftp_list(conn->sftp, path, list_entry, list, &why) || why.code == ERR_MISSING ||
           err_pass(err, &why);
}

/* Whether names in `dir` can start with `prefix`. */
static bool may_match(const char *dir, const char *prefix)
{
    size_t d = strlen(dir), p = strlen(prefix);

    return strncmp(dir, prefix, d < p ? d : p) == 0;
}

/* The callback comes when the connection is free again: it may use the store. */
static bool sftp_store_list(struct store *s, const char *prefix, store_each each, void *ctx,
                            struct err *err)
{
    static const char *const dirs[] = {"", STORE_BLOBS, STORE_TMP};

    for (size_t i = 0; i < COUNT(dirs); i++) {
        struct listing list = {dirs[i], prefix, VEC(struct entry)};
        const struct entry *e;

        if (!may_match(dirs[i], prefix))
            continue;
        bool ok = pool_run(sftp_store_of(s), list_op, &list, err) ||
                  err_add(err, "cannot list store '%s'", s->url);
        e = list.found.at;
        for (size_t k = 0; ok && k < list.found.count; k++)
            ok = each(ctx, e[k].name, &e[k].st, err);
        vec_done(&list.found);
        if (!ok)
            return false;
    }
    return true;
}

static bool remove_op(struct sftp_store *st, struct sftp_conn *conn, void *arg, struct err *err)
{
    AUTO(free) char *path = sftp_path(st, arg, err);

    return path && sftp_remove(conn->sftp, path, err);
}

static bool sftp_store_remove(struct store *s, const char *name, struct err *err)
{
    char copy[STORE_NAME_MAX];

    if (!store_name_check(name, err))
        return false;
    snprintf(copy, sizeof(copy), "%s", name);
    sftp_store_of(s)->removals++;
    return pool_run(sftp_store_of(s), remove_op, copy, err) ||
           err_add(err, "cannot remove from store '%s'", s->url);
}

const struct store_ops store_sftp = {
    .scheme = "sftp",
    .help = "sftp://[USER@]HOST[:PORT]/PATH",
    .open = sftp_store_open,
    .close = sftp_store_close,
    .stat = sftp_store_stat,
    .read = sftp_store_read,
    .get = sftp_store_get,
    .put = sftp_put_open,
    .list = sftp_store_list,
    .remove = sftp_store_remove,
    .swap = sftp_swap,
};
