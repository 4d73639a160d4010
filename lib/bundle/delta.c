#include "lib/bundle/delta.h"

#include "lib/base/auto.h"
#include "lib/bundle/lookup.h"
#include "lib/bundle/reader.h"

#include <inttypes.h>

struct base {
    unsigned users; /* takers, and the cache; under the lock */
    uint32_t pack;
    uint64_t offset;
    struct buf raw;
};

/* ---- which frame rests on which --------------------------------------------------------------*/

struct segment delta_base(const struct segment *delta)
{
    return (struct segment){.stream = delta->stream,
                            .seq = delta->seq,
                            .pack = delta->base.pack,
                            .offset = delta->base.offset,
                            .stored_bytes = delta->base.stored_bytes,
                            .raw_bytes = delta->base.raw_bytes,
                            .raw = delta->base.raw};
}

struct segment_base delta_root(const struct segment *seg)
{
    if (segment_is_delta(seg))
        return seg->base;
    return (struct segment_base){.pack = seg->pack,
                                 .offset = seg->offset,
                                 .stored_bytes = seg->stored_bytes,
                                 .raw_bytes = seg->raw_bytes,
                                 .raw = seg->raw};
}

uint64_t delta_limit(const struct segment_base *base, uint64_t raw_bytes)
{
    /* What compressed the base compresses its heir about as well. All factors are below 2^31. */
    uint64_t full = base->stored_bytes * raw_bytes / base->raw_bytes;

    return full * DELTA_SHARE_MAX / 100;
}

/* Where a frame lies, as what it is found by. */
static struct digest place_of(uint32_t pack, uint64_t offset)
{
    const struct {
        uint64_t pack, offset;
    } place = {pack, offset};

    return hash_of((struct span){(const char *)&place, sizeof(place)});
}

static bool is_delta_at(const struct index *ix, const struct lookup *deltas, uint32_t pack,
                        uint64_t offset)
{
    const struct segment *all = index_segments(ix);
    const struct digest place = place_of(pack, offset);
    size_t step = 0, number;

    while (lookup_next(deltas, &place, &step, &number))
        if (all[number].pack == pack && all[number].offset == offset)
            return true;
    return false;
}

/* Numbers of the deltas, by where they lie. */
static bool place_deltas(const struct index *ix, struct lookup *deltas, struct err *err)
{
    const struct segment *all = index_segments(ix);

    for (size_t i = 0; i < ix->segment_count; i++) {
        if (i % INDEX_RELAX == 0)
            index_forget(ix);
        if (!segment_is_delta(&all[i]))
            continue;
        if (is_delta_at(ix, deltas, all[i].pack, all[i].offset))
            continue;
        const struct digest place = place_of(all[i].pack, all[i].offset);
        if (!lookup_put(deltas, &place, i, err))
            return false;
    }
    return !deltas->dropped ||
           err_set(err, ERR_DAMAGED, "the segment index: its deltas lie where nobody puts them");
}

bool delta_check_depth(const struct index *ix, struct err *err)
{
    AUTO(lookup) struct lookup deltas = {0};
    const struct segment *all = index_segments(ix);

    if (!place_deltas(ix, &deltas, err))
        return false;
    for (size_t i = 0; deltas.count && i < ix->segment_count; i++) {
        if (i % INDEX_RELAX == 0)
            index_forget(ix);
        if (segment_is_delta(&all[i]) &&
            is_delta_at(ix, &deltas, all[i].base.pack, all[i].base.offset))
            return err_set(err, ERR_DAMAGED,
                           "the segment index: the base of segment %" PRIu64 " of stream %" PRIu32
                           " is a delta itself",
                           all[i].seq, all[i].stream);
    }
    return true;
}

/* ---- decoded bases ---------------------------------------------------------------------------*/

void bases_init(struct bases *all)
{
    *all = (struct bases){0};
    pthread_mutex_init(&all->lock, NULL);
}

/* Under the lock. */
static void drop(struct bases *all, struct base *b)
{
    if (!b || --b->users > 0)
        return;
    struct buf *to = NULL;
    for (size_t i = 0; i < BASES_SPARE && !to; i++)
        to = all->spare[i].at ? NULL : &all->spare[i];
    if (to && b->raw.len <= BASES_BYTES / BASES_SLOTS * 2) {
        *to = b->raw;
        b->raw = (struct buf){0};
    }
    buf_done(&b->raw);
    free(b);
}

static struct buf spare(struct bases *all)
{
    struct buf found = {0};

    pthread_mutex_lock(&all->lock);
    for (size_t i = 0; i < BASES_SPARE && !found.at; i++) {
        found = all->spare[i];
        all->spare[i] = (struct buf){0};
    }
    pthread_mutex_unlock(&all->lock);
    return found;
}

void bases_done(struct bases *all)
{
    for (size_t i = 0; i < BASES_SLOTS; i++)
        drop(all, all->slot[i]);
    for (size_t i = 0; i < BASES_SPARE; i++)
        buf_done(&all->spare[i]);
    pthread_mutex_destroy(&all->lock);
}

struct span base_bytes(const struct base *base)
{
    return buf_view(&base->raw);
}

bool base_check(const struct base *base, const struct segment *delta, struct err *err)
{
    struct digest found = hash_of(buf_view(&base->raw));

    return digest_eq(&found, &delta->base.raw) ||
           err_set(err, ERR_DAMAGED,
                   "the base of a delta: the content was altered: its SHA-256 is another");
}

void base_give(struct bases *all, struct base *base)
{
    pthread_mutex_lock(&all->lock);
    drop(all, base);
    pthread_mutex_unlock(&all->lock);
}

static struct base *find(struct bases *all, const struct segment_base *wanted)
{
    struct base *hit = NULL;

    pthread_mutex_lock(&all->lock);
    for (size_t i = 0; i < BASES_SLOTS && all->slot[i] && !hit; i++)
        if (all->slot[i]->pack == wanted->pack && all->slot[i]->offset == wanted->offset &&
            all->slot[i]->raw.len == wanted->raw_bytes)
            hit = all->slot[i];
    if (hit)
        hit->users++;
    pthread_mutex_unlock(&all->lock);
    return hit;
}

/* The newest stands first; the last ones go until the rest is within bounds. */
static void keep(struct bases *all, struct base *base)
{
    size_t bytes = base->raw.len;

    if (bytes > BASES_BYTES)
        return;
    pthread_mutex_lock(&all->lock);
    drop(all, all->slot[BASES_SLOTS - 1]);
    memmove(&all->slot[1], &all->slot[0], (BASES_SLOTS - 1) * sizeof(all->slot[0]));
    all->slot[0] = base;
    base->users++;
    for (size_t i = 1; i < BASES_SLOTS && all->slot[i]; i++) {
        bytes += all->slot[i]->raw.len; /* once too many, too many for those behind as well */
        if (bytes > BASES_BYTES) {
            drop(all, all->slot[i]);
            all->slot[i] = NULL;
        }
    }
    pthread_mutex_unlock(&all->lock);
}

bool bases_take(struct bases *all, struct bundle *b, const struct segment *delta, struct base **out,
                struct err *err)
{
    struct segment whole = delta_base(delta);
    struct base *base = find(all, &delta->base);

    if (base) {
        *out = base;
        return true;
    }
    base = calloc(1, sizeof(*base));
    if (!base)
        return err_memory(err);
    *base =
        (struct base){.users = 1, .pack = whole.pack, .offset = whole.offset, .raw = spare(all)};
    if (!bundle_read_base(b, &whole, &base->raw, err)) {
        buf_done(&base->raw);
        free(base);
        return err_add(err, "the base of a delta");
    }
    keep(all, base);
    *out = base;
    return true;
}
