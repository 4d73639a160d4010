/* What the modules of this folder see of an open bundle. */
#ifndef LIB_BUNDLE_READER_H
#define LIB_BUNDLE_READER_H

#include "lib/bundle/codec.h"
#include "lib/bundle/delta.h"
#include "lib/bundle/manifest.h"

/* Without the check that every pack is there: verify wants to name them all. */
bool bundle_load(struct store *store, const char *ref, const struct bundle_access *access,
                 struct bundle **out, struct err *err);
/* An encrypted bundle that was loaded without a key: it has packs, but no streams. */
bool bundle_is_locked(const struct bundle *b);
const struct index *bundle_index(const struct bundle *b);
struct store *bundle_store(const struct bundle *b);
const struct manifest *bundle_manifest(const struct bundle *b);
const struct index_pack *bundle_self(const struct bundle *b); /* the manifest, as a blob */
/* ERR_DAMAGED "pack 'sha256:...' is missing" or of a wrong size. */
bool bundle_check_pack(struct store *store, const struct index_pack *pack, struct err *err);
/* A stored frame to its checked raw content; the base of a delta is read from the store. */
bool bundle_decode(struct bundle *b, const struct segment *seg, struct span frame, struct codec *c,
                   struct buf *out, struct err *err);
/* The base of a delta (delta_base()) as its frame has it: its SHA-256 is not compared where a checksum
 * of the frame was. */
bool bundle_read_base(struct bundle *b, const struct segment *whole, struct buf *out,
                      struct err *err);
struct codecs *bundle_codecs(struct bundle *b);
struct bases *bundle_bases(struct bundle *b);
/* "segment 12 of 'files/code'" in front of the message; returns false. */
bool bundle_blame(const struct bundle *b, const struct segment *seg, struct err *err);

#endif
