/* Any bytes as a segment index: refused with a reason, or sound: every segment lies inside its pack
 * and its stream, names are in order, and what is written from it is read again the same. */
#include "lib/bundle/delta.h"
#include "lib/bundle/index.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check(const struct index *ix)
{
    const struct index_pack *packs = ix->packs.at;
    const struct index_stream *streams = ix->streams.at;
    const struct segment *segs = ix->segments.at;

    for (size_t i = 1; i < ix->streams.count; i++)
        must(strcmp(streams[i - 1].name, streams[i].name) < 0);
    for (size_t i = 0; i < ix->segments.count; i++) {
        must(segs[i].stream < ix->streams.count && segs[i].pack < ix->packs.count);
        must(segs[i].offset + segs[i].stored_bytes <= packs[segs[i].pack].bytes);
        must(segs[i].offset + segs[i].stored_bytes >= segs[i].offset);
        must(segs[i].raw_bytes > 0 && segs[i].raw_bytes <= SEGMENT_RAW_MAX);
        const struct segment_base *base = &segs[i].base;
        if (!base->raw_bytes)
            continue;
        must(base->pack < ix->packs.count && base->offset <= packs[base->pack].bytes);
        must(base->stored_bytes <= packs[base->pack].bytes - base->offset);
        must(base->raw_bytes + segs[i].raw_bytes <= DELTA_RAW_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct buf text = {.max = INDEX_MAX}, written = {.max = INDEX_MAX};
    struct index ix, again;
    struct err err = {0};

    index_init(&ix);
    index_init(&again);
    buf_add(&text, bytes, len);
    if (index_decode(&text, &ix, &err)) {
        check(&ix);
        must(index_encode(&ix, &written, &err));
        must(index_decode(&written, &again, &err));
        must(again.segments.count == ix.segments.count && again.streams.count == ix.streams.count);
    } else {
        must(err.code != ERR_NONE && err.text[0]);
    }
    index_done(&ix);
    index_done(&again);
    buf_done(&text);
    buf_done(&written);
    return 0;
}
