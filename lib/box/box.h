/* Boxes: pre-production environments that we own. One contract, one driver per kind.
 *
 * A local box is a directory:
 *   box.json          identity, state, ports, the bundle it was restored from (atomic writes)
 *   environment.yaml  the environment file it was made from
 *   files/NAME/       the captured trees
 *   pg.NAME/ my.NAME/ data, socket and log of one private server per source server
 *   services/         log of each service
 *   pristine/         the restored state, for reset
 *   before/           while a restore replaces it: what the box held
 * State: new -> restoring -> ready (stopped) <-> running; broken when a restore failed; saving and
 * resetting while copies are made, finished or taken back by whoever works on the box next.
 * Nothing outside the directory is touched, with one exception: where its path is too long for a
 * socket (107 bytes) a private directory under /run or /tmp is made, noted in box.json and removed
 * with the box.
 * One process at a time changes a box: the first call that does takes a lock (flock on box.lock)
 * and box_close() gives it back; ERR_LOCK names the holder's pid. Looking needs no lock.
 * Servers and services run as an unprivileged user (postgres, mysql or nobody) when we are root;
 * they listen on 127.0.0.1 and on sockets of their own, on free ports that box.json remembers.
 * Threads: one at a time per struct box. docs/boxes.md is the reference.
 */
#ifndef LIB_BOX_BOX_H
#define LIB_BOX_BOX_H

#include "lib/base/auto.h"
#include "lib/base/buf.h"
#include "lib/db/db.h"
#include "lib/env/env.h"

#include <jansson.h>

#define BOX_LEDGER "migrate.ledger"

enum box_load { BOX_NORMAL, BOX_LOADING }; /* loading: fsync off and so on, events off */

struct box;

/* Everything an administrator's session needs: production's user, who may do everything on the
 * box's server, over the socket and so without a password. Applications come over TCP as the
 * variables ${db.NAME...} say, with the password that is the box's own. */
struct box_database {
    const char *name, *engine, *host, *socket, *user, *database;
    uint16_t port;
};

struct box_ops {
    const char *kind; /* "local" */
    bool (*create)(const char *where, const struct env *env, bool force, struct box **out,
                   struct err *err);
    bool (*open)(const char *where, struct box **out, struct err *err);
    void (*close)(struct box *b); /* what runs keeps running */
    bool (*databases)(struct box *b, enum box_load mode, bool up, struct err *err);
    bool (*services)(struct box *b, bool up, struct err *err); /* in order, health-checked */
    bool (*exec)(struct box *b, const char *const *argv, int *status, struct err *err);
    bool (*reset)(struct box *b, bool save,
                  struct err *err); /* save: make pristine; else go back */
    /* Stops and removes all of it, but for what it held before when `bring_back` says so. */
    bool (*destroy)(struct box *b, bool bring_back, struct err *err);
};

/* What became of a service. Strings are borrowed for the call. */
struct box_service {
    const char *name;
    const char *state;  /* "healthy", "died", "timeout": not healthy in time */
    const char *detail; /* its last words, or what its health check got; "" when healthy */
    double took_ms;     /* from its start; 0 when it is not known */
};

/* Told of every service that was started; what it says decides whether the start goes on. */
struct box_watch {
    bool (*service)(void *ctx, const struct box_service *s, struct err *err); /* NULL: nobody */
    void *ctx;
};

struct box {
    const struct box_ops *ops;
    char *where;
    struct env *env;        /* owned: the environment it was made from, kept in the box */
    struct box_watch watch; /* set by whoever opened it */
};

/* force: an existing box there is stopped and kept in before/ until the new one is ready
 * (box_set_state), or brought back (box_bring_back); else ERR_EXISTS with the hint. A directory that
 * holds anything but a box is never touched, nor one inside a tree of the environment. */
bool box_create(const char *where, const struct env *env, bool force, struct box **out,
                struct err *err);
bool box_open(const char *where, struct box **out, struct err *err);
void box_close(struct box *b);
AUTO_PTR(box, struct box, box_close)
bool box_start(struct box *b, struct err *err); /* databases, then services */
bool box_stop(struct box *b, struct err *err);  /* services, then databases */
/* Tells the watch of every service that was started and lives no more. */
bool box_check_services(struct box *b, struct err *err);
/* box.json as it is now (new reference), without passwords: state, why, bundle, servers and
 * services with "alive", "busy" (somebody else holds the lock), "holds_before". */
bool box_show(struct box *b, json_t **out, struct err *err);
/* The steps of a restore. bundle_digest may be NULL: unchanged. "ready" drops before/. */
bool box_set_state(struct box *b, const char *state, const char *bundle_digest, struct err *err);
/* How the box was restored, for those who look at it later ("restore" of box.json); borrowed. NULL:
 * nothing to say. */
bool box_set_restore(struct box *b, json_t *how, struct err *err);
bool box_set_broken(struct box *b, const char *why, struct err *err);
/* Removes the box; with bring_back what it held before a replacing restore stands again. The
 * struct stays to be closed and is good for nothing else. */
bool box_destroy(struct box *b, struct err *err);
bool box_bring_back(struct box *b, struct err *err);
bool box_holds_before(struct box *b);
/* Whether there is a box in this directory: also one that cannot be read, or whose replacing was cut
 * off. Another program's box.json makes none. */
bool box_is(const char *where);
/* Makes the present state the pristine one / goes back to it. Stops what runs. */
bool box_save(struct box *b, struct err *err);
bool box_reset(struct box *b, struct err *err);
/* What production's server of this database was set to (name -> value, as the bundle's facts have
 * it). What lib/db/settings.h knows is kept, and the box's server starts with it from then on, in
 * normal mode; the environment's own settings win. Databases that share a server: what they agree
 * on. Call it before the server is started for the first time. */
bool box_keep_settings(struct box *b, const char *database, const json_t *facts, struct err *err);
bool box_database(struct box *b, const char *name, struct box_database *out, struct err *err);
/* The same as a client's configuration; strings borrowed from the box until it is closed. */
bool box_db_conf(struct box *b, const char *name, struct db_conf *out, struct err *err);
/* Whether the account is one of those that a box makes for itself and its users on the MariaDB server
 * of that database, whatever production's of that name may do. */
bool box_makes_account(const struct env *env, const char *database, struct span user,
                       struct span host);
/* Path of a captured tree inside the box; heap. */
char *box_files(struct box *b, const char *name);
/* Expands ${...}; an unknown variable is ERR_CONFIG that names it. */
bool box_expand(struct box *b, const char *text, struct buf *out, struct err *err);
/* Applies the environment's rewrite rules to the trees; `how` NULL: all of them, unreported. */
struct box_rewriting {
    bool (*wanted)(void *ctx, const struct env_rewrite *rule);                /* NULL: every rule */
    void (*report)(void *ctx, const struct env_rewrite *rule, unsigned hits); /* may be NULL */
    void *ctx;
};
bool box_rewrite(struct box *b, const struct box_rewriting *how, struct err *err);
/* HTTP GET for health and smoke checks: status and body (at most 1 MiB). */
bool box_http_get(const char *url, double timeout_s, unsigned *status, struct buf *body,
                  struct err *err);

#endif
