/* Compare and swap under a lock file that is created exclusively ("swap.lock").
 *
 * The file says who holds it and has a token of its own. A lock whose content has not changed while
 * it was watched for STALE_NS is that of a dead writer: it is moved away by a rename that fails when
 * its target exists, under a name made of its content, so that of two who find it only one moves it
 * and nobody moves the next one. One whose holder ran under this kernel and is gone is dead at once. Our
 * clock is used alone, never the server's. A holder that was stopped for longer than HOLD_NS gives up
 * before it writes. */
#include "lib/store/sftp_pool.h"

#include "lib/base/clock.h"
#include "lib/store/name.h"
#include "lib/store/swap_lock.h"

#define MS_NS    ((int64_t)1000000)
#define SWAP_MAX ((uint64_t)64 << 20)
/* So many times it could not be made and was not there either: then nobody holds it, but something
 * else is wrong, as a quota. */
#define ABSENT_MAX 12

struct swap_job {
    const char *name;
    const struct digest *expected;
    struct span content;
    struct swap_lock lock;
    unsigned absent;          /* times in a row that the lock was there for the server alone */
    bool busy;                /* somebody else holds the lock: try again later */
    char tmp[STORE_NAME_MAX]; /* of the last try; "": there was none */
};

/* ---- small files -----------------------------------------------------------------------------*/

/* A new file, durable; removed again when it cannot be written. */
static bool write_small(struct sftp_conn *conn, const char *path, struct span content,
                        struct err *err)
{
    struct sftp_file f;
    struct err ignored = {0};

    if (!sftp_file_open(conn->sftp, path, SFTP_FOR_WRITE | SFTP_CREATE | SFTP_EXCLUSIVE, 0600, &f,
                        err))
        return false;
    bool ok = sftp_file_write(conn->sftp, &f, 0, content.at, content.len, err) &&
              sftp_file_sync(conn->sftp, &f, err) && sftp_file_settle(conn->sftp, &f, err);
    ok = sftp_file_close(conn->sftp, &f, ok ? err : &ignored) && ok;
    if (!ok)
        (void)sftp_remove(conn->sftp, path, &ignored);
    return ok;
}

/* ---- the lock --------------------------------------------------------------------------------*/

/* Moved away or not: who comes next looks again. */
static void break_lock(struct sftp_store *st, struct sftp_conn *conn, const char *path,
                       const struct swap_job *job)
{
    char name[STORE_NAME_MAX];
    struct err ignored = {0};
    AUTO(free) char *to = sftp_path(st, swap_lock_grave(&job->lock, name), &ignored);

    if (to)
        (void)sftp_rename(conn->sftp, path, to, &ignored);
}

/* Servers do not say that a file exists already: by looking. */
static bool look_at_lock(struct sftp_store *st, struct sftp_conn *conn, const char *path,
                         struct swap_job *job, struct err *refused, struct err *err)
{
    AUTO(buf) struct buf text = {0};
    struct sftp_attr attr;
    struct err why = {0};

    job->busy = true;
    if (!sftp_stat(conn->sftp, path, &attr, &why) ||
        !sftp_read_small(conn, path, SWAP_LOCK_MAX, &text, &why)) {
        /* It went away just now; unless nothing can be created here at all. */
        pool_explain(st, conn, refused);
        if (why.code != ERR_MISSING)
            return err_pass(err, &why);
        return (refused->code == ERR_IO && ++job->absent < ABSENT_MAX) || err_pass(err, refused);
    }
    job->absent = 0;
    switch (swap_lock_watch(&job->lock, buf_view(&text), attr.mtime_s)) {
    case SWAP_LOCK_OURS:
        job->busy = false;
        break;
    case SWAP_LOCK_DEAD:
        break_lock(st, conn, path, job);
        break;
    case SWAP_LOCK_HELD:
        break;
    }
    return true;
}

static bool take_lock(struct sftp_store *st, struct sftp_conn *conn, const char *path,
                      struct swap_job *job, struct err *err)
{
    struct err why = {0};

    job->busy = false;
    if (write_small(conn, path, span_of(job->lock.text), &why)) {
        swap_lock_taken(&job->lock);
        return true;
    }
    if (why.code != ERR_IO && why.code != ERR_EXISTS)
        return err_pass(err, &why);
    return look_at_lock(st, conn, path, job, &why, err);
}

/* ---- the swap --------------------------------------------------------------------------------*/

static bool lost(const struct sftp_store *st, const char *name, struct err *err)
{
    return err_set(err, ERR_LOCK, "'%s' in store '%s' was changed by somebody else", name,
                   st->base.url);
}

/* *done: what is there is what an earlier try of ours wrote, before its connection was lost. */
static bool as_expected(struct sftp_store *st, struct sftp_conn *conn, const char *path,
                        const struct swap_job *job, bool *done, struct err *err)
{
    AUTO(buf) struct buf now = {0};
    struct err why = {0};
    bool there = sftp_read_small(conn, path, SWAP_MAX, &now, &why);

    if (!there && why.code != ERR_MISSING)
        return err_pass(err, &why);
    struct digest digest = hash_of(buf_view(&now));
    *done = there && job->tmp[0] && span_eq(buf_view(&now), job->content);
    if (*done ||
        (there == (job->expected != NULL) && (!there || digest_eq(&digest, job->expected))))
        return true;
    return lost(st, job->name, err);
}

static bool still_ours(struct sftp_store *st, struct sftp_conn *conn, const char *lock,
                       const struct swap_job *job, struct err *err)
{
    AUTO(buf) struct buf text = {0};
    struct err why = {0};

    if (swap_lock_fresh(&job->lock) && sftp_read_small(conn, lock, SWAP_LOCK_MAX, &text, &why) &&
        span_is(buf_view(&text), job->lock.text))
        return true;
    return why.code == ERR_UNREACHABLE ? err_pass(err, &why) : lost(st, job->name, err);
}

/* The rename of an earlier try may still be on its way on the lost connection: without the file that
 * it renames it comes to nothing, whenever it arrives. */
static bool forget_try(struct sftp_store *st, struct sftp_conn *conn, const struct swap_job *job,
                       struct err *err)
{
    AUTO(free) char *path = sftp_path(st, job->tmp, err);
    struct err why = {0};

    if (!path)
        return false;
    return !job->tmp[0] || sftp_remove(conn->sftp, path, &why) || why.code == ERR_MISSING ||
           err_pass(err, &why);
}

static bool write_and_replace(struct sftp_store *st, struct sftp_conn *conn, const char *lock,
                              struct swap_job *job, const char *path, struct err *err)
{
    char salt[SALT_HEX];
    struct err ignored = {0};

    if (!sftp_salt(salt, err))
        return false;
    snprintf(job->tmp, sizeof(job->tmp), STORE_TMP "%s", salt);
    AUTO(free) char *tmp = sftp_path(st, job->tmp, err);
    if (!tmp)
        return false;
    if (!write_small(conn, tmp, job->content, err))
        return pool_explain(st, conn, err);
    /* A full disk may refuse the name too. */
    bool ok = still_ours(st, conn, lock, job, err) &&
              ((sftp_replace(conn->sftp, tmp, path, err) && sftp_sync_parent(conn, path, err)) ||
               pool_explain(st, conn, err));
    if (!ok && !sftp_broken(conn->sftp))
        (void)sftp_remove(conn->sftp, tmp, &ignored);
    return ok;
}

static bool swap_locked(struct sftp_store *st, struct sftp_conn *conn, const char *lock,
                        struct swap_job *job, struct err *err)
{
    AUTO(free) char *path = sftp_path(st, job->name, err);
    bool done = false;

    if (!path || !forget_try(st, conn, job, err) || !as_expected(st, conn, path, job, &done, err))
        return false;
    return done || write_and_replace(st, conn, lock, job, path, err);
}

static bool swap_op(struct sftp_store *st, struct sftp_conn *conn, void *arg, struct err *err)
{
    struct swap_job *job = arg;
    AUTO(free) char *lock = sftp_path(st, SWAP_LOCK, err);
    struct err ignored = {0};

    if (!lock || !take_lock(st, conn, lock, job, err))
        return false;
    if (job->busy)
        return true;
    bool ok = swap_locked(st, conn, lock, job, err);
    /* Another's lock is left alone; that it was ours a moment ago has been seen when all went well. */
    if (!sftp_broken(conn->sftp) &&
        ((ok && swap_lock_fresh(&job->lock)) || still_ours(st, conn, lock, job, &ignored)))
        (void)sftp_remove(conn->sftp, lock, &ignored);
    return ok;
}

static bool swap_waiting(struct sftp_store *st, struct swap_job *job, struct err *err)
{
    int64_t pause = 10 * MS_NS;

    for (;;) {
        if (!pool_run(st, swap_op, job, err))
            return false;
        if (!job->busy)
            return true;
        if (!swap_lock_wait(&job->lock, st->base.url, &pause, err))
            return false;
    }
}

bool sftp_swap(struct store *s, const char *name, const struct digest *expected,
               struct span content, struct err *err)
{
    struct sftp_store *st = sftp_store_of(s);
    struct swap_job job = {.name = name, .expected = expected, .content = content};
    char salt[SALT_HEX];

    if (!store_name_check(name, err) || !sftp_salt(salt, err))
        return false;
    swap_lock_init(&job.lock, salt);
    pthread_mutex_lock(&st->swap);
    bool ok = swap_waiting(st, &job, err);
    pthread_mutex_unlock(&st->swap);
    if (!ok && err && err->code != ERR_LOCK)
        err_add(err, "cannot change '%s' in store '%s'", name, s->url);
    return ok;
}
