/* Writes early what a loading server leaves to the end.
 *
 * Servers do not sync while they are loaded; the box is synced once, before it is called ready, and all
 * cores wait for the disk then. This thread asks the kernel, every second or so, to begin writing the
 * large files of the servers' data directories, and waits for nothing: at the end little is left.
 * What servers throw away themselves (sorts' files) is left alone.
 * Errors:  none. What is not written early is written at the end; failing to write is told there.
 * Threads: begin and end from the owner of the box.
 */
#ifndef LIB_BOX_EARLY_H
#define LIB_BOX_EARLY_H

#include "lib/box/box.h"

struct box_early;

/* NULL without memory or thread; end accepts it. */
struct box_early *box_early_begin(struct box *b);
void box_early_end(struct box_early *e);

/* One look at a data directory: how many files were asked for. */
unsigned box_early_look(const char *dir);

#endif
