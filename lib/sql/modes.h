/* Follows the SETs in a text that change how later text is read. Private to lib/sql. */
#ifndef LIB_SQL_MODES_H
#define LIB_SQL_MODES_H

#include "lib/sql/split.h"

void modes_follow(struct sql_splitter *s, struct span statement);

#endif
