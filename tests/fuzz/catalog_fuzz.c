/* The first byte says how many rows, the rest is the segment of a parent's catalog of files. Whatever
 * stands in it, the walk goes on, an entry lies in a segment of the parent's tree or nowhere, and
 * none is believed that is not known. */
#include "snapshot/files_old.h"

#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/bundle/encode.h"
#include "tests/fake/store_memory.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void write_tree(struct bundle_writer *w)
{
    static const char *const text[] = {"head of four", "head of two", "piece"};
    uint32_t id = 0;

    must(bundle_stream(w, STREAM_TAR, "files/t", NULL, &id, NULL));
    for (uint64_t seq = 0; seq < COUNT(text); seq++) {
        const struct segment_raw seg = {.stream = id,
                                        .seq = seq,
                                        .records = seq == 2 ? 0 : 4 - 2 * seq,
                                        .bytes = span_of(text[seq])};
        must(bundle_segment(w, &seg, NULL));
    }
}

static void write_catalog(struct bundle_writer *w, uint64_t rows, struct span bytes)
{
    AUTO(json) json_t *columns = json_array();
    uint32_t id = 0;

    for (size_t i = 0; i < CATALOG_COLUMNS; i++)
        json_array_append_new(columns, json_string(catalog_columns[i]));
    AUTO(json)
    json_t *meta = json_pack("{s:O, s:I}", "columns", columns, CATALOG_STARTED,
                             (json_int_t)86400 * 1000000000);
    must(bundle_stream(w, STREAM_COLUMNS, "facts/catalog.t", meta, &id, NULL));
    const struct segment_raw seg = {.stream = id, .records = rows, .bytes = bytes};
    must(bundle_segment(w, &seg, NULL));
}

struct parent {
    struct store *store;
    struct bundle_writer *writer;
};

static void auto_parent(struct parent *p)
{
    bundle_abandon(p->writer);
    store_close(p->store);
}

static void open_parent(struct parent *p, uint64_t rows, struct span bytes)
{
    AUTO(bundle_writer) struct bundle_writer *w = NULL;
    struct bundle_conf conf = {.environment = "x", .tag = "one"};
    struct bundle_ref ref;

    must(fake_store_new(&p->store, NULL) && bundle_create(p->store, &conf, &w, NULL));
    write_tree(w);
    write_catalog(w, rows, bytes);
    must(bundle_finish(w, &ref, NULL));
    conf = (struct bundle_conf){.environment = "x", .parent = "one"};
    must(bundle_create(p->store, &conf, &p->writer, NULL));
}

static void walk(struct files_old *old, const struct stream *tree)
{
    static const char *const paths[] = {".", "a", "a/x", "a-b", "b", "c\n", "d"};
    const struct file_state st = {.mode = 0100644,
                                  .links = 1,
                                  .device = 7,
                                  .inode = 12,
                                  .size = 5,
                                  .mtime_ns = 1000,
                                  .ctime_ns = 2000};
    struct err err = {0};

    for (size_t i = 0; i < COUNT(paths); i++) {
        struct old_entry out = {0};

        must(files_old_next(old, paths[i], &st, i == 4 ? "a/x" : NULL, &out, &err));
        must(!out.unchanged || (out.known && out.segment));
        if (!out.known)
            files_old_guess(old, paths[i], &st, NULL, &out);
        must(!out.segment ||
             (out.segment >= tree->segments && out.segment < tree->segments + tree->segment_count));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    AUTO(parent) struct parent p = {0};
    AUTO(files_old) struct files_old *old = NULL;
    struct err err = {0};

    /* No writer takes columns that begin as encoded ones do, ... */
    if (len < 2 || encode_is((struct span){(const char *)bytes + 1, len - 1}))
        return 0;
    log_setup(LOG_LEVEL_ERROR, LOG_FORM_TEXT);
    /* ... or more rows than bytes. */
    open_parent(&p, bytes[0] < len ? bytes[0] : len - 1,
                (struct span){(const char *)bytes + 1, len - 1});
    const struct stream *tree = bundle_parent_stream(p.writer, "files/t");
    must(files_old_open(p.writer, bundle_parent_stream(p.writer, "facts/catalog.t"), tree, true,
                        &old, &err));
    if (old)
        walk(old, tree);
    return 0;
}
