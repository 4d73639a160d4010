#include "snapshot/keep.h"

#include "lib/bundle/bundle.h"

size_t keep_together(const void *segments, size_t at, size_t count,
                     uint64_t (*raw_bytes)(const void *segments, size_t i))
{
    size_t run = 0, fit = 0;
    uint64_t sum = 0;

    for (size_t i = at; i < count && raw_bytes(segments, i) < SEGMENT_TARGET / 4 &&
                        (run < KEEP_RUN || sum <= SEGMENT_TARGET);
         i++, run++) {
        sum += raw_bytes(segments, i);
        fit += sum <= SEGMENT_TARGET;
    }
    return run < KEEP_RUN ? 1 : fit;
}
