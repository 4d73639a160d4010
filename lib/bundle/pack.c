#include "lib/bundle/pack.h"

#include "lib/base/vec.h"
#include "lib/bundle/blob.h"
#include "lib/bundle/codec.h"
#include "lib/seal/key.h"
#include "lib/seal/sealed.h"

#include <endian.h>

#define SEEK_SKIPPABLE 0x184D2A5Eu
#define SEEK_MAGIC     0x8F92EAB1u
#define SEEK_CHECKSUMS 0x80

struct seek_entry {
    uint32_t stored, raw, checksum;
};

struct pack_writer {
    struct blob_put blob;
    struct vec seek;    /* struct seek_entry */
    unsigned char *key; /* NULL: not sealed */
    struct buf box;
};

bool pack_open(struct store *store, unsigned char *key, struct pack_writer **out, struct err *err)
{
    AUTO(pack) struct pack_writer *p = calloc(1, sizeof(*p));

    if (!p) {
        seal_wipe_free(key);
        return err_memory(err);
    }
    p->key = key;
    p->seek = (struct vec)VEC(struct seek_entry);
    if (!blob_open(store, &p->blob, err) ||
        (p->key && !blob_add(&p->blob, seal_header(SEAL_PACK), err)))
        return false;
    *out = TAKE(p);
    return true;
}

void pack_abort(struct pack_writer *p)
{
    if (!p)
        return;
    blob_abort(&p->blob);
    vec_done(&p->seek);
    seal_wipe_free(p->key);
    buf_done(&p->box);
    free(p);
}

uint64_t pack_bytes(const struct pack_writer *p)
{
    return p->blob.bytes;
}

/* A piece of the pack as it is, or in a box. */
static bool append_part(struct pack_writer *p, struct span part, bool last, struct err *err)
{
    const struct seal_place place = {SEAL_PACK, last, p->blob.bytes};

    if (!p->key)
        return blob_add(&p->blob, part, err);
    buf_clear(&p->box);
    return seal_box(p->key, &place, part, &p->box, err) &&
           blob_add(&p->blob, buf_view(&p->box), err);
}

bool pack_add(struct pack_writer *p, struct span frame, size_t raw_bytes, uint64_t *offset,
              struct err *err)
{
    struct seek_entry *e = vec_add(&p->seek, err);
    uint64_t at = p->blob.bytes, content = 0;

    if (!e)
        return false;
    /* Of columns that were encoded it is less; in front of a delta there may be another frame. */
    if (!codec_raw_bytes(frame, &content) || content == 0)
        content = raw_bytes;
    *e = (struct seek_entry){(uint32_t)frame.len, (uint32_t)content, 0};
    memcpy(&e->checksum, frame.at + frame.len - sizeof(e->checksum), sizeof(e->checksum));
    e->checksum = le32toh(e->checksum);
    if (!append_part(p, frame, false, err))
        return false;
    *offset = at;
    return true;
}

static void put_le32(struct buf *b, uint32_t value)
{
    uint32_t le = htole32(value);

    buf_add(b, &le, sizeof(le));
}

static void seek_table(const struct pack_writer *p, struct buf *out)
{
    const struct seek_entry *e = p->seek.at;
    uint32_t count = (uint32_t)p->seek.count;

    put_le32(out, SEEK_SKIPPABLE);
    put_le32(out, count * (uint32_t)sizeof(*e) + 9);
    for (uint32_t i = 0; i < count; i++) {
        put_le32(out, e[i].stored);
        put_le32(out, e[i].raw);
        put_le32(out, e[i].checksum);
    }
    put_le32(out, count);
    buf_putc(out, (char)SEEK_CHECKSUMS);
    put_le32(out, SEEK_MAGIC);
}

bool pack_finish(struct pack_writer *open, struct index_pack *out, struct err *err)
{
    AUTO(pack) struct pack_writer *p = open;
    AUTO(buf) struct buf table = {0};

    seek_table(p, &table);
    return buf_ok(&table, err) && append_part(p, buf_view(&table), true, err) &&
           blob_commit(&p->blob, out, err);
}
