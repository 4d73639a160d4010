/* Copies of spans that live as long as the arena. */
#ifndef REPLAY_ARENA_H
#define REPLAY_ARENA_H

#include "lib/base/err.h"
#include "lib/base/span.h"
#include "lib/base/vec.h"

struct arena {
    struct vec blocks; /* zeroed to start */
};

/* *s becomes a copy of itself. */
bool arena_keep(struct arena *a, struct span *s, struct err *err);
void arena_done(struct arena *a);

#endif
