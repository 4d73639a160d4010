/* Defaults of columns that SHOW CREATE TABLE does not say.
 * Threads: pure.
 */
#ifndef SNAPSHOT_MY_DEFAULT_H
#define SNAPSHOT_MY_DEFAULT_H

#include "lib/base/buf.h"

#include <stdbool.h>

/* Nullable columns that have no default, not even NULL: CREATE TABLE ... SELECT makes them, and no
 * other statement does. Given back, SHOW CREATE TABLE makes one whose default is NULL; so that is what
 * a bundle says, and names. Only for MariaDB from 10.2.1 on: before, and with MySQL, no BLOB has a
 * default.
 * Appends the text of SHOW CREATE TABLE with DEFAULT NULL where such columns lack it; *changed: there
 * are some. */
bool my_default_null(struct span create, struct buf *out, bool *changed, struct err *err);

#endif
