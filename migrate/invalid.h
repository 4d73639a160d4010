/* PostgreSQL indexes that are not valid: what a failed CREATE INDEX CONCURRENTLY leaves behind.
 * Those that production had already are not the release's. Each is told once. Threads: one. */
#ifndef MIGRATE_INVALID_H
#define MIGRATE_INVALID_H

#include "lib/base/auto.h"
#include "lib/db/db.h"
#include "lib/journal/journal.h"

struct invalid;

struct invalid_conf {
    const char *database;
    struct journal *journal;
};

bool invalid_open(const struct invalid_conf *conf, struct db *db, struct invalid **out,
                  struct err *err);
/* Tells those that are new as events migrate.invalid_index of `file`. */
bool invalid_look(struct invalid *v, struct db *db, const char *file, struct err *err);
void invalid_close(struct invalid *v);
AUTO_PTR(invalid, struct invalid, invalid_close)

#endif
