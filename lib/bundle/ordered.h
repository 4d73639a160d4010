/* Work that many threads do and one uses, in order.
 *
 * Items 0 .. count-1: `make` runs on any thread, with a slot that nobody else has meanwhile; `use`
 * runs on the caller's thread, item by item in their order, with the slot in which it was made. No
 * more items are made ahead than there are slots, so the slots' buffers bound the memory.
 * Errors: the first one ends it all; also a stop signal (ERR_STOPPED).
 */
#ifndef LIB_BUNDLE_ORDERED_H
#define LIB_BUNDLE_ORDERED_H

#include "lib/base/err.h"

#include <stddef.h>

struct ordered {
    unsigned jobs;  /* 1 or more */
    unsigned slots; /* jobs or more */
    size_t count;
    bool (*make)(void *ctx, size_t item, unsigned slot, struct err *err);
    bool (*use)(void *ctx, size_t item, unsigned slot, struct err *err);
    void *ctx;
};

bool ordered_run(const struct ordered *work, struct err *err);

#endif
