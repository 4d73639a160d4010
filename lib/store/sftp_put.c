/* A put that survives a lost connection, and with a known digest a lost program.
 *
 * The last SFTP_UNACKED bytes and a chunk are kept: what the server has not answered for is always
 * among them. On a new connection the file is opened again and they are sent again.
 *
 * Each put has a file of its own, "tmp/<salt>". One that knows its digest marks in "tmp/<digest>.at"
 * how far its file is: its name, how many bytes, their SHA-256, and who writes it. At each multiple of
 * SYNC_STEP the file is fsynced and then the mark is written, and a server serves requests in their
 * order; so what is marked is durable. The digest is for a writer that had other bytes, of a blob that
 * was damaged where it came from: it is compared with what is appended now, before anything is built on
 * it.
 *
 * The mark is made exclusively: of several puts of one digest the first has it, and the others leave
 * nothing to go on with. The next put takes over what a holder has left that is certainly gone, or that
 * has not written for STALE_S by the server's clock: it renames the file to a name of its own, which one
 * of several can do, and then writes the mark over. A holder that comes back does not find its file. A
 * mark whose file is gone is written over by the next that comes so far: a taker has ended in between. */
#include "lib/store/sftp_pool.h"

#include "lib/store/name.h"
#include "lib/store/put_mark.h"
#include "lib/store/swap_lock.h"

#define SYNC_STEP ((uint64_t)16 << 20)
#define CHUNK     ((size_t)512 << 10)
#define TAIL_KEEP (SFTP_UNACKED + CHUNK)
#define TAIL_MAX  (2 * TAIL_KEEP)
#define STALE_S   600

struct sftp_put {
    struct store_put base;
    struct sftp_store *store;
    struct sftp_conn *conn;
    struct sftp_file file;
    uint64_t epoch;   /* of the connection that the file is open on; 0: it was never opened */
    char *tmp;        /* the path it is written to */
    uint64_t written; /* bytes appended */
    uint64_t skip;    /* bytes that an earlier put left */
    char *tail;       /* the last bytes before `written` */
    size_t tail_len;
    struct hash *hash; /* NULL: the digest is not known */
    struct digest expected;
    struct sftp_file mark; /* open once it was written on this connection */
    char *mark_path;
    struct digest skipped; /* of the first `skip` bytes */
    bool spoilt;           /* what is there is not to be gone on with */
    bool owner, not_owner; /* the mark is ours, or another's; neither: it was not tried yet */
    char salt[SALT_HEX];   /* in `tmp` */
    struct swap_lock who;
    struct sftp_put *next; /* of the store's */
};

static struct sftp_put *put_of(struct store_put *p)
{
    return (struct sftp_put *)p;
}

/* ---- sending ---------------------------------------------------------------------------------*/

static bool keep_tail(struct sftp_put *p, const char *bytes, size_t len, struct err *err)
{
    if (!p->tail)
        p->tail = malloc(TAIL_MAX);
    if (!p->tail)
        return err_memory(err);
    if (p->tail_len + len > TAIL_MAX) {
        memmove(p->tail, p->tail + p->tail_len - TAIL_KEEP, TAIL_KEEP);
        p->tail_len = TAIL_KEEP;
    }
    memcpy(p->tail + p->tail_len, bytes, len);
    p->tail_len += len;
    return true;
}

static bool send_range(struct sftp_put *p, uint64_t offset, const char *bytes, size_t len,
                       struct err *err)
{
    struct sftp *sftp = p->conn->sftp;

    while (len > 0) {
        uint64_t left = SYNC_STEP - offset % SYNC_STEP;
        size_t n = left < len ? (size_t)left : len;

        if (!sftp_file_write(sftp, &p->file, offset, bytes, n, err))
            return false;
        offset += n;
        bytes += n;
        len -= n;
        if (offset % SYNC_STEP == 0 && !sftp_file_sync(sftp, &p->file, err))
            return false;
    }
    return true;
}

/* The first time, or on a new connection: then what was not answered for is sent again. */
static bool open_file(struct sftp_put *p, struct sftp_conn *conn, struct err *err)
{
    bool first = p->epoch == 0;
    uint32_t flags = SFTP_FOR_WRITE;
    struct sftp_attr attr;

    if (first && !p->skip)
        flags |= SFTP_CREATE | (p->hash ? 0 : SFTP_EXCLUSIVE);
    if (!sftp_file_open(conn->sftp, p->tmp, flags, 0600, &p->file, err))
        return false;
    p->epoch = conn->epoch;
    p->mark = (struct sftp_file){0};
    if (!sftp_file_stat(conn->sftp, &p->file, &attr, err))
        return false;
    if (attr.has_bytes && attr.bytes < p->written - p->tail_len)
        return err_set(err, ERR_IO, "'%s' lost %llu bytes that it had confirmed", p->store->to.host,
                       (unsigned long long)(p->written - p->tail_len - attr.bytes));
    return send_range(p, p->written - p->tail_len, p->tail, p->tail_len, err);
}

static bool is_open(const struct sftp_put *p, const struct sftp_conn *conn)
{
    return p->epoch != 0 && p->epoch == conn->epoch;
}

struct chunk {
    struct sftp_put *put;
    size_t len; /* of the tail */
};

static bool chunk_op(struct sftp_store *st, struct sftp_conn *conn, void *arg, struct err *err)
{
    const struct chunk *c = arg;
    struct sftp_put *p = c->put;
    bool ok = is_open(p, conn)
                  ? send_range(p, p->written - c->len, p->tail + p->tail_len - c->len, c->len, err)
                  : open_file(p, conn, err);

    return ok || pool_explain(st, conn, err);
}

static bool is_interruption(const struct err *why)
{
    return why->code == ERR_UNREACHABLE || why->code == ERR_STOPPED;
}

static bool run_on_own(struct sftp_put *p, pool_op op, void *arg, struct err *err)
{
    struct err why = {0};

    if (pool_run_on(p->store, p->conn, op, arg, &why))
        return true;
    p->spoilt |= !is_interruption(&why);
    err_pass(err, &why);
    return err_add(err, "cannot write into store '%s'", p->store->base.url);
}

static bool append_chunk(struct sftp_put *p, const char *bytes, size_t len, struct err *err)
{
    struct chunk c = {p, len};

    if (!keep_tail(p, bytes, len, err))
        return false;
    p->written += len;
    return run_on_own(p, chunk_op, &c, err);
}

struct mark {
    struct sftp_put *put;
    char text[PUT_MARK_LEN];
};

/* Empty: of us, whose line was lost behind it, or of one that writes over it as we do. */
static bool is_anothers(struct sftp_put *p, struct sftp_conn *conn)
{
    AUTO(buf) struct buf text = {0};
    struct err ignored = {0};

    return sftp_read_small(conn, p->mark_path, PUT_MARK_LEN, &text, &ignored) && text.len;
}

/* The first time: a put of the same digest may have been quicker. */
static bool open_mark(struct sftp_put *p, struct sftp_conn *conn, struct err *err)
{
    uint32_t flags = SFTP_FOR_WRITE | (p->owner ? 0 : SFTP_CREATE | SFTP_EXCLUSIVE);
    struct err why = {0};

    if (sftp_file_open(conn->sftp, p->mark_path, flags, 0600, &p->mark, &why)) {
        p->owner = true;
        return true;
    }
    p->mark = (struct sftp_file){0};
    p->not_owner = p->owner ? why.code == ERR_MISSING /* gc, or who took us for dead */
                            : is_anothers(p, conn);
    p->owner = p->owner && !p->not_owner;
    if (p->not_owner)
        return true;
    if (why.code == ERR_UNREACHABLE || p->owner)
        return err_pass(err, &why);
    p->owner = sftp_file_open(conn->sftp, p->mark_path, SFTP_FOR_WRITE, 0600, &p->mark, err);
    return p->owner;
}

static bool mark_op(struct sftp_store *st, struct sftp_conn *conn, void *arg, struct err *err)
{
    struct mark *m = arg;
    struct sftp_put *p = m->put;

    (void)st;
    if (!is_open(p, conn) && !open_file(p, conn, err))
        return false;
    if (p->not_owner || !sftp_extensions(conn->sftp)->fsync)
        return true;
    if (p->mark.handle_len == 0 && !open_mark(p, conn, err))
        return false;
    return p->not_owner || sftp_file_write(conn->sftp, &p->mark, 0, m->text, PUT_MARK_LEN, err);
}

static bool write_mark(struct sftp_put *p, uint64_t bytes, const struct digest *digest,
                       struct err *err)
{
    struct put_mark said = {.bytes = bytes, .digest = *digest};
    struct mark m = {.put = p};

    memcpy(said.file, p->salt, sizeof(said.file));
    memcpy(said.handle, p->store->token, sizeof(said.handle));
    return put_mark_encode(&said, p->who.text, m.text, err) && run_on_own(p, mark_op, &m, err);
}

/* At a multiple of SYNC_STEP: what is there is proven, or marked for the next time. */
static bool at_step(struct sftp_put *p, struct err *err)
{
    struct digest now;

    if (p->written < p->skip)
        return true;
    if (!hash_peek(p->hash, &now, err))
        return false;
    if (p->written == p->skip) {
        p->spoilt = !digest_eq(&now, &p->skipped);
        if (!p->spoilt)
            return true;
        err_set(err, ERR_DAMAGED, "what an earlier try left in store '%s' was of other bytes",
                p->store->base.url);
        return err_hint(err, "it is removed now: try again");
    }
    return write_mark(p, p->written, &now, err);
}

static bool put_append(struct store_put *put, const void *bytes, size_t len, struct err *err)
{
    struct sftp_put *p = put_of(put);
    const char *at = bytes;

    for (size_t n; len > 0; at += n, len -= n) {
        uint64_t left = SYNC_STEP - p->written % SYNC_STEP;

        n = len < CHUNK ? len : CHUNK;
        n = left < n ? (size_t)left : n;
        if (p->hash)
            hash_add(p->hash, at, n);
        if (p->written < p->skip)
            p->written += n;
        else if (!append_chunk(p, at, n, err))
            return false;
        if (p->hash && p->written % SYNC_STEP == 0 && !at_step(p, err))
            return false;
    }
    return true;
}

/* ---- ending ----------------------------------------------------------------------------------*/

static void put_free(struct sftp_put *p)
{
    pthread_mutex_lock(&p->store->lock);
    struct sftp_put **at = &p->store->puts;
    while (*at && *at != p)
        at = &(*at)->next;
    if (*at)
        *at = p->next;
    pthread_mutex_unlock(&p->store->lock);
    pool_give(p->store, p->conn);
    hash_close(p->hash);
    free(p->tail);
    free(p->tmp);
    free(p->mark_path);
    free(p);
}

static bool close_both(struct sftp_put *p, struct sftp_conn *conn, struct err *err)
{
    struct err ignored = {0};

    (void)sftp_file_close(conn->sftp, &p->mark, &ignored);
    return sftp_file_close(conn->sftp, &p->file, err);
}

/* On the connection that is there: nobody waits for a lost one to drop a file that gc finds. */
static void leave(struct sftp_put *p)
{
    struct sftp_conn *conn = p->conn;
    bool marked = p->skip || p->written >= SYNC_STEP;
    bool keep = p->owner && marked && !p->spoilt;
    struct err ignored = {0};

    pthread_mutex_lock(&conn->lock);
    bool connected = conn->sftp && !sftp_broken(conn->sftp);
    if (connected && is_open(p, conn))
        (void)close_both(p, conn, &ignored);
    if (connected && (p->epoch != 0 || p->skip > 0) && !keep)
        (void)sftp_remove(conn->sftp, p->tmp, &ignored);
    /* A mark that was not written here may be of one that began meanwhile. */
    if (connected && p->owner && !keep && marked)
        (void)sftp_remove(conn->sftp, p->mark_path, &ignored);
    pthread_mutex_unlock(&conn->lock);
}

static void put_abort(struct store_put *put)
{
    struct sftp_put *p = put_of(put);

    if (!p)
        return;
    leave(p);
    put_free(p);
}

struct ending {
    struct sftp_put *put;
    const char *name;
};

/* Whole, durable and closed. */
static bool finish(struct sftp_put *p, struct sftp_conn *conn, struct err *err)
{
    struct sftp_attr attr = {0};

    if ((!is_open(p, conn) && !open_file(p, conn, err)) ||
        !sftp_file_sync(conn->sftp, &p->file, err) ||
        !sftp_file_settle(conn->sftp, &p->file, err) ||
        !sftp_file_stat(conn->sftp, &p->file, &attr, err))
        return false;
    if (attr.bytes != p->written)
        return err_set(err, ERR_DAMAGED, "'%s' has %llu bytes of '%s' instead of %llu",
                       p->store->to.host, (unsigned long long)attr.bytes, p->tmp,
                       (unsigned long long)p->written);
    bool ok = close_both(p, conn, err);
    p->epoch = ok ? UINT64_MAX : p->epoch; /* no number of a connection: a retry opens it again */
    return ok;
}

/* The answer to the rename was lost with its connection, or another put of the same bytes was
 * quicker: then the object is there, and the temporary file is not. */
static bool is_done(struct sftp_put *p, struct sftp_conn *conn, const char *path)
{
    struct err ignored = {0};
    struct sftp_attr attr;

    return sftp_stat(conn->sftp, path, &attr, &ignored) && attr.has_bytes &&
           attr.bytes == p->written;
}

static void drop_mark(struct sftp_put *p, struct sftp_conn *conn)
{
    struct err ignored = {0};

    if (p->owner)
        (void)sftp_remove(conn->sftp, p->mark_path, &ignored);
}

static bool commit_op(struct sftp_store *st, struct sftp_conn *conn, void *arg, struct err *err)
{
    const struct ending *e = arg;
    AUTO(free) char *path = sftp_path(st, e->name, err);
    struct err why = {0};

    if (!path)
        return false;
    if ((finish(e->put, conn, &why) && sftp_replace(conn->sftp, e->put->tmp, path, &why)) ||
        (why.code == ERR_MISSING && is_done(e->put, conn, path))) {
        drop_mark(e->put, conn);
        return sftp_sync_parent(conn, path, err);
    }
    pool_explain(st, conn, &why);
    return err_pass(err, &why);
}

static bool is_expected(struct sftp_put *p, const char *name, struct err *err)
{
    char wanted[STORE_NAME_MAX];

    if (!p->hash)
        return true;
    struct digest got = hash_end(p->hash);
    if (digest_eq(&got, &p->expected) && strcmp(store_blob_name(&p->expected, wanted), name) == 0)
        return true;
    return err_set(err, ERR_DAMAGED, "what was to become '%s' has another digest", name);
}

static bool put_commit(struct store_put *put, const char *name, struct err *err)
{
    struct sftp_put *p = put_of(put);
    struct ending e = {p, name};

    if (!store_name_check(name, err) || !is_expected(p, name, err)) {
        p->spoilt = true;
        leave(p);
        put_free(p);
        return false;
    }
    struct err why = {0};
    bool ok = pool_run_on(p->store, p->conn, commit_op, &e, &why);
    if (!ok) {
        p->spoilt |= !is_interruption(&why);
        leave(p);
        err_pass(err, &why);
        err_add(err, "cannot publish '%s' in store '%s'", name, p->store->base.url);
    }
    put_free(p);
    return ok;
}

/* ---- beginning -------------------------------------------------------------------------------*/

static bool is_live(struct sftp_store *st, const char *salt)
{
    bool live = false;

    pthread_mutex_lock(&st->lock);
    for (const struct sftp_put *p = st->puts; p && !live; p = p->next)
        live = strcmp(p->salt, salt) == 0;
    pthread_mutex_unlock(&st->lock);
    return live;
}

/* By the server's clock: our own file was made just now. */
static bool is_stale(struct sftp_put *p, struct sftp_conn *conn, uint32_t mtime_s)
{
    struct sftp_attr now;
    struct sftp_file probe = {0};
    struct err ignored = {0};

    if (!sftp_file_open(conn->sftp, p->tmp, SFTP_FOR_WRITE | SFTP_CREATE | SFTP_EXCLUSIVE, 0600,
                        &probe, &ignored))
        return false;
    bool known = sftp_file_stat(conn->sftp, &probe, &now, &ignored);
    (void)sftp_file_close(conn->sftp, &probe, &ignored);
    (void)sftp_remove(conn->sftp, p->tmp, &ignored);
    return known && now.mtime_s > mtime_s && now.mtime_s - mtime_s > STALE_S;
}

static bool is_left(struct sftp_put *p, struct sftp_conn *conn, const struct put_mark *m,
                    struct span holder, const struct sftp_attr *file)
{
    if (strcmp(m->handle, p->store->token) == 0)
        return !is_live(p->store, m->file);
    return swap_lock_gone(holder) || is_stale(p, conn, file->mtime_s);
}

/* Gives what the mark names a name of our own. */
static bool take_over(struct sftp_put *p, struct sftp_conn *conn, const struct put_mark *m,
                      struct span holder, bool *taken, struct err *err)
{
    char name[STORE_NAME_MAX];
    struct sftp_attr attr;
    struct err why = {0};

    snprintf(name, sizeof(name), STORE_TMP "%s", m->file);
    AUTO(free) char *file = sftp_path(p->store, name, err);
    if (!file)
        return false;
    if (sftp_stat(conn->sftp, file, &attr, &why)) {
        *taken = attr.bytes >= m->bytes && is_left(p, conn, m, holder, &attr) &&
                 sftp_rename(conn->sftp, file, p->tmp, &why);
        p->owner = *taken;
        return !sftp_broken(conn->sftp) || err_pass(err, &why);
    }
    /* Or we renamed it before, on a line that was lost before we knew; or somebody who has ended
     * between that and the mark, which is free then. */
    err_clear(&why);
    bool there = sftp_stat(conn->sftp, p->tmp, &attr, &why);
    *taken = there && attr.bytes >= m->bytes;
    p->owner = *taken || why.code == ERR_MISSING;
    return there || p->owner || err_pass(err, &why);
}

/* That nothing can be gone on with is no error. */
static bool left_op(struct sftp_store *st, struct sftp_conn *conn, void *arg, struct err *err)
{
    struct sftp_put *p = arg;
    AUTO(buf) struct buf text = {0};
    struct put_mark m;
    struct span holder;
    struct err why = {0};
    bool taken = false;

    (void)st;
    if (!sftp_read_small(conn, p->mark_path, PUT_MARK_LEN, &text, &why))
        return why.code == ERR_MISSING || why.code == ERR_DAMAGED || err_pass(err, &why);
    if (!put_mark_parse(buf_view(&text), &m, &holder) || !m.bytes || m.bytes % SYNC_STEP != 0)
        return true;
    if (!take_over(p, conn, &m, holder, &taken, err))
        return false;
    p->skip = taken ? m.bytes : 0;
    p->skipped = m.digest;
    return true;
}

static bool put_expect(struct store_put *put, const struct digest *digest, struct err *err)
{
    struct sftp_put *p = put_of(put);
    char hex[HASH_HEX], name[STORE_NAME_MAX];

    if (!hash_open(&p->hash, err))
        return false;
    digest_hex(digest, hex);
    snprintf(name, sizeof(name), STORE_TMP "%s.at", hex);
    p->mark_path = sftp_path(p->store, name, err);
    if (!p->mark_path)
        return false;
    p->expected = *digest;
    swap_lock_init(&p->who, p->salt);
    if (!pool_run_on(p->store, p->conn, left_op, p, err))
        return err_add(err, "cannot look into store '%s'", p->store->base.url);
    return !p->skip || write_mark(p, p->skip, &p->skipped, err);
}

static const struct store_put_ops put_ops = {put_append, put_commit, put_abort, put_expect};

bool sftp_put_open(struct store *s, struct store_put **out, struct err *err)
{
    struct sftp_store *st = sftp_store_of(s);
    AUTO(free) struct sftp_put *p = calloc(1, sizeof(*p));
    char name[STORE_NAME_MAX];

    if (!p)
        return err_memory(err);
    if (!sftp_salt(p->salt, err))
        return false;
    snprintf(name, sizeof(name), STORE_TMP "%s", p->salt);
    p->tmp = sftp_path(st, name, err);
    if (!p->tmp)
        return false;
    p->base.ops = &put_ops;
    p->store = st;
    p->conn = pool_take(st);
    struct sftp_put *made = TAKE(p);
    pthread_mutex_lock(&st->lock);
    made->next = st->puts;
    st->puts = made;
    pthread_mutex_unlock(&st->lock);
    *out = &made->base;
    return true;
}
