/* What the files of the MariaDB source share.
 *
 *   my.c          the source: open, point, plan, finish, close
 *   my_server.c   the sessions that the databases of one server share
 *   my_catalog.c  tables, columns, keys and their SHOW CREATE
 *   my_objects.c  views, routines, triggers, events, sequences
 *   my_default.c  columns that no statement makes again
 *   my_trigger.c  triggers that name what is gone
 *   my_rights.c   what the account may see
 *   my_lock.c     the consistent point and its position
 *   my_plan.c     cuts tables into ranges of keys
 *   my_keep.c     the ranges that the parent had
 *   my_read.c     a range into segments
 *   my_write.c    schema, settings and facts into the bundle
 *   my_accounts.c the server's accounts and grants, where they are asked for
 */
#ifndef SNAPSHOT_MY_H
#define SNAPSHOT_MY_H

#include "lib/db/db.h"
#include "snapshot/my_ddl.h"
#include "snapshot/source.h"

#include "lib/base/vec.h"

#include <stdatomic.h>

/* How a column's value is read and loaded again so that no bit changes. */
enum my_form {
    MY_FORM_BYTES,   /* the stored bytes, escaped */
    MY_FORM_PLAIN,   /* digits and signs: nothing to escape */
    MY_FORM_DOUBLE,  /* FLOAT, DOUBLE(m,d): shown rounded, hence read as DOUBLE */
    MY_FORM_CONVERT, /* text that the server takes only with a charset: UUID, INET6, MySQL's JSON */
    MY_FORM_INDEX,   /* ENUM with an empty member: its number, since '' is the invalid value too */
};

/* How a key's value is written in a condition. */
enum my_key { MY_KEY_NONE, MY_KEY_INTEGER, MY_KEY_TEXT, MY_KEY_CHARS, MY_KEY_BYTES };

struct my_column {
    char *name;
    char *type;    /* DATA_TYPE */
    char *full;    /* COLUMN_TYPE */
    char *charset; /* NULL: none */
    enum my_form form;
    enum my_key key;
};

enum my_kind { MY_TABLE, MY_VERSIONED, MY_SEQUENCE, MY_VIEW };

struct my_table {
    char *name;
    char *engine; /* "" for views */
    enum my_kind kind;
    bool transactional;   /* covered by the consistent read */
    bool has_data;        /* of its own: not MERGE, not BLACKHOLE */
    bool row_times;       /* versioned with explicit ROW START and ROW END columns */
    bool row_ids;         /* which are ids of transactions: the server takes no history back */
    uint64_t rows, bytes; /* estimates */
    struct vec columns;   /* struct my_column, those that hold data */
    char *key_name;       /* NULL: no key to cut by */
    struct vec key;       /* unsigned: places in `columns` */
    struct buf create;    /* SHOW CREATE TABLE, but for: */
    bool no_default;      /* columns without one have DEFAULT NULL there */
    bool unsure;          /* a `?` there may be another character */
    unsigned from, until; /* with history: places of the period's columns */
    uint32_t stream;
    atomic_uint_fast32_t ranges; /* handed out; the high half of a segment's number */
    atomic_uint_fast64_t never;  /* rows of the history that were at no time, and are not read */
};

/* A view, trigger, routine or event as SHOW CREATE gives it, in the charset of its creator. */
struct my_object {
    const struct my_shape *shape; /* where SHOW CREATE puts things */
    const char *kind; /* "VIEW", "TRIGGER", "PROCEDURE", "FUNCTION", "PACKAGE", ..., "EVENT" */
    char *name;
    char *sql_mode, *time_zone;
    char *client, *connection, *database; /* charset and collations */
    char *status;                         /* events: ENABLED, DISABLED ... */
    char *definer;                        /* user@host */
    char *table;                          /* of a trigger */
    bool broken;                          /* a view or a trigger that names what is gone */
    struct buf create;
};

struct my_catalog {
    struct vec tables;  /* struct my_table, by name (strcmp); views and sequences are not in it */
    struct vec others;  /* struct my_table: views (columns alone) and sequences */
    struct vec objects; /* struct my_object */
    char *charset, *collation; /* of the database */
};

struct my_position {
    char *gtid, *replica_gtid, *file;
    uint64_t offset;
    json_t *replicates; /* what a replica has applied of each of its sources */
};

struct my_source;

/* A server as one account sees it. A session may turn from database to database and keeps its
 * instant: so all of them are read at the same one, by the same few sessions. */
struct my_server {
    unsigned uses;       /* sources; the last one closes it */
    struct vec sources;  /* struct my_source *, those that are read at its instant */
    struct db_conf conf; /* without a database */
    unsigned jobs;
    struct db *main;             /* catalogs, finish */
    struct db *locker;           /* holds LOCK TABLES for tables without transactions; else NULL */
    atomic_uint locked;          /* tasks that still need it */
    struct db **worker;          /* `jobs` sessions at one instant */
    const struct my_source **at; /* whose database each worker's session is in */
    bool taken;                  /* the instant is */
    struct my_position position;
    char taken_at[40];
    int64_t lock_ns, locked_since_ns;
};

struct my_source {
    struct source base;
    struct source_conf conf;
    const struct env_database *from;
    char *component;
    struct my_server *server;
    struct db *main; /* the server's */
    struct my_catalog catalog;
    json_t *left_out;
    json_t *accounts; /* how many there are, for bundle.json; NULL: they are not captured */
};

/* A piece of a table: the condition on its key ("" is the whole) and its place. */
struct my_range {
    struct my_source *source;
    struct my_table *table;
    char *where;
    uint32_t number;
    size_t segment_bytes;       /* a segment is closed when it has so many */
    const struct segment *like; /* of the parent; NULL: none */
};

/* A key as literals of the server, one per column (char *, heap); none: open. */
struct my_bound {
    const struct my_table *table;
    struct vec literals;
};
#define MY_BOUND(table_)                           \
    {                                              \
        .table = (table_), .literals = VEC(char *) \
    }

bool my_catalog_read(struct my_source *s, struct my_catalog *out, struct err *err);
void my_catalog_done(struct my_catalog *c);
struct my_table *my_catalog_table(const struct my_catalog *c, const char *name);
bool my_objects_read(struct my_source *s, struct my_catalog *c, struct err *err);
/* ERR_LOCK naming what was altered or dropped since `before`; new tables are left out. */
bool my_catalog_compare(struct my_source *s, const struct my_catalog *before,
                        const struct my_catalog *after, struct err *err);

/* Refuses an account that would silently see less than there is. */
bool my_rights_check(struct my_source *s, struct err *err);
/* The source's server, with the sessions before the instant; joined when a source before has it. */
bool my_server_join(struct my_source *s, struct err *err);
void my_server_leave(struct my_source *s);
/* Turns the main session to the source's database. */
bool my_main(struct my_source *s, struct err *err);
/* The worker's session, in the source's database. */
bool my_session(struct my_source *s, unsigned worker, struct db **out, struct err *err);
bool my_server_begin(struct my_server *v, struct err *err);

/* The instant of all sources of the server; nothing more to do for those after the first. */
bool my_lock_point(struct my_source *s, struct err *err);
/* A task that needed the locked tables is done; the last one lets them go. */
bool my_lock_release(struct my_source *s, struct err *err);

bool my_plan_table(struct my_source *s, struct my_table *t, struct sched *sched, struct err *err);
void my_bound_done(struct my_bound *b); /* and it is open again */
/* The ranges that the parent had. *out stays NULL when they do not fit the table any more, or there
 * are none. */
struct my_kept;
bool my_kept_open(struct my_source *s, struct my_table *t, struct my_kept **out, struct err *err);
/* Where the next one ends, `how` it is to be read, and what of the parent it was; *to is open: there
 * are no more. */
bool my_kept_next(struct my_kept *k, struct my_bound *to, struct my_range *how, struct err *err);
void my_kept_close(struct my_kept *k);
AUTO_PTR(my_kept, struct my_kept, my_kept_close)
/* "SHOW CREATE TABLE" without what changes with every row, the key that the table is cut by, and the
 * server's release: what order and form of rows hang on. */
bool my_shape_digest(const struct my_source *s, const struct my_table *t, char out[HASH_HEX],
                     struct err *err);
bool my_read_range(void *ctx, void *arg, unsigned worker, struct err *err);
void my_range_free(void *range);
/* Versioned by time: with the rows that were. */
bool my_has_history(const struct my_table *t);
/* "SELECT columns FROM table" with what the kind of table needs. */
bool my_select(struct my_source *s, const struct my_table *t, struct buf *out);
/* The key's value as a literal of the server, byte by byte. */
bool my_literal(const struct my_column *c, struct span value, struct buf *out);

/* The name of a table's stream; heap. */
char *my_table_stream(const struct my_source *s, const char *table);
bool my_write_streams(struct my_source *s, struct err *err);
bool my_write_schema(struct my_source *s, struct err *err);
bool my_write_facts(struct my_source *s, struct err *err);
bool my_write_accounts(struct my_source *s, struct err *err);
/* One of the .sql texts of the component. meta may be NULL. */
bool my_write_text(struct my_source *s, const char *file, const json_t *meta,
                   const struct buf *text, struct err *err);
bool my_leave_out(struct my_source *s, const char *kind, const char *name, const char *why,
                  struct err *err);

/* The text of one column of a row; heap; NULL for SQL NULL. *ok is cleared without memory. */
char *my_dup(struct span value, bool *ok);

#endif
