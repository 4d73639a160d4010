/* A pack being written: zstd frames one behind the other, then a seek table.
 *
 * The seek table is a skippable frame, so a pack of full frames is itself a .zst file. Its entries
 * carry the checksum of each frame's content (the low 32 bits of XXH64), which is what zstd has put
 * at the end of the frame.
 * Threads: one at a time.
 * Source:  zstd, contrib/seekable_format/zstd_seekable_compression_format.md, version 0.1.0.
 */
#ifndef LIB_BUNDLE_PACK_H
#define LIB_BUNDLE_PACK_H

#include "lib/store/store.h"

struct index_pack; /* lib/bundle/index.h */
struct pack_writer;

/* `key` seals each frame and the table in a box of its own (lib/seal/sealed.h); NULL: a plain pack.
 * It is memory for secrets and is taken over, whatever comes of it. */
bool pack_open(struct store *store, unsigned char *key, struct pack_writer **out, struct err *err);
/* What is stored of it is pack_bytes() from *offset on. */
bool pack_add(struct pack_writer *p, struct span frame, size_t raw_bytes, uint64_t *offset,
              struct err *err);
uint64_t pack_bytes(const struct pack_writer *p);
/* Seek table, then the blob becomes visible, and its digest and size are set. Frees p either way. */
bool pack_finish(struct pack_writer *p, struct index_pack *out, struct err *err);
void pack_abort(struct pack_writer *p);
AUTO_PTR(pack, struct pack_writer, pack_abort)

#endif
