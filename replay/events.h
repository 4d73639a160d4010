/* Journal events of a replay, kept as well for what the command prints. */
#ifndef REPLAY_EVENTS_H
#define REPLAY_EVENTS_H

#include "lib/journal/journal.h"

struct events {
    struct journal *journal; /* NULL: none */
    json_t *all;             /* array of objects with `event` */
};

bool events_put(struct events *e, const char *event, const struct field *fields, struct err *err);
#define EVENT(e, err, event, ...) events_put(e, event, FIELDS(__VA_ARGS__), err)

#endif
