/* Triggers that their own server shows but cannot make again: a column that they name as NEW.x or
 * OLD.x was renamed or dropped since.
 *
 * In doubt a trigger fits: names in double quotes or beyond ASCII are not looked at, nor is anything
 * where NEW or OLD is some other name, too.
 * Ownership: spans borrow the texts. Threads: pure.
 */
#ifndef SNAPSHOT_MY_TRIGGER_H
#define SNAPSHOT_MY_TRIGGER_H

#include "lib/base/err.h"
#include "lib/base/span.h"

#include <stdbool.h>

struct my_trigger_text {
    struct span create;
    bool no_backslash_escapes; /* its sql_mode has it */
};

/* table: SHOW CREATE TABLE of the table that it belongs to. *lost: the first such column, as it is
 * written; .at is NULL when it fits. */
bool my_trigger_lost(const struct my_trigger_text *trigger, struct span table, struct span *lost,
                     struct err *err);

#endif
