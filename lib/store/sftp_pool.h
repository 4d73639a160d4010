/* The connections of one SFTP store: for lib/store/sftp*.c alone. */
#ifndef LIB_STORE_SFTP_POOL_H
#define LIB_STORE_SFTP_POOL_H

#include "lib/ssh/sftp.h"
#include "lib/store/put_mark.h"
#include "lib/store/store.h"

#include <pthread.h>
#include <stdatomic.h>

#define POOL_MAX 4
#define SALT_HEX PUT_SALT

struct sftp_put;

/* A file that is kept open because the next read is mostly from the same. */
struct sftp_reading {
    struct sftp_file file;
    char name[STORE_NAME_MAX];
    uint64_t removals; /* of the store, when it was opened */
};

struct sftp_conn {
    pthread_mutex_t lock; /* held by who uses what follows */
    struct sftp *sftp;    /* NULL: not connected */
    uint64_t epoch;       /* connections so far: files of an earlier one are gone */
    struct sftp_reading reading;
    unsigned users; /* under the pool's lock */
};

struct sftp_store {
    struct store base;
    struct ssh_target to;
    pthread_mutex_t lock; /* of the users of each connection */
    pthread_mutex_t swap; /* one swap at a time: the others would wait for its lock file */
    _Atomic uint64_t removals;
    char token[SALT_HEX];  /* of this handle */
    struct sftp_put *puts; /* that go on, under `lock` */
    atomic_bool reached;   /* the first connection was made: a failure is an interruption */
    struct sftp_conn conns[POOL_MAX];
};

static inline struct sftp_store *sftp_store_of(struct store *s)
{
    return (struct sftp_store *)s;
}

/* The path of an object on the server; heap, NULL with err. */
char *sftp_path(const struct sftp_store *st, const char *name, struct err *err);

/* The connection with the fewest users; it counts one more until it is given back. */
struct sftp_conn *pool_take(struct sftp_store *st);
void pool_give(struct sftp_store *st, struct sftp_conn *conn);
/* Runs `op` on the connection, connected and locked; after a lost connection again, some times. */
typedef bool (*pool_op)(struct sftp_store *st, struct sftp_conn *conn, void *arg, struct err *err);
bool pool_run_on(struct sftp_store *st, struct sftp_conn *conn, pool_op op, void *arg,
                 struct err *err);
/* The same on any connection. */
bool pool_run(struct sftp_store *st, pool_op op, void *arg, struct err *err);
void pool_done(struct sftp_store *st);
/* A server calls a full disk a failure like any other: says ERR_SPACE where it is one. Returns
 * false. */
bool pool_explain(struct sftp_store *st, struct sftp_conn *conn, struct err *err);

/* Makes the names in a directory durable: OpenSSH opens directories for reading, and syncs what is
 * open. Nothing where a server does not; only a lost connection is an error. */
bool sftp_sync_dir(struct sftp_conn *conn, const char *path, struct err *err);
/* Of the directory that holds `path`. */
bool sftp_sync_parent(struct sftp_conn *conn, const char *path, struct err *err);

/* Whole small files; one that is being written just now is read again. ERR_DAMAGED when it has more
 * than `max` bytes, or never keeps its size. */
bool sftp_read_small(struct sftp_conn *conn, const char *path, uint64_t max, struct buf *out,
                     struct err *err);

/* sftp_put.c, sftp_swap.c */
bool sftp_put_open(struct store *s, struct store_put **out, struct err *err);
bool sftp_swap(struct store *s, const char *name, const struct digest *expected,
               struct span content, struct err *err);
bool sftp_salt(char out[SALT_HEX], struct err *err);

#endif
