#include "tests/shop/generate/generate.h"

#include "lib/base/auto.h"

#include <libpq-fe.h>

#define PIECE_BYTES ((size_t)256 * 1024)

static const char before_sql[] =
#include "tests/shop/generate/postgresql_before.sql.h"
    ;
static const char after_sql[] =
#include "tests/shop/generate/postgresql_after.sql.h"
    ;

static void auto_connection(PGconn **db)
{
    PQfinish(*db);
}

static bool failed(PGconn *db, const char *what, struct err *err)
{
    struct span why = span_trim(span_of(PQerrorMessage(db)));
    return err_set(err, ERR_SQL, "cannot fill '%s': %.*s", what, (int)why.len, why.at);
}

static bool run(PGconn *db, const char *sql, ExecStatusType wanted, const char *what,
                struct err *err)
{
    PGresult *res = PQexec(db, sql);
    bool done = PQresultStatus(res) == wanted;

    PQclear(res);
    return done || failed(db, what, err);
}

static bool send_rows(PGconn *db, const struct gen_table *t, const struct scale *s, struct err *err)
{
    AUTO(buf) struct buf piece = {0};
    uint64_t first, last;

    gen_span(t, s, &first, &last);
    for (uint64_t n = first; n <= last; n++) {
        t->rows(s, n, &piece);
        if (!buf_ok(&piece, err))
            return false;
        if (piece.len < PIECE_BYTES && n < last)
            continue;
        if (PQputCopyData(db, buf_str(&piece), (int)piece.len) != 1)
            return failed(db, t->name, err);
        buf_clear(&piece);
    }
    return true;
}

static bool copy_table(PGconn *db, const struct gen_table *t, const struct scale *s,
                       struct err *err)
{
    AUTO(buf) struct buf sql = {0};

    buf_printf(&sql, "COPY %s %s FROM STDIN", t->name, t->columns);
    if (!buf_ok(&sql, err) || !run(db, buf_str(&sql), PGRES_COPY_IN, t->name, err) ||
        !send_rows(db, t, s, err))
        return false;
    if (PQputCopyEnd(db, NULL) != 1)
        return failed(db, t->name, err);
    PGresult *res = PQgetResult(db);
    bool done = PQresultStatus(res) == PGRES_COMMAND_OK || failed(db, t->name, err);
    PQclear(res);
    while ((res = PQgetResult(db)))
        PQclear(res);
    return done;
}

bool postgresql_fill(const char *conninfo, const struct scale *s, struct err *err)
{
    __attribute__((cleanup(auto_connection))) PGconn *db = PQconnectdb(conninfo);

    if (PQstatus(db) != CONNECTION_OK)
        return failed(db, "PostgreSQL", err);
    if (!run(db, before_sql, PGRES_COMMAND_OK, "session", err))
        return false;
    for (const struct gen_table *t = postgresql_tables; t->name; t++) {
        if (!copy_table(db, t, s, err))
            return false;
    }
    return run(db, after_sql, PGRES_TUPLES_OK, "sequences", err) &&
           run(db, "REFRESH MATERIALIZED VIEW sales_by_country", PGRES_COMMAND_OK, "view", err) &&
           (s->day > 1 || run(db, "VACUUM ANALYZE", PGRES_COMMAND_OK, "statistics", err));
}
