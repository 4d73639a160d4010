#include "tests/shop/server/sql.h"

#include "lib/base/json.h"
#include "tests/shop/server/conf.h"

#include <inttypes.h>
#include <libpq-fe.h>

/* From PostgreSQL's catalog/pg_type_d.h, which is not part of the client headers. */
enum type_oid {
    TYPE_BOOL = 16,
    TYPE_INT8 = 20,
    TYPE_INT2 = 21,
    TYPE_INT4 = 23,
    TYPE_FLOAT4 = 700,
    TYPE_FLOAT8 = 701,
    TYPE_JSON = 114,
    TYPE_JSONB = 3802
};

static void auto_result(PGresult **res)
{
    PQclear(*res);
}

static bool connection_open(const struct conf *conf, void **out, struct err *err)
{
    const char *const names[] = {"dbname", "password", "client_encoding", "application_name", NULL};
    const char *const values[] = {conf->postgresql, conf->postgresql_password, "UTF8", "shop",
                                  NULL};
    PGconn *db = PQconnectdbParams(names, values, 1);

    if (PQstatus(db) != CONNECTION_OK) {
        struct span why = span_trim(span_of(PQerrorMessage(db)));
        err_set(err, ERR_UNREACHABLE, "cannot connect to PostgreSQL: %.*s", (int)why.len, why.at);
        PQfinish(db);
        return false;
    }
    *out = db;
    return true;
}

static void connection_close(void *connection)
{
    PQfinish(connection);
}

const struct pool_ops postgresql_ops = {connection_open, connection_close};

static json_t *value_json(const PGresult *res, int row, int column)
{
    if (PQgetisnull(res, row, column))
        return json_null();

    const char *text = PQgetvalue(res, row, column);
    switch (PQftype(res, column)) {
    case TYPE_BOOL:
        return json_boolean(text[0] == 't');
    case TYPE_INT2:
    case TYPE_INT4:
    case TYPE_INT8:
        return json_integer(strtoll(text, NULL, 10));
    case TYPE_FLOAT4:
    case TYPE_FLOAT8:
        return json_real(strtod(text, NULL));
    case TYPE_JSON:
    case TYPE_JSONB:
        return json_loads(text, JSON_DECODE_ANY, NULL);
    default:
        return json_string(text);
    }
}

static json_t *row_json(const PGresult *res, int row)
{
    AUTO(json) json_t *object = json_object();

    for (int column = 0; column < PQnfields(res); column++) {
        if (json_object_set_new(object, PQfname(res, column), value_json(res, row, column)) < 0)
            return NULL;
    }
    return TAKE(object);
}

static bool rows_json(const PGresult *res, json_t **rows, struct err *err)
{
    AUTO(json) json_t *list = json_array();

    for (int row = 0; row < PQntuples(res); row++) {
        if (json_array_append_new(list, row_json(res, row)) < 0)
            return err_memory(err);
    }
    *rows = TAKE(list);
    return true;
}

static bool fetch(PGconn *db, const struct sql_query *q, json_t **rows, struct err *err)
{
    const char *values[SQL_ARGS_MAX] = {0};
    char numbers[SQL_ARGS_MAX][24];

    for (unsigned i = 0; i < q->count; i++) {
        snprintf(numbers[i], sizeof(numbers[i]), "%" PRId64, q->args[i].number);
        values[i] = q->args[i].text ? q->args[i].text : numbers[i];
    }
    __attribute__((cleanup(auto_result))) PGresult *res =
        PQexecParams(db, q->text, (int)q->count, NULL, values, NULL, NULL, 0);
    ExecStatusType status = PQresultStatus(res);
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
        return rows_json(res, rows, err);

    const char *why = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    return err_set(err, ERR_SQL, "a query failed on PostgreSQL: %s (%s)",
                   why ? why : "connection lost", state ? state : "no state");
}

bool postgresql_rows(struct pool *p, const struct sql_query *query, json_t **rows, struct err *err)
{
    void *db;

    if (!pool_get(p, &db, err))
        return false;
    bool done = fetch(db, query, rows, err);
    pool_put(p, db, PQstatus(db) != CONNECTION_OK);
    return done;
}
