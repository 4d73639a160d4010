/* Targets: what a restore writes. The mirror of snapshot/source.h.
 *
 * Life: open (the server runs in load mode, the bundle is open: check versions, roles, extensions;
 * report what is missing before anything is loaded), plan (tasks with their dependencies: schema,
 * data, indexes, constraints, ANALYZE), plan_last (what may name things of the other targets), the tasks
 * run, finish (what comes last), keep (on a server: what is loaded, and proven, gets its name), clear
 * (what had it goes), close: what was not kept on a server goes.
 * Ownership: the conf that open was given is borrowed until close.
 * Threads: as in source.h; session `worker` belongs to the thread.
 */
#ifndef RESTORE_TARGET_H
#define RESTORE_TARGET_H

#include "lib/base/progress.h"
#include "lib/base/sched.h"
#include "lib/base/vec.h"
#include "lib/bundle/bundle.h"
#include "lib/db/seats.h"
#include "lib/journal/journal.h"
#include "restore/place.h"
#include "restore/selection.h"

struct target;

struct target_conf {
    struct bundle *bundle;
    const struct place *place; /* of all */
    const char *component;     /* "files/code" for files; "postgresql.shop" for databases */
    const char *dir;           /* files: where the tree goes (made, empty) */
    const struct db_conf *db;  /* databases: an administrator's session on the box's server */
    struct selection what;
    struct journal *journal;
    struct progress *progress;
    unsigned jobs;
    struct seats *seats; /* of the tasks of all targets */
    unsigned later;      /* databases that are still to be opened by the same account */
    bool verify;         /* a proof follows, on servers with the same seats */
    bool resume;         /* what was loaded before a crash or failure is kept */
    bool owned;          /* the server is the box's own: load-time settings are allowed */
    const char *final;   /* on a server that is not: the database's name at the end */
    bool replace;        /* one that has that name goes then */
};

struct target_ops {
    const char *name; /* "files", "postgresql", "mariadb": the component up to the first . or / */
    bool (*open)(const struct target_conf *conf, struct target **out, struct err *err);
    /* *ready: the task behind which others may name what is made; untouched without plan_last. */
    bool (*plan)(struct target *t, struct sched *sched, task_id *ready, struct err *err);
    bool (*plan_last)(struct target *t, struct sched *sched, const struct vec *ready,
                      struct err *err); /* task_id of all that are planned; NULL: nothing */
    bool (*finish)(struct target *t, struct err *err);
    bool (*keep)(struct target *t, struct err *err); /* NULL: it is where it belongs */
    /* Behind the keep of those before it: what may name things of the others is made, and when all
     * have their names what was replaced goes. Is repeated when it fails, once the others have done
     * theirs. With keep. */
    bool (*clear)(struct target *t, bool all, struct err *err);
    void (*close)(struct target *t);
    /* On resume, of a component that was brought to its end: whether it still is. NULL: it is. */
    bool (*whole)(const struct target_conf *conf, bool *whole, struct err *err);
};

struct target { /* targets embed it first */
    const struct target_ops *ops;
    bool partial;         /* only some of the component's streams: */
    uint64_t rows, bytes; /* what those hold */
    bool replaced;        /* a database that had the name is gone */
    bool placed;          /* on resume: it has its name already */
    json_t *left_out;     /* [{"what", "why"}]; freed by target_forget() */
};

/* Notes, once, what could not be restored as it was; it is no error. */
bool target_leave(struct target *t, const char *component, const char *what, const char *why,
                  struct err *err);
bool target_leave_all(struct target *t, const char *component, const json_t *list, struct err *err);
void target_forget(struct target *t);
/* What `final` was before it was replaced stands there as `old`; back: how it gets its name again. */
bool target_refuse_aside(const char *old, const char *label, const char *final, const char *back,
                         struct err *err);
/* Both versions of a server's identity are told and equal: it is the one that was captured. */
bool target_refuse_source(const char *label, struct err *err);

extern const struct target_ops target_files, target_postgresql, target_mariadb;

#endif
