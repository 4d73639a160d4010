/* What the migrate commands print alike. */
#ifndef MIGRATE_TELL_H
#define MIGRATE_TELL_H

#include "lib/base/json.h"

/* A name from outside must not forge a line or move the cursor: control characters become '?'.
 * Padded to `width` columns. */
void tell_name(const char *name, size_t width);
/* Columns that a name takes, at most `max`. */
size_t tell_width(const char *name, size_t max);
bool tell_json(const json_t *doc, struct err *err);

#endif
