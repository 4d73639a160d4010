/* Measures what each statement did: locks, rows per table, and columns that it wiped.
 *
 * Life: open (reads the list of tables; with `profile` also every table once), then
 * meter_after per statement, around transactions meter_begin and meter_end, meter_flush at the
 * end of each file, close. What is found goes into the journal as migrate.change events.
 * A measurement that fails in the middle (a lock, LOCK TABLES) is made up for later and never fails
 * the statement; at the flush it is an error.
 * Method: PostgreSQL counts by pg_stat_xact_user_tables, which sees cascades and triggers, and by
 * the table's file, which sees TRUNCATE. MariaDB has no such counters: there every table that the
 * statement's words reach (foreign keys, triggers, views, routines) is looked at again.
 * Threads: one.
 */
#ifndef MIGRATE_METER_H
#define MIGRATE_METER_H

#include "lib/base/auto.h"
#include "lib/journal/journal.h"
#include "migrate/session.h"
#include "migrate/table.h"

struct meter;

struct meter_conf {
    struct session *session;
    struct journal *journal;
    const char *database;
    bool profile;
};

/* A statement, and after it ran its result. */
struct meter_step {
    const struct script *script;
    const struct statement *statement;
    struct db_result result;
    bool data;
};

bool meter_open(const struct meter_conf *conf, struct meter **out, struct err *err);
void meter_close(struct meter *m);
AUTO_PTR(meter, struct meter, meter_close)
/* Each file has a session of its own. */
bool meter_session(struct meter *m, struct session *session, struct err *err);
/* A transaction was opened; ends. */
bool meter_begin(struct meter *m, struct err *err);
void meter_end(struct meter *m);
/* *locks: array of {table, mode}; new reference, also when nothing is known. */
bool meter_after(struct meter *m, const struct meter_step *step, json_t **locks, struct err *err);
bool meter_flush(struct meter *m, struct err *err);
/* The transaction was rolled back: what was gathered in it is void. */
void meter_forget(struct meter *m);

/* ---- for the engines --------------------------------------------------------------------------*/

struct meter_ops {
    /* What stands around a column in a query that gives 1 when its newest value is of now; the
     * table's name follows. */
    const char *recent_before, *recent_after;
    /* A new session is used from here on. */
    bool (*session)(struct meter *m, struct err *err);
    /* Reads the list of tables, and takes their figures as they are. */
    bool (*list)(struct meter *m, struct err *err);
    bool (*columns)(struct meter *m, const struct table *t, struct vec *out, struct err *err);
    /* Calls meter_touch() for what the statement may have changed. */
    bool (*after)(struct meter *m, const struct meter_step *step, json_t *locks, struct err *err);
    /* Around reads of ours, so that neither the script's settings nor a failure reach the other. */
    bool (*enter)(struct meter *m, struct err *err);
    bool (*leave)(struct meter *m, struct err *err);
    void (*close)(struct meter *m);
};

struct meter {
    const struct meter_ops *ops;
    struct meter_conf conf;
    struct db *db;
    struct vec tables; /* of struct table */
    bool in_transaction;
    void *own; /* the engine's */
};

extern const struct meter_ops meter_postgresql, meter_mariadb;

struct touch {
    uint64_t changed;
    int64_t rows; /* inserted minus deleted, when known */
    bool look;    /* the profile may differ */
    bool now;     /* look at once, whatever the share */
    bool guess;   /* nobody knows whether it was changed at all */
};
bool meter_touch(struct meter *m, struct table *t, const struct meter_step *step,
                 const struct touch *touch, struct err *err);
struct table *meter_table(struct meter *m, uint64_t id, struct span name);
/* Adds what is not there yet and marks it seen. */
struct table *meter_add(struct meter *m, uint64_t id, struct span name, struct span quoted,
                        struct err *err);

/* A table of the list is gone: told with its rows, and taken off. */
bool meter_dropped(struct meter *m, size_t at, const struct meter_step *step, struct err *err);

#endif
