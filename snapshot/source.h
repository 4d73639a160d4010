/* Sources: what a snapshot reads. One contract; files, PostgreSQL, MariaDB and host facts.
 *
 * Life: open (connect, take the consistent point, keep the lock short), plan (add one task per unit
 * of work to the scheduler, cost in bytes), the tasks run on any worker, finish (what must be read
 * last: sequences, post-data schema, DDL check, component facts), close.
 * All sources of a snapshot are opened one behind the other, as close as possible, before any task
 * runs; the instant of each is recorded in its component facts.
 * Threads: open, plan, finish, close on the main thread; tasks use session `worker` only.
 */
#ifndef SNAPSHOT_SOURCE_H
#define SNAPSHOT_SOURCE_H

#include "lib/base/progress.h"
#include "lib/base/sched.h"
#include "lib/bundle/bundle.h"
#include "lib/env/env.h"
#include "lib/journal/journal.h"
#include "snapshot/lag.h"

struct source;

struct source_conf {
    const struct env *env;
    struct bundle_writer *writer;
    struct journal *journal;
    struct progress *progress;
    unsigned jobs;
    double lock_timeout_s;
    struct lag *lag;     /* NULL: nobody watches replicas */
    uint64_t rate_bytes; /* per second over all jobs; 0: unlimited */
    bool dry_run;        /* the tasks will not run */
    bool paranoid;       /* files are read whatever the parent says of them */
};

struct source_ops {
    const char *name;
    /* index: which of env->files / env->databases; ignored by facts. */
    bool (*open)(const struct source_conf *conf, unsigned index, struct source **out,
                 struct err *err);
    bool (*plan)(struct source *s, struct sched *sched, struct err *err);
    bool (*finish)(struct source *s, struct err *err);
    void (*close)(struct source *s);
};

struct source { /* sources embed it first */
    const struct source_ops *ops;
};

extern const struct source_ops source_files, source_postgresql, source_mariadb, source_facts;

#endif
