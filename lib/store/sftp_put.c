/* A put that survives a lost connection, and with a known digest a lost program.
 *
 * The last SFTP_UNACKED bytes and a chunk are kept: what the server has not answered for is always
 * among them. On a new connection the file is opened again and they are sent again.
 *
 * A put that knows its digest writes to "tmp/<digest>", and the next one of that digest goes on
 * there. How far can its bytes be trusted? An fsync is asked for at each multiple of SYNC_STEP before
 * any later byte is sent, and a server serves one file's requests in their order: so once there is a
 * byte behind a multiple, all before the multiple is durable. */
#include "lib/store/sftp_pool.h"

#include "lib/store/name.h"

#define SYNC_STEP ((uint64_t)16 << 20)
#define CHUNK     ((size_t)512 << 10)
#define TAIL_KEEP (SFTP_UNACKED + CHUNK)
#define TAIL_MAX  (2 * TAIL_KEEP)

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

    if (first)
        flags |= SFTP_CREATE | (p->hash ? 0 : SFTP_EXCLUSIVE);
    if (!sftp_file_open(conn->sftp, p->tmp, flags, 0600, &p->file, err))
        return false;
    p->epoch = conn->epoch;
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

static bool append_chunk(struct sftp_put *p, const char *bytes, size_t len, struct err *err)
{
    struct chunk c = {p, len};

    if (!keep_tail(p, bytes, len, err))
        return false;
    p->written += len;
    return pool_run_on(p->store, p->conn, chunk_op, &c, err) ||
           err_add(err, "cannot write into store '%s'", p->store->base.url);
}

static bool put_append(struct store_put *put, const void *bytes, size_t len, struct err *err)
{
    struct sftp_put *p = put_of(put);
    const char *at = bytes;

    if (p->hash)
        hash_add(p->hash, bytes, len);
    if (p->written < p->skip) {
        size_t there = p->skip - p->written < len ? (size_t)(p->skip - p->written) : len;

        p->written += there;
        at += there;
        len -= there;
    }
    for (size_t n; len > 0; at += n, len -= n) {
        n = len < CHUNK ? len : CHUNK;
        if (!append_chunk(p, at, n, err))
            return false;
    }
    return true;
}

/* ---- ending ----------------------------------------------------------------------------------*/

static void put_free(struct sftp_put *p)
{
    pool_give(p->store, p->conn);
    hash_close(p->hash);
    free(p->tail);
    free(p->tmp);
    free(p);
}

/* On the connection that is there: nobody waits for a lost one to drop a file that gc finds. */
static void leave(struct sftp_put *p, bool keep)
{
    struct sftp_conn *conn = p->conn;
    struct err ignored = {0};

    pthread_mutex_lock(&conn->lock);
    bool connected = conn->sftp && !sftp_broken(conn->sftp);
    if (connected && is_open(p, conn))
        (void)sftp_file_close(conn->sftp, &p->file, &ignored);
    if (connected && p->epoch != 0 && !keep)
        (void)sftp_remove(conn->sftp, p->tmp, &ignored);
    pthread_mutex_unlock(&conn->lock);
}

static void put_abort(struct store_put *put)
{
    struct sftp_put *p = put_of(put);

    if (!p)
        return;
    leave(p, p->hash != NULL);
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
    bool ok = sftp_file_close(conn->sftp, &p->file, err);
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

static bool commit_op(struct sftp_store *st, struct sftp_conn *conn, void *arg, struct err *err)
{
    const struct ending *e = arg;
    AUTO(free) char *path = sftp_path(st, e->name, err);
    struct err why = {0};

    if (!path)
        return false;
    if (finish(e->put, conn, &why) && sftp_replace(conn->sftp, e->put->tmp, path, &why))
        return true;
    if (why.code == ERR_MISSING && is_done(e->put, conn, path))
        return true;
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
        leave(p, false);
        put_free(p);
        return false;
    }
    struct err why = {0};
    bool ok = pool_run_on(p->store, p->conn, commit_op, &e, &why);
    if (!ok) {
        leave(p, p->hash && why.code != ERR_DAMAGED);
        err_pass(err, &why);
        err_add(err, "cannot publish '%s' in store '%s'", name, p->store->base.url);
    }
    put_free(p);
    return ok;
}

/* ---- beginning -------------------------------------------------------------------------------*/

static bool left_op(struct sftp_store *st, struct sftp_conn *conn, void *arg, struct err *err)
{
    struct sftp_put *p = arg;
    struct err why = {0};
    struct sftp_attr attr;

    (void)st;
    if (!sftp_stat(conn->sftp, p->tmp, &attr, &why))
        return why.code == ERR_MISSING || err_pass(err, &why);
    if (sftp_extensions(conn->sftp)->fsync && attr.bytes > 0)
        p->skip = (attr.bytes - 1) / SYNC_STEP * SYNC_STEP;
    return true;
}

static bool put_expect(struct store_put *put, const struct digest *digest, struct err *err)
{
    struct sftp_put *p = put_of(put);
    char hex[HASH_HEX], name[STORE_NAME_MAX];
    char *tmp = NULL;

    if (!hash_open(&p->hash, err))
        return false;
    digest_hex(digest, hex);
    snprintf(name, sizeof(name), STORE_TMP "%s", hex);
    tmp = sftp_path(p->store, name, err);
    if (!tmp)
        return false;
    free(p->tmp);
    p->tmp = tmp;
    p->expected = *digest;
    return pool_run_on(p->store, p->conn, left_op, p, err) ||
           err_add(err, "cannot look into store '%s'", p->store->base.url);
}

static const struct store_put_ops put_ops = {put_append, put_commit, put_abort, put_expect};

bool sftp_put_open(struct store *s, struct store_put **out, struct err *err)
{
    struct sftp_store *st = sftp_store_of(s);
    AUTO(free) struct sftp_put *p = calloc(1, sizeof(*p));
    char salt[SALT_HEX], name[STORE_NAME_MAX];

    if (!p)
        return err_memory(err);
    if (!sftp_salt(salt, err))
        return false;
    snprintf(name, sizeof(name), STORE_TMP "%s", salt);
    p->tmp = sftp_path(st, name, err);
    if (!p->tmp)
        return false;
    p->base.ops = &put_ops;
    p->store = st;
    p->conn = pool_take(st);
    struct sftp_put *made = TAKE(p);
    *out = &made->base;
    return true;
}
