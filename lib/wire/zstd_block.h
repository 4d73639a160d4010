/* One block of bytes, compressed and back: the only user of zstd outside lib/bundle. */
#ifndef LIB_WIRE_ZSTD_BLOCK_H
#define LIB_WIRE_ZSTD_BLOCK_H

#include "lib/base/buf.h"

/* Appends the compressed frame to `out`. */
bool zstd_block_pack(struct span raw, int level, struct buf *out, struct err *err);
/* Appends exactly `raw_bytes`; a frame that gives another number is ERR_DAMAGED. */
bool zstd_block_unpack(struct span packed, size_t raw_bytes, struct buf *out, struct err *err);

#endif
