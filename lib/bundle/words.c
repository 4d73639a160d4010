#include "lib/bundle/words.h"

#include <stdlib.h>
#include <string.h>

bool words_init(struct words *w)
{
    *w = (struct words){.all = malloc(WORDS_MAX * sizeof(*w->all))};
    return w->all;
}

bool words_index(struct words *w)
{
    if (!w->slots)
        w->slots = calloc((size_t)2 * WORDS_MAX, sizeof(*w->slots));
    return w->slots;
}

void words_done(struct words *w)
{
    free(w->all);
    free(w->slots);
    *w = (struct words){0};
}

void words_clear(struct words *w, uint64_t most)
{
    uint32_t slots = 64;

    w->count = 0;
    if (!most)
        return;
    while (slots < 2 * WORDS_MAX && slots < 2 * most)
        slots *= 2;
    memset(w->slots, 0, slots * sizeof(*w->slots));
    w->mask = slots - 1;
}

void words_append(struct words *w, struct span value)
{
    if (w->count < WORDS_MAX)
        w->all[w->count++] = value;
}

void words_add(struct words *w, struct span value, uint32_t hash)
{
    uint32_t at = hash & w->mask, step = 0;

    if (w->count == WORDS_MAX)
        return;
    words_append(w, value);
    while (w->slots[at].after && step < WORDS_STEPS) {
        at = (at + 1) & w->mask;
        step++;
    }
    if (step < WORDS_STEPS)
        w->slots[at] = (struct words_slot){hash, w->count};
}
