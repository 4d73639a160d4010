#include "tests/shop/server/sql.h"

#include "lib/base/json.h"
#include "tests/shop/server/conf.h"

#include <errmsg.h>
#include <mysql.h>

enum { STATEMENTS_MAX = 32, COLUMNS_MAX = 32 };

/* A statement is prepared once per connection; its text is a constant, so the address is its name. */
struct statement {
    const char *text;
    MYSQL_STMT *handle;
};

struct mariadb {
    MYSQL *db;
    struct statement statements[STATEMENTS_MAX];
    unsigned count;
    bool lost; /* an error of the connection, not of a query: see failed() */
};

struct cells {
    MYSQL_BIND bind[COLUMNS_MAX];
    char *bytes[COLUMNS_MAX];
    unsigned long len[COLUMNS_MAX];
    my_bool null[COLUMNS_MAX];
    unsigned count;
};

static void connection_close(void *connection)
{
    struct mariadb *my = connection;

    if (!my)
        return;
    for (unsigned i = 0; i < my->count; i++)
        mysql_stmt_close(my->statements[i].handle);
    mysql_close(my->db);
    free(my);
}

static void auto_mariadb(struct mariadb **my)
{
    connection_close(*my);
}

static bool connection_open(const struct conf *conf, void **out, struct err *err)
{
    AUTO(mariadb) struct mariadb *my = calloc(1, sizeof(*my));
    if (!my)
        return err_memory(err);
    my->db = mysql_init(NULL);
    if (!my->db)
        return err_memory(err);
    mysql_options(my->db, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    mysql_options(my->db, MYSQL_INIT_COMMAND, "SET time_zone = '+00:00'");
    if (!mysql_real_connect(my->db, "localhost", conf->mariadb_user, conf->mariadb_password,
                            conf->mariadb_database, 0, conf->mariadb_socket, 0))
        return err_set(err, ERR_UNREACHABLE, "cannot connect to MariaDB: %s", mysql_error(my->db));
    *out = TAKE(my);
    return true;
}

const struct pool_ops mariadb_ops = {connection_open, connection_close};

static bool failed(struct mariadb *my, MYSQL_STMT *stmt, struct err *err)
{
    unsigned code = mysql_stmt_errno(stmt);

    my->lost = my->lost || (code >= CR_MIN_ERROR && code <= CR_MAX_ERROR);
    return err_set(err, ERR_SQL, "a query failed on MariaDB: %s", mysql_stmt_error(stmt));
}

static bool prepare(struct mariadb *my, const char *text, MYSQL_STMT **out, struct err *err)
{
    for (unsigned i = 0; i < my->count; i++) {
        if (my->statements[i].text == text) {
            *out = my->statements[i].handle;
            return true;
        }
    }
    if (my->count == STATEMENTS_MAX)
        return err_set(err, ERR_FAILED, "more than %d statements on a connection", STATEMENTS_MAX);
    MYSQL_STMT *stmt = mysql_stmt_init(my->db);
    if (!stmt)
        return err_memory(err);
    /* The longest value of each column must be known to give it room. */
    my_bool yes = 1;
    mysql_stmt_attr_set(stmt, STMT_ATTR_UPDATE_MAX_LENGTH, &yes);
    if (mysql_stmt_prepare(stmt, text, strlen(text)) != 0) {
        failed(my, stmt, err);
        mysql_stmt_close(stmt);
        return false;
    }
    my->statements[my->count++] = (struct statement){text, stmt};
    *out = stmt;
    return true;
}

/* MYSQL_BIND wants writable memory even for what it only reads; this copies what it points to. */
static bool execute(struct mariadb *my, MYSQL_STMT *stmt, const struct sql_query *q,
                    struct err *err)
{
    MYSQL_BIND bind[SQL_ARGS_MAX] = {0};
    long long numbers[SQL_ARGS_MAX];
    char *texts[SQL_ARGS_MAX] = {0};
    bool done = true;

    for (unsigned i = 0; i < q->count; i++) {
        numbers[i] = q->args[i].number;
        texts[i] = q->args[i].text ? strdup(q->args[i].text) : NULL;
        bind[i].buffer_type = q->args[i].text ? MYSQL_TYPE_STRING : MYSQL_TYPE_LONGLONG;
        bind[i].buffer = q->args[i].text ? (void *)texts[i] : (void *)&numbers[i];
        bind[i].buffer_length = texts[i] ? strlen(texts[i]) : sizeof(numbers[i]);
        if (q->args[i].text && !texts[i])
            done = err_memory(err);
    }
    if (done && mysql_stmt_param_count(stmt) != q->count)
        done = err_set(err, ERR_FAILED, "a query on MariaDB wants %lu parameters and got %u",
                       mysql_stmt_param_count(stmt), q->count);
    if (done && (mysql_stmt_bind_param(stmt, bind) != 0 || mysql_stmt_execute(stmt) != 0))
        done = failed(my, stmt, err);
    for (unsigned i = 0; i < q->count; i++)
        free(texts[i]);
    return done;
}

/* MariaDB keeps JSON as text; the column's format tells (extended metadata, since 10.5). */
static bool is_json(const MYSQL_FIELD *field)
{
    MARIADB_CONST_STRING format = {0};

    return mariadb_field_attr(&format, field, MARIADB_FIELD_ATTR_FORMAT_NAME) == 0 &&
           span_is((struct span){format.str, format.length}, "json");
}

static json_t *value_json(const MYSQL_FIELD *field, const struct cells *cells, unsigned column)
{
    const char *text = cells->bytes[column];

    if (cells->null[column])
        return json_null();
    if (IS_NUM(field->type) && field->type != MYSQL_TYPE_NEWDECIMAL &&
        field->type != MYSQL_TYPE_DECIMAL) {
        if (field->type == MYSQL_TYPE_DOUBLE || field->type == MYSQL_TYPE_FLOAT)
            return json_real(strtod(text, NULL));
        return json_integer(strtoll(text, NULL, 10));
    }
    if (is_json(field))
        return json_loadb(text, cells->len[column], JSON_DECODE_ANY, NULL);
    return json_stringn(text, cells->len[column]);
}

static void cells_done(struct cells *cells)
{
    for (unsigned i = 0; i < cells->count; i++)
        free(cells->bytes[i]);
}

static void auto_cells(struct cells *cells)
{
    cells_done(cells);
}

static bool cells_bind(struct mariadb *my, MYSQL_STMT *stmt, const MYSQL_RES *meta,
                       struct cells *cells, struct err *err)
{
    for (unsigned i = 0; i < meta->field_count; i++) {
        size_t room = meta->fields[i].max_length + 1;
        /* Numbers arrive in binary and are written as text here: no length is known for them. */
        if (room < 32)
            room = 32;
        cells->bytes[i] = calloc(1, room);
        cells->count = i + 1;
        if (!cells->bytes[i])
            return err_memory(err);
        cells->bind[i] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_STRING,
                                      .buffer = cells->bytes[i],
                                      .buffer_length = room,
                                      .length = &cells->len[i],
                                      .is_null = &cells->null[i]};
    }
    return mysql_stmt_bind_result(stmt, cells->bind) == 0 || failed(my, stmt, err);
}

static json_t *row_json(const MYSQL_RES *meta, const struct cells *cells)
{
    AUTO(json) json_t *object = json_object();

    for (unsigned i = 0; i < meta->field_count; i++) {
        const MYSQL_FIELD *field = &meta->fields[i];
        if (json_object_set_new(object, field->name, value_json(field, cells, i)) < 0)
            return NULL;
    }
    return TAKE(object);
}

static bool collect(struct mariadb *my, MYSQL_STMT *stmt, const MYSQL_RES *meta, json_t **rows,
                    struct err *err)
{
    AUTO(cells) struct cells cells = {0};
    AUTO(json) json_t *list = json_array();
    int got;

    if (meta->field_count > COLUMNS_MAX)
        return err_set(err, ERR_FAILED, "a query gives more than %d columns", COLUMNS_MAX);
    if (mysql_stmt_store_result(stmt) != 0)
        return failed(my, stmt, err);
    if (!cells_bind(my, stmt, meta, &cells, err))
        return false;
    while ((got = mysql_stmt_fetch(stmt)) == 0) {
        if (json_array_append_new(list, row_json(meta, &cells)) < 0)
            return err_memory(err);
    }
    if (got != MYSQL_NO_DATA)
        return failed(my, stmt, err);
    *rows = TAKE(list);
    return true;
}

static bool fetch(struct mariadb *my, const struct sql_query *q, json_t **rows, struct err *err)
{
    MYSQL_STMT *stmt = NULL;

    if (!prepare(my, q->text, &stmt, err) || !execute(my, stmt, q, err))
        return false;
    MYSQL_RES *meta = mysql_stmt_result_metadata(stmt);
    if (!meta)
        return failed(my, stmt, err);
    bool done = collect(my, stmt, meta, rows, err);
    mysql_free_result(meta);
    mysql_stmt_free_result(stmt);
    return done;
}

bool mariadb_rows(struct pool *p, const struct sql_query *query, json_t **rows, struct err *err)
{
    void *held;

    if (!pool_get(p, &held, err))
        return false;
    struct mariadb *my = held;
    bool done = fetch(my, query, rows, err);
    pool_put(p, my, my->lost);
    return done;
}

void sql_library_done(void)
{
    mysql_library_end();
}
