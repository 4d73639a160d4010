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

/* Since 15.14 (CVE-2025-8714) pg_dump puts its text between \restrict KEY and \unrestrict KEY, so that
 * no name in it can be a command to psql, and draws another KEY every time: the same schema would be
 * another text every day. KEY becomes the SHA-256 of the text, which nothing in the text can hold. In
 * place; a text without such a pair stays as it is. */
void pg_steady_key(struct buf *sql);

#endif
