#include "lib/db/pg.h"

#include "lib/base/cmd.h"

/* Rows are handed on in pieces of about this size: a call per row would cost more than the row. */
#define PIECE_TARGET ((size_t)256 << 10)

/* COPY answers with a result of its own before the data flow. */
static bool begin(struct pgdb *db, struct span sql, ExecStatusType want, struct err *err)
{
    AUTO(pgresult) PGresult *res = NULL;

    if (!pg_send(db, sql, err) || !pg_result(db, &res, err))
        return false;
    if (res && PQresultStatus(res) == want)
        return true;
    if (!res || PQresultStatus(res) == PGRES_FATAL_ERROR) {
        pg_fail(db, res, err);
        pg_drain(db);
        return false;
    }
    err_set(err, ERR_SQL, "not a COPY of the right direction: %.*s",
            (int)(sql.len > 200 ? 200 : sql.len), sql.at);
    pg_abandon(db);
    return false;
}

/* The result that follows the data. */
static bool end(struct pgdb *db, uint64_t *rows, struct err *err)
{
    AUTO(pgresult) PGresult *res = NULL;

    if (!pg_result(db, &res, err))
        return false;
    if (!res || PQresultStatus(res) != PGRES_COMMAND_OK) {
        pg_fail(db, res, err);
        pg_drain(db);
        return false;
    }
    if (rows)
        span_u64(span_of(PQcmdTuples(res)), rows);
    pg_drain(db);
    return true;
}

/* One row, or *row NULL at the end of the data. */
static bool next_row(struct pgdb *db, char **row, int *len, struct err *err)
{
    *row = NULL;
    while ((*len = PQgetCopyData(db->conn, row, 1)) == 0) {
        if (!pg_wait(db, false, err))
            return false;
        if (!PQconsumeInput(db->conn))
            return pg_fail(db, NULL, err);
    }
    return *len != -2 || pg_fail(db, NULL, err);
}

static bool stream_rows(struct pgdb *db, struct buf *piece,
                        bool (*take)(void *ctx, struct span rows, struct err *err), void *ctx,
                        struct err *err)
{
    for (;;) {
        char *row;
        int len;

        if (!next_row(db, &row, &len, err))
            return false;
        if (row)
            buf_add(piece, row, (size_t)len);
        PQfreemem(row);
        if (!buf_ok(piece, err))
            return false;
        if (!row)
            return piece->len == 0 || take(ctx, buf_view(piece), err);
        if (piece->len < PIECE_TARGET)
            continue;
        if (!take(ctx, buf_view(piece), err) || !cmd_stop_check(err))
            return false;
        buf_clear(piece);
    }
}

bool pg_copy_out(struct db *base, struct span sql,
                 bool (*take)(void *ctx, struct span rows, struct err *err), void *ctx,
                 struct err *err)
{
    struct pgdb *db = (struct pgdb *)base;
    AUTO(buf) struct buf piece = {0};

    if (pg_raw_fits(db))
        return pg_raw_copy_out(db, sql, take, ctx, err);
    if (!buf_reserve(&piece, PIECE_TARGET + (PIECE_TARGET >> 2)))
        return buf_ok(&piece, err);
    if (!begin(db, sql, PGRES_COPY_OUT, err))
        return false;
    if (!stream_rows(db, &piece, take, ctx, err)) {
        pg_abandon(db);
        return false;
    }
    return end(db, NULL, err);
}

/* The blocking call would wait for ever on a server that hangs; a stop signal must get through. */
static bool put_piece(struct pgdb *db, struct span piece, struct err *err)
{
    while (piece.len) {
        size_t len = piece.len > PIECE_TARGET ? PIECE_TARGET : piece.len;
        int sent = PQputCopyData(db->conn, piece.at, (int)len);
        if (sent < 0)
            return pg_fail(db, NULL, err);
        piece.at += len;
        piece.len -= len;
    }
    return cmd_stop_check(err);
}

bool pg_copy_in(struct db *base, struct span sql,
                bool (*give)(void *ctx, struct span *piece, struct err *err), void *ctx,
                uint64_t *rows, struct err *err)
{
    struct pgdb *db = (struct pgdb *)base;
    struct span piece = {0};
    bool ok;

    if (!begin(db, sql, PGRES_COPY_IN, err))
        return false;
    while ((ok = give(ctx, &piece, err)) && piece.len)
        if (!(ok = put_piece(db, piece, err)))
            break;
    /* A server that refuses a row says so behind the end of the data: its words count. */
    bool ended = PQputCopyEnd(db->conn, ok ? NULL : "the client gave up") > 0;
    if (!ok) {
        pg_drain(db);
        return false;
    }
    return ended ? end(db, rows, err) : pg_fail(db, NULL, err);
}
