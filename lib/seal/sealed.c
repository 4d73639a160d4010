#include "lib/seal/sealed.h"

#include "lib/base/auto.h"

#include <endian.h>
#include <sodium.h>
#include <stdlib.h>

_Static_assert(SEAL_KEY == crypto_secretstream_xchacha20poly1305_KEYBYTES, "key size");
_Static_assert(SEAL_OVERHEAD == crypto_secretstream_xchacha20poly1305_HEADERBYTES +
                                    crypto_secretstream_xchacha20poly1305_ABYTES,
               "overhead of a box");

#define STREAM_HEADER crypto_secretstream_xchacha20poly1305_HEADERBYTES
#define MAGIC         "rehearse-seal"
#define MAGIC_LEN     (sizeof(MAGIC) - 1)
#define FORM          '1'

/* Header: magic, NUL, form, role. */
static const char headers[][SEAL_HEADER] = {
    {'r', 'e', 'h', 'e', 'a', 'r', 's', 'e', '-', 's', 'e', 'a', 'l', 0, FORM, SEAL_PACK},
    {'r', 'e', 'h', 'e', 'a', 'r', 's', 'e', '-', 's', 'e', 'a', 'l', 0, FORM, SEAL_INDEX},
    {'r', 'e', 'h', 'e', 'a', 'r', 's', 'e', '-', 's', 'e', 'a', 'l', 0, FORM, SEAL_DETAILS},
};

struct span seal_header(enum seal_role role)
{
    size_t i = 0;

    while (headers[i][SEAL_HEADER - 1] != (char)role)
        i++;
    return (struct span){headers[i], SEAL_HEADER};
}

bool seal_header_check(struct span blob, enum seal_role role, struct err *err)
{
    if (blob.len < SEAL_HEADER || memcmp(blob.at, MAGIC, MAGIC_LEN + 1) != 0)
        return err_set(err, ERR_DAMAGED, "it does not begin as sealed data do");
    if (blob.at[MAGIC_LEN + 1] != FORM) {
        err_set(err, ERR_UNSUPPORTED, "it is sealed in a form that is not known here");
        return err_hint(err, "read it with the version of rehearse that wrote it, or a later one");
    }
    return blob.at[SEAL_HEADER - 1] == (char)role ||
           err_set(err, ERR_DAMAGED, "it is sealed as something else");
}

#define PLACE_BYTES (SEAL_HEADER + 9)

/* Header, offset (little endian), and whether the box is the last one. */
static void place_bytes(const struct seal_place *place, unsigned char out[PLACE_BYTES])
{
    uint64_t offset = htole64(place->offset);

    memcpy(out, seal_header(place->role).at, SEAL_HEADER);
    memcpy(out + SEAL_HEADER, &offset, sizeof(offset));
    out[SEAL_HEADER + 8] = place->last;
}

bool seal_box(const unsigned char key[SEAL_KEY], const struct seal_place *place, struct span plain,
              struct buf *out, struct err *err)
{
    crypto_secretstream_xchacha20poly1305_state state;
    unsigned char bound[PLACE_BYTES];

    if (!buf_reserve(out, plain.len + SEAL_OVERHEAD))
        return err_memory(err);
    unsigned char *to = (unsigned char *)out->at + out->len;
    place_bytes(place, bound);
    crypto_secretstream_xchacha20poly1305_init_push(&state, to, key);
    crypto_secretstream_xchacha20poly1305_push(
        &state, to + STREAM_HEADER, NULL, (const unsigned char *)plain.at, plain.len, bound,
        sizeof(bound), crypto_secretstream_xchacha20poly1305_TAG_FINAL);
    sodium_memzero(&state, sizeof(state));
    out->len += plain.len + SEAL_OVERHEAD;
    out->at[out->len] = '\0';
    return true;
}

bool seal_open(const unsigned char key[SEAL_KEY], const struct seal_place *place,
               struct span sealed, struct span *plain, char *out, struct err *err)
{
    crypto_secretstream_xchacha20poly1305_state state;
    unsigned char bound[PLACE_BYTES], tag = 0;
    const unsigned char *from = (const unsigned char *)sealed.at;
    unsigned long long len = 0;

    if (sealed.len < SEAL_OVERHEAD)
        return err_set(err, ERR_DAMAGED, "sealed data are cut off");
    place_bytes(place, bound);
    bool ok = crypto_secretstream_xchacha20poly1305_init_pull(&state, from, key) == 0 &&
              crypto_secretstream_xchacha20poly1305_pull(
                  &state, (unsigned char *)out, &len, &tag, from + STREAM_HEADER,
                  sealed.len - STREAM_HEADER, bound, sizeof(bound)) == 0 &&
              tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
    sodium_memzero(&state, sizeof(state));
    if (!ok)
        return err_set(
            err, ERR_DAMAGED,
            "sealed data do not open: they were altered, moved or put in from elsewhere");
    *plain = (struct span){out, (size_t)len};
    return true;
}

bool seal_blob(const unsigned char key[SEAL_KEY], enum seal_role role, const struct spill *plain,
               bool (*put)(void *ctx, struct span sealed, struct err *err), void *ctx,
               struct err *err)
{
    struct seal_place place = {.role = role, .offset = SEAL_HEADER};
    AUTO(buf) struct buf box = {0};
    size_t at = 0;
    bool ok = put(ctx, seal_header(role), err);

    while (ok && !place.last) {
        struct span piece;

        spill_next(plain, &at, &piece);
        place.last = at == plain->len;
        buf_clear(&box);
        ok = seal_box(key, &place, piece, &box, err) && put(ctx, buf_view(&box), err);
        place.offset += box.len;
    }
    return ok;
}

#define PIECE_BOX (SPILL_PIECE + SEAL_OVERHEAD)

/* `room` takes what the box holds. */
static bool open_next(const unsigned char key[SEAL_KEY], const struct spill *blob,
                      struct seal_place *place, char *room, struct spill *plain, struct err *err)
{
    size_t left = blob->len - (size_t)place->offset;
    struct span box = {blob->at + place->offset, left < PIECE_BOX ? left : PIECE_BOX}, piece;

    place->last = box.len == left;
    if (!seal_open(key, place, box, &piece, room, err) ||
        !spill_add(plain, piece.at, piece.len, err))
        return false;
    place->offset += box.len;
    spill_forget(blob);
    return true;
}

bool seal_blob_open(const unsigned char key[SEAL_KEY], enum seal_role role,
                    const struct spill *blob, struct spill *plain, struct err *err)
{
    struct seal_place place = {.role = role, .offset = SEAL_HEADER};

    if (!seal_header_check((struct span){blob->at, blob->len}, role, err))
        return false;
    AUTO(free) char *room = malloc(PIECE_BOX);
    if (!room)
        return err_memory(err);
    bool ok = spill_open(plain, blob->len, err);
    while (ok && !place.last)
        ok = open_next(key, blob, &place, room, plain, err);
    return ok;
}
