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
    size_t number;
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

/* The text is ours and ends in newlines and tabs where fields end: the name becomes a C string. */
static const char *in_place(struct span field)
{
    char *at = (char *)(uintptr_t)field.at;

    at[field.len] = '\0';
    return at;
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

    if (ix->segments.count || l->count != 5 || !span_u64(l->field[1], &id) ||
        id != ix->streams.count)
        return damaged(l, "not a stream in order", err);
    if (!read_kind(l->field[2], &s.kind))
        return later(l, "a stream of a kind that is not known here", err);
    if (!stream_name_ok(l->field[3]))
        return damaged(l, "a bad stream name", err);
    s.name = in_place(l->field[3]);
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
    const struct segment *all = ix->segments.at;

    if (ix->segments.count == 0)
        return true;
    const struct segment *prev = &all[ix->segments.count - 1];
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

    struct segment *to = vec_add(&ix->segments, err);
    if (!to)
        return false;
    *to = s;
    return true;
}

static bool read_head(struct line *l, struct span *rest, struct err *err)
{
    uint64_t version = 0;

    if (!next_line(rest, l) || l->count != 2 || !span_is(l->field[0], "rehearse-index") ||
        !span_u64(l->field[1], &version))
        return damaged(l, "it does not start as one", err);
    if (version != BUNDLE_FORMAT)
        return later(l, "a format that is not known here", err);
    return true;
}

static bool read_end(const struct index *ix, const struct line *l, struct span rest,
                     struct err *err)
{
    uint64_t packs = 0, streams = 0, segments = 0;

    if (l->count != 4 || !span_u64(l->field[1], &packs) || !span_u64(l->field[2], &streams) ||
        !span_u64(l->field[3], &segments) || packs != ix->packs.count ||
        streams != ix->streams.count || segments != ix->segments.count || rest.len)
        return damaged(l, "the counts at its end do not hold", err);
    return delta_check_depth(ix, err);
}

static const char *kept(struct buf *to, const char *at, size_t len)
{
    const char *copy = to->at + to->len;

    buf_add(to, at, len);
    return copy;
}

/* Names and keys into memory of their own, so that the text can go: it is ten times as large. */
static bool keep_names(struct index *ix, struct err *err)
{
    struct index_stream *streams = ix->streams.at;
    struct segment *segments = ix->segments.at;
    struct buf names = {.max = INDEX_MAX};
    size_t need = 1;

    for (size_t i = 0; i < ix->streams.count; i++)
        need += strlen(streams[i].name) + 1;
    for (size_t i = 0; i < ix->segments.count; i++)
        need += segments[i].key_from.len + segments[i].key_to.len;
    /* All at once: nothing moves while it is filled. */
    if (!buf_reserve(&names, need))
        return err_memory(err);
    for (size_t i = 0; i < ix->streams.count; i++)
        streams[i].name = kept(&names, streams[i].name, strlen(streams[i].name) + 1);
    for (size_t i = 0; i < ix->segments.count; i++) {
        struct span *const keys[] = {&segments[i].key_from, &segments[i].key_to};
        for (size_t k = 0; k < COUNT(keys); k++)
            keys[k]->at = kept(&names, keys[k]->at, keys[k]->len);
    }
    buf_done(&ix->text);
    ix->text = names;
    return true;
}

bool index_decode(struct buf *text, struct index *ix, struct err *err)
{
    static const struct {
        const char *record;
        bool (*read)(struct index *ix, struct line *l, struct err *err);
    } records[] = {{"segment", read_segment}, {"stream", read_stream}, {"pack", read_pack}};
    struct line l = {0};

    ix->text = *text;
    *text = (struct buf){.max = text->max};
    struct span rest = buf_view(&ix->text);
    if (!read_head(&l, &rest, err))
        return false;
    while (next_line(&rest, &l)) {
        size_t i = 0;

        if (span_is(l.field[0], "end"))
            return read_end(ix, &l, rest, err) && keep_names(ix, err);
        while (i < COUNT(records) && !span_is(l.field[0], records[i].record))
            i++;
        if (i == COUNT(records))
            return damaged(&l, "a record of an unknown kind", err);
        if (!records[i].read(ix, &l, err))
            return false;
    }
    l.number++;
    return damaged(&l, "it ends too early", err);
}
