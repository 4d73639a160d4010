/* Targets: what a restore writes. The mirror of snapshot/source.h.
 *
 * Life: open (the server runs in load mode, the bundle is open: check versions, roles, extensions;
 * report what is missing before anything is loaded), plan (tasks with their dependencies: schema,
 * data, indexes, constraints, ANALYZE), the tasks run, finish (what comes last), close.
 * Ownership: the conf that open was given is borrowed until close.
 * Threads: as in source.h; session `worker` belongs to the thread.
 */
#ifndef RESTORE_TARGET_H
#define RESTORE_TARGET_H

#include "lib/base/progress.h"
#include "lib/base/sched.h"
#include "lib/bundle/bundle.h"
#include "lib/db/db.h"
#include "lib/journal/journal.h"
#include "restore/selection.h"

struct target;

struct target_conf {
    struct bundle *bundle;
    const char *component;    /* "files/code" for files; "postgresql.shop" for databases */
    const char *dir;          /* files: where the tree goes (made, empty) */
    const struct db_conf *db; /* databases: an administrator's session on the box's server */
    struct selection what;
    struct journal *journal;
    struct progress *progress;
    unsigned jobs;
    bool resume; /* what was loaded before a crash or failure is kept */
    bool owned;  /* the server is the box's own: load-time settings are allowed */
};

struct target_ops {
    const char *name; /* "files", "postgresql", "mariadb": the component up to the first . or / */
    bool (*open)(const struct target_conf *conf, struct target **out, struct err *err);
    bool (*plan)(struct target *t, struct sched *sched, struct err *err);
    bool (*finish)(struct target *t, struct err *err);
    void (*close)(struct target *t);
    /* On resume, of a component that was brought to its end: whether it still is. NULL: it is. */
    bool (*whole)(const struct target_conf *conf, bool *whole, struct err *err);
};

struct target { /* targets embed it first */
    const struct target_ops *ops;
    bool partial;         /* only some of the component's streams: */
    uint64_t rows, bytes; /* what those hold */
};

extern const struct target_ops target_files, target_postgresql, target_mariadb;

#endif
