/* What `tape show` says of a tape or of results, for people. */
#ifndef REPLAY_TAPE_PRINT_H
#define REPLAY_TAPE_PRINT_H

#include <jansson.h>

/* `summary` as --json shows it. */
void tape_print(const char *path, const json_t *summary);

#endif
