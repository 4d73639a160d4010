/* Databases: connect, query, bulk copy. One contract for PostgreSQL and MariaDB/MySQL.
 *
 * A struct db is one session. Secrets come from password_env, password_file (mode 0600), ~/.pgpass
 * or ~/.my.cnf; they are never logged and never part of an error.
 * Threads: one session belongs to one thread; db_cancel() may come from any.
 * Errors:  ERR_UNREACHABLE, ERR_AUTH, ERR_RIGHTS (with the GRANT as hint), ERR_LOCK (timeouts,
 *          deadlocks), ERR_SPACE, ERR_SQL with the server's message, SQLSTATE and position.
 */
#ifndef LIB_DB_DB_H
#define LIB_DB_DB_H

#include "lib/base/auto.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"

#include <jansson.h>

enum db_engine { DB_POSTGRESQL, DB_MARIADB }; /* MariaDB stands for MySQL too; see db_version */

struct db_conf {
    enum db_engine engine;
    const char *host;   /* NULL: socket; for PostgreSQL a directory is a socket directory too */
    uint16_t port;      /* 0: the engine's default */
    const char *socket; /* PostgreSQL: directory; MariaDB: file */
    const char *user;
    const char *database;      /* may be NULL on MariaDB */
    const char *password_env;  /* name of a variable */
    const char *password_file; /* must be private */
    double connect_timeout_s;  /* 0: 10 */
    const char *application;   /* shown to the DBA; NULL: "rehearse" */
    bool show_values;          /* errors may hold values of rows; else see lib/db/values.h */
};

struct db;

struct db_row {
    const struct span *value; /* text form; .at == NULL: SQL NULL */
    unsigned count;
    const struct span *name; /* of the columns; NULL where the driver does not say (PostgreSQL) */
};
typedef bool (*db_each)(void *ctx, const struct db_row *row, struct err *err);

struct db_result {
    char tag[32];  /* "UPDATE", "CREATE TABLE" ... upper case; "" when unknown */
    uint64_t rows; /* changed or returned */
    unsigned warnings;
};

struct db_ops {
    const char *name; /* "postgresql", "mariadb" */
    bool (*open)(const struct db_conf *conf, struct db **out, struct err *err);
    void (*close)(struct db *db);
    /* One statement. each may be NULL; result may be NULL. Rows are streamed, not gathered. */
    bool (*query)(struct db *db, struct span sql, db_each each, void *ctx, struct db_result *result,
                  struct err *err);
    /* Bulk text out: pieces of whole rows in COPY text / LOAD DATA text form. For MariaDB `sql` is
     * a SELECT whose columns the caller already wrapped (HEX, casts) as the bundle wants them. */
    bool (*copy_out)(struct db *db, struct span sql,
                     bool (*take)(void *ctx, struct span rows, struct err *err), void *ctx,
                     struct err *err);
    /* Bulk text in: `give` fills *piece until it leaves it empty. */
    bool (*copy_in)(struct db *db, struct span sql,
                    bool (*give)(void *ctx, struct span *piece, struct err *err), void *ctx,
                    uint64_t *rows, struct err *err);
    bool (*cancel)(struct db *db, struct err *err);
    /* Quoted identifier / literal appended to out. */
    bool (*quote)(struct db *db, struct span text, bool identifier, struct buf *out);
};

struct db { /* drivers embed it first */
    const struct db_ops *ops;
    unsigned version; /* 150020 for PostgreSQL 15.20; 101119 for MariaDB 10.11.19 */
    bool is_mysql;    /* Oracle's, not MariaDB */
    bool show_values; /* of db_conf */
    char *label;      /* "postgresql shop at /run/x:5433" for messages */
    /* As clock_mono_ns(): until then a stop signal cancels no statement of this session. For what a
     * stopped process still has to put away; 0: it cancels at once. */
    int64_t finish_by;
};

extern const struct db_ops db_postgresql, db_mariadb;

bool db_open(const struct db_conf *conf, struct db **out, struct err *err);
void db_close(struct db *db);
AUTO_PTR(db, struct db, db_close)
const struct db_ops *db_driver(enum db_engine engine);
bool db_engine_parse(const char *name,
                     enum db_engine *out); /* postgresql, postgres, mariadb, mysql */

/* Helpers on the contract. */
bool db_exec(struct db *db, struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The first value of the first row into `out` (cleared); ERR_MISSING without rows. */
bool db_value(struct db *db, struct buf *out, struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Formatted query with a row callback. */
bool db_rows(struct db *db, db_each each, void *ctx, struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* The values of the first column as keys of *out, which is made when it is NULL; NULLs are left out.
 * The caller releases *out, also on failure. */
bool db_names(struct db *db, json_t **out, struct err *err, const char *sql);
/* The value of that column; .at == NULL: it is NULL, or there is no such column. */
struct span db_named(const struct db_row *row, const char *name);
bool db_quote_name(struct db *db, const char *name, struct buf *out);
bool db_quote_text(struct db *db, const char *text, struct buf *out);
/* schema.name quoted; schema may be NULL. */
bool db_quote_qualified(struct db *db, const char *schema, const char *name, struct buf *out);
/* Environment for pg_dump, mariadb and the like: PGHOST ... with a private pass file; never argv. */
struct db_tool_env {
    char **env;        /* NULL-terminated NAME=VALUE */
    char *secret_file; /* removed by done */
};
bool db_tool_env(const struct db_conf *conf, struct db_tool_env *out, struct err *err);
void db_tool_env_done(struct db_tool_env *env);

#endif
