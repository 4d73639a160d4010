#include "lib/bundle/codec.h"

#include "lib/base/auto.h"
#include "lib/bundle/edits.h"
#include "lib/bundle/encode.h"

#include <stdlib.h>
/* For ZSTD_compressSequences(): in the library since 1.5.0, in its header behind this word. */
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

/* A codec that saw one huge row gives its memory back. */
#define CODEC_KEEP ((size_t)16 << 20)
#define CODEC_MAX  ((size_t)3 << 30)

/* Measured on column-wise segments, encoded or not: level 1 is as small as level 3 and 1.5 times as
 * fast. Code and other files gain about a tenth from level 3. */
#define LEVEL_COLUMNS 1
#define LEVEL_OTHER   3

struct codec {
    struct idle_item idle;
    ZSTD_CCtx *compress; /* made when first needed: a reader has no use for it */
    ZSTD_DCtx *decode;
    struct encoder *encoder; /* so is this */
    struct buf room;
    struct buf encoded; /* columns that were read, before they are decoded */
};

void codecs_init(struct codecs *all)
{
    idle_init(&all->idle);
}

static void codec_free(struct codec *c)
{
    ZSTD_freeCCtx(c->compress);
    ZSTD_freeDCtx(c->decode);
    encoder_free(c->encoder);
    buf_done(&c->room);
    buf_done(&c->encoded);
    free(c);
}

void codecs_done(struct codecs *all)
{
    for (struct codec *c; (c = idle_take(&all->idle));)
        codec_free(c);
    idle_done(&all->idle);
}

bool codecs_take(struct codecs *all, struct codec **out, struct err *err)
{
    struct codec *c = idle_take(&all->idle);

    if (!c)
        c = calloc(1, sizeof(*c));
    if (!c)
        return err_memory(err);
    c->room.max = CODEC_MAX;
    *out = c;
    return true;
}

void codecs_give(struct codecs *all, struct codec *c)
{
    if (!c)
        return;
    if (c->room.cap > CODEC_KEEP)
        buf_done(&c->room);
    if (c->encoded.cap > CODEC_KEEP)
        buf_done(&c->encoded);
    encoder_trim(c->encoder, CODEC_KEEP);
    idle_give(&all->idle, &c->idle);
}

char *codec_room(struct codec *c, size_t len)
{
    buf_clear(&c->room);
    return buf_reserve(&c->room, len) ? c->room.at : NULL;
}

/* Only matches of this length are looked for in the base, at one place in 32 of it: measured on
 * column-wise segments with 1.5 % of the rows changed, a delta has 0.3-1.1 % of the raw size and
 * goes twice as fast as a fresh frame; shorter matches make it larger. */
#define DELTA_LEVEL     1
#define DELTA_MATCH     32
#define DELTA_HASH_RATE 5

static int bits_of(size_t n)
{
    int bits = 0;

    while (bits < 63 && ((size_t)1 << bits) < n)
        bits++;
    return bits;
}

/* The window must reach from the last byte to the first one of the base. */
static void set_delta(ZSTD_CCtx *to, size_t reach)
{
    int window = bits_of(reach), hash = window - DELTA_HASH_RATE;

    window = window < 17 ? 17 : window;
    hash = hash < 10 ? 10 : hash;
    ZSTD_CCtx_setParameter(to, ZSTD_c_windowLog, window);
    ZSTD_CCtx_setParameter(to, ZSTD_c_enableLongDistanceMatching, 1);
    ZSTD_CCtx_setParameter(to, ZSTD_c_ldmMinMatch, DELTA_MATCH);
    ZSTD_CCtx_setParameter(to, ZSTD_c_ldmHashLog, hash);
    ZSTD_CCtx_setParameter(to, ZSTD_c_ldmHashRateLog, DELTA_HASH_RATE);
}

/* What a delta has before itself. */
struct before {
    struct span base, head;
};

static bool compress(struct codec *c, int level, const struct before *before, struct span raw,
                     struct span *frame, struct err *err)
{
    size_t bound = ZSTD_compressBound(raw.len), len = 0, head = before ? before->head.len : 0;
    char *to = codec_room(c, head + bound);

    if (!c->compress)
        c->compress = ZSTD_createCCtx();
    if (!to || !c->compress)
        return err_memory(err);
    /* The checksum is what the pack's seek table repeats, and what `zstd -t` checks. */
    ZSTD_CCtx_reset(c->compress, ZSTD_reset_session_and_parameters);
    ZSTD_CCtx_setParameter(c->compress, ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setParameter(c->compress, ZSTD_c_checksumFlag, 1);
    if (before) {
        set_delta(c->compress, before->base.len + raw.len);
        len = ZSTD_CCtx_refPrefix(c->compress, before->base.at, before->base.len);
    }
    if (head)
        memcpy(to, before->head.at, head);
    if (!ZSTD_isError(len))
        len = ZSTD_compress2(c->compress, to + head, bound, raw.at, raw.len);
    if (ZSTD_isError(len))
        return err_set(err, ERR_FAILED, "cannot compress: %s", ZSTD_getErrorName(len));
    *frame = (struct span){to, head + len};
    return true;
}

bool codec_compress(struct codec *c, int level, struct span raw, struct span *frame,
                    struct err *err)
{
    return compress(c, level, NULL, raw, frame, err);
}

static bool need_encoder(struct codec *c, struct err *err)
{
    if (!c->encoder)
        c->encoder = encoder_new();
    return c->encoder || err_memory(err);
}

bool codec_compress_segment(struct codec *c, int level, const struct codec_segment *from,
                            struct span *frame, struct err *err)
{
    struct span encoded = {0};

    if (!from->columns)
        return compress(c, level ? level : LEVEL_OTHER, NULL, from->bytes, frame, err);
    if (encode_is(from->bytes))
        return err_set(err, ERR_FAILED, "values of a segment are not escaped");
    return need_encoder(c, err) &&
           encode_columns(c->encoder, from->bytes, from->columns, from->rows, &encoded, err) &&
           compress(c, level ? level : LEVEL_COLUMNS, NULL, encoded.len ? encoded : from->bytes,
                    frame, err);
}

bool codec_compress_from(struct codec *c, struct span base, struct span head, struct span raw,
                         struct span *frame, struct err *err)
{
    const struct before before = {base, head};

    return compress(c, DELTA_LEVEL, &before, raw, frame, err);
}

/* ---- deltas by edits ---------------------------------------------------------------------------*/

#define BLOCK_BYTES ((size_t)ZSTD_BLOCKSIZE_MAX)

/* Edits as zstd's sequences, each block of them ended by one without a match. */
struct blocks {
    struct vec sequences;
    size_t fresh; /* bytes since the last match */
    size_t left;  /* of this block */
    size_t rest;  /* of the content, behind this block */
    size_t reach; /* of the window: zstd -d keeps no more of the base */
};

static bool add_sequence(struct blocks *b, size_t back, size_t copy, struct err *err)
{
    ZSTD_Sequence *to = vec_add(&b->sequences, err);

    if (!to)
        return false;
    *to = (ZSTD_Sequence){(unsigned)back, (unsigned)b->fresh, (unsigned)copy, 0};
    b->fresh = 0;
    return true;
}

static void next_block(struct blocks *b)
{
    b->left = b->rest < BLOCK_BYTES ? b->rest : BLOCK_BYTES;
    b->rest -= b->left;
}

static bool pass(struct blocks *b, size_t bytes, struct err *err)
{
    b->left -= bytes;
    if (b->left)
        return true;
    next_block(b);
    return add_sequence(b, 0, 0, err);
}

static bool add_fresh(struct blocks *b, size_t bytes, struct err *err)
{
    while (bytes) {
        size_t part = bytes < b->left ? bytes : b->left;

        b->fresh += part;
        bytes -= part;
        if (!pass(b, part, err))
            return false;
    }
    return true;
}

static bool add_copy(struct blocks *b, size_t bytes, size_t back, struct err *err)
{
    while (bytes) {
        size_t part = bytes < b->left ? bytes : b->left;

        /* What a block's end leaves of it must be a match, too. */
        if (part < EDIT_COPY_MIN && !add_fresh(b, part, err))
            return false;
        if (part >= EDIT_COPY_MIN && !(add_sequence(b, back, part, err) && pass(b, part, err)))
            return false;
        bytes -= part;
    }
    return true;
}

static bool to_blocks(const struct vec *edits, size_t raw_bytes, struct blocks *b, struct err *err)
{
    const struct edit *e = edits->at;

    *b = (struct blocks){.sequences = VEC(ZSTD_Sequence), .rest = raw_bytes, .reach = raw_bytes};
    next_block(b);
    for (size_t i = 0; i < edits->count; i++)
        b->reach = e[i].back > b->reach ? e[i].back : b->reach;
    for (size_t i = 0; i < edits->count; i++)
        if (!add_fresh(b, e[i].fresh, err) || !add_copy(b, e[i].copy, e[i].back, err))
            return false;
    return true;
}

static bool compress_blocks(struct codec *c, const struct blocks *b, struct span head,
                            struct span raw, struct span *frame, struct err *err)
{
    size_t bound = ZSTD_compressBound(raw.len);
    char *to = codec_room(c, head.len + bound);

    if (!c->compress)
        c->compress = ZSTD_createCCtx();
    if (!to || !c->compress)
        return err_memory(err);
    ZSTD_CCtx_reset(c->compress, ZSTD_reset_session_and_parameters);
    ZSTD_CCtx_setParameter(c->compress, ZSTD_c_compressionLevel, DELTA_LEVEL);
    ZSTD_CCtx_setParameter(c->compress, ZSTD_c_checksumFlag, 1);
    int window = bits_of(b->reach);
    ZSTD_CCtx_setParameter(c->compress, ZSTD_c_windowLog, window < 17 ? 17 : window);
    ZSTD_CCtx_setParameter(c->compress, ZSTD_c_blockDelimiters, ZSTD_sf_explicitBlockDelimiters);
    /* Without these it takes memory for a window that it has no use for. */
    ZSTD_CCtx_setParameter(c->compress, ZSTD_c_stableInBuffer, 1);
    ZSTD_CCtx_setParameter(c->compress, ZSTD_c_stableOutBuffer, 1);
    size_t len = ZSTD_compressSequences(c->compress, to + head.len, bound, b->sequences.at,
                                        b->sequences.count, raw.at, raw.len);
    if (ZSTD_isError(len))
        return err_set(err, ERR_FAILED, "cannot compress: %s", ZSTD_getErrorName(len));
    if (head.len)
        memcpy(to, head.at, head.len);
    *frame = (struct span){to, head.len + len};
    return true;
}

bool codec_compress_edits(struct codec *c, const struct vec *edits, struct span head,
                          struct span raw, struct span *frame, struct err *err)
{
    struct blocks blocks;
    bool ok = to_blocks(edits, raw.len, &blocks, err) &&
              compress_blocks(c, &blocks, head, raw, frame, err);

    vec_done(&blocks.sequences);
    return ok;
}

bool codec_raw_bytes(struct span frame, uint64_t *out)
{
    unsigned long long size = ZSTD_getFrameContentSize(frame.at, frame.len);

    if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN)
        return false;
    *out = size;
    return true;
}

size_t codec_frame_bytes(struct span frames)
{
    size_t len = ZSTD_findFrameCompressedSize(frames.at, frames.len);

    return ZSTD_isError(len) ? 0 : len;
}

bool codec_has_checksum(struct span frame)
{
    ZSTD_frameHeader head;

    return ZSTD_getFrameHeader(&head, frame.at, frame.len) == 0 && head.checksumFlag;
}

uint64_t codec_bound(uint64_t raw_bytes)
{
    return ZSTD_compressBound((size_t)raw_bytes);
}

static bool decode(struct codec *c, const struct span *base, struct span frame, size_t raw_bytes,
                   struct buf *out, struct err *err)
{
    uint64_t says = 0;
    size_t len = 0;

    buf_clear(out);
    if (!codec_raw_bytes(frame, &says) || says != raw_bytes ||
        ZSTD_findFrameCompressedSize(frame.at, frame.len) != frame.len)
        return err_set(err, ERR_DAMAGED, "not one zstd frame of %zu bytes", raw_bytes);
    if (!c->decode)
        c->decode = ZSTD_createDCtx();
    if (!c->decode || !buf_reserve(out, raw_bytes))
        return err_memory(err);

    /* A prefix that a failed frame left behind must not meet the next one. */
    ZSTD_DCtx_reset(c->decode, ZSTD_reset_session_and_parameters);
    if (base)
        len = ZSTD_DCtx_refPrefix(c->decode, base->at, base->len);
    if (!ZSTD_isError(len))
        len = ZSTD_decompressDCtx(c->decode, out->at, raw_bytes, frame.at, frame.len);
    if (ZSTD_isError(len) || len != raw_bytes)
        return err_set(err, ERR_DAMAGED, "cannot decode a zstd frame: %s",
                       ZSTD_isError(len) ? ZSTD_getErrorName(len) : "it is too short");
    out->len = raw_bytes;
    out->at[raw_bytes] = '\0';
    return true;
}

bool codec_decode(struct codec *c, struct span frame, size_t raw_bytes, struct buf *out,
                  struct err *err)
{
    return decode(c, NULL, frame, raw_bytes, out, err);
}

/* What awk would take for encoded columns must not be any others. */
static bool check_plain(const struct buf *columns, struct err *err)
{
    return !encode_is(buf_view(columns)) ||
           err_set(err, ERR_DAMAGED, "columns that begin as encoded ones do");
}

bool codec_decode_columns(struct codec *c, struct span frame, size_t raw_bytes, struct buf *out,
                          struct err *err)
{
    uint64_t says = 0;

    if (!codec_raw_bytes(frame, &says) || says >= raw_bytes || raw_bytes > ENCODE_RAW_MAX)
        return decode(c, NULL, frame, raw_bytes, out, err) && check_plain(out, err);
    return need_encoder(c, err) && decode(c, NULL, frame, (size_t)says, &c->encoded, err) &&
           decode_columns(c->encoder, buf_view(&c->encoded), raw_bytes, out, err);
}

bool codec_decode_from(struct codec *c, struct span base, struct span frame, size_t raw_bytes,
                       struct buf *out, struct err *err)
{
    return decode(c, &base, frame, raw_bytes, out, err);
}
