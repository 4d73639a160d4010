/* What the files of the MariaDB target share.
 *
 *   my.c         the target: open, plan, finish, close; sessions and load-time settings
 *   my_table.c   making tables, indexes, foreign keys, statistics, counting
 *   my_load.c    rows
 *   my_progress.c what was loaded already
 *   my_missing.c what the server lacks
 *   my_select.c  what is selected
 *   my_object.c  sequences, views, routines, triggers, events
 *   my_accounts.c accounts, roles, grants, and who objects run as
 */
#ifndef RESTORE_MY_H
#define RESTORE_MY_H

#include "lib/base/vec.h"
#include "lib/db/db.h"
#include "restore/my_select.h"
#include "restore/target.h"

#include <stdatomic.h>

struct my_target_table {
    const struct stream *stream;
    char *name, *create, *load;
    bool versioned;
    bool innodb;
};

struct my_setting {
    const char *name;
    char *before; /* NULL: was not changed */
};

struct my_target {
    struct target base;
    struct target_conf conf;
    struct db_conf db_conf;   /* with the database's name */
    const json_t *facts;      /* of the component, in bundle.json */
    struct my_select *select; /* NULL: all of it */
    char *database;
    struct db *main;
    bool history; /* some table is system-versioned */
    struct my_target_table *tables;
    size_t table_count;
    json_t *done;        /* on resume: what is noted as loaded; NULL: nothing is noted */
    bool interleaved;    /* innodb_autoinc_lock_mode is 2 */
    struct vec settings; /* struct my_setting */
    atomic_uint_fast64_t rows_expected, rows_found;
};

/* Session settings that every load needs. */
bool my_target_session(struct my_target *t, struct db **out, struct err *err);
/* The worker's own. */
bool my_worker(struct my_target *t, unsigned worker, struct db **out, struct err *err);
bool my_run(struct db *db, const char *sql, size_t len, struct err *err);
/* The bytes of a text in meta; heap. ERR_DAMAGED when it is missing. */
char *my_meta_text(const json_t *meta, const char *key, size_t *len, struct err *err);

/* ERR_MISSING with all that the server lacks: engines, full-text parsers, character sets, collations,
 * accounts. */
bool my_missing_check(struct my_target *t, struct err *err);

bool my_table_init(struct my_target_table *t, const struct stream *stream, struct err *err);
void my_table_done(struct my_target_table *t);
/* Adds the tasks of all tables: made after `after`; *done is reached when every table has its rows,
 * indexes and foreign keys. */
bool my_plan_tables(struct my_target *t, struct sched *sched, task_id after, task_id *done,
                    struct err *err);
/* Loads segments [from, to) of the table's stream. */
bool my_load(struct my_target *t, const struct my_target_table *table, struct db *db, size_t from,
             size_t to, struct err *err);

bool my_sequences(struct my_target *t, struct db *db, struct err *err);
/* Routines, views, triggers, events, in an order in which each finds what it needs. */
bool my_objects(struct my_target *t, struct db *db, struct err *err);
/* The text of CREATE EVENT with its state changed to DISABLE. */
bool my_event_disabled(struct span create, struct buf *out);

#endif
