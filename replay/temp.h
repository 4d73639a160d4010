/* A place for the results of a replay that nobody asked to keep: a directory that only we may read
 * (results hold what the server answered), removed with all that is in it. */
#ifndef REPLAY_TEMP_H
#define REPLAY_TEMP_H

#include <stdbool.h>

#include "lib/base/err.h"

struct temp {
    char *dir;  /* NULL: none */
    char *file; /* in it; made by who writes it */
};

/* In $TMPDIR, else beside `tape`, where there is room for its like, else in /tmp. */
bool temp_make(const char *tape, struct temp *out, struct err *err);
void temp_done(struct temp *s);
static inline void auto_temp(struct temp *s)
{
    temp_done(s);
}

#endif
