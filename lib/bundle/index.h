/* The segment index: which streams a bundle has and where each segment lies.
 *
 * Text, one record per line, fields split by tabs and escaped as in COPY text; stored as one zstd
 * frame. docs/bundle-format.md ("Segment index") is the specification.
 * Memory: of a decoded one 176 bytes per segment and its keys; while it is decoded the text, some 250
 *         bytes per segment, too.
 * Limits: INDEX_MAX bytes of text. Everything is checked against everything when it is decoded:
 *         a struct index that index_decode() gave is sound, whoever wrote the bytes.
 * Errors: ERR_DAMAGED with the line; ERR_UNSUPPORTED for a later format.
 */
#ifndef LIB_BUNDLE_INDEX_H
#define LIB_BUNDLE_INDEX_H

#include "lib/base/vec.h"
#include "lib/bundle/bundle.h"

#define INDEX_SEALED "1" /* the seal of a pack, as in lib/seal/sealed.h */
#define INDEX_MAX    ((size_t)256 << 20)

struct index_pack {
    struct digest digest;
    uint64_t bytes;
    bool sealed;
};

struct index_stream {
    enum stream_kind kind;
    const char *name;
    const json_t *meta;
};

struct index {
    struct vec packs;    /* struct index_pack */
    struct vec streams;  /* struct index_stream, by name */
    struct vec segments; /* struct segment, by stream and seq */
    struct vec owned;    /* json_t *: the metas of a decoded index */
    struct buf text;     /* names and keys of a decoded index, which point into it */
};

void index_init(struct index *ix);
void index_done(struct index *ix);
static inline void auto_index(struct index *ix)
{
    index_done(ix);
}

bool index_encode(const struct index *ix, struct buf *out, struct err *err);
/* Takes the text over (it is written into) and empties *text; what is kept of it are names and keys,
 * a tenth. `ix` was initialised. */
bool index_decode(struct buf *text, struct index *ix, struct err *err);

#endif
