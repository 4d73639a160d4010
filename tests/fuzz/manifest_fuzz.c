/* Any bytes as a manifest and as index.json: refused with a reason, or read. */
#include "lib/bundle/tags.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void must(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct span text = {(const char *)bytes, len};
    struct vec tags = VEC(struct tagged);
    struct manifest m, again;
    struct err err = {0};

    manifest_init(&m);
    manifest_init(&again);
    if (manifest_decode(text, &m, &err)) {
        AUTO(free) char *written = manifest_encode(&m);

        must(!written || manifest_decode(span_of(written), &again, &err));
        must(!written || again.packs.count == m.packs.count);
    } else {
        must(err.text[0]);
    }
    err_clear(&err);
    must(tags_decode(text, &tags, &err) || err.text[0]);
    vec_done(&tags);
    manifest_done(&m);
    manifest_done(&again);
    return 0;
}
