/* A key's constraint as an index that is built first and a constraint that takes it over.
 *
 * ADD PRIMARY KEY locks its table against everything while the index is built; CREATE UNIQUE INDEX
 * lets the table's other indexes be built at the same time.
 */
#ifndef RESTORE_PG_KEY_H
#define RESTORE_PG_KEY_H

#include "lib/base/buf.h"

/* From "ALTER TABLE [ONLY] t ADD CONSTRAINT c PRIMARY KEY (cols) [INCLUDE (..)] [WITH (..)]
 * [DEFERRABLE ..]", or UNIQUE. False when the statement is of another form: it is then run as it
 * is. Pure. */
bool pg_key_split(struct span sql, struct buf *index, struct buf *constraint);

#endif
