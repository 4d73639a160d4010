/* Takes passwords out of a schema's text.
 *
 * Foreign servers and user mappings hold them as options; pg_dump writes them out for a superuser.
 * The value of an option whose name speaks of a secret becomes ''. Pure.
 * Errors: ERR_SQL for a text that cannot be split.
 */
#ifndef SNAPSHOT_PG_REDACT_H
#define SNAPSHOT_PG_REDACT_H

#include "lib/base/buf.h"

/* Appends `sql` to `out`; *count: how many values were taken out. */
bool pg_redact(struct span sql, struct buf *out, unsigned *count, struct err *err);

#endif
