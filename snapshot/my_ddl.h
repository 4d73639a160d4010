/* Takes SHOW CREATE TABLE apart, so that a table can be made with its primary key only, loaded, and
 * given its other indexes and foreign keys afterwards.
 *
 * Understands what MariaDB and MySQL write: one definition per comma at the first level of
 * parentheses, names in backticks, strings in single quotes with backslash escapes or doubled
 * quotes. Everything else is taken over byte by byte.
 * Ownership: spans borrow the text. Threads: pure. Errors: ERR_UNSUPPORTED for a text that is not
 *            of that shape.
 */
#ifndef SNAPSHOT_MY_DDL_H
#define SNAPSHOT_MY_DDL_H

#include "lib/base/auto.h"
#include "lib/base/buf.h"
#include "lib/base/vec.h"

enum my_part {
    MY_PART_COLUMN,
    MY_PART_PRIMARY,
    MY_PART_UNIQUE,
    MY_PART_KEY,
    MY_PART_FULLTEXT,
    MY_PART_SPATIAL,
    MY_PART_FOREIGN,
    MY_PART_OTHER, /* CHECK, PERIOD */
};

struct my_def {
    enum my_part part;
    struct span text;
    struct span first;   /* the first column of a key, as quoted; else .at == NULL */
    bool auto_increment; /* of a column */
};

struct my_ddl {
    struct span head; /* up to and with the opening parenthesis */
    struct vec defs;  /* struct my_def */
    struct span tail; /* from the closing parenthesis on */
};

bool my_ddl_split(struct span create, struct my_ddl *out, struct err *err);
void my_ddl_done(struct my_ddl *d);
static inline void auto_my_ddl(struct my_ddl *d)
{
    my_ddl_done(d);
}
/* True when the definition must be there from the start: columns, the primary key, checks; the key
 * that the AUTO_INCREMENT column needs; and, without a primary key, every unique one. */
bool my_ddl_stays(const struct my_ddl *d, const struct my_def *def);
/* The statement with only what stays. */
bool my_ddl_create(const struct my_ddl *d, struct buf *out);
/* The text without AUTO_INCREMENT=n, which changes with every row: for comparing. */
bool my_ddl_shape(struct span create, struct buf *out);
/* With string literals that are no UTF-8, which are defaults of BINARY columns, as x'...': as bytes they
 * would be read as text, and be refused or changed. */
bool my_ddl_bytes(struct span create, struct buf *out);

#endif
