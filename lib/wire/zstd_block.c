#include "lib/wire/zstd_block.h"

#include <zstd.h>

bool zstd_block_pack(struct span raw, int level, struct buf *out, struct err *err)
{
    size_t bound = ZSTD_compressBound(raw.len);

    if (!buf_reserve(out, bound))
        return err_memory(err);
    size_t n = ZSTD_compress(out->at + out->len, bound, raw.at, raw.len, level);
    if (ZSTD_isError(n))
        return err_set(err, ERR_FAILED, "cannot compress a block: %s", ZSTD_getErrorName(n));
    out->len += n;
    return true;
}

bool zstd_block_unpack(struct span packed, size_t raw_bytes, struct buf *out, struct err *err)
{
    if (!buf_reserve(out, raw_bytes))
        return err_memory(err);
    size_t n = ZSTD_decompress(out->at + out->len, raw_bytes, packed.at, packed.len);
    if (ZSTD_isError(n))
        return err_set(err, ERR_DAMAGED, "cannot decompress a block: %s", ZSTD_getErrorName(n));
    if (n != raw_bytes)
        return err_set(err, ERR_DAMAGED, "block holds %zu bytes instead of %zu", n, raw_bytes);
    out->len += n;
    return true;
}
