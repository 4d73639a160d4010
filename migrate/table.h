/* Tables of the database that is migrated, and the profile of each: how many rows, and per column
 * how many values there are and whether they are all the same.
 *
 * A column that held different values and after a statement holds one, or none, in every row has
 * been wiped; nothing else that is as cheap to measure tells so.
 * Ownership: table_done() releases. Threads: none shared.
 */
#ifndef MIGRATE_TABLE_H
#define MIGRATE_TABLE_H

#include "lib/base/vec.h"
#include "lib/db/db.h"

#include <jansson.h>

struct column {
    uint64_t key; /* stays when the column is renamed; 0 where the engine has none: by name then */
    char *name;
    char *quoted; /* for count() */
    char *value;  /* an expression that min() and max() take and that tells all values apart */
    uint64_t nonnull;
    unsigned distinct; /* 0, 1, 2: two or more */
    bool is_time;      /* a date or an instant: clocks fill it in by themselves */
};

/* What changed a table since it was last profiled: small changes are gathered, so that a script of
 * a thousand single-row statements does not read the table a thousand times. */
struct gathered {
    uint64_t changed, largest;
    int64_t rows;     /* inserted minus deleted, where that is known */
    bool look;        /* the profile may have changed: more than plain inserts */
    char *file, *sql; /* of the largest */
    unsigned line;
    bool data;
};

struct table_figures {
    uint64_t node; /* the file that holds it: another one after a rewrite or TRUNCATE */
    uint64_t inserted, updated, deleted;
};

struct table {
    uint64_t id;  /* PostgreSQL: oid; 0 on MariaDB */
    char *name;   /* schema.table on PostgreSQL, table on MariaDB */
    char *quoted; /* for FROM */
    uint64_t rows;
    bool profiled;
    struct vec columns; /* of struct column */
    struct gathered more;
    unsigned guesses;                    /* of this file */
    struct table_figures figures, fresh; /* PostgreSQL: as last seen, as just read */
    bool seen;                           /* while the list is read anew */
    bool reached;                        /* MariaDB: by the words of a statement */
};

void table_done(struct table *t);
void gathered_clear(struct gathered *g);
void columns_free(struct vec *columns);
/* NULL with err. */
struct column *column_add(struct vec *columns, uint64_t key, struct span name, struct span quoted,
                          const char *value, struct err *err);
/* Fills rows and the columns' figures: two passes at most, one of them over few rows. */
bool profile_read(struct db *db, const char *quoted, struct vec *columns, uint64_t *rows,
                  struct err *err);
/* Columns of `after` that collapsed against `before`, as the journal wants them; `skip` (may be NULL)
 * says which are no accident. New reference; NULL without memory or when skip failed. */
typedef bool (*profile_skip)(void *ctx, const struct column *c, bool *skip, struct err *err);
json_t *profile_collapsed(const struct vec *before, const struct vec *after, uint64_t rows_after,
                          profile_skip skip, void *ctx, struct err *err);

#endif
