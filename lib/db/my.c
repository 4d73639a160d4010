#include "lib/db/my.h"
#include "lib/db/secret.h"

#include <pthread.h>

static void auto_mysql(MYSQL **my)
{
    if (*my)
        mysql_close(*my);
}
static void auto_myres(MYSQL_RES **res)
{
    mysql_free_result(*res);
}

static void library_start(void)
{
    mysql_library_init(0, NULL, NULL);
}

/* A socket file wins; a host or a port alone mean TCP, also for "localhost". */
static unsigned protocol_of(const struct db_conf *conf)
{
    return conf->host || (conf->port && !conf->socket) ? MYSQL_PROTOCOL_TCP : MYSQL_PROTOCOL_SOCKET;
}

static void set_options(MYSQL *my, const struct db_conf *conf)
{
    double seconds = conf->connect_timeout_s > 0 ? conf->connect_timeout_s : 10;
    unsigned timeout = seconds < 1 ? 1 : (unsigned)seconds;
    unsigned protocol = protocol_of(conf);
    unsigned on = 1;
    size_t packet = (size_t)1 << 30, net = (size_t)1 << 20;
    const char *application = conf->application ? conf->application : "rehearse";

    /* ~/.my.cnf and the system's option files give what the environment file leaves out. */
    mysql_options(my, MYSQL_READ_DEFAULT_GROUP, "client");
    if (conf->host || conf->socket || conf->port)
        mysql_options(my, MYSQL_OPT_PROTOCOL, &protocol);
    mysql_options(my, MYSQL_OPT_CONNECT_TIMEOUT, &timeout);
    mysql_options(my, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    mysql_options(my, MYSQL_OPT_LOCAL_INFILE, &on);
    mysql_options(my, MYSQL_OPT_MAX_ALLOWED_PACKET, &packet);
    mysql_options(my, MYSQL_OPT_NET_BUFFER_LENGTH, &net);
    mysql_options(my, MYSQL_OPT_CONNECT_ATTR_RESET, NULL);
    mysql_optionsv(my, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", application);
}

bool my_connect(const struct db_conf *conf, MYSQL **out, struct err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    AUTO(buf) struct buf secret = {0};
    bool given = false;

    pthread_once(&once, library_start);
    if (!db_secret(conf, &secret, &given, err))
        return false;
    AUTO(mysql) MYSQL *my = mysql_init(NULL);
    if (!my)
        return err_memory(err);
    set_options(my, conf);
    bool connected = mysql_real_connect(my, conf->socket ? NULL : conf->host, conf->user,
                                        given ? buf_str(&secret) : NULL, conf->database, conf->port,
                                        conf->socket, CLIENT_MULTI_RESULTS);
    if (secret.at)
        explicit_bzero(secret.at, secret.len);
    if (!connected)
        return my_fail_raw(my, "cannot connect", err);
    *out = TAKE(my);
    return true;
}

/* ---- open and close --------------------------------------------------------------------------*/

/* Zero, invalid and out-of-range dates are data like any other; division by zero, quotes and
 * escapes read as the manual's default says whatever the server's setting. */
static const char session_sql[] =
    "SET SESSION sql_mode='STRICT_TRANS_TABLES,NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES,"
    "NO_ENGINE_SUBSTITUTION', time_zone='+00:00', sql_quote_show_create=1, sql_safe_updates=0, "
    "sql_big_selects=1, autocommit=1, net_read_timeout=86400, net_write_timeout=86400, "
    "wait_timeout=604800, group_concat_max_len=1048576, max_error_count=65535, sql_warnings=0, "
    "lc_messages='en_US'";

static char *dup_or_null(const char *s, bool *failed)
{
    char *copy = s ? strdup(s) : NULL;

    *failed = *failed || (s && !copy);
    return copy;
}

static bool conf_copy(const struct db_conf *from, struct db_conf *to, struct err *err)
{
    bool failed = false;

    *to = *from;
    to->host = dup_or_null(from->host, &failed);
    to->socket = dup_or_null(from->socket, &failed);
    to->user = dup_or_null(from->user, &failed);
    to->database = dup_or_null(from->database, &failed);
    to->password_env = dup_or_null(from->password_env, &failed);
    to->password_file = dup_or_null(from->password_file, &failed);
    to->application = dup_or_null(from->application, &failed);
    return !failed || err_memory(err);
}

static void conf_done(struct db_conf *conf)
{
    const char *owned[] = {conf->host,       conf->socket,       conf->user,
                           conf->database,   conf->password_env, conf->password_file,
                           conf->application};

    for (size_t i = 0; i < COUNT(owned); i++)
        free((void *)(uintptr_t)owned[i]);
}

static char *label_of(const struct db_conf *conf)
{
    AUTO(buf) struct buf b = {0};

    buf_printf(&b, "mariadb %s at ", conf->database ? conf->database : "server");
    if (conf->socket)
        buf_puts(&b, conf->socket);
    else if (conf->host || conf->port)
        buf_printf(&b, "%s:%u", conf->host ? conf->host : "localhost",
                   conf->port ? conf->port : 3306u);
    else
        buf_puts(&b, "the default socket");
    return buf_take(&b);
}

static void my_close(struct db *base)
{
    struct mydb *db = (struct mydb *)base;

    if (!db)
        return;
    if (db->my)
        mysql_close(db->my);
    conf_done(&db->conf);
    free(db->base.label);
    free(db);
}
AUTO_PTR(mydb_base, struct db, my_close)

/* The other product's limit counts milliseconds under another name, and came later. */
static bool no_time_limit(struct mydb *db, struct err *err)
{
    const char *limit =
        db->base.is_mysql ? "SET SESSION max_execution_time=0" : "SET SESSION max_statement_time=0";

    if (db->base.version < (db->base.is_mysql ? 50708u : 100101u))
        return true;
    return mysql_real_query(db->my, limit, strlen(limit)) == 0 || my_fail(db, err);
}

static bool my_open(const struct db_conf *conf, struct db **out, struct err *err)
{
    struct mydb *db = calloc(1, sizeof(*db));
    if (!db)
        return err_memory(err);
    AUTO(mydb_base) struct db *base = &db->base;

    base->ops = &db_mariadb;
    base->label = label_of(conf);
    if (!base->label)
        return err_memory(err);
    if (!conf_copy(conf, &db->conf, err))
        return false;
    if (!my_connect(conf, &db->my, err))
        return err_add(err, "%s", base->label);
    my_infile_guard(db);
    base->version = (unsigned)mysql_get_server_version(db->my);
    base->is_mysql = !strcasestr(mysql_get_server_info(db->my), "mariadb");
    if (mysql_real_query(db->my, session_sql, sizeof(session_sql) - 1))
        return my_fail(db, err);
    if (!no_time_limit(db, err))
        return false;
    *out = TAKE(base);
    return true;
}

bool my_cancel(struct db *base, struct err *err)
{
    struct mydb *db = (struct mydb *)base;
    AUTO(mysql) MYSQL *second = NULL;
    char sql[64];

    if (!my_connect(&db->conf, &second, err))
        return false;
    snprintf(sql, sizeof(sql), "KILL QUERY %lu", mysql_thread_id(db->my));
    if (mysql_real_query(second, sql, strlen(sql)))
        return my_fail_raw(second, base->label, err);
    return true;
}

/* ---- queries ---------------------------------------------------------------------------------*/

bool my_start(struct mydb *db, struct span sql, MYSQL_RES **out, struct err *err)
{
    if (mysql_real_query(db->my, sql.at, sql.len))
        return my_fail(db, err);
    MYSQL_RES *res = mysql_use_result(db->my);
    if (!res && mysql_errno(db->my))
        return my_fail(db, err);
    *out = res;
    return true;
}

void my_drop_rest(struct mydb *db, MYSQL_RES *res)
{
    /* What was read already is dropped by free_result; without the right to KILL it reads on. */
    if (res && !mysql_eof(res))
        my_cancel(&db->base, NULL);
}

/* Every row of one result to `each`. */
static bool give_rows(struct mydb *db, MYSQL_RES *res, db_each each, void *ctx, uint64_t *rows,
                      struct err *err)
{
    unsigned count = mysql_num_fields(res);
    AUTO(free) struct span *value = calloc(count ? count * 2 : 1, sizeof(*value));
    MYSQL_ROW fields;

    if (!value)
        return err_memory(err);
    struct span *name = value + count;
    for (unsigned i = 0; i < count; i++)
        name[i] = span_of(mysql_fetch_field_direct(res, i)->name);
    while ((fields = mysql_fetch_row(res))) {
        const unsigned long *len = mysql_fetch_lengths(res);
        for (unsigned i = 0; i < count; i++)
            value[i] = (struct span){fields[i], fields[i] ? len[i] : 0};
        ++*rows;
        if (each && !each(ctx, &(struct db_row){value, count, name}, err)) {
            my_drop_rest(db, res);
            return false;
        }
    }
    return !mysql_errno(db->my) || my_fail(db, err);
}

/* A CALL gives more results behind the first: all are read, or the session is out of step. */
static bool drain_results(struct mydb *db, struct err *err)
{
    int more;

    while ((more = mysql_next_result(db->my)) == 0) {
        AUTO(myres) MYSQL_RES *res = mysql_use_result(db->my);
        while (res && mysql_fetch_row(res))
            ;
        if (mysql_errno(db->my))
            return my_fail(db, err);
    }
    return more < 0 || my_fail(db, err);
}

static bool one_query(struct mydb *db, struct span sql, db_each each, void *ctx,
                      struct db_result *result, struct err *err)
{
    AUTO(myres) MYSQL_RES *res = NULL;

    if (!my_start(db, sql, &res, err))
        return false;
    if (!res)
        result->rows = mysql_affected_rows(db->my);
    else if (!give_rows(db, res, each, ctx, &result->rows, err))
        return false;
    result->warnings = mysql_warning_count(db->my);
    return true;
}

static bool my_query(struct db *base, struct span sql, db_each each, void *ctx,
                     struct db_result *result, struct err *err)
{
    struct mydb *db = (struct mydb *)base;
    struct db_result got = {0};

    if (!one_query(db, sql, each, ctx, &got, err)) {
        drain_results(db, NULL);
        return false;
    }
    if (!drain_results(db, err))
        return false;
    my_tag(sql, got.tag, sizeof(got.tag));
    if (result)
        *result = got;
    return true;
}

static bool my_quote(struct db *base, struct span text, bool identifier, struct buf *out)
{
    struct mydb *db = (struct mydb *)base;

    if (identifier) {
        buf_putc(out, '`');
        for (size_t i = 0; i < text.len; i++) {
            if (text.at[i] == '`')
                buf_putc(out, '`');
            buf_putc(out, text.at[i]);
        }
        return buf_putc(out, '`');
    }
    if (!text.at)
        return buf_puts(out, "NULL");
    /* The connector knows from the server's status whether backslashes escape. */
    if (!buf_putc(out, '\'') || !buf_reserve(out, text.len * 2 + 1))
        return false;
    out->len += mysql_real_escape_string(db->my, out->at + out->len, text.at, text.len);
    return buf_putc(out, '\'');
}

const struct db_ops db_mariadb = {
    .name = "mariadb",
    .open = my_open,
    .close = my_close,
    .query = my_query,
    .copy_out = my_copy_out,
    .copy_in = my_copy_in,
    .cancel = my_cancel,
    .quote = my_quote,
};
