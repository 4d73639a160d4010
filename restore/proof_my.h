/* What the files of the MariaDB proof share. */
#ifndef RESTORE_PROOF_MY_H
#define RESTORE_PROOF_MY_H

#include "lib/db/db.h"
#include "restore/my_here.h"
#include "restore/my_select.h"
#include "restore/proof_part.h"

struct my_proof;

struct my_proof_table {
    struct proof_table base;
    struct my_proof *proof;
    char *select;
    char *key;         /* quoted column of whole numbers that pieces are cut by; NULL: none */
    struct vec bounds; /* char *: where a further piece begins */
};

struct my_proof {
    struct proof_part *part;
    struct my_select *select; /* NULL: all of it */
    struct place_db place;
    struct my_here here; /* the bundle's texts, as they are there */
    struct my_proof_table *tables;
    size_t table_count;
};

/* A session whose texts come as the snapshot saw them. */
bool my_proof_session(struct my_proof *m, bool bytes, struct db **out, struct err *err);
/* Tables, sequences, views, routines, triggers, events. */
bool my_proof_objects(struct my_proof *m, struct err *err);
/* Accounts, roles and grants, where the bundle has them. */
bool my_proof_accounts(struct my_proof *m, struct err *err);

#endif
