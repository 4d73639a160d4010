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
    const struct segment *segs = index_segments(ix);

    for (size_t i = 1; i < ix->streams.count; i++)
        must(strcmp(streams[i - 1].name, streams[i].name) < 0);
    for (size_t i = 0; i < ix->segment_count; i++) {
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

static const struct segment *segment_at(void *ix, size_t i, struct err *err)
{
    (void)err;
    return &index_segments(ix)[i];
}

/* Through the frames that are stored. */
static void check_again(struct index *ix)
{
    AUTO(index) struct index again;
    AUTO(spill) struct spill frames = {0};
    struct codecs codecs;
    struct codec *codec = NULL;
    struct err err = {0};
    const struct index_parts parts = {&ix->packs, &ix->streams, ix->segment_count, segment_at, ix};

    index_init(&again);
    codecs_init(&codecs);
    must(codecs_take(&codecs, &codec, &err));
    must(index_encode(&parts, codec, &frames, &err));
    must(index_decode(&frames, codec, &again, &err));
    codecs_give(&codecs, codec);
    codecs_done(&codecs);
    must(again.segment_count == ix->segment_count && again.streams.count == ix->streams.count);
    for (size_t i = 0; i < ix->segment_count; i++) {
        const struct segment *a = &index_segments(ix)[i], *b = &index_segments(&again)[i];
        must(span_eq(a->key_from, b->key_from) && span_eq(a->key_to, b->key_to));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    AUTO(buf) struct buf text = {0};
    AUTO(index) struct index ix;
    struct index_reader r = {.ix = &ix};
    struct err err = {0};

    index_init(&ix);
    buf_add(&text, bytes, len);
    if (index_read_text(&r, buf_view(&text), &err) && index_read_end(&r, &err)) {
        check(&ix);
        check_again(&ix);
    } else {
        must(err.code != ERR_NONE && err.text[0]);
    }
    return 0;
}
