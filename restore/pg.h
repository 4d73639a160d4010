/* What the files of the PostgreSQL target share.
 *
 *   pg.c          the target: open, plan, finish, close; sessions
 *   pg_globals.c  roles and the database itself
 *   pg_place.c    the name on a server that is not ours
 *   pg_script.c   the schema's texts: run in order, or sorted into steps
 *   pg_progress.c what was loaded already
 *   pg_missing.c  what the server lacks
 *   pg_role_names.c the roles that a statement needs
 *   pg_rights.c   what the account lacks
 *   pg_tablespace.c tablespaces of a box
 *   pg_owner.c    whose things are here
 *   pg_part.c     the texts, cut to what is selected
 *   pg_key.c      a key as an index and a constraint that takes it over
 *   pg_weight.c   what an index costs
 *   pg_plan.c     tasks and what they wait for
 *   pg_load.c     rows and large objects
 *   pg_config.c   rows of extensions' configuration tables
 *   pg_binary.c   rows in binary form
 *
 * Order: schema; rows of each table; its keys and indexes; ANALYZE; then what spans tables: partition
 * indexes, foreign keys; then all the rest as pg_dump ordered it (triggers, rules, policies, views
 * that need a key, REFRESH of materialized views); then what the database itself is; and event
 * triggers at the very end, so that none sees what a restore does.
 */
#ifndef RESTORE_PG_H
#define RESTORE_PG_H

#include "lib/base/vec.h"
#include "lib/sql/split.h"
#include "restore/pg_binary.h"
#include "restore/pg_owner.h"
#include "restore/pg_part.h"
#include "restore/target.h"

#include <stdatomic.h>

struct pg_target_table {
    const struct stream *stream;
    const char *schema, *name, *copy; /* in the stream's meta */
    char *qualified;                  /* quoted */
    unsigned columns;
    struct pg_binary *binary; /* NULL: it is loaded as text */
    bool config;              /* of an extension, which has put rows of its own into it */
    bool large_objects;
    bool split;            /* loaded by several tasks at once */
    struct vec builds;     /* task_id: keys, indexes and statistics, then ANALYZE */
    unsigned late_keys;    /* indexes with a constraint to come */
    uint64_t index_weight; /* of all its indexes; see pg_weight.h */
    uint64_t tail;         /* bytes that its foreign keys will read */
};

enum pg_step_kind {
    PG_STEP_KEY,      /* PRIMARY KEY, UNIQUE, EXCLUDE: locks its table */
    PG_STEP_INDEX,    /* CREATE INDEX, CREATE STATISTICS */
    PG_STEP_SPANNING, /* indexes of partitioned tables and their ATTACH */
    PG_STEP_FOREIGN_KEY,
    PG_STEP_REST,
    PG_STEP_EVENT, /* event triggers */
};

struct pg_step {
    enum pg_step_kind kind;
    struct span text;                      /* in the target's post_data */
    unsigned line, weight;                 /* of an index */
    unsigned memory_kb;                    /* to sort an index in; 0: the session's */
    struct span tablespace;                /* as SET before it; .at NULL: the default */
    struct pg_target_table *table, *other; /* other: what a foreign key references */
    char *index, *constraint;              /* of a key that is built as an index first; else NULL */
};

struct pg_target {
    struct target base;
    struct target_conf conf;
    struct db_conf admin_conf, db_conf; /* the latter with our database */
    char *database;
    json_t *facts; /* of the database, in bundle.json; borrowed */
    bool created, finished, kept, cleared;
    json_t *tablespaces; /* of a box: names that its server is to have, as keys; NULL: none */
    json_t *done;        /* on resume: what is noted as loaded; NULL: nothing */
    struct db *admin;
    struct pg_part part;
    struct pg_target_table *tables;
    size_t table_count;
    struct vec steps; /* struct pg_step */
    atomic_uint_fast64_t rows_expected, rows_found;
};

/* A session on our database with the settings that loading needs. */
bool pg_target_session(void *target, unsigned worker, struct db **out, struct err *err);
/* The worker's own. */
bool pg_worker(struct pg_target *t, unsigned worker, struct db **out, struct err *err);
/* COMPONENT/name into `out`. */
bool pg_target_text(struct pg_target *t, const char *name, struct buf *out, struct err *err);
/* The text of a name token: unquoted. */
bool pg_name(struct span token, struct buf *out);

/* On a server that is not ours: refuses the bundle's source, takes the name's lock, looks at who has
 * the name. */
bool pg_place_open(struct pg_target *t, struct err *err);
bool pg_place_sweep(struct pg_target *t, struct err *err);
/* At the end: the half of a database is dropped; what was replaced and still stands is named. */
void pg_place_leave(struct pg_target *t);
bool pg_target_keep(struct target *base, struct err *err);
bool pg_target_clear(struct target *base, bool all, struct err *err);
bool pg_database_exists(struct pg_target *t, const char *name, bool *exists, struct err *err);
/* database.sql with the roles that it gets here. */
bool pg_database_text(struct pg_target *t, struct buf *out, struct err *err);

/* Those that a box's server lacks, below its data. */
bool pg_tablespaces_make(struct pg_target *t, struct err *err);

bool pg_roles_restore(struct pg_target *t, struct err *err);
bool pg_database_create(struct pg_target *t, struct err *err);
/* Owner, settings, comment, rights: once the data are there. */
bool pg_database_settle(struct pg_target *t, struct err *err);
/* On a server that is not ours, before it gets its name: what would be in our own way. */
bool pg_database_limit(struct pg_target *t, struct err *err);

/* ERR_MISSING with all that the server lacks: extensions, roles, locales, collations, files. */
bool pg_missing_check(struct pg_target *t, struct err *err);
/* A statement around a GRANT that is not the owner's (pg_text_grantor()): the session becomes the
 * grantor, or itself again. By SET ROLE, for which no superuser is needed. */
bool pg_script_grantor(struct db *db, struct span sql, bool *was_one, struct err *err);
/* Every statement of a text in order; errors name `what`, the line and the statement. */
bool pg_script_run(struct db *db, const char *what, struct span text, struct err *err);
bool pg_step_run(struct db *db, const struct pg_step *step, struct err *err);
/* The constraint over the index that pg_step_run() has built. */
bool pg_step_constraint(struct db *db, const struct pg_step *step, struct err *err);
bool pg_steps_sort(struct pg_target *t, struct err *err);
struct pg_target_table *pg_target_find(struct pg_target *t, struct span schema, struct span name);

bool pg_tasks_plan(struct pg_target *t, struct sched *sched, struct err *err);

/* Segments [from, to) of the table; truncate: in the same transaction, which lets rows be frozen. */
bool pg_load(struct pg_target *t, const struct pg_target_table *table, struct db *db, size_t from,
             size_t to, bool truncate, struct err *err);
/* Whether the session leaves triggers and foreign keys alone, as far as its account may. */
void pg_config_quiet(struct db *db, bool quiet);
/* The foreign keys that were left alone, once all rows are there. */
bool pg_config_check(struct pg_target *t, struct db *db, struct err *err);
bool pg_load_large(struct pg_target *t, const struct pg_target_table *table, struct db *db,
                   struct err *err);

#endif
