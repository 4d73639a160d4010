/* Any bytes as SHOW CREATE TABLE: refused, or taken apart into pieces that lie inside the text, in
 * order, and the statement with only what stays can be taken apart again. Its shape never grows. */
#include "snapshot/my_ddl.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void in_order(struct span text, const struct my_ddl *d)
{
    const struct my_def *defs = d->defs.at;
    const char *at = text.at + d->head.len;

    must(d->head.at == text.at && d->defs.count > 0);
    for (size_t i = 0; i < d->defs.count; i++) {
        must(defs[i].text.at >= at);
        at = defs[i].text.at + defs[i].text.len;
        must(!defs[i].first.at || defs[i].first.at + defs[i].first.len <= at);
    }
    must(d->tail.at >= at && d->tail.at + d->tail.len == text.at + text.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct span text = {(const char *)bytes, len};
    struct my_ddl d = {.defs = VEC(struct my_def)}, again = {.defs = VEC(struct my_def)};
    struct buf create = {0}, shape = {0};
    struct err err = {0};

    if (my_ddl_split(text, &d, &err)) {
        in_order(text, &d);
        must(my_ddl_create(&d, &create));
        /* Without a single column nothing may be left to take apart. */
        if (my_ddl_split(buf_view(&create), &again, &err))
            in_order(buf_view(&create), &again);
    } else {
        must(err.code == ERR_UNSUPPORTED);
    }
    must(my_ddl_shape(text, &shape) && shape.len <= len);
    my_ddl_done(&d);
    my_ddl_done(&again);
    buf_done(&create);
    buf_done(&shape);
    return 0;
}
