/* A put that survives a lost connection, and with a known digest a lost program.
 *
 * The last SFTP_UNACKED bytes and a chunk are kept: what the server has not answered for is always
 * among them. On a new connection the file is opened again and they are sent again.
 *
 * A put that knows its digest writes to "tmp/<digest>", and the next one of that digest goes on
 * there. What counts of it is what the mark beside it says, "tmp/<digest>.at": how many bytes, and
 * their SHA-256. At each multiple of SYNC_STEP the file is fsynced and then the mark is written, and
 * a server serves requests in their order; so what is marked is durable. The digest is for a writer
 * that had other bytes, of a blob that was damaged where it came from: it is compared with what is
 * appended now, before anything is built on it. */
#include "lib/store/sftp_pool.h"

#include "lib/store/name.h"

#define SYNC_STEP ((uint64_t)16 << 20)
#define CHUNK     ((size_t)512 << 10)
#define TAIL_KEEP (SFTP_UNACKED + CHUNK)
#define TAIL_MAX  (2 * TAIL_KEEP)
#define MARK_LEN  ((size_t)20 + 1 + HASH_HEX - 1 + 1) /* decimal, space, hex, newline */

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
    char text[MARK_LEN + 1];
};

static bool mark_op(struct sftp_store *st, struct sftp_conn *conn, void *arg, struct err *err)
{
    struct mark *m = arg;
    struct sftp_put *p = m->put;

    (void)st;
    if (!is_open(p, conn) && !open_file(p, conn, err))
        return false;
    if (!sftp_extensions(conn->sftp)->fsync)
        return true;
    if (p->mark.handle_len == 0 &&
        !sftp_file_open(conn->sftp, p->mark_path, SFTP_FOR_WRITE | SFTP_CREATE, 0600, &p->mark,
                        err))
        return false;
    return sftp_file_write(conn->sftp, &p->mark, 0, m->text, MARK_LEN, err);
}

/* At a multiple of SYNC_STEP: what is there is proven, or marked for the next time. */
static bool at_step(struct sftp_put *p, struct err *err)
{
    struct mark m = {.put = p};
    struct digest now;
    char hex[HASH_HEX];

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
    digest_hex(&now, hex);
    snprintf(m.text, sizeof(m.text), "%020llu %s\n", (unsigned long long)p->written, hex);
    return run_on_own(p, mark_op, &m, err);
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
    bool keep = p->hash && !p->spoilt;
    struct err ignored = {0};

    pthread_mutex_lock(&conn->lock);
    bool connected = conn->sftp && !sftp_broken(conn->sftp);
    if (connected && is_open(p, conn))
        (void)close_both(p, conn, &ignored);
    if (connected && (p->epoch != 0 || p->skip > 0) && !keep)
        (void)sftp_remove(conn->sftp, p->tmp, &ignored);
    if (connected && p->mark_path && !keep)
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

    if (p->hash && p->written >= SYNC_STEP)
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

/* What the mark says, if it says anything; false when it does not hold. */
static bool read_mark(struct sftp_put *p, struct span text, uint64_t bytes)
{
    struct span at, hex;

    if (text.len != MARK_LEN || !span_split(&text, ' ', &at) || !span_split(&text, '\n', &hex) ||
        !span_u64(at, &p->skip) || !digest_parse(hex, &p->skipped) || p->skip > bytes ||
        p->skip % SYNC_STEP != 0) {
        p->skip = 0;
        return false;
    }
    return true;
}

static bool left_op(struct sftp_store *st, struct sftp_conn *conn, void *arg, struct err *err)
{
    struct sftp_put *p = arg;
    AUTO(buf) struct buf text = {0};
    struct err why = {0};
    struct sftp_attr attr;

    (void)st;
    p->skip = 0;
    if (!sftp_stat(conn->sftp, p->tmp, &attr, &why) ||
        !sftp_read_small(conn, p->mark_path, MARK_LEN, &text, &why))
        return why.code == ERR_MISSING || why.code == ERR_DAMAGED || err_pass(err, &why);
    (void)read_mark(p, buf_view(&text), attr.bytes);
    return true;
}

static bool put_expect(struct store_put *put, const struct digest *digest, struct err *err)
{
    struct sftp_put *p = put_of(put);
    char hex[HASH_HEX], name[STORE_NAME_MAX];

    if (!hash_open(&p->hash, err))
        return false;
    digest_hex(digest, hex);
    free(p->tmp);
    snprintf(name, sizeof(name), STORE_TMP "%s", hex);
    p->tmp = sftp_path(p->store, name, err);
    snprintf(name, sizeof(name), STORE_TMP "%s.at", hex);
    p->mark_path = sftp_path(p->store, name, err);
    if (!p->tmp || !p->mark_path)
        return false;
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
