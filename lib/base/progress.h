/* Progress of long work: one redrawn line on a terminal, else one line every ten seconds.
 *
 * Shows "restore  62%  1.3 GB of 2.1 GB  210 MB/s  4 s left  orders". Counters are added from any
 * thread (atomics); a ticker thread draws. Silent with log level below info.
 */
#ifndef LIB_BASE_PROGRESS_H
#define LIB_BASE_PROGRESS_H

#include "lib/base/auto.h"
#include <stdint.h>

struct progress;

/* `what`: the verb shown; total_bytes 0: unknown. Never fails: NULL means not shown, and every
 * function accepts NULL. */
struct progress *progress_open(const char *what, uint64_t total_bytes);
void progress_total(struct progress *p, uint64_t total_bytes);
void progress_add(struct progress *p, uint64_t bytes);
void progress_note(struct progress *p, const char *subject); /* copied */
void progress_close(struct progress *p);                     /* clears the line */
AUTO_PTR(progress, struct progress, progress_close)

#endif
