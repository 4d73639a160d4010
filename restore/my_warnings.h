/* What MariaDB warns of in a LOAD DATA LOCAL, which turns errors of single values into warnings.
 *
 * Three kinds are no loss: ENUM and SET hold "" for a value that was refused long ago, and storing that
 * again warns again; FLOAT(M,D) holds its limit rounded, which may be beyond it; and what a generated
 * column's expression warns of is nothing that is loaded.
 * The server keeps max_error_count of them (65535 at most), and counts all.
 * Cost: linear in the segments and the warnings. Threads: the session's.
 * Errors: ERR_SQL for a value that was changed, with the first one.
 */
#ifndef RESTORE_MY_WARNINGS_H
#define RESTORE_MY_WARNINGS_H

#include "lib/bundle/bundle.h"
#include "lib/db/db.h"

struct my_loaded {
    struct bundle *bundle;
    const struct stream *stream;
    size_t from, to; /* segments of the load */
    struct buf *raw; /* the loader's, to read segments into */
};

/* *unseen: there were more than the server keeps. */
bool my_warnings_check(const struct my_loaded *load, struct db *db, bool *unseen, struct err *err);

#endif
