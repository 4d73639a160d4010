#include "lib/base/escape.h"
#include "lib/base/json.h"
#include "lib/bundle/index.h"

#include <inttypes.h>

static void write_pack(struct buf *out, size_t id, const struct index_pack *pack)
{
    char hex[HASH_HEX];

    digest_hex(&pack->digest, hex);
    buf_printf(out, "pack\t%zu\t%s\t%" PRIu64 "\t%s\n", id, hex, pack->bytes,
               pack->sealed ? INDEX_SEALED : "-");
}

static bool write_stream(struct buf *out, size_t id, const struct index_stream *s, struct err *err)
{
    AUTO(free) char *meta = s->meta ? json_text(s->meta) : strdup("{}");

    if (!meta)
        return err_memory(err);
    buf_printf(out, "stream\t%zu\t%s\t%s\t", id, stream_kind_name(s->kind), s->name);
    escape_add(out, span_of(meta));
    buf_putc(out, '\n');
    return true;
}

static void write_key(struct buf *out, struct span key)
{
    buf_putc(out, '\t');
    escape_add(out, key.at ? key : SPAN(""));
}

static void write_base(struct buf *out, const struct segment_base *base)
{
    char hex[HASH_HEX];

    if (!base->raw_bytes) {
        buf_puts(out, "\t-\t-\t-\t-\t-\n");
        return;
    }
    digest_hex(&base->raw, hex);
    buf_printf(out, "\t%" PRIu32 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%s\n", base->pack,
               base->offset, base->stored_bytes, base->raw_bytes, hex);
}

static void write_segment(struct buf *out, const struct segment *s)
{
    char hex[HASH_HEX];

    digest_hex(&s->raw, hex);
    buf_printf(out,
               "segment\t%" PRIu32 "\t%" PRIu64 "\t%" PRIu32 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64
               "\t%" PRIu64 "\t%s",
               s->stream, s->seq, s->pack, s->offset, s->stored_bytes, s->raw_bytes, s->records,
               hex);
    write_key(out, s->key_from);
    write_key(out, s->key_to);
    write_base(out, &s->base);
}

bool index_encode(const struct index *ix, struct buf *out, struct err *err)
{
    const struct index_pack *packs = ix->packs.at;
    const struct index_stream *streams = ix->streams.at;
    const struct segment *segments = ix->segments.at;

    buf_clear(out);
    buf_printf(out, "rehearse-index\t%d\n", BUNDLE_FORMAT);
    for (size_t i = 0; i < ix->packs.count; i++)
        write_pack(out, i, &packs[i]);
    for (size_t i = 0; i < ix->streams.count; i++)
        if (!write_stream(out, i, &streams[i], err))
            return false;
    for (size_t i = 0; i < ix->segments.count; i++)
        write_segment(out, &segments[i]);
    buf_printf(out, "end\t%zu\t%zu\t%zu\n", ix->packs.count, ix->streams.count, ix->segments.count);
    return buf_ok(out, err);
}
