#include "replay/arena.h"

#include <stdlib.h>

#define BLOCK_BYTES ((size_t)1 << 20)

struct block {
    char *at;
    size_t used, size;
};

static struct block *last_block(const struct arena *a)
{
    return a->blocks.count ? &((struct block *)a->blocks.at)[a->blocks.count - 1] : NULL;
}

bool arena_keep(struct arena *a, struct span *s, struct err *err)
{
    struct block *b = last_block(a);

    if (s->len == 0) {
        *s = (struct span){"", 0};
        return true;
    }
    if (!b || b->size - b->used < s->len) {
        size_t size = s->len > BLOCK_BYTES ? s->len : BLOCK_BYTES;
        a->blocks.item = sizeof(struct block);
        b = vec_add(&a->blocks, err);
        if (!b)
            return false;
        b->at = malloc(size);
        if (!b->at)
            return err_memory(err);
        b->size = size;
    }
    memcpy(b->at + b->used, s->at, s->len);
    *s = (struct span){b->at + b->used, s->len};
    b->used += s->len;
    return true;
}

void arena_done(struct arena *a)
{
    for (size_t i = 0; i < a->blocks.count; i++)
        free(((struct block *)a->blocks.at)[i].at);
    vec_done(&a->blocks);
}
