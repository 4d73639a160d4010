/* The values of a column so far, by number.
 *
 * The first WORDS_MAX that stand as they are have the numbers 0, 1, ...; whoever writes and whoever
 * reads counts them alike. Only who writes looks for them.
 * Ownership: values are borrowed from the segment that is worked on.
 */
#ifndef LIB_BUNDLE_WORDS_H
#define LIB_BUNDLE_WORDS_H

#include "lib/base/span.h"

#include <stdbool.h>
#include <stdint.h>

#define WORDS_MAX 16384u
/* Of a search: whoever makes hashes alike gets a larger bundle, and one made slower within bounds. */
#define WORDS_STEPS 16

struct words {
    struct span *all; /* WORDS_MAX */
    struct words_slot {
        uint32_t hash, after; /* the number and one; 0: free */
    } * slots;                /* 2 * WORDS_MAX */
    uint32_t mask;            /* of those in use */
    uint32_t count;
};

bool words_init(struct words *w);  /* false without memory; words_done() is fine then */
bool words_index(struct words *w); /* before words are looked for; false without memory */
void words_done(struct words *w);
/* Forgets all; up to `most` will come that are looked for. */
void words_clear(struct words *w, uint64_t most);

/* The numbers of those that have the hash, one by one: *at is 0 first, and UINT32_MAX is the end. Here
 * because it is asked for each value of a database. */
static inline uint32_t words_next(const struct words *w, uint32_t hash, uint32_t *at)
{
    while (*at < WORDS_STEPS) {
        struct words_slot slot = w->slots[(hash + (*at)++) & w->mask];

        if (!slot.after)
            return UINT32_MAX;
        if (slot.hash == hash)
            return slot.after - 1;
    }
    return UINT32_MAX;
}

void words_add(struct words *w, struct span value, uint32_t hash);
/* It has its number, and is not found. */
void words_append(struct words *w, struct span value);

#endif
