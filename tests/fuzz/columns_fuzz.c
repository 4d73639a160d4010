/* The first byte says how many columns, the second how many rows. Any bytes as rows: refused, or
 * they come back the same. Any bytes as a segment: refused, or its rows give the segment again. */
#include "lib/bundle/columns.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void same(struct span a, const struct buf *b)
{
    must(a.len == b->len && (a.len == 0 || memcmp(a.at, b->at, a.len) == 0));
}

static void there_and_back(struct span rows, unsigned count)
{
    struct columns c;
    struct buf segment = {0}, back = {0};
    struct err err = {0};

    must(columns_init(&c, count, &err));
    if (columns_add_rows(&c, rows, &err)) {
        must(columns_join(&c, &segment, &err));
        must(columns_lines(buf_view(&segment)) == c.rows * (count ? count : 1));
        must(columns_to_rows(buf_view(&segment), count, c.rows, &back, &err));
        same(rows, &back);
    }
    columns_done(&c);
    buf_done(&segment);
    buf_done(&back);
}

/* Values with tabs make rows of another width, so only a segment without them must come back. */
static void back_and_there(struct span segment, unsigned count, uint64_t rows)
{
    struct columns c;
    struct buf text = {0}, again = {0};
    struct err err = {0};

    must(columns_init(&c, count, &err));
    if (columns_to_rows(segment, count, rows, &text, &err) &&
        (segment.len == 0 || !memchr(segment.at, '\t', segment.len))) {
        must(columns_add_rows(&c, buf_view(&text), &err));
        must(c.rows == rows && columns_join(&c, &again, &err));
        same(segment, &again);
    }
    columns_done(&c);
    buf_done(&text);
    buf_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len < 2)
        return 0;
    struct span text = {(const char *)bytes + 2, len - 2};
    there_and_back(text, bytes[0] % 8);
    back_and_there(text, bytes[0] % 8, bytes[1]);
    return 0;
}
