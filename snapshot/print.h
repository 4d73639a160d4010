/* How bundles are shown on stdout. */
#ifndef SNAPSHOT_PRINT_H
#define SNAPSHOT_PRINT_H

#include "lib/base/err.h"

#include <jansson.h>

/* One line per component: records, raw and stored bytes, position; then what was left out. */
void print_components(const json_t *components);
/* The document as JSON with a newline. */
bool print_json(const json_t *value, struct err *err);
/* A member as a number; 0 without it. */
int64_t print_number(const json_t *o, const char *key);

#endif
