/* What the files of the MariaDB driver share; users include lib/db/db.h.
 *
 * Session settings are fixed at open (lib/db/my.c): utf8mb4, UTC, our sql_mode, long network
 * timeouts. Whoever needs the server's own sets them back with SET SESSION.
 */
#ifndef LIB_DB_MY_H
#define LIB_DB_MY_H

#include "lib/db/db.h"

#include <mysql.h>

struct mydb {
    struct db base;
    MYSQL *my;
    struct db_conf conf; /* strings owned; for the second connection that cancels */
    struct my_infile *infile;
};

/* A connection without session settings; `secret` NULL: the option files' password. */
bool my_connect(const struct db_conf *conf, MYSQL **out, struct err *err);
/* The last failure of the connection as an error of ours: class, server's text, hint. */
bool my_fail(struct mydb *db, struct err *err);
bool my_fail_raw(MYSQL *my, const char *label, struct err *err);
/* LOAD DATA LOCAL is answered by us alone: without a running copy_in every file is refused. */
void my_infile_guard(struct mydb *db);

bool my_copy_out(struct db *db, struct span sql,
                 bool (*take)(void *ctx, struct span rows, struct err *err), void *ctx,
                 struct err *err);
bool my_copy_in(struct db *db, struct span sql,
                bool (*give)(void *ctx, struct span *piece, struct err *err), void *ctx,
                uint64_t *rows, struct err *err);
bool my_cancel(struct db *db, struct err *err);
/* Runs the statement and leaves its first result to be fetched row by row; NULL in *out for a
 * statement without one. */
bool my_start(struct mydb *db, struct span sql, MYSQL_RES **out, struct err *err);
/* "UPDATE", "CREATE TABLE": what the statement is, by its first words; "" when unknown. */
void my_tag(struct span sql, char *out, size_t size);
/* Ends a result early: reading millions of rows only to drop them would take as long as they do. */
void my_drop_rest(struct mydb *db, MYSQL_RES *res);

#endif
