#include "lib/base/sched_heap.h"

#include <stdlib.h>

bool node_before(const struct node *a, const struct node *b)
{
    return a->task.cost != b->task.cost ? a->task.cost > b->task.cost : a->id < b->id;
}

bool heap_reserve(struct vec *heap, size_t count, struct err *err)
{
    if (count <= heap->cap)
        return true;
    size_t cap = heap->cap ? heap->cap * 2 : 8;
    cap = cap < count ? count : cap;
    void *at = cap <= SIZE_MAX / heap->item ? realloc(heap->at, cap * heap->item) : NULL;
    if (!at)
        return err_memory(err);
    heap->at = at;
    heap->cap = cap;
    return true;
}

void heap_push(struct vec *heap, struct node *n)
{
    struct node **at = heap->at;
    size_t i = heap->count++;

    for (; i && node_before(n, at[(i - 1) / 2]); i = (i - 1) / 2)
        at[i] = at[(i - 1) / 2];
    at[i] = n;
}

struct node *heap_top(const struct vec *heap)
{
    struct node *const *at = heap->at;
    return at[0];
}

struct node *heap_pop(struct vec *heap)
{
    struct node **at = heap->at, *top = at[0], *last = at[--heap->count];
    size_t i = 0;

    for (size_t child; (child = 2 * i + 1) < heap->count; i = child) {
        if (child + 1 < heap->count && node_before(at[child + 1], at[child]))
            child++;
        if (!node_before(at[child], last))
            break;
        at[i] = at[child];
    }
    if (heap->count)
        at[i] = last;
    return top;
}
