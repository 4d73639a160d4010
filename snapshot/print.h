/* How bundles are shown on stdout. */
#ifndef SNAPSHOT_PRINT_H
#define SNAPSHOT_PRINT_H

#include "lib/store/store.h"

#include <jansson.h>

/* One line per component: records, raw and stored bytes, position; then what was left out. */
/* What a bundle stored itself, and how much it shares with its parent. */
void print_new(const json_t *config);
void print_components(const json_t *components);
/* The document as JSON with a newline. */
bool print_json(const json_t *value, struct err *err);
/* "lsn 0/15D4A28, timeline 1"; whether there was anything to print. `before` goes in front. */
bool print_position(const char *before, const json_t *position);
/* A member as a number; 0 without it. */
int64_t print_number(const json_t *o, const char *key);

/* The store that --store names; without it an error that says so. */
bool cmd_store_open(const char *url, enum store_mode mode, struct store **out, struct err *err);
/* The same for changing what is there: a mistyped name is ERR_MISSING and never a new store. */
bool cmd_store_change(const char *url, struct store **out, struct err *err);

#endif
