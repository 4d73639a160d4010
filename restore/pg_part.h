/* The schema's texts of a PostgreSQL component, cut to what --only selects of it, and with the roles
 * that --owner gives it. */
#ifndef RESTORE_PG_PART_H
#define RESTORE_PG_PART_H

#include "lib/bundle/bundle.h"
#include "lib/db/db.h"
#include "restore/pg_owner.h"
#include "restore/pg_select.h"
#include "restore/selection.h"

struct pg_part {
    struct pg_select *select; /* NULL: the whole database */
    struct pg_owner owner;
    struct buf pre_data, post_data, sequences;
};

/* `db`: a session on the server that they are for, which says what extensions it offers. `what` is
 * borrowed. */
bool pg_part_open(struct bundle *bundle, const char *component, const struct selection *what,
                  struct db *db, struct pg_part *out, struct err *err);
void pg_part_done(struct pg_part *p);
/* Whether the rows of a stream belong to it. */
bool pg_part_has(const struct pg_part *p, const struct stream *s);

#endif
