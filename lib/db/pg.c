#include "lib/db/pg.h"

#include "lib/base/clock.h"
#include "lib/base/cmd.h"
#include "lib/db/secret.h"

#include <errno.h>
#include <poll.h>

#define POLL_MS 250

/* ---- connecting --------------------------------------------------------------------------------*/

static char *label_of(const struct db_conf *conf)
{
    AUTO(buf) struct buf b = {0};
    const char *host = conf->socket ? conf->socket : conf->host;

    buf_printf(&b, "postgresql %s at %s:%u", conf->database ? conf->database : "server",
               host ? host : "the default socket", conf->port ? conf->port : 5432u);
    return buf_take(&b);
}

struct params {
    const char *names[12], *values[12];
    unsigned count;
};

static void param(struct params *p, const char *name, const char *value)
{
    if (!value)
        return;
    p->names[p->count] = name;
    p->values[p->count++] = value;
}

static PGconn *start(const struct db_conf *conf, const char *password)
{
    struct params p = {0};
    char port[8];

    snprintf(port, sizeof(port), "%u", conf->port);
    param(&p, "host", conf->socket ? conf->socket : conf->host);
    param(&p, "port", conf->port ? port : NULL);
    param(&p, "user", conf->user);
    param(&p, "dbname", conf->database);
    param(&p, "password", password);
    param(&p, "application_name", conf->application ? conf->application : "rehearse");
    param(&p, "client_encoding", "UTF8");
    return PQconnectStartParams(p.names, p.values, 0);
}

/* 1 ready, 0 not yet, -1 a failure of poll itself. */
static int poll_for(PGconn *conn, bool write, int wait_ms)
{
    struct pollfd p = {.fd = PQsocket(conn), .events = write ? POLLOUT : POLLIN};
    int n = poll(&p, 1, wait_ms);

    return n < 0 && errno == EINTR ? 0 : n;
}

static bool finish_connect(PGconn *conn, const struct db_conf *conf, const char *label,
                           struct err *err)
{
    double limit_s = conf->connect_timeout_s > 0 ? conf->connect_timeout_s : 10;
    int64_t deadline = clock_mono_ns() + (int64_t)(limit_s * 1e9);
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;

    while (state != PGRES_POLLING_OK) {
        if (state == PGRES_POLLING_FAILED)
            return pg_fail_connect(conn, conf, label, err);
        int ready = poll_for(conn, state == PGRES_POLLING_WRITING, POLL_MS);
        if (ready < 0)
            return err_sys(err, ERR_UNREACHABLE, "cannot wait for %s", label);
        if (!cmd_stop_check(err))
            return false;
        if (ready > 0)
            state = PQconnectPoll(conn);
        else if (clock_mono_ns() > deadline) {
            err_set(err, ERR_UNREACHABLE, "no answer from %s within %.0f s", label, limit_s);
            return err_hint(err, "check host and port, and that no firewall is between");
        }
    }
    return true;
}

static void count_warnings(void *arg, const PGresult *res)
{
    struct pgdb *db = arg;
    const char *severity = PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED);

    if (severity && strcmp(severity, "WARNING") == 0)
        db->warnings++;
}

/* Text values must be exact whatever the server's defaults; SQL_ASCII knows no encoding to convert
 * from, so its bytes stay as they are. */
static bool set_up(struct pgdb *db, struct err *err)
{
    const char *encoding = PQparameterStatus(db->conn, "server_encoding");
    bool raw = encoding && strcmp(encoding, "SQL_ASCII") == 0;

    return db_exec(&db->base, err,
                   "SELECT pg_catalog.set_config('extra_float_digits', '3', false), "
                   "pg_catalog.set_config('bytea_output', 'hex', false), "
                   "pg_catalog.set_config('client_encoding', '%s', false)",
                   raw ? "SQL_ASCII" : "UTF8");
}

static void pg_close(struct db *base)
{
    struct pgdb *db = (struct pgdb *)base;

    if (!db)
        return;
    PQfinish(db->conn);
    free(db->base.label);
    free(db);
}
AUTO_PTR(pg_base, struct db, pg_close)

static bool pg_connect(const struct db_conf *conf, struct pgdb *db, struct err *err)
{
    struct buf secret = {0};
    bool given = false;

    if (!db_secret(conf, &secret, &given, err))
        return buf_done(&secret), false;
    db->conn = start(conf, given ? buf_str(&secret) : NULL);
    if (secret.at)
        explicit_bzero(secret.at, secret.cap);
    buf_done(&secret);
    if (!db->conn)
        return err_memory(err);
    if (PQstatus(db->conn) == CONNECTION_BAD)
        return pg_fail_connect(db->conn, conf, db->base.label, err);
    PQsetErrorVerbosity(db->conn, PQERRORS_VERBOSE);
    PQsetNoticeReceiver(db->conn, count_warnings, db);
    if (!finish_connect(db->conn, conf, db->base.label, err))
        return false;
    PQsetErrorVerbosity(db->conn, PQERRORS_DEFAULT);
    return true;
}

static bool pg_open(const struct db_conf *conf, struct db **out, struct err *err)
{
    struct pgdb *db = calloc(1, sizeof(*db));
    if (!db)
        return err_memory(err);
    AUTO(pg_base) struct db *base = &db->base;

    base->ops = &db_postgresql;
    base->label = label_of(conf);
    if (!base->label)
        return err_memory(err);
    if (!pg_connect(conf, db, err))
        return false;
    base->version = (unsigned)PQserverVersion(db->conn);
    if (!set_up(db, err))
        return err_add(err, "%s", base->label);
    *out = TAKE(base);
    return true;
}

/* ---- results -----------------------------------------------------------------------------------*/

static bool pg_cancel(struct db *base, struct err *err)
{
    struct pgdb *db = (struct pgdb *)base;
    char why[256];
    PGcancel *handle = PQgetCancel(db->conn);

    if (!handle)
        return err_set(err, ERR_UNREACHABLE, "no session to cancel at %s", base->label);
    bool sent = PQcancel(handle, why, sizeof(why));
    PQfreeCancel(handle);
    return sent || err_set(err, ERR_UNREACHABLE, "cannot cancel at %s: %s", base->label, why);
}

bool pg_wait(struct pgdb *db, bool write, struct err *err)
{
    bool cancelled = false;

    for (;;) {
        int ready = poll_for(db->conn, write, POLL_MS);
        if (ready > 0)
            return true;
        if (ready < 0)
            return err_sys(err, ERR_UNREACHABLE, "cannot wait for %s", db->base.label);
        /* The server's own answer to the cancellation ends the statement. */
        if (cmd_stopping() && !cancelled && clock_mono_ns() >= db->base.finish_by) {
            pg_cancel(&db->base, NULL);
            cancelled = true;
        }
    }
}

bool pg_send(struct pgdb *db, struct span sql, struct err *err)
{
    AUTO(free) char *text = NULL;

    if (memchr(sql.at, '\0', sql.len))
        return err_set(err, ERR_SQL, "a statement holds a NUL byte, which PostgreSQL cannot take");
    text = span_dup(sql);
    if (!text)
        return err_memory(err);
    db->warnings = 0;
    return PQsendQuery(db->conn, text) || pg_fail(db, NULL, err);
}

bool pg_result(struct pgdb *db, PGresult **out, struct err *err)
{
    while (PQisBusy(db->conn)) {
        if (!pg_wait(db, false, err))
            return false;
        if (!PQconsumeInput(db->conn))
            return pg_fail(db, NULL, err);
    }
    *out = PQgetResult(db->conn);
    return true;
}

void pg_drain(struct pgdb *db)
{
    PGresult *res;

    while ((res = PQgetResult(db->conn)) != NULL) {
        ExecStatusType status = PQresultStatus(res);
        char *row = NULL;

        PQclear(res);
        if (status == PGRES_COPY_IN && PQputCopyEnd(db->conn, "the client gave up") <= 0)
            return;
        while (status == PGRES_COPY_OUT && PQgetCopyData(db->conn, &row, 0) > 0)
            PQfreemem(row);
        if (PQstatus(db->conn) != CONNECTION_OK)
            return;
    }
}

void pg_abandon(struct pgdb *db)
{
    pg_cancel(&db->base, NULL);
    pg_drain(db);
}

/* ---- queries -----------------------------------------------------------------------------------*/

static bool give_rows(const PGresult *res, db_each each, void *ctx, struct err *err)
{
    unsigned count = (unsigned)PQnfields(res);
    struct span few[32];
    AUTO(free) struct span *many = count > COUNT(few) ? calloc(count, sizeof(*many)) : NULL;
    struct span *value = many ? many : few;

    if (count > COUNT(few) && !many)
        return err_memory(err);
    for (int row = 0; row < PQntuples(res); row++) {
        for (unsigned i = 0; i < count; i++) {
            bool null = PQgetisnull(res, row, (int)i);
            value[i].at = null ? NULL : PQgetvalue(res, row, (int)i);
            value[i].len = null ? 0 : (size_t)PQgetlength(res, row, (int)i);
        }
        if (!each(ctx, &(struct db_row){value, count, NULL}, err))
            return false;
    }
    return true;
}

/* "INSERT 0 5" gives the tag INSERT, "CREATE TABLE" stays: what is no number. */
static void note_result(PGresult *res, struct db_result *out)
{
    struct span rest = span_of(PQcmdStatus(res)), word;
    size_t len = 0;

    out->tag[0] = '\0';
    while (span_split(&rest, ' ', &word)) {
        if (word.len == 0 || (word.at[0] >= '0' && word.at[0] <= '9'))
            break;
        len += (size_t)snprintf(out->tag + len, sizeof(out->tag) - len, "%s%.*s", len ? " " : "",
                                (int)word.len, word.at);
        if (len >= sizeof(out->tag))
            break;
    }
    if (!span_u64(span_of(PQcmdTuples(res)), &out->rows))
        out->rows = 0;
}

static bool one_result(struct pgdb *db, PGresult *res, db_each each, void *ctx,
                       struct db_result *out, struct err *err)
{
    switch (PQresultStatus(res)) {
    case PGRES_SINGLE_TUPLE:
        return !each || give_rows(res, each, ctx, err);
    case PGRES_TUPLES_OK:
    case PGRES_COMMAND_OK:
        note_result(res, out);
        return true;
    case PGRES_EMPTY_QUERY:
        return true;
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
        err_set(err, ERR_SQL, "a COPY with the client is not a plain statement");
        return err_hint(err, "give its data behind it, or name a file on the server");
    case PGRES_BAD_RESPONSE:
    case PGRES_NONFATAL_ERROR:
    case PGRES_FATAL_ERROR:
    case PGRES_PIPELINE_SYNC:
    case PGRES_PIPELINE_ABORTED:
        break;
    }
    return pg_fail(db, res, err);
}

static bool pg_query(struct db *base, struct span sql, db_each each, void *ctx,
                     struct db_result *result, struct err *err)
{
    struct pgdb *db = (struct pgdb *)base;
    struct db_result got = {0};

    if (!pg_send(db, sql, err))
        return false;
    PQsetSingleRowMode(db->conn);
    for (;;) {
        AUTO(pgresult) PGresult *res = NULL;

        if (!pg_result(db, &res, err))
            return false;
        if (!res)
            break;
        if (!one_result(db, res, each, ctx, &got, err)) {
            /* Once the server has failed there is nothing to cancel. */
            if (PQresultStatus(res) == PGRES_FATAL_ERROR)
                pg_drain(db);
            else
                pg_abandon(db);
            return false;
        }
    }
    got.warnings = db->warnings;
    if (result)
        *result = got;
    return true;
}

static bool pg_quote(struct db *base, struct span text, bool identifier, struct buf *out)
{
    struct pgdb *db = (struct pgdb *)base;

    if (!text.at)
        return buf_puts(out, "NULL");
    char *quoted = identifier ? PQescapeIdentifier(db->conn, text.at, text.len)
                              : PQescapeLiteral(db->conn, text.at, text.len);
    bool ok = quoted && buf_puts(out, quoted);
    PQfreemem(quoted);
    out->failed |= !quoted;
    return ok;
}

const struct db_ops db_postgresql = {
    .name = "postgresql",
    .open = pg_open,
    .close = pg_close,
    .query = pg_query,
    .copy_out = pg_copy_out,
    .copy_in = pg_copy_in,
    .cancel = pg_cancel,
    .quote = pg_quote,
};
