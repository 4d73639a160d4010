/* A bundle of one table's segments, and a writer that has it as parent: for what sources do with the
 * ranges of the day before. */
#ifndef TESTS_FAKE_PARENT_H
#define TESTS_FAKE_PARENT_H

#include "lib/bundle/bundle.h"

struct fake_segment {
    const char *from, *to; /* keys */
    size_t bytes;          /* about so many */
};

/* Writes the segments as stream `name` with `meta` (borrowed) into an empty store in memory and opens
 * a writer on it. store_close() and bundle_abandon() release them. */
bool fake_parent(const char *name, const json_t *meta, const struct fake_segment *segments,
                 size_t count, struct store **store, struct bundle_writer **out, struct err *err);

#endif
