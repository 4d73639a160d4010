#include "lib/store/sftp_pool.h"

#include "lib/base/clock.h"
#include "lib/base/cmd.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"

#include <sys/random.h>

#define MS_NS ((int64_t)1000000)
/* Less than this and some block could not be had any more. */
#define FULL_BYTES ((uint64_t)1 << 20)
/* So often a file may have another size behind its reading than before. */
#define READ_TRIES 10

/* How long it waits before it connects anew: a router or sshd that is restarted needs seconds. */
static const int64_t pauses_ms[] = {100, 500, 1000, 2000, 4000};

char *sftp_path(const struct sftp_store *st, const char *name, struct err *err)
{
    char *path = path_join(st->to.path, name);

    if (!path)
        err_memory(err);
    return path;
}

bool sftp_salt(char out[SALT_HEX], struct err *err)
{
    uint64_t salt[2];

    if (getrandom(salt, sizeof(salt), 0) != (ssize_t)sizeof(salt))
        return err_sys(err, ERR_IO, "cannot get random bytes");
    snprintf(out, SALT_HEX, "%016llx%016llx", (unsigned long long)salt[0],
             (unsigned long long)salt[1]);
    return true;
}

/* ---- who uses which --------------------------------------------------------------------------*/

struct sftp_conn *pool_take(struct sftp_store *st)
{
    struct sftp_conn *best = &st->conns[0];

    pthread_mutex_lock(&st->lock);
    for (size_t i = 1; i < POOL_MAX; i++)
        if (st->conns[i].users < best->users)
            best = &st->conns[i];
    best->users++;
    pthread_mutex_unlock(&st->lock);
    return best;
}

void pool_give(struct sftp_store *st, struct sftp_conn *conn)
{
    pthread_mutex_lock(&st->lock);
    conn->users--;
    pthread_mutex_unlock(&st->lock);
}

void pool_done(struct sftp_store *st)
{
    for (size_t i = 0; i < POOL_MAX; i++)
        sftp_close(st->conns[i].sftp);
}

/* ---- connecting and trying again -------------------------------------------------------------*/

static bool connected(struct sftp_store *st, struct sftp_conn *conn, struct err *err)
{
    if (conn->sftp && !sftp_broken(conn->sftp))
        return true;
    sftp_close(conn->sftp);
    conn->sftp = NULL;
    conn->reading = (struct sftp_reading){0};
    if (!sftp_open(&st->to, &conn->sftp, err))
        return false;
    conn->epoch++;
    st->reached = true;
    return true;
}

/* Only a lost connection, never a refusal, and not the very first one: the host may be mistyped. */
static bool may_try_again(struct sftp_store *st, size_t tries, const struct err *why)
{
    if (why->code != ERR_UNREACHABLE || tries >= COUNT(pauses_ms) || !st->reached || cmd_stopping())
        return false;
    log_debug("connecting anew", f_str("store", st->base.url), f_str("why", why->text));
    return clock_sleep_until(clock_mono_ns() + pauses_ms[tries] * MS_NS);
}

bool pool_run_on(struct sftp_store *st, struct sftp_conn *conn, pool_op op, void *arg,
                 struct err *err)
{
    for (size_t tries = 0;; tries++) {
        struct err why = {0};

        pthread_mutex_lock(&conn->lock);
        bool ok = connected(st, conn, &why) && op(st, conn, arg, &why);
        pthread_mutex_unlock(&conn->lock);
        if (ok)
            return true;
        if (!may_try_again(st, tries, &why))
            return err_pass(err, &why);
    }
}

bool pool_run(struct sftp_store *st, pool_op op, void *arg, struct err *err)
{
    struct sftp_conn *conn = pool_take(st);
    bool ok = pool_run_on(st, conn, op, arg, err);

    pool_give(st, conn);
    return ok;
}

bool pool_explain(struct sftp_store *st, struct sftp_conn *conn, struct err *err)
{
    uint64_t bytes = 0;
    bool files = true;
    struct err unknown = {0};

    if (!err || err->code != ERR_IO)
        return false;
    if (!sftp_space(conn->sftp, st->to.path, &bytes, &files,
                    &unknown)) /* the store is not there yet */
        return err_hint(err, "is the disk of '%s' full, or read-only?", st->to.host);
    if (files && bytes >= FULL_BYTES)
        return err_hint(err, "is there a quota, or a read-only file system, on '%s'?", st->to.host);
    err->code = ERR_SPACE;
    err_add(err, "no space left on '%s'", st->to.host);
    return err_hint(err, "free some space there, or remove old bundles and run 'bundle gc'");
}

bool sftp_sync_dir(struct sftp_conn *conn, const char *path, struct err *err)
{
    struct err refused = {0}, ignored = {0};
    struct sftp_file dir;

    if (!sftp_extensions(conn->sftp)->fsync)
        return true;
    bool synced = sftp_file_open(conn->sftp, path, SFTP_FOR_READ, 0, &dir, &refused);
    if (synced) {
        synced = sftp_file_sync(conn->sftp, &dir, &refused) &&
                 sftp_file_settle(conn->sftp, &dir, &refused);
        (void)sftp_file_close(conn->sftp, &dir, &ignored);
    }
    return synced || refused.code != ERR_UNREACHABLE || err_pass(err, &refused);
}

bool sftp_sync_parent(struct sftp_conn *conn, const char *path, struct err *err)
{
    const char *slash = strrchr(path, '/');
    size_t len = !slash ? 0 : slash == path ? 1 : (size_t)(slash - path);
    AUTO(free) char *parent = slash ? span_dup((struct span){path, len}) : strdup(".");

    return parent ? sftp_sync_dir(conn, parent, err) : err_memory(err);
}

/* Into an empty buffer. *same is false when its size was another one behind the reading. */
static bool read_open(struct sftp_conn *conn, struct sftp_file *f, const char *path, uint64_t max,
                      struct buf *out, bool *same, struct err *err)
{
    struct sftp_attr attr, now;

    if (!sftp_file_stat(conn->sftp, f, &attr, err))
        return false;
    if (attr.bytes > max)
        return err_set(err, ERR_DAMAGED, "'%s' has %llu bytes, more than the %llu it may have",
                       path, (unsigned long long)attr.bytes, (unsigned long long)max);
    if (!buf_reserve(out, (size_t)attr.bytes + 1))
        return buf_ok(out, err);
    if (!sftp_file_read(conn->sftp, f, 0, out->at, (size_t)attr.bytes, err) ||
        !sftp_file_stat(conn->sftp, f, &now, err))
        return false;
    *same = now.bytes == attr.bytes;
    if (!*same)
        return err_set(err, ERR_DAMAGED, "'%s' had %llu bytes and has %llu now", path,
                       (unsigned long long)attr.bytes, (unsigned long long)now.bytes);
    out->len = (size_t)attr.bytes;
    out->at[out->len] = '\0';
    return true;
}

bool sftp_read_small(struct sftp_conn *conn, const char *path, uint64_t max, struct buf *out,
                     struct err *err)
{
    struct sftp_file f;
    struct err why = {0}, ignored = {0};
    bool ok = false, same = false;

    buf_clear(out);
    if (!sftp_file_open(conn->sftp, path, SFTP_FOR_READ, 0, &f, err))
        return false;
    for (unsigned tries = READ_TRIES; !same && tries > 0; tries--) {
        why = (struct err){0};
        same = true;
        ok = read_open(conn, &f, path, max, out, &same, &why);
    }
    (void)sftp_file_close(conn->sftp, &f, &ignored);
    return ok || err_pass(err, &why);
}
