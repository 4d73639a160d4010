/* Equal segments of one bundle are stored once: copies of a file, and pages of zeros. */
#include "lib/bundle/delta.h"
#include "lib/bundle/writer.h"

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
    size_t step = 0, number;
    bool hit = false;

    pthread_mutex_lock(&w->lock);
    while (!hit && lookup_next(&w->same, &seg->raw, &step, &number)) {
        const struct segment *there = &index_segments(&w->all)[number];

        if (!fits(w, s, there, seg))
            continue;
        seg->pack = there->pack;
        seg->offset = there->offset;
        seg->stored_bytes = there->stored_bytes;
        seg->base = there->base;
        hit = true;
    }
    pthread_mutex_unlock(&w->lock);
    return hit;
}
