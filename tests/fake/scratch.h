/* A directory for one test, removed with all that is in it.
 *   AUTO(scratch) struct scratch dir = {0};
 *   scratch_open(&dir);
 * Errors: end the test program; a test without its directory says nothing. */
#ifndef TESTS_FAKE_SCRATCH_H
#define TESTS_FAKE_SCRATCH_H

#include "lib/base/span.h"

struct scratch {
    char path[256];
    char name[512];
};

void scratch_open(struct scratch *s);
void auto_scratch(struct scratch *s);
/* PATH/name, in the scratch itself: valid until the next call. */
const char *scratch_path(struct scratch *s, const char *name);
void scratch_write(struct scratch *s, const char *name, struct span content);

#endif
