#include "snapshot/room.h"

#include "lib/bundle/bundle.h"

#include <stdlib.h>

/* What the columns of a usual segment and their text come to, grown by doubling. */
#define KEEP (8 * SEGMENT_TARGET)

struct rooms {
    struct idle idle;
};

bool rooms_new(struct rooms **out, struct err *err)
{
    struct rooms *all = calloc(1, sizeof(*all));

    if (!all)
        return err_memory(err);
    idle_init(&all->idle);
    *out = all;
    return true;
}

static void room_free(struct room *r)
{
    columns_done(&r->cols);
    buf_done(&r->joined);
    free(r);
}

void rooms_free(struct rooms *all)
{
    if (!all)
        return;
    for (struct room *r; (r = idle_take(&all->idle));)
        room_free(r);
    idle_done(&all->idle);
    free(all);
}

bool rooms_take(struct rooms *all, unsigned columns, struct room **out, struct err *err)
{
    struct room *r = idle_take(&all->idle);

    if (!r)
        r = calloc(1, sizeof(*r));
    if (!r || !columns_reshape(&r->cols, columns, err)) {
        rooms_give(all, r);
        return err_memory(err);
    }
    r->joined.max = SEGMENT_RAW_MAX;
    buf_clear(&r->joined);
    *out = r;
    return true;
}

void rooms_give(struct rooms *all, struct room *r)
{
    if (!r)
        return;
    if (columns_memory(&r->cols) + r->joined.cap > KEEP) {
        room_free(r);
        return;
    }
    idle_give(&all->idle, &r->idle);
}
