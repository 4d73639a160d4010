/* What the files of the PostgreSQL source share.
 *
 *   pg.c          the source: open, plan, finish, close
 *   pg_catalog.c  tables and their columns, sequences
 *   pg_lock.c     the consistent point: locks, exported snapshot, position
 *   pg_worker.c   how many sessions there may be; those of the workers
 *   pg_data.c     ranges of blocks into segments
 *   pg_keep.c     the ranges that the parent had
 *   pg_dump.c     pg_dump beside us
 *   pg_schema.c   schema, globals, database, settings: texts into the bundle
 *
 * Consistency: the leader locks every table (ACCESS SHARE) before it takes the snapshot, so no DDL
 * can come between; workers import that snapshot. Sequences are read last: they never go back.
 */
#ifndef SNAPSHOT_PG_H
#define SNAPSHOT_PG_H

#include "lib/base/spill.h"
#include "lib/base/vec.h"
#include "lib/db/db.h"
#include "snapshot/source.h"

#include <pthread.h>
#include <stdatomic.h>

#define PG_BLOCK 8192u

struct pg_column {
    char *name, *type;
};

/* Blocks [from, to) that the parent had in one segment, or in one and a small neighbour. */
struct pg_kept {
    uint64_t from, to, raw_bytes;
    const struct segment *like;
};

struct pg_table {
    uint64_t oid, filenode; /* of its file, another one when it was written anew; 0: not known */
    char *schema, *name;
    char *condition; /* of an extension's configuration table; NULL: all rows */
    char kind;       /* of pg_class.relkind: r p f m */
    char persistence;
    bool heap, readable, hidden_rows;
    bool is_config;
    uint64_t heap_bytes, all_bytes;
    struct vec columns;   /* struct pg_column that hold data */
    char *qualified;      /* quoted */
    char *list;           /* quoted columns, "" for none */
    struct pg_kept *kept; /* kept_count of them, in the source's spill */
    size_t kept_count;
    uint32_t stream;
    bool captured; /* has a stream */
};

struct pg_tables {
    struct vec at; /* struct pg_table, by oid */
};

struct pg_dumping;

struct pg_source {
    struct source base;
    struct source_conf conf;
    const struct env_database *from;
    struct db_conf db_conf;
    char *component;
    struct db *leader; /* holds the locks and the snapshot */
    pthread_mutex_t leader_lock;
    unsigned char **locked; /* per worker: which tables its session holds a lock of its own on */
    struct pg_tables tables;
    struct spill kept; /* struct pg_kept, of all tables: as many as there are segments */
    struct pg_dumping *dumping;
    char *snapshot, *lsn, *xids, *taken_at, *timeline;
    char *cluster; /* identifier of the server's data; NULL: not known */
    bool standby;
    bool first; /* of the databases that its account reads on its server */
    int64_t lock_ns;
    json_t *left_out;
    unsigned table_count, sequence_count;
    _Atomic uint64_t rows, bytes;
};

bool pg_tables_read(struct db *db, struct pg_tables *out, struct err *err);
void pg_tables_done(struct pg_tables *t);
struct pg_table *pg_tables_find(const struct pg_tables *t, uint64_t oid);
/* Sizes of the tables that this session has locked: asking for others' could wait for a lock. */
bool pg_tables_measure(struct db *db, struct pg_tables *t, struct err *err);

/* Adds what mends it when a standby ended a session of ours in favour of its recovery; false. */
bool pg_conflict(const struct pg_source *s, struct err *err);
/* Locks, then the snapshot, then the list again under it. */
bool pg_point_take(struct pg_source *s, struct err *err);

/* Refuses what needs more sessions than the server has free, and makes do with few. */
bool pg_sessions_fit(struct pg_source *s, unsigned index, struct err *err);
bool pg_workers_init(struct pg_source *s, struct err *err);
/* The worker's session, on the exported snapshot. */
bool pg_worker_take(struct pg_source *s, unsigned worker, struct db **out, struct err *err);
/* Begins its transaction anew: it holds no lock any more. */
bool pg_worker_again(struct pg_source *s, unsigned worker, struct db *db, struct err *err);

/* Fills t->kept, in order and without gaps from block 0; it stays empty when the table was written
 * anew or altered since the parent, or there is none. */
bool pg_keep_ranges(struct pg_source *s, struct pg_table *t, struct err *err);
bool pg_data_plan(struct pg_source *s, struct sched *sched, struct err *err);

/* pg_dump locks every table once more. DDL that waits for the leader's locks would make it wait, and
 * with it the whole snapshot: so it is started at once, and the point stands only when it has its
 * locks. *again: DDL came between; it is gone, and the point must be taken anew. */
bool pg_dump_start(struct pg_source *s, bool *again, struct err *err);
/* Until there is room for one more. */
bool pg_dump_room(struct pg_source *s, struct err *err);
/* Waits for its end. */
bool pg_dump_join(struct pg_source *s, struct buf *archive, struct err *err);
/* A task: the schema's texts. */
bool pg_schema_plan(struct pg_source *s, struct sched *sched, struct err *err);
bool pg_sequences_write(struct pg_source *s, struct err *err);
bool pg_globals_write(struct pg_source *s, struct err *err);
bool pg_settings_write(struct pg_source *s, struct err *err);
/* The database's encoding, locale, owner and the server's version, as an object. */
bool pg_identity_read(struct pg_source *s, json_t **out, struct err *err);
bool pg_leave_out(struct pg_source *s, const char *what, const char *why, struct err *err);
bool pg_left_out_read(struct pg_source *s, struct err *err);

#endif
