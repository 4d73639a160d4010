#include "tests/fake/parent.h"

#include "tests/fake/store_memory.h"

/* Lines of one column, no two segments alike. */
static void fill(struct buf *out, size_t bytes, size_t number)
{
    buf_clear(out);
    for (size_t i = 0; out->len < bytes; i++)
        buf_printf(out, "%zu.%zu\n", number, i);
}

static bool write_all(struct bundle_writer *w, const char *name, const json_t *meta,
                      const struct fake_segment *segments, size_t count, struct err *err)
{
    AUTO(buf) struct buf bytes = {0};
    uint32_t id = 0;

    if (!bundle_stream(w, STREAM_COLUMNS, name, meta, &id, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        fill(&bytes, segments[i].bytes, i);
        struct segment_raw raw = {.stream = id,
                                  .seq = i,
                                  .records = 1,
                                  .bytes = buf_view(&bytes),
                                  .key_from = span_of(segments[i].from),
                                  .key_to = span_of(segments[i].to)};
        if (!buf_ok(&bytes, err) || !bundle_segment(w, &raw, err))
            return false;
    }
    return true;
}

bool fake_parent(const char *name, const json_t *meta, const struct fake_segment *segments,
                 size_t count, struct store **store, struct bundle_writer **out, struct err *err)
{
    AUTO(bundle_writer) struct bundle_writer *first = NULL;
    AUTO(store) struct store *s = NULL;
    struct bundle_conf conf = {.environment = "x", .tag = "before"};
    struct bundle_ref ref;

    if (!fake_store_new(&s, err) || !bundle_create(s, &conf, &first, err) ||
        !write_all(first, name, meta, segments, count, err) || !bundle_finish(first, &ref, err))
        return false;
    conf = (struct bundle_conf){.environment = "x", .parent = "before"};
    if (!bundle_create(s, &conf, out, err))
        return false;
    *store = TAKE(s);
    return true;
}
