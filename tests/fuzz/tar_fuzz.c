/* Any bytes as tar entries: read to the end or refused, and every region lies where it may. */
#include "lib/bundle/tar.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static bool read_content(struct tar_reader *r, struct err *err)
{
    struct span piece;
    uint64_t offset = 0;

    do {
        if (!tar_content(r, &piece, &offset, err))
            return false;
        must(offset <= INT64_MAX);
    } while (piece.len);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct tar_reader *r = NULL;
    struct tar_entry e;
    struct err err = {0};
    bool more = true;

    if (!tar_reader_open((struct span){(const char *)bytes, len}, &r, &err))
        return 0;
    while (more && tar_next(r, &e, &more, &err)) {
        if (!more)
            break;
        must(e.path && e.path[0]);
        if (!read_content(r, &err))
            break;
    }
    tar_reader_close(r);
    return 0;
}
