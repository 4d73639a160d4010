/* What a replay prints: its events as tables, or as one JSON document. */
#ifndef REPLAY_PRINT_H
#define REPLAY_PRINT_H

#include <jansson.h>

#include "lib/base/err.h"

bool print_events(const json_t *events, struct err *err);

#endif
