#include "lib/bundle/arrange.h"

#include "lib/base/auto.h"

#include <stdlib.h>

/* A page of each run is in memory when they are merged, and with it the 15 around it. */
#define RUN ((size_t)1 << 16)

/* What segments are put in order by. */
struct key {
    uint64_t seq;
    uint32_t stream, number;
};

static int by_key(const void *a, const void *b)
{
    const struct key *x = a, *y = b;

    if (x->stream != y->stream)
        return x->stream < y->stream ? -1 : 1;
    if (x->seq != y->seq)
        return x->seq < y->seq ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

static struct key key_of(const struct arranged *a, uint32_t number)
{
    const struct segment *s = &index_segments(a->ix)[number];

    return (struct key){s->seq, a->stream_now[s->stream], number};
}

static struct key first_of(const struct arranged *a, const struct run *r)
{
    return key_of(a, ((const uint32_t *)(void *)a->order.at)[r->at]);
}

static bool is_less(const struct arranged *a, const struct run *x, const struct run *y)
{
    const struct key k = first_of(a, x), l = first_of(a, y);

    return by_key(&k, &l) < 0;
}

static bool sort_run(struct arranged *a, struct key *room, size_t from, size_t count,
                     struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        if (i % INDEX_RELAX == 0)
            index_forget(a->ix);
        room[i] = key_of(a, (uint32_t)(from + i));
    }
    qsort(room, count, sizeof(*room), by_key);
    for (size_t i = 0; i < count; i++)
        if (!spill_add(&a->order, &room[i].number, sizeof(room[i].number), err))
            return false;
    struct run *to = vec_add(&a->runs, err);
    if (!to)
        return false;
    *to = (struct run){from, from + count};
    index_forget(a->ix);
    return true;
}

static void sink(struct arranged *a, size_t at)
{
    struct run *heap = a->runs.at, moved = heap[at];

    for (size_t child; (child = 2 * at + 1) < a->runs.count; at = child) {
        if (child + 1 < a->runs.count && is_less(a, &heap[child + 1], &heap[child]))
            child++;
        if (!is_less(a, &heap[child], &moved))
            break;
        heap[at] = heap[child];
    }
    heap[at] = moved;
}

bool arranged_open(struct arranged *a, const struct index *ix, const uint32_t *stream_now,
                   struct err *err)
{
    AUTO(free) struct key *room = malloc(RUN * sizeof(*room));

    *a = (struct arranged){.ix = ix, .stream_now = stream_now, .runs = VEC(struct run)};
    if (!room)
        return err_memory(err);
    if (!spill_open(&a->order, ix->segment_count * sizeof(uint32_t), err))
        return false;
    for (size_t from = 0; from < ix->segment_count; from += RUN) {
        size_t left = ix->segment_count - from;
        if (!sort_run(a, room, from, left < RUN ? left : RUN, err))
            return false;
    }
    for (size_t i = a->runs.count / 2; i-- > 0;)
        sink(a, i);
    return true;
}

bool arranged_next(struct arranged *a, struct segment *out, struct err *err)
{
    struct run *heap = a->runs.at;

    if (!a->runs.count)
        return err_set(err, ERR_FAILED, "there are no more segments");
    if (a->given++ % INDEX_RELAX == 0) {
        index_forget(a->ix);
        spill_forget(&a->order);
    }
    const struct key k = first_of(a, &heap[0]);
    *out = index_segments(a->ix)[k.number];
    out->stream = k.stream;
    if (++heap[0].at == heap[0].end)
        heap[0] = heap[--a->runs.count];
    if (a->runs.count)
        sink(a, 0);
    return true;
}

void arranged_done(struct arranged *a)
{
    spill_done(&a->order);
    vec_done(&a->runs);
    *a = (struct arranged){0};
}
