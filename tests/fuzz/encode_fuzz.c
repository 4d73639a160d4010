/* The first byte says how many columns. Any lines as columns: encoded or not, they come back the same.
 * Any bytes as encoded columns: refused, or they make what they say. */
#include "lib/bundle/columns.h"
#include "lib/bundle/encode.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* Short inputs are repeated: what is little is not encoded. */
static void there_and_back(struct encoder *e, struct span lines, unsigned columns)
{
    struct buf raw = {0}, copy = {0}, back = {0};
    struct span encoded;
    struct err err = {0};

    while (raw.len < 4096) {
        must(buf_span(&raw, lines));
        must(buf_putc(&raw, '\n'));
    }
    uint64_t count = columns_lines(buf_view(&raw)), rows = count / columns;
    for (uint64_t more = rows * columns < count ? (rows + 1) * columns - count : 0; more; more--)
        must(buf_putc(&raw, '\n'));
    rows = columns_lines(buf_view(&raw)) / columns;
    must(encode_columns(e, buf_view(&raw), columns, rows, &encoded, &err));
    if (encoded.len) {
        must(buf_span(&copy, encoded));
        must(decode_columns(e, buf_view(&copy), raw.len, &back, &err));
        must(back.len == raw.len && memcmp(back.at, raw.at, raw.len) == 0);
    }
    buf_done(&raw);
    buf_done(&copy);
    buf_done(&back);
}

/* Of exactly the size that it has, so that a look behind it is seen. */
static void only_there(struct encoder *e, struct span encoded, size_t raw_bytes)
{
    struct buf out = {0};
    struct err err = {0};
    char *copy = malloc(encoded.len ? encoded.len : 1);

    must(copy);
    if (encoded.len)
        memcpy(copy, encoded.at, encoded.len);
    if (decode_columns(e, (struct span){copy, encoded.len}, raw_bytes, &out, &err))
        must(out.len == raw_bytes);
    free(copy);
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct encoder *e = encoder_new();

    must(e);
    if (len >= 2) {
        struct span text = {(const char *)bytes + 2, len - 2};

        there_and_back(e, text, 1 + bytes[0] % 8);
        only_there(e, text, (size_t)bytes[0] << 4 | bytes[1] % 16);
    }
    encoder_free(e);
    return 0;
}
