#include "lib/bundle/lookup.h"

#include <string.h>

#define SLOTS_START ((size_t)256)
/* Between two times that memory is given back: puts, each of them on a page of its own, and slots. */
#define RELAX_PUTS  512
#define RELAX_SLOTS ((size_t)1 << 16)

static uint32_t bits_of(const struct digest *d)
{
    uint32_t bits;

    memcpy(&bits, d->at, sizeof(bits));
    return bits;
}

static uint64_t *slots_of(const struct lookup *l)
{
    return (uint64_t *)(void *)l->slots.at;
}

static void place(struct lookup *l, uint64_t slot)
{
    uint64_t *slots = slots_of(l), *free_slot = NULL;

    for (size_t step = 0; step < LOOKUP_STEPS && step < l->size && !free_slot; step++) {
        size_t at = ((size_t)(slot >> 32) + step) & (l->size - 1);
        free_slot = slots[at] ? NULL : &slots[at];
    }
    if (!free_slot) {
        l->dropped++;
        return;
    }
    *free_slot = slot;
    if (++l->count % RELAX_PUTS == 0)
        spill_forget(&l->slots);
}

static bool open_slots(struct lookup *l, size_t size, struct err *err)
{
    *l = (struct lookup){.size = size};
    if (spill_open(&l->slots, size * sizeof(uint64_t), err) &&
        spill_add(&l->slots, NULL, size * sizeof(uint64_t), err))
        return true;
    lookup_done(l);
    return false;
}

bool lookup_open(struct lookup *l, size_t count, struct err *err)
{
    size_t size = SLOTS_START;

    while (size / 2 <= count)
        size *= 2;
    return open_slots(l, size, err);
}

static bool grow(struct lookup *l, struct err *err)
{
    const uint64_t *slots = slots_of(l);
    struct lookup larger;

    if (!open_slots(&larger, l->size ? l->size * 2 : SLOTS_START, err))
        return false;
    larger.dropped = l->dropped;
    for (size_t i = 0; i < l->size; i++) {
        if (i % RELAX_SLOTS == 0)
            spill_forget(&l->slots);
        if (slots[i])
            place(&larger, slots[i]);
    }
    lookup_done(l);
    *l = larger;
    return true;
}

bool lookup_put(struct lookup *l, const struct digest *d, size_t number, struct err *err)
{
    if (number > LOOKUP_MAX)
        return err_set(err, ERR_UNSUPPORTED, "more than %u numbers", LOOKUP_MAX);
    if (l->count >= l->size / 2 && !grow(l, err))
        return false;
    place(l, (uint64_t)bits_of(d) << 32 | (number + 1));
    return true;
}

bool lookup_next(const struct lookup *l, const struct digest *d, size_t *step, size_t *number)
{
    const uint64_t *slots = slots_of(l);
    uint32_t bits = bits_of(d);

    while (*step < l->size && *step < LOOKUP_STEPS) {
        uint64_t slot = slots[((size_t)bits + (*step)++) & (l->size - 1)];
        if (!slot)
            return false;
        if (slot >> 32 == bits) {
            *number = (size_t)(slot & UINT32_MAX) - 1;
            return true;
        }
    }
    return false;
}

void lookup_done(struct lookup *l)
{
    spill_done(&l->slots);
    *l = (struct lookup){0};
}
