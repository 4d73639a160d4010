/* Sources: what a snapshot reads. One contract; files, PostgreSQL, MariaDB and host facts.
 *
 * Life: open (connect, check), point (take the consistent point, keep the lock short), plan (add one task per unit
 * of work to the scheduler, cost in bytes), the tasks run on any worker, finish (what must be read
 * last: sequences, post-data schema, DDL check, component facts), close.
 * All sources of a snapshot are opened; then each takes its consistent point, one behind the other, as
 * close as possible, before any task runs. The instant of each is recorded in its component facts.
 * Sessions: a source holds at most one for itself; those of the tasks are seats, which all share, or a
 * server's own, which its databases share. So they grow by one with a database, not by --jobs.
 * Threads: open, point, plan, finish, close on the main thread; tasks use session `worker` only.
 */
#ifndef SNAPSHOT_SOURCE_H
#define SNAPSHOT_SOURCE_H

#include "lib/base/progress.h"
#include "lib/base/sched.h"
#include "lib/base/vec.h"
#include "lib/bundle/bundle.h"
#include "lib/db/seats.h"
#include "lib/env/env.h"
#include "lib/journal/journal.h"
#include "snapshot/lag.h"
#include "snapshot/room.h"

#include <stdatomic.h>

struct source;

/* Programs beside us that hold a session each. */
struct dump_slots {
    atomic_uint running;
    unsigned most;
};

struct source_conf {
    const struct env *env;
    struct bundle_writer *writer;
    struct journal *journal;
    struct progress *progress;
    unsigned jobs;
    const struct vec *opened; /* struct source *: those before */
    struct seats *seats;      /* of the tasks of all sources */
    struct dump_slots *dumps;
    struct rooms *rooms; /* of the tasks of all sources */
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
    bool (*point)(struct source *s, struct err *err); /* NULL: it has no instant */
    bool (*plan)(struct source *s, struct sched *sched, struct err *err);
    bool (*finish)(struct source *s, struct err *err);
    void (*close)(struct source *s);
};

struct source { /* sources embed it first */
    const struct source_ops *ops;
};

extern const struct source_ops source_files, source_postgresql, source_mariadb, source_facts;

#endif
