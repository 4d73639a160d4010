/* The first byte says how many columns, the second how long the list is. Any bytes as a base and a
 * list: refused, or no larger than the base and of so many columns. Any bytes as base and heir: their
 * list fits the base. */
#include "lib/bundle/columns.h"
#include "lib/bundle/rows.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void must(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct buf out = {0}, list = {0};
    struct err err = {0};

    if (len < 2 || len - 2 < bytes[1])
        return 0;
    unsigned columns = bytes[0] % 8;
    struct span front = {(const char *)bytes + 2, bytes[1]};
    struct span base = {front.at + front.len, len - 2 - front.len};

    if (rows_arrange(base, front, columns, &out, &err))
        must(out.len <= base.len && columns_lines(buf_view(&out)) % columns == 0);
    must(rows_match(base, front, columns, &list, &err));
    if (list.len)
        must(rows_arrange(base, buf_view(&list), columns, &out, &err));
    buf_done(&out);
    buf_done(&list);
    return 0;
}
