/* What SHOW CREATE TABLE of MariaDB and MySQL does not say.
 *
 * Servers show a table's text in utf8mb3. A character beyond it, as an emoji, is shown as `?` in literal
 * defaults and in elements of ENUM and SET, and a table that is made of that text has `?` for good.
 * (Expressions, partitions, views and bodies are shown as they are; a comment loses such a character when
 * it is made.) So the server is asked for the values themselves: DEFAULT(column) and, of MariaDB from
 * 10.3 on, a variable of the column's type. Nothing is written, and at most one row read; the default of
 * a column that is NOT NULL cannot be asked for in a table that has none.
 * Rights:  SELECT on the table.
 * Threads: one session, one thread.
 * Source:  MariaDB sql/sql_show.cc (append_unescaped); "TYPE OF" in its manual's DECLARE.
 */
#ifndef LIB_DB_MY_SHOWN_H
#define LIB_DB_MY_SHOWN_H

#include "lib/base/vec.h"
#include "lib/db/db.h"

enum my_shown_as { MY_SHOWN_DEFAULT, MY_SHOWN_ENUM, MY_SHOWN_SET };

/* A part of a statement that shows a `?`; spans borrow the statement. */
struct my_shown {
    enum my_shown_as as;
    struct span column; /* as quoted */
    struct span text;   /* the default's literal; the elements from the first one's quote on */
};

/* Adds each to *out, in the order of the statement. Values of BINARY are bytes, no characters. Pure. */
bool my_shown_find(struct span create, struct vec *out, struct err *err);
/* Appends `shown` with each `?` as the character of `value` that it stands for, and is true; false, with
 * nothing appended, when it cannot be `value` that is shown. Of elements `value` is those that have a `?`
 * or a character of four bytes, which later servers may show, one behind the other. Pure. */
bool my_shown_fill(struct span shown, struct span value, struct buf *out);

/* `create` of the table (not quoted) in the session's database becomes what it means. *unsure is set when
 * some `?` could not be asked for; it stands there still. */
bool my_shown_whole(struct db *db, const char *table, struct buf *create, bool *unsure,
                    struct err *err);

#endif
