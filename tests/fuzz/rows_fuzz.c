/* The first byte says how many columns, the second how long the list is. Any bytes as a base and a
 * list: refused, or no larger than the base and of so many columns. Any bytes as base and heir: the
 * base in their order, and what edits are found, give the heir. */
#include "lib/bundle/columns.h"
#include "lib/bundle/edits.h"
#include "lib/bundle/rows.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void edit(struct span base, struct span heir, unsigned columns,
                 const struct rows_order *order)
{
    struct vec edits = VEC(struct edit);
    struct buf out = {0}, again = {0}, put = {0};
    struct codecs all;
    struct codec *c = NULL;
    struct span frame;
    struct err err = {0};

    codecs_init(&all);
    must(codecs_take(&all, &c, &err));
    if (edits_find(base, heir, columns, order, &edits, &err)) {
        must(codec_compress_edits(c, &edits, (struct span){0}, heir, &frame, &err));
        buf_span(&out, frame);
        if (order->list.len) {
            must(rows_arrange(base, buf_view(&order->list), columns, &put, &err));
            base = buf_view(&put);
        }
        must(codec_decode_from(c, base, buf_view(&out), heir.len, &again, &err));
        must(memcmp(again.at, heir.at, heir.len) == 0);
    }
    codecs_give(&all, c);
    codecs_done(&all);
    vec_done(&edits);
    buf_done(&out);
    buf_done(&again);
    buf_done(&put);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct rows_order order = {0};
    struct buf out = {0};
    struct err err = {0};

    if (len < 2 || len - 2 < bytes[1])
        return 0;
    unsigned columns = bytes[0] % 8;
    struct span front = {(const char *)bytes + 2, bytes[1]};
    struct span base = {front.at + front.len, len - 2 - front.len};

    if (rows_arrange(base, front, columns, &out, &err))
        must(out.len <= base.len && columns_lines(buf_view(&out)) % columns == 0);
    must(rows_match(base, front, columns, bytes[0] / 8, &order, &err));
    if (order.alike)
        edit(base, front, columns, &order);
    if (rows_alike(base, front, columns, bytes[0] / 8))
        edit(base, front, columns, &(struct rows_order){0});
    rows_order_done(&order);
    buf_done(&out);
    return 0;
}
