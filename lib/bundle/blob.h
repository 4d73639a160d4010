/* Whole blobs: small ones in memory, and large ones piece by piece.
 *
 * What is read was compared with its size and its digest: nothing else is ever given.
 * Threads: a blob_put belongs to one thread at a time. Errors: ERR_DAMAGED; those of the store.
 */
#ifndef LIB_BUNDLE_BLOB_H
#define LIB_BUNDLE_BLOB_H

#include "lib/base/spill.h"
#include "lib/bundle/index.h"

/* A small one, of at most `max` bytes. */
bool blob_get(struct store *store, const struct index_pack *blob, size_t max, struct buf *out,
              struct err *err);
/* Into *out, which is opened here. */
bool blob_fetch(struct store *store, const struct index_pack *blob, size_t max, struct spill *out,
                struct err *err);

struct blob_put {
    struct store_put *put;
    struct hash *hash;
    uint64_t bytes;
};
/* `{0}` is one that was not opened. */
bool blob_open(struct store *store, struct blob_put *b, struct err *err);
bool blob_add(struct blob_put *b, struct span bytes, struct err *err);
/* Digest and size of what is there now, under its digest. */
bool blob_commit(struct blob_put *b, struct index_pack *out, struct err *err);
void blob_abort(struct blob_put *b); /* also of one that is done */
static inline void auto_blob_put(struct blob_put *b)
{
    blob_abort(b);
}
bool blob_put_all(struct store *store, const struct spill *bytes, struct index_pack *out,
                  struct err *err);
/* NULL, which is a text for which memory was short, is an error of memory. */
bool blob_put_text(struct store *store, const char *text, struct index_pack *out, struct err *err);

#endif
