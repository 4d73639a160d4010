/* Sealed blobs: a header, and boxes behind it that each open alone.
 *
 * A box is one secretstream of one message (XChaCha20-Poly1305): its 24-byte header, then the
 * content and 17 bytes. So any box can be read at random by a ranged read of the blob. What it is
 * bound to, besides the blob's own random key: the blob's header (format and role) and the box's
 * place in the blob, as additional data. A box that was moved, cut, or put in from another blob
 * does not open; the last box of a blob says that it is the last one.
 * docs/bundle-format.md ("Encryption") is the specification.
 * Threads: none shared. Errors: ERR_DAMAGED for a box that does not open.
 */
#ifndef LIB_SEAL_SEALED_H
#define LIB_SEAL_SEALED_H

#include "lib/base/buf.h"
#include "lib/base/spill.h"

#define SEAL_KEY      32
#define SEAL_HEADER   16
#define SEAL_OVERHEAD 41 /* of a box */

enum seal_role { SEAL_PACK = 'p', SEAL_INDEX = 'i', SEAL_DETAILS = 'd' };

struct seal_place {
    enum seal_role role;
    bool last;
    uint64_t offset; /* of the box in its blob; the first one stands at SEAL_HEADER */
};

/* The first bytes of every sealed blob. */
struct span seal_header(enum seal_role role);
/* ERR_UNSUPPORTED for a later form, ERR_DAMAGED for anything else. */
bool seal_header_check(struct span blob, enum seal_role role, struct err *err);

/* Appends a box of plain.len + SEAL_OVERHEAD bytes. */
bool seal_box(const unsigned char key[SEAL_KEY], const struct seal_place *place, struct span plain,
              struct buf *out, struct err *err);
/* Opens one box into `out`, which has room for sealed.len - SEAL_OVERHEAD bytes and lies apart from
 * it. Nothing of a box that does not open is given. */
bool seal_open(const unsigned char key[SEAL_KEY], const struct seal_place *place,
               struct span sealed, struct span *plain, char *out, struct err *err);

/* A whole blob: its header, then boxes of SPILL_PIECE bytes each, the last one of what is left; of
 * nothing there is one, too. They are handed to `put` one by one. */
bool seal_blob(const unsigned char key[SEAL_KEY], enum seal_role role, const struct spill *plain,
               bool (*put)(void *ctx, struct span sealed, struct err *err), void *ctx,
               struct err *err);
/* *plain is opened here. */
bool seal_blob_open(const unsigned char key[SEAL_KEY], enum seal_role role,
                    const struct spill *blob, struct spill *plain, struct err *err);

#endif
