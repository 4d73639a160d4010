#include "tests/shop/generate/generate.h"

#include "lib/base/auto.h"

#include <mysql.h>

/* What one LOAD DATA LOCAL reads: rows are made while the connector asks for bytes. */
struct feed {
    const struct gen_table *table;
    const struct scale *scale;
    uint64_t next, last;
    struct buf piece;
    size_t taken;
};

static void auto_connection(MYSQL **db)
{
    if (*db)
        mysql_close(*db);
}

static int feed_init(void **out, const char *name, void *feed)
{
    (void)name;
    *out = feed;
    return 0;
}

static int feed_read(void *ctx, char *bytes, unsigned room)
{
    struct feed *f = ctx;

    if (f->taken == f->piece.len) {
        buf_clear(&f->piece);
        f->taken = 0;
        while (f->piece.len < room && f->next <= f->last)
            f->table->rows(f->scale, f->next++, &f->piece);
        if (f->piece.failed)
            return -1;
    }
    size_t len = f->piece.len - f->taken;
    if (len > room)
        len = room;
    if (len)
        memcpy(bytes, f->piece.at + f->taken, len);
    f->taken += len;
    return (int)len;
}

static void feed_end(void *feed)
{
    (void)feed;
}

static int feed_error(void *feed, char *text, unsigned room)
{
    (void)feed;
    snprintf(text, room, "out of memory for rows");
    return 2000; /* CR_UNKNOWN_ERROR */
}

static bool run(MYSQL *db, const char *sql, const char *what, struct err *err)
{
    if (mysql_query(db, sql) != 0)
        return err_set(err, ERR_SQL, "cannot fill '%s': %s", what, mysql_error(db));
    do {
        mysql_free_result(mysql_store_result(db));
    } while (mysql_next_result(db) == 0);
    return true;
}

/* A value that does not fit must be an error here, not a warning that nobody reads. */
static bool no_warnings(MYSQL *db, const char *table, struct err *err)
{
    unsigned warnings = mysql_warning_count(db);
    if (warnings == 0)
        return true;
    return err_set(err, ERR_SQL, "cannot fill '%s': %u warnings", table, warnings);
}

static bool load_table(MYSQL *db, const struct gen_table *t, const struct scale *s, struct err *err)
{
    AUTO(buf) struct buf sql = {0};
    struct feed feed = {.table = t, .scale = s};

    gen_span(t, s, &feed.next, &feed.last);
    buf_printf(&sql, "LOAD DATA LOCAL INFILE 'rows' INTO TABLE %s CHARACTER SET utf8mb4 %s",
               t->name, t->columns);
    if (!buf_ok(&sql, err))
        return false;
    mysql_set_local_infile_handler(db, feed_init, feed_read, feed_end, feed_error, &feed);
    bool done = mysql_query(db, buf_str(&sql)) == 0;
    buf_done(&feed.piece);
    if (!done)
        return err_set(err, ERR_SQL, "cannot fill '%s': %s", t->name, mysql_error(db));
    return no_warnings(db, t->name, err);
}

bool mariadb_fill(const char *socket, const char *user, const char *database, const struct scale *s,
                  struct err *err)
{
    __attribute__((cleanup(auto_connection))) MYSQL *db = mysql_init(NULL);
    unsigned on = 1;

    if (!db)
        return err_memory(err);
    mysql_options(db, MYSQL_OPT_LOCAL_INFILE, &on);
    mysql_options(db, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    if (!mysql_real_connect(db, "localhost", user, NULL, database, 0, socket, 0))
        return err_set(err, ERR_UNREACHABLE, "cannot connect to MariaDB: %s", mysql_error(db));
    if (!run(db,
             "SET sql_log_bin = 0, unique_checks = 0, foreign_key_checks = 0, time_zone = '+00:00'",
             "session", err))
        return false;
    for (const struct gen_table *t = mariadb_tables; t->name; t++) {
        if (!load_table(db, t, s, err))
            return false;
    }
    return run(db, "ANALYZE TABLE categories, brands, articles, reviews, price_history",
               "statistics", err);
}
