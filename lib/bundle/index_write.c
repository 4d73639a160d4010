#include "lib/base/escape.h"
#include "lib/base/json.h"
#include "lib/bundle/index.h"

#include <inttypes.h>

#define INDEX_LEVEL 3

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

struct frames {
    struct buf text;
    uint64_t text_bytes; /* of those before */
    struct codec *codec;
    struct spill *out;
};

static bool end_frame(struct frames *f, struct err *err)
{
    struct span frame;

    if (!buf_ok(&f->text, err))
        return false;
    f->text_bytes += f->text.len;
    if (f->text_bytes > INDEX_MAX)
        return err_set(err, ERR_UNSUPPORTED, "its text has more than %zu bytes", INDEX_MAX);
    if (!codec_compress(f->codec, INDEX_LEVEL, buf_view(&f->text), &frame, err) ||
        !spill_add(f->out, frame.at, frame.len, err))
        return false;
    buf_clear(&f->text);
    return true;
}

/* Between two lines. */
static bool next_frame(struct frames *f, struct err *err)
{
    return f->text.len < INDEX_FRAME || end_frame(f, err);
}

static bool write_lines(struct frames *f, const struct index_parts *parts, struct err *err)
{
    const struct index_pack *packs = parts->packs->at;
    const struct index_stream *streams = parts->streams->at;

    buf_printf(&f->text, "rehearse-index\t%d\n", BUNDLE_FORMAT);
    for (size_t i = 0; i < parts->packs->count; i++) {
        write_pack(&f->text, i, &packs[i]);
        if (!next_frame(f, err))
            return false;
    }
    for (size_t i = 0; i < parts->streams->count; i++)
        if (!write_stream(&f->text, i, &streams[i], err) || !next_frame(f, err))
            return false;
    for (size_t i = 0; i < parts->segment_count; i++) {
        const struct segment *s = parts->segment(parts->ctx, i, err);

        if (!s)
            return false;
        write_segment(&f->text, s);
        if (!next_frame(f, err))
            return false;
    }
    buf_printf(&f->text, "end\t%zu\t%zu\t%zu\n", parts->packs->count, parts->streams->count,
               parts->segment_count);
    return end_frame(f, err);
}

bool index_encode(const struct index_parts *parts, struct codec *c, struct spill *out,
                  struct err *err)
{
    struct frames f = {.text = {.max = INDEX_FRAME_MAX}, .codec = c, .out = out};
    bool ok = spill_open(out, spill_share(INDEX_MAX), err) && write_lines(&f, parts, err);

    buf_done(&f.text);
    return ok;
}
