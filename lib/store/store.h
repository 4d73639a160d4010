/* Stores: where the objects of an OCI image layout lie. One contract, one driver per URL scheme.
 *
 * Objects are named "oci-layout", "index.json" and "blobs/sha256/<64 hex>". Blobs are immutable and
 * content-addressed; index.json is the only object that changes, by compare-and-swap.
 * Guarantee: an object is visible under its name only when it is whole and durable (temporary name,
 * fsync, rename, fsync of the directory, or what the medium has for that).
 * Threads:   all functions of one store may be called from several threads; one store_put belongs
 *            to one thread at a time.
 * Errors:    ERR_MISSING for an absent object, ERR_SPACE, ERR_RIGHTS, ERR_UNREACHABLE, ERR_IO.
 * Source:    OCI image-layout 1.0.
 */
#ifndef LIB_STORE_STORE_H
#define LIB_STORE_STORE_H

#include "lib/base/auto.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/hash.h"
#include "lib/base/span.h"

struct store;
struct store_put;

enum store_mode {
    STORE_READ,  /* must exist */
    STORE_WRITE, /* made when it does not exist */
};

struct store_stat {
    uint64_t bytes;
    int64_t mtime_ns; /* for the grace period of gc */
};

typedef bool (*store_each)(void *ctx, const char *name, const struct store_stat *st,
                           struct err *err);

struct store_ops {
    const char *scheme; /* "" is a plain path */
    const char *help;
    bool (*open)(const char *url, enum store_mode mode, struct store **out, struct err *err);
    void (*close)(struct store *s);
    bool (*stat)(struct store *s, const char *name, struct store_stat *out, struct err *err);
    /* Exactly len bytes from offset; less is ERR_DAMAGED. */
    bool (*read)(struct store *s, const char *name, uint64_t offset, void *to, size_t len,
                 struct err *err);
    /* A whole object of at most `max` bytes as it was at one instant; ERR_DAMAGED when it has more, or
     * another size while it is read. NULL: store_get() looks at it, reads it and looks again. */
    bool (*get)(struct store *s, const char *name, size_t max, struct buf *out, struct err *err);
    bool (*put)(struct store *s, struct store_put **out, struct err *err);
    /* Objects whose name starts with prefix, in any order; temporary ones of crashed writers are
     * given with a name that starts with "tmp/". */
    bool (*list)(struct store *s, const char *prefix, store_each each, void *ctx, struct err *err);
    bool (*remove)(struct store *s, const char *name, struct err *err);
    /* Replaces `name` only if its content still hashes to *expected (NULL: only if it is absent).
     * ERR_LOCK when somebody else was first: read again and retry. */
    bool (*swap)(struct store *s, const char *name, const struct digest *expected,
                 struct span content, struct err *err);
};

/* Drivers embed these as their first member. */
struct store {
    const struct store_ops *ops;
    char *url;
};
struct store_put_ops {
    bool (*append)(struct store_put *p, const void *bytes, size_t len, struct err *err);
    /* Makes it visible; a blob that exists already is success. Frees p either way. */
    bool (*commit)(struct store_put *p, const char *name, struct err *err);
    void (*abort)(struct store_put *p); /* frees p; NULL is fine */
    /* NULL where a put cannot be continued; see store_put_expect(). */
    bool (*expect)(struct store_put *p, const struct digest *digest, struct err *err);
};
struct store_put {
    const struct store_put_ops *ops;
};

/* Before the first append, by who knows the digest of what is coming: a store far away then takes up
 * an interrupted put of the same bytes where it ended. All bytes are appended all the same; those
 * that are there are not sent again. commit() fails (ERR_DAMAGED) when the bytes were others, and
 * abort() keeps what was sent, in "tmp/". */
bool store_put_expect(struct store_put *p, const struct digest *digest, struct err *err);

/* Chooses the driver by the scheme of the URL; a plain path is the local driver. */
bool store_open(const char *url, enum store_mode mode, struct store **out, struct err *err);
void store_close(struct store *s);
AUTO_PTR(store, struct store, store_close)
extern const struct store_ops *const store_drivers[]; /* NULL-terminated, for --help */

/* Whole small objects. */
bool store_get(struct store *s, const char *name, size_t max, struct buf *out, struct err *err);
/* Stores bytes as a blob; *out is its digest. */
bool store_put_blob(struct store *s, struct span bytes, struct digest *out, struct err *err);
#define STORE_NAME_MAX 128
const char *store_blob_name(const struct digest *d, char out[STORE_NAME_MAX]);

#endif
