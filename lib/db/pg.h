/* What the files of the PostgreSQL driver share; users include lib/db/db.h.
 *
 * A session keeps the settings of its server, database and role, but for client_encoding (UTF8;
 * SQL_ASCII databases give their bytes as they are), extra_float_digits and bytea_output, so that
 * text values are exact. pg_session.h fixes the rest where data are dumped or loaded.
 */
#ifndef LIB_DB_PG_H
#define LIB_DB_PG_H

#include "lib/db/db.h"

#include <libpq-fe.h>

struct pgdb {
    struct db base;
    PGconn *conn;
    unsigned warnings; /* of the running statement */
};

static inline void auto_pgresult(PGresult **r)
{
    PQclear(*r);
}

/* An error of the server; no part is NULL. values: those of rows may be shown. */
struct pg_said {
    const char *state, *primary, *detail, *hint, *context, *position;
    const char *file, *function; /* of the server's source */
    bool values;
};
bool pg_fail_said(const struct pg_said *said, struct err *err);
/* The failure that `res` holds, or the connection's when it is NULL. */
bool pg_fail(struct pgdb *db, const PGresult *res, struct err *err);
/* The failure of a connection that never stood. */
bool pg_fail_connect(PGconn *conn, const struct db_conf *conf, const char *label, struct err *err);
/* Class and mend of an SQLSTATE; hint "" where there is none to give. */
enum err_code pg_class(const char *sqlstate, const char **hint);

/* Waits until the socket is ready; a stop signal cancels the running statement, once finish_by of
 * the session is past. */
bool pg_wait(struct pgdb *db, bool write, struct err *err);
/* Sends the statement. The text must hold no NUL. */
bool pg_send(struct pgdb *db, struct span sql, struct err *err);
/* The next result of what was sent; NULL in *out at the end. */
bool pg_result(struct pgdb *db, PGresult **out, struct err *err);
/* Reads what is left of a statement that has ended, so that the session can be used again. */
void pg_drain(struct pgdb *db);
/* The same for one that still runs: it is cancelled first. */
void pg_abandon(struct pgdb *db);

bool pg_copy_out(struct db *db, struct span sql,
                 bool (*take)(void *ctx, struct span rows, struct err *err), void *ctx,
                 struct err *err);
/* The same past libpq, which allocates and copies each row and reads 16 KiB at a time: only where
 * pg_raw_fits(), that is where nothing between us and the server encrypts. */
bool pg_raw_fits(const struct pgdb *db);
bool pg_raw_copy_out(struct pgdb *db, struct span sql,
                     bool (*take)(void *ctx, struct span rows, struct err *err), void *ctx,
                     struct err *err);
bool pg_copy_in(struct db *db, struct span sql,
                bool (*give)(void *ctx, struct span *piece, struct err *err), void *ctx,
                uint64_t *rows, struct err *err);

#endif
