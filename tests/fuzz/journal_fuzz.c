/* A journal from outside: whatever stands in it, it is refused with a reason, or its events come out
 * in order; and what is good stays good when it is read on from there. */
#include "lib/journal/chain.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static bool in_order(void *ctx, const json_t *event, struct err *err)
{
    (void)err;
    if (json_integer_value(json_object_get(event, "n")) != ++*(json_int_t *)ctx)
        abort();
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct chain chain = {0};
    struct err err = {0};
    json_int_t seen = 0;
    AUTO(fd) int fd = memfd_create("journal", MFD_CLOEXEC);

    if (fd < 0 || write(fd, bytes, len) != (ssize_t)len)
        return 0;
    if (chain_read(&chain, fd, in_order, &seen, &err)) {
        if (chain.good_bytes + chain.torn_bytes != (off_t)len || chain.lines != (uint64_t)seen)
            abort();
        if (!chain_read(&chain, fd, in_order, &seen, &err))
            abort();
    } else if (!err.code || !err.text[0]) {
        abort();
    }
    return 0;
}
