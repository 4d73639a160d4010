#include "lib/wire/tape.h"

#include "lib/base/hash.h"
#include "lib/wire/zstd_block.h"

/* Header: 8 bytes magic, version, content (32 bits each, little-endian as everything here).
 * Block:  magic, number, packed bytes, raw bytes, records, 0 (32 bits each), payload, then the
 *         first 8 bytes of the SHA-256 over all that. */
static const char file_magic[8] = {'R', 'E', 'H', 'T', 'A', 'P', 'E', '\n'};
#define BLOCK_MAGIC 0x4b4c4254U /* "TBLK" */
#define BLOCK_HEAD  24
#define CHECK_BYTES 8

static void put32(char *at, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        at[i] = (char)(v >> (8 * i));
}

static uint32_t get32(const char *at)
{
    uint32_t v = 0;

    for (int i = 0; i < 4; i++)
        v |= (uint32_t)(uint8_t)at[i] << (8 * i);
    return v;
}

/* ---- writing ---- */

struct tape_writer {
    tape_write_fn fn;
    void *ctx;
    int level;
    uint32_t block, records;
    struct buf raw, packed;
    uint64_t bytes;
};

static bool send_bytes(struct tape_writer *w, struct span bytes, struct err *err)
{
    if (!w->fn(w->ctx, bytes, err))
        return false;
    w->bytes += bytes.len;
    return true;
}

bool tape_writer_new(enum tape_content content, int level, tape_write_fn fn, void *ctx,
                     struct tape_writer **out, struct err *err)
{
    AUTO(tape_writer) struct tape_writer *w = calloc(1, sizeof(*w));
    if (!w)
        return err_memory(err);
    w->fn = fn;
    w->ctx = ctx;
    w->level = level;
    char header[TAPE_HEADER];
    memcpy(header, file_magic, sizeof(file_magic));
    put32(header + 8, TAPE_VERSION);
    put32(header + 12, content);
    if (!send_bytes(w, (struct span){header, sizeof(header)}, err))
        return false;
    *out = TAKE(w);
    return true;
}

void tape_writer_free(struct tape_writer *w)
{
    if (!w)
        return;
    buf_done(&w->raw);
    buf_done(&w->packed);
    free(w);
}

uint64_t tape_writer_bytes(const struct tape_writer *w)
{
    return w->bytes;
}

bool tape_writer_flush(struct tape_writer *w, struct err *err)
{
    if (w->raw.len == 0)
        return true;
    char head[BLOCK_HEAD] = {0};
    struct buf *out = &w->packed;
    buf_clear(out);
    if (!buf_add(out, head, sizeof(head)))
        return err_memory(err);
    if (!zstd_block_pack(buf_view(&w->raw), w->level, out, err))
        return false;
    put32(out->at, BLOCK_MAGIC);
    put32(out->at + 4, w->block);
    put32(out->at + 8, (uint32_t)(out->len - BLOCK_HEAD));
    put32(out->at + 12, (uint32_t)w->raw.len);
    put32(out->at + 16, w->records);
    struct digest d = hash_of(buf_view(out));
    if (!buf_add(out, d.at, CHECK_BYTES))
        return err_memory(err);
    if (!send_bytes(w, buf_view(out), err))
        return false;
    w->block++;
    w->records = 0;
    buf_clear(&w->raw);
    return true;
}

bool tape_writer_add(struct tape_writer *w, struct span records, struct err *err)
{
    while (records.len) {
        if (records.len < 5)
            return err_set(err, ERR_FAILED, "cannot write half a record");
        size_t len = (size_t)get32(records.at + 1) + 5;
        if (len > records.len)
            return err_set(err, ERR_FAILED, "cannot write half a record");
        if (w->raw.len && w->raw.len + len > TAPE_RECORD_MAX && !tape_writer_flush(w, err))
            return false;
        if (!buf_add(&w->raw, records.at, len))
            return err_memory(err);
        w->records++;
        records = (struct span){records.at + len, records.len - len};
        if (w->raw.len >= TAPE_BLOCK_RAW && !tape_writer_flush(w, err))
            return false;
    }
    return true;
}

/* ---- reading ---- */

struct tape_reader {
    tape_read_fn fn;
    void *ctx;
    enum tape_content content;
    uint32_t block;
    struct buf raw, packed;
    struct span left; /* of raw */
    uint64_t bytes;
    bool closed;
};

static bool read_full(struct tape_reader *r, char *to, size_t len, size_t *got, struct err *err)
{
    *got = 0;
    while (*got < len) {
        size_t n = 0;
        if (!r->fn(r->ctx, to + *got, len - *got, &n, err))
            return false;
        if (n == 0)
            break;
        *got += n;
    }
    return true;
}

static bool read_header(struct tape_reader *r, struct err *err)
{
    char h[TAPE_HEADER];
    size_t got = 0;

    if (!read_full(r, h, sizeof(h), &got, err))
        return false;
    if (got >= 8 && memcmp(h, file_magic, sizeof(file_magic)) != 0) {
        err_set(err, ERR_DAMAGED, "this is no tape");
        return err_hint(err, "'rehearse record' writes tapes, 'replay --results' results");
    }
    if (got < sizeof(h))
        return err_set(err, ERR_DAMAGED, "tape is cut in its header");
    if (get32(h + 8) != TAPE_VERSION)
        return err_set(err, ERR_UNSUPPORTED, "tape has version %u, this program reads %d",
                       get32(h + 8), TAPE_VERSION);
    r->content = (enum tape_content)get32(h + 12);
    if (r->content != TAPE_TRAFFIC && r->content != TAPE_RESULTS)
        return err_set(err, ERR_DAMAGED, "tape holds content of unknown kind %u", get32(h + 12));
    r->bytes = sizeof(h);
    return true;
}

bool tape_reader_new(tape_read_fn fn, void *ctx, struct tape_reader **out, struct err *err)
{
    AUTO(tape_reader) struct tape_reader *r = calloc(1, sizeof(*r));
    if (!r)
        return err_memory(err);
    r->fn = fn;
    r->ctx = ctx;
    if (!read_header(r, err))
        return false;
    *out = TAKE(r);
    return true;
}

void tape_reader_free(struct tape_reader *r)
{
    if (!r)
        return;
    buf_done(&r->raw);
    buf_done(&r->packed);
    free(r);
}

enum tape_content tape_reader_content(const struct tape_reader *r)
{
    return r->content;
}

bool tape_reader_closed(const struct tape_reader *r)
{
    return r->closed;
}

uint64_t tape_reader_blocks(const struct tape_reader *r)
{
    return r->block;
}

uint64_t tape_reader_bytes(const struct tape_reader *r)
{
    return r->bytes;
}

static bool damaged(const struct tape_reader *r, const char *how, struct err *err)
{
    return err_set(err, ERR_DAMAGED, "block %u of the tape is %s; %llu bytes before it are good",
                   r->block, how, (unsigned long long)r->bytes);
}

/* The head in place, the lengths in it believable. */
static bool check_head(const struct tape_reader *r, const char *head, struct err *err)
{
    uint32_t packed = get32(head + 8), raw = get32(head + 12);

    if (get32(head) != BLOCK_MAGIC || get32(head + 4) != r->block)
        return damaged(r, "altered", err);
    if (packed > TAPE_PACKED_MAX || raw > TAPE_RECORD_MAX + TAPE_BLOCK_RAW || raw == 0)
        return damaged(r, "altered", err);
    return true;
}

static bool read_payload(struct tape_reader *r, struct err *err)
{
    size_t packed = get32(r->packed.at + 8), got = 0;

    /* Grown as bytes come, so that a false length does not cost its memory. */
    for (size_t want = packed + CHECK_BYTES; want; want -= got) {
        size_t piece = want < TAPE_BLOCK_RAW ? want : TAPE_BLOCK_RAW;
        if (!buf_reserve(&r->packed, piece))
            return err_memory(err);
        if (!read_full(r, r->packed.at + r->packed.len, piece, &got, err))
            return false;
        if (got < piece)
            return damaged(r, "cut", err);
        r->packed.len += got;
    }
    struct span whole = {r->packed.at, BLOCK_HEAD + packed};
    struct digest d = hash_of(whole);
    if (memcmp(d.at, whole.at + whole.len, CHECK_BYTES) != 0)
        return damaged(r, "altered", err);
    buf_clear(&r->raw);
    struct span payload = {whole.at + BLOCK_HEAD, packed};
    if (!zstd_block_unpack(payload, get32(whole.at + 12), &r->raw, err))
        return damaged(r, "altered", err);
    return true;
}

static bool read_block(struct tape_reader *r, bool *end, struct err *err)
{
    char head[BLOCK_HEAD];
    size_t got = 0;

    if (!read_full(r, head, sizeof(head), &got, err))
        return false;
    *end = got == 0;
    if (*end)
        return true;
    if (got < sizeof(head))
        return damaged(r, "cut", err);
    if (!check_head(r, head, err))
        return false;
    buf_clear(&r->packed);
    if (!buf_add(&r->packed, head, sizeof(head)))
        return err_memory(err);
    if (!read_payload(r, err))
        return false;
    r->left = buf_view(&r->raw);
    r->block++;
    r->bytes += r->packed.len;
    return true;
}

bool tape_reader_next(struct tape_reader *r, struct tape_record *out, bool *end, struct err *err)
{
    *end = false;
    if (r->left.len == 0) {
        if (!read_block(r, end, err))
            return false;
        if (*end)
            return true;
    }
    if (!tape_unpack(&r->left, out, err))
        return err_add(err, "block %u", r->block - 1);
    r->closed |= out->type == TAPE_END;
    return true;
}
