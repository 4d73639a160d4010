#include "lib/base/escape.h"
#include "lib/base/json.h"
#include "lib/bundle/codec.h"
#include "lib/bundle/delta.h"
#include "lib/bundle/index.h"
#include "lib/bundle/name.h"
#include "lib/seal/sealed.h"

#define FIELDS_MAX  16
#define FIELDS_BASE 11 /* the first one that says what a delta is based on */

struct line {
    struct span field[FIELDS_MAX];
    size_t count;
    size_t number, bytes;
};

static bool damaged(const struct line *l, const char *what, struct err *err)
{
    return err_set(err, ERR_DAMAGED, "line %zu of the segment index: %s", l->number, what);
}

static bool later(const struct line *l, const char *what, struct err *err)
{
    err_set(err, ERR_UNSUPPORTED, "line %zu of the segment index: %s", l->number, what);
    return err_hint(err, "a later version of rehearse wrote this bundle; read it with that one");
}

/* The next line, split; false at the end of the text or when the line has no newline. */
static bool next_line(struct span *rest, struct line *l)
{
    const char *nl = rest->len ? memchr(rest->at, '\n', rest->len) : NULL;
    struct span text = {rest->at, nl ? (size_t)(nl - rest->at) : 0};

    if (!nl)
        return false;
    *rest = (struct span){nl + 1, rest->len - text.len - 1};
    l->number++;
    l->bytes = text.len;
    l->count = 0;
    while (l->count < FIELDS_MAX && span_split(&text, '\t', &l->field[l->count]))
        l->count++;
    return true;
}

static bool u32_field(struct span s, uint32_t *out)
{
    uint64_t wide = 0;

    if (!span_u64(s, &wide) || wide > UINT32_MAX)
        return false;
    *out = (uint32_t)wide;
    return true;
}

static bool read_pack(struct index *ix, struct line *l, struct err *err)
{
    uint64_t id = 0;
    struct index_pack pack = {0};

    if (ix->streams.count || l->count != 5 || !span_u64(l->field[1], &id) ||
        id != ix->packs.count || !digest_parse(l->field[2], &pack.digest) ||
        !span_u64(l->field[3], &pack.bytes))
        return damaged(l, "not a pack in order", err);
    pack.sealed = span_is(l->field[4], INDEX_SEALED);
    if (!pack.sealed && !span_is(l->field[4], "-"))
        return later(l, "the pack is sealed in a way that is not known here", err);

    struct index_pack *to = vec_add(&ix->packs, err);
    if (!to)
        return false;
    *to = pack;
    return true;
}

static bool read_kind(struct span name, enum stream_kind *out)
{
    for (int k = STREAM_TAR; k <= STREAM_TEXT; k++) {
        if (span_is(name, stream_kind_name((enum stream_kind)k))) {
            *out = (enum stream_kind)k;
            return true;
        }
    }
    return false;
}

/* The text goes: a copy. */
static const char *own_string(struct index *ix, struct span field, struct err *err)
{
    char **to = vec_add(&ix->strings, err);

    if (to)
        *to = span_dup(field);
    if (to && !*to)
        err_memory(err);
    return to ? *to : NULL;
}

static bool unescape(struct span field, struct span *out)
{
    return escape_undo((char *)(uintptr_t)field.at, field.len, out) && out->at;
}

static bool read_meta(struct index *ix, struct line *l, struct index_stream *s, struct err *err)
{
    AUTO(json) json_t *meta = NULL;
    struct span text;

    if (!unescape(l->field[4], &text))
        return damaged(l, "a bad escape", err);
    if (!json_parse(text, s->name, &meta, err))
        return err_add(err, "line %zu of the segment index", l->number);
    if (!json_is_object(meta) ||
        (s->kind == STREAM_COLUMNS && !json_is_array(json_object_get(meta, "columns"))))
        return damaged(l, "the stream does not say what its columns are", err);

    json_t **own = vec_add(&ix->owned, err);
    if (!own)
        return false;
    *own = TAKE(meta);
    s->meta = *own;
    return true;
}

static bool read_stream(struct index *ix, struct line *l, struct err *err)
{
    const struct index_stream *before = ix->streams.at;
    struct index_stream s = {0};
    uint64_t id = 0;

    if (ix->segment_count || l->count != 5 || !span_u64(l->field[1], &id) ||
        id != ix->streams.count)
        return damaged(l, "not a stream in order", err);
    if (!read_kind(l->field[2], &s.kind))
        return later(l, "a stream of a kind that is not known here", err);
    if (!stream_name_ok(l->field[3]))
        return damaged(l, "a bad stream name", err);
    s.name = own_string(ix, l->field[3], err);
    if (!s.name)
        return false;
    if (id > 0 && strcmp(before[id - 1].name, s.name) >= 0)
        return damaged(l, "streams are not in the order of their names", err);
    if (!read_meta(ix, l, &s, err))
        return false;

    struct index_stream *to = vec_add(&ix->streams, err);
    if (!to)
        return false;
    *to = s;
    return true;
}

/* Sizes that a sound writer cannot have made are refused here, before anybody allocates by them. */
static bool segment_fits(const struct index *ix, const struct segment *s)
{
    const struct index_pack *packs = ix->packs.at;
    uint64_t seal = s->pack < ix->packs.count && packs[s->pack].sealed ? SEAL_OVERHEAD : 0;

    return s->stream < ix->streams.count && s->pack < ix->packs.count && s->raw_bytes > 0 &&
           s->raw_bytes <= SEGMENT_RAW_MAX && s->stored_bytes > 0 && s->stored_bytes > seal &&
           s->stored_bytes - seal <= codec_bound(s->raw_bytes) && s->records <= s->raw_bytes &&
           s->offset <= packs[s->pack].bytes && s->stored_bytes <= packs[s->pack].bytes - s->offset;
}

static bool base_fits(const struct index *ix, const struct segment *s)
{
    struct segment base = delta_base(s);

    return !segment_is_delta(s) || (segment_fits(ix, &base) && base.raw_bytes <= DELTA_RAW_MAX &&
                                    s->raw_bytes <= DELTA_RAW_MAX - base.raw_bytes);
}

static bool segment_follows(const struct index *ix, const struct segment *s)
{
    if (ix->segment_count == 0)
        return true;
    const struct segment *prev = &index_segments(ix)[ix->segment_count - 1];
    return prev->stream < s->stream || (prev->stream == s->stream && prev->seq < s->seq);
}

/* The fields of a segment behind its record name, but for the base of a delta. */
static bool read_fields(const struct span *f, struct segment *s)
{
    uint64_t *const numbers[] = {&s->offset, &s->stored_bytes, &s->raw_bytes, &s->records};

    if (!u32_field(f[1], &s->stream) || !span_u64(f[2], &s->seq) || !u32_field(f[3], &s->pack))
        return false;
    for (size_t i = 0; i < COUNT(numbers); i++)
        if (!span_u64(f[4 + i], numbers[i]))
            return false;
    return digest_parse(f[8], &s->raw) && unescape(f[9], &s->key_from) &&
           unescape(f[10], &s->key_to);
}

/* All five are there, or none. */
static bool read_base(const struct span *f, struct segment_base *base)
{
    size_t none = 0;

    for (size_t i = 0; i < FIELDS_MAX - FIELDS_BASE; i++)
        none += span_is(f[i], "-");
    if (none)
        return none == FIELDS_MAX - FIELDS_BASE;
    return u32_field(f[0], &base->pack) && span_u64(f[1], &base->offset) &&
           span_u64(f[2], &base->stored_bytes) && span_u64(f[3], &base->raw_bytes) &&
           base->raw_bytes > 0 && digest_parse(f[4], &base->raw);
}

static bool read_segment(struct index *ix, struct line *l, struct err *err)
{
    struct segment s = {0};

    if (l->count != FIELDS_MAX || !read_fields(l->field, &s) ||
        !read_base(l->field + FIELDS_BASE, &s.base))
        return damaged(l, "not a segment", err);
    if (!segment_fits(ix, &s) || !base_fits(ix, &s))
        return damaged(l, "a segment with impossible numbers", err);
    if (!segment_follows(ix, &s))
        return damaged(l, "segments are not in order", err);

    return index_keep_keys(ix, &s, err) && index_add(ix, &s, err);
}

static bool read_head(const struct line *l, struct err *err)
{
    uint64_t version = 0;

    if (l->count != 2 || !span_is(l->field[0], "rehearse-index") ||
        !span_u64(l->field[1], &version))
        return damaged(l, "it does not start as one", err);
    if (version != BUNDLE_FORMAT)
        return later(l, "a format that is not known here", err);
    return true;
}

static bool read_last(struct index_reader *r, const struct line *l, struct err *err)
{
    const struct index *ix = r->ix;
    uint64_t packs = 0, streams = 0, segments = 0;

    r->ended = l->count == 4 && span_u64(l->field[1], &packs) && span_u64(l->field[2], &streams) &&
               span_u64(l->field[3], &segments) && packs == ix->packs.count &&
               streams == ix->streams.count && segments == ix->segment_count;
    return r->ended || damaged(l, "the counts at its end do not hold", err);
}

static bool read_line(struct index_reader *r, struct line *l, struct err *err)
{
    static const struct {
        const char *record;
        bool (*read)(struct index *ix, struct line *l, struct err *err);
    } records[] = {{"segment", read_segment}, {"stream", read_stream}, {"pack", read_pack}};

    if (!r->ix->segment_count) {
        r->head_bytes += l->bytes;
        if (r->head_bytes > INDEX_HEAD_MAX)
            return damaged(l, "too many packs and streams", err);
    }
    if (l->number == 1)
        return read_head(l, err);
    if (r->ended)
        return damaged(l, "it goes on behind its end", err);
    for (size_t i = 0; i < COUNT(records); i++)
        if (span_is(l->field[0], records[i].record))
            return records[i].read(r->ix, l, err);
    if (span_is(l->field[0], "end"))
        return read_last(r, l, err);
    return damaged(l, "a record of an unknown kind", err);
}

bool index_read_text(struct index_reader *r, struct span text, struct err *err)
{
    struct line l = {.number = r->lines};
    bool ok = true;

    while (ok && next_line(&text, &l))
        ok = read_line(r, &l, err);
    r->lines = l.number++;
    return ok && (!text.len || damaged(&l, "it ends too early", err));
}

bool index_read_end(struct index_reader *r, struct err *err)
{
    const struct line l = {.number = r->lines + 1};

    return r->ended ? delta_check_depth(r->ix, err) : damaged(&l, "it ends too early", err);
}

/* The first of the frames, and how many bytes it has. */
static bool next_frame(struct span rest, struct span *frame, uint64_t *raw, struct err *err)
{
    size_t len = codec_frame_bytes(rest);

    *frame = (struct span){rest.at, len};
    if (!len || !codec_raw_bytes(*frame, raw) || *raw > INDEX_FRAME_MAX)
        return err_set(err, ERR_DAMAGED, "the segment index is no zstd frame of a sane size");
    return true;
}

/* Of all of them. */
static bool text_bytes(const struct spill *frames, size_t *out, struct err *err)
{
    struct span rest = {frames->at, frames->len}, frame;
    uint64_t raw = 0;

    for (*out = 0; rest.len; *out += (size_t)raw) {
        if (!next_frame(rest, &frame, &raw, err))
            return false;
        if (raw > INDEX_MAX - *out)
            return err_set(err, ERR_DAMAGED, "the text of the segment index is too large");
        rest = (struct span){rest.at + frame.len, rest.len - frame.len};
        spill_forget(frames);
    }
    return true;
}

bool index_decode(const struct spill *frames, struct codec *c, struct index *ix, struct err *err)
{
    struct index_reader r = {.ix = ix};
    struct span rest = {frames->at, frames->len}, frame;
    AUTO(buf) struct buf text = {.max = INDEX_FRAME_MAX + 1};
    size_t whole = 0;
    uint64_t raw = 0;

    if (!text_bytes(frames, &whole, err) || !index_reserve(ix, whole, err))
        return false;
    while (rest.len) {
        if (!next_frame(rest, &frame, &raw, err) ||
            !codec_decode(c, frame, (size_t)raw, &text, err) ||
            !index_read_text(&r, buf_view(&text), err))
            return false;
        rest = (struct span){rest.at + frame.len, rest.len - frame.len};
        spill_forget(frames);
        index_forget(ix);
    }
    return index_read_end(&r, err);
}
