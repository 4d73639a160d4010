/* Boxes: pre-production environments that we own. One contract, one driver per kind.
 *
 * A local box is a directory:
 *   box.json      identity, state, ports, the bundle it was restored from (atomic writes)
 *   files/NAME/   the captured trees
 *   pg.NAME/ my.NAME/   data, socket and log of one private server per source server
 *   services/     pid and log of each service
 *   pristine/     the restored state, for reset
 * State: new -> restoring -> ready (stopped) <-> running; broken when a restore failed.
 * Nothing outside the directory is touched. One process at a time works on a box (flock on
 * box.lock; ERR_LOCK names the holder's pid).
 * Servers and services run as an unprivileged user (postgres, mysql or nobody) when we are root;
 * they listen on 127.0.0.1 and on sockets of their own, on free ports that box.json remembers.
 */
#ifndef LIB_BOX_BOX_H
#define LIB_BOX_BOX_H

#include "lib/base/auto.h"
#include "lib/base/buf.h"
#include "lib/db/db.h"
#include "lib/env/env.h"

#include <jansson.h>

enum box_load { BOX_NORMAL, BOX_LOADING }; /* loading: fsync off and so on, events off */

struct box;

/* Everything a database client needs, in plain values; mapped to struct db_conf by the caller. */
struct box_database {
    const char *name, *engine, *host, *socket, *user, *database;
    uint16_t port;
};

struct box_ops {
    const char *kind; /* "local" */
    bool (*create)(const char *where, const struct env *env, struct box **out, struct err *err);
    bool (*open)(const char *where, struct box **out, struct err *err);
    void (*close)(struct box *b); /* what runs keeps running */
    bool (*databases)(struct box *b, enum box_load mode, bool up, struct err *err);
    bool (*services)(struct box *b, bool up, struct err *err); /* in order, health-checked */
    bool (*exec)(struct box *b, const char *const *argv, int *status, struct err *err);
    bool (*reset)(struct box *b, bool save, struct err *err); /* save: make pristine; else go back */
    bool (*destroy)(struct box *b, struct err *err); /* closes it too */
};

struct box {
    const struct box_ops *ops;
    char *where;
    struct env *env; /* owned: the environment it was made from, kept in the box */
};

/* force: an existing box there is destroyed first; else ERR_EXISTS with the hint. A directory that
 * is not a box is never touched. */
bool box_create(const char *where, const struct env *env, bool force, struct box **out,
                struct err *err);
bool box_open(const char *where, struct box **out, struct err *err);
void box_close(struct box *b);
AUTO_PTR(box, struct box, box_close)
bool box_start(struct box *b, struct err *err); /* databases, then services */
bool box_stop(struct box *b, struct err *err);  /* services, then databases */
/* box.json as it is now (new reference): state, ports, bundle ... */
bool box_show(struct box *b, json_t **out, struct err *err);
bool box_set_state(struct box *b, const char *state, const char *bundle_digest, struct err *err);
bool box_database(struct box *b, const char *name, struct box_database *out, struct err *err);
/* The same as a client's configuration; strings borrowed from the box until it is closed. */
bool box_db_conf(struct box *b, const char *name, struct db_conf *out, struct err *err);
/* Path of a captured tree inside the box; heap. */
char *box_files(struct box *b, const char *name);
/* Expands ${...}; an unknown variable is ERR_CONFIG that names it. */
bool box_expand(struct box *b, const char *text, struct buf *out, struct err *err);
/* Applies the environment's rewrite rules to the trees. Each rule's hits are reported. */
bool box_rewrite(struct box *b, void (*report)(void *ctx, const struct env_rewrite *rule, unsigned hits),
                 void *ctx, struct err *err);
/* HTTP GET for health and smoke checks: status and body (at most 1 MiB). */
bool box_http_get(const char *url, double timeout_s, unsigned *status, struct buf *body,
                  struct err *err);

#endif
