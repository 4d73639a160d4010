/* What rows become segments in, used again from task to task.
 *
 * Memory that is touched for the first time costs more than what is done with it: of the 80,000 page
 * faults of a snapshot of 1 GB 52,000 were of columns that each task had made anew.
 * Ownership: a room belongs to its taker until he gives it back, whatever it holds then.
 * Threads: rooms_take() and rooms_give() from any.
 */
#ifndef SNAPSHOT_ROOM_H
#define SNAPSHOT_ROOM_H

#include "lib/base/idle.h"
#include "lib/bundle/columns.h"

struct rooms;
struct room {
    struct idle_item idle;
    struct columns cols; /* empty when it is taken, as `joined` is */
    struct buf joined;
};

bool rooms_new(struct rooms **out, struct err *err);
void rooms_free(struct rooms *all); /* NULL is fine, as everywhere here */
bool rooms_take(struct rooms *all, unsigned columns, struct room **out, struct err *err);
/* One that large rows have made large is not kept. */
void rooms_give(struct rooms *all, struct room *r);

#endif
