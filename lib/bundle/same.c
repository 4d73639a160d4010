/* Equal segments of one bundle are stored once: copies of a file, and pages of zeros. */
#include "lib/bundle/delta.h"
#include "lib/bundle/writer.h"

#define SAME_START ((size_t)256)

static size_t slot_of(const struct same *all, const struct digest *raw)
{
    size_t hash = 0;

    memcpy(&hash, raw->at, sizeof(hash));
    return hash & (all->size - 1);
}

static void put(struct same *all, const struct segment *segments, size_t number)
{
    size_t at = slot_of(all, &segments[number].raw);

    while (all->slots[at])
        at = (at + 1) & (all->size - 1);
    all->slots[at] = (uint32_t)number + 1;
}

static bool grow(struct same *all, const struct segment *segments, size_t count)
{
    size_t size = all->size ? all->size * 2 : SAME_START;
    uint32_t *slots = calloc(size, sizeof(*slots));

    if (!slots)
        return false;
    free(all->slots);
    *all = (struct same){slots, size};
    for (size_t i = 0; i < count; i++)
        put(all, segments, i);
    return true;
}

void writer_remember(struct bundle_writer *w)
{
    const struct segment *segments = w->segments.at;
    size_t last = w->segments.count - 1;

    if (last >= UINT32_MAX)
        return;
    if (w->segments.count * 2 > w->same.size) {
        if (!grow(&w->same, segments, last) && w->segments.count >= w->same.size)
            return;
    }
    put(&w->same, segments, last);
}

/* A pack holds one component. */
static bool fits(const struct bundle_writer *w, const struct writer_stream *s,
                 const struct segment *there, const struct segment *seg)
{
    const struct writer_stream *streams = w->streams.at;

    return digest_eq(&there->raw, &seg->raw) && there->raw_bytes == seg->raw_bytes &&
           streams[there->stream].component == s->component &&
           (!segment_is_delta(there) ||
            writer_columns(&streams[there->stream]) == writer_columns(s));
}

bool writer_repeat(struct bundle_writer *w, const struct writer_stream *s, struct segment *seg)
{
    const struct segment *hit = NULL;

    pthread_mutex_lock(&w->lock);
    const struct segment *all = w->segments.at;
    size_t at = w->same.size ? slot_of(&w->same, &seg->raw) : 0;
    for (; w->same.size && w->same.slots[at] && !hit; at = (at + 1) & (w->same.size - 1))
        if (fits(w, s, &all[w->same.slots[at] - 1], seg))
            hit = &all[w->same.slots[at] - 1];
    if (hit) {
        seg->pack = hit->pack;
        seg->offset = hit->offset;
        seg->stored_bytes = hit->stored_bytes;
        seg->base = hit->base;
    }
    pthread_mutex_unlock(&w->lock);
    return hit;
}
