/* What the files of the MariaDB target share.
 *
 *   my.c         the target: open, plan, finish, close; sessions and load-time settings
 *   my_table.c   making tables, indexes, foreign keys, statistics, counting
 *   my_load.c    rows
 *   my_progress.c what was loaded already
 *   my_missing.c what the server lacks
 *   my_place.c   the name on a server that is not ours: who has it, and what a killed restore has left
 *   my_keep.c    the moving of tables to it
 *   my_rights.c  what the account may not do there
 *   my_here.c    names of databases and definers as they are there
 *   my_select.c  what is selected
 *   my_object.c  sequences, views, routines, triggers, events
 *   my_accounts.c accounts, roles, grants, and who objects run as
 */
#ifndef RESTORE_MY_H
#define RESTORE_MY_H

#include "lib/base/vec.h"
#include "lib/db/db.h"
#include "restore/missing.h"
#include "restore/my_here.h"
#include "restore/my_select.h"
#include "restore/target.h"

#include <stdatomic.h>

struct my_target_table {
    const struct stream *stream;
    char *name, *create, *load;
    bool versioned;
    bool history; /* the stream holds the rows that were, too */
    bool innodb;
    bool late;          /* a column draws from a database that is still to be moved */
    atomic_bool unseen; /* there are warnings of its loads that nobody has looked at */
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
    char *database;           /* that is loaded */
    struct my_here here;      /* the texts in it */
    /* On a server: the database that is loaded is there; a restore has begun to move its tables; they
     * have moved. */
    bool created, moving, kept;
    bool touched; /* by this run: what others have left is not its to drop when it is refused */
    struct db *main;
    bool versioned, history; /* of some table */
    struct my_target_table *tables;
    size_t table_count;
    json_t *done;        /* on resume: what is noted as loaded; NULL: nothing is noted */
    json_t *lacking;     /* definers that were not there at the beginning; NULL: none */
    json_t *unresolved;  /* accounts whose host is a name, as keys; NULL: none */
    bool interleaved;    /* innodb_autoinc_lock_mode is 2 */
    struct vec settings; /* struct my_setting */
    atomic_uint_fast64_t rows_expected, rows_found;
};

/* Session settings that every load needs. */
bool my_target_session(struct my_target *t, struct db **out, struct err *err);
/* The worker's own. */
bool my_worker(struct my_target *t, unsigned worker, struct db **out, struct err *err);
/* How long a statement waits for a table that somebody uses, on a server that is not ours. */
#define MY_LOCK_WAIT_S 30u
bool my_run(struct db *db, const char *sql, size_t len, struct err *err);
/* The bytes of a text in meta; heap. ERR_DAMAGED when it is missing. */
char *my_meta_text(const json_t *meta, const char *key, size_t *len, struct err *err);

/* ERR_MISSING with all that the server lacks: engines, full-text parsers, character sets, collations,
 * accounts, rights. */
bool my_missing_check(struct my_target *t, struct err *err);

/* On a server that is not ours: refuses the bundle's source, takes the name's lock, looks at who has
 * the name. */
bool my_place_open(struct my_target *t, struct err *err);
/* The database that is loaded: made anew, or gone on with. */
bool my_place_make(struct my_target *t, struct err *err);
void my_place_drop(struct my_target *t);
/* One that was made for what is to come, with its grants, is as good as none. */
bool my_is_filled(struct my_target *t, const char *database, bool *filled, struct err *err);
/* All but views. */
bool my_count_tables(struct my_target *t, const char *database, uint64_t *tables, struct err *err);
bool my_database_drop(struct my_target *t, const char *database, struct err *err);
bool my_database_exists(struct my_target *t, const char *database, bool *exists, struct err *err);
/* What was set aside: refused while others have foreign keys into it, but those that go as well. `db` is
 * a session beside the main one. */
bool my_place_drop_old(struct my_target *t, struct db *db, const char *old, struct err *err);
/* With the bundle's character set. */
bool my_database_make(struct my_target *t, const char *database, struct err *err);
/* On resume: takes away what of the old one is still where the new one stands. */
bool my_keep_clear(struct my_target *t, struct db *db, struct err *err);
bool my_target_keep(struct target *base, struct err *err);
bool my_target_clear(struct target *base, bool all, struct err *err);

/* Adds the rights that the account lacks on the databases that it is to fill. */
bool my_sequences_missing(struct my_target *t, struct missing *missing, struct err *err);
bool my_grants_missing(struct my_target *t, struct missing *missing, struct err *err);
/* ERR_MISSING with the accounts that the server lacks, and the routines, triggers and events that this
 * account may not make: by making them, before anything is loaded. */
bool my_target_rights(struct my_target *t, struct err *err);

bool my_table_init(struct my_target_table *t, const struct stream *stream, struct err *err);
/* Whether the table's engine keeps rows of its own. */
bool my_has_rows(const struct stream *s);
void my_table_done(struct my_target_table *t);
/* Adds the tasks of all tables: made after `after`; *done is reached when every table has its rows,
 * indexes and foreign keys. */
bool my_plan_tables(struct my_target *t, struct sched *sched, task_id after, task_id *done,
                    struct err *err);
/* Loads segments [from, to) of the table's stream. */
bool my_load(struct my_target *t, struct my_target_table *table, struct db *db, size_t from,
             size_t to, struct err *err);

bool my_sequences(struct my_target *t, struct db *db, struct err *err);
/* The objects of one text, in its order. */
enum my_kind { MY_ROUTINES, MY_TRIGGERS, MY_VIEWS, MY_EVENTS };
bool my_objects(struct my_target *t, struct db *db, enum my_kind kind, struct err *err);
/* The mode, zone and charsets that the object is made under, and those of the target's sessions. */
bool my_object_session(struct db *db, const json_t *o, struct err *err);
bool my_object_session_back(struct db *db, struct err *err);
/* Views that depend on nothing, with the columns of the real ones. */
bool my_stand_ins(struct my_target *t, struct db *db, struct err *err);
/* Those that need others behind them: without stand-ins all do, with them those with a CHECK OPTION,
 * for a stand-in takes no rows. */
bool my_views_sorted(struct my_target *t, struct db *db, struct err *err);
/* Each event as it was, and so at work: the last of all. */
bool my_events_on(struct my_target *t, struct db *db, struct err *err);
/* The list of such objects in the bundle; *out is NULL when it has none. */
bool my_object_list(struct my_target *t, enum my_kind kind, const json_t **out, struct err *err);
/* Those of them that are restored, one by one; the first failure ends it. */
bool my_object_each(struct my_target *t, enum my_kind kind,
                    bool (*each)(void *ctx, const json_t *o, struct err *err), void *ctx,
                    struct err *err);
bool my_object_make(struct my_target *t, struct db *db, const json_t *object, struct err *err);
/* All that are there: views, routines, triggers and events. */
bool my_objects_drop(struct db *db, struct err *err);
bool my_drop(struct db *db, const char *kind, const char *name, struct err *err);
/* The text of CREATE EVENT with its state changed to DISABLE. */
bool my_event_disabled(struct span create, struct buf *out);

#endif
