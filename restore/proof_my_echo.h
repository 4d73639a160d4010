/* What another server makes of production's texts.
 *
 * A server of another product or version shows what it was given in words of its own: MariaDB says
 * utf8mb3 where MySQL said utf8, and names the collation behind every charset. So a text that differs
 * is given to the box's server again, in a database of its own, and what it makes of it there is what
 * the restored object has to be.
 *
 * Rights:  CREATE and DROP on the database, called rehearse_echo_... Without them, or when the server
 *          refuses a text, the difference stays one.
 * Threads: one session, one thread.
 */
#ifndef RESTORE_PROOF_MY_ECHO_H
#define RESTORE_PROOF_MY_ECHO_H

#include "restore/proof_my.h"

struct my_echo {
    const struct my_proof *proof;
    struct db *db; /* NULL: not opened yet, or never to be */
    bool other;    /* the server is not of the kind and version that was captured */
    char name[PLACE_NAME];
};

void my_echo_init(const struct my_proof *m, const struct db *db, struct my_echo *out);
/* Drops the database. */
void my_echo_done(struct my_echo *e);
/* `text`, a CREATE TABLE, becomes what the server shows of the table that it makes of it. */
bool my_echo_table(struct my_echo *e, const char *name, struct buf *text, struct err *err);
/* The same for a view, routine or event of a bundle's list. A view's tables are the restored ones. */
bool my_echo_object(struct my_echo *e, const json_t *object, const char *name, struct buf *text,
                    struct err *err);

/* Whether a server of that version leaves out a part of the text without a word: one in a comment that is
 * for other servers, as MySQL 8 writes INVISIBLE. Pure.
 * Source: MariaDB sql/sql_lex.cc; MySQL manual, "Comments". */
bool my_echo_skips(struct span create, bool is_mysql, unsigned version);

#endif
