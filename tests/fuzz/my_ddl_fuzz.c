/* Any bytes as SHOW CREATE TABLE: refused, or taken apart into pieces that lie inside the text, in
 * order, and the statement with only what stays can be taken apart again. Its shape never grows. What
 * shows a `?` lies inside it, too, and is itself when that is what is meant. */
#include "lib/db/my_shown.h"
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

static void shown(struct span text)
{
    struct vec found = VEC(struct my_shown);
    struct err err = {0};
    const char *at = text.at;

    must(my_shown_find(text, &found, &err));
    const struct my_shown *s = found.at;
    for (size_t i = 0; i < found.count; i++) {
        struct buf out = {0};

        must(s[i].column.at >= text.at && s[i].text.at >= at);
        at = s[i].text.at + s[i].text.len;
        must(at <= text.at + text.len);
        if (my_shown_fill(s[i].text, s[i].text, &out))
            must(out.failed || span_eq(buf_view(&out), s[i].text));
        buf_done(&out);
    }
    vec_done(&found);
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
    shown(text);
    my_ddl_done(&d);
    my_ddl_done(&again);
    buf_done(&create);
    buf_done(&shape);
    return 0;
}
