/* A script: its bytes, its statements, what is committed together, and its checksums.
 *
 * A unit is a run of statements that is committed as a whole. On PostgreSQL a file is one unit
 * unless a statement refuses to run in a transaction or the file brings its own BEGIN and COMMIT;
 * on MariaDB a statement is a unit unless it stands between BEGIN and COMMIT.
 * Checksums: `raw` of the bytes; `normal` of the tokens, so that a changed comment or indent can be
 * told from a changed statement. SCRIPT_NORMAL is the version of the latter's algorithm.
 * Ownership: script_close() releases all; spans borrow from it.
 * Errors:    ERR_SQL and ERR_CONFIG with file and line: nothing of such a file is ever run.
 */
#ifndef MIGRATE_SCRIPT_H
#define MIGRATE_SCRIPT_H

#include "lib/base/auto.h"
#include "lib/base/hash.h"
#include "lib/base/vec.h"
#include "migrate/classify.h"
#include "migrate/order.h"
#include "migrate/section.h"

#define SCRIPT_NORMAL 1

struct statement {
    struct span text, copy_data;
    unsigned line;
    enum tx_kind tx;
    bool no_where;
};

struct unit {
    unsigned first, last; /* statements, counted from 0 */
    bool wrap;            /* begun and committed by us */
    bool own;             /* begun and committed by the file */
};

struct script {
    char *name, *version;
    struct buf bytes;
    struct vec statements; /* of struct statement */
    struct vec units;      /* of struct unit */
    struct digest raw, normal;
    enum section_style section;
    bool repeatable;
    bool is_short; /* literals may be shown */
};

struct script_modes { /* of the server: how MariaDB reads quotes */
    bool ansi_quotes, no_backslash_escapes;
};

bool script_open(const struct order *order, const struct order_file *file, enum sql_dialect dialect,
                 const struct script_modes *modes, struct script **out, struct err *err);
void script_close(struct script *s);
AUTO_PTR(script, struct script, script_close)
const struct statement *script_statements(const struct script *s);
const struct unit *script_units(const struct script *s);
bool script_one_transaction(const struct script *s);
/* The normal checksum of the first `count` statements. */
bool script_normal(const struct script *s, enum sql_dialect dialect, size_t count,
                   struct digest *out, struct err *err);

/* Pure; for script_open and its test. */
bool units_build(enum sql_dialect dialect, const struct statement *st, size_t count,
                 bool no_transaction, struct vec *units, struct err *err);

#endif
