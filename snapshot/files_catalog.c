/* The catalog of a file tree: what a later snapshot compares, to leave unchanged files unread. */
#include "lib/base/escape.h"
#include "lib/base/json.h"
#include "lib/bundle/columns.h"
#include "snapshot/files.h"

#include <inttypes.h>

static const char *const column_names[] = {"path",  "mode",     "uid",      "gid",
                                           "size",  "mtime_ns", "ctime_ns", "device",
                                           "inode", "links",    "segment"};

static void add_row(const struct tree *t, const struct node *n, struct buf *out)
{
    escape_add(out, span_of(node_path(t, n)));
    buf_printf(out,
               "\t%o\t%u\t%u\t%" PRIu64 "\t%" PRId64 "\t%" PRId64 "\t%" PRIu64 "\t%" PRIu64
               "\t%u\t%" PRIu64 "\n",
               n->st.mode, n->st.uid, n->st.gid, n->st.size, n->st.mtime_ns, n->st.ctime_ns,
               n->st.device, n->st.inode, n->st.links, n->seq);
}

static bool flush(struct tree *t, uint32_t stream, uint64_t *seq, struct buf *rows,
                  struct columns *cols, struct err *err)
{
    AUTO(buf) struct buf joined = {0};
    struct segment_raw seg = {.stream = stream, .seq = *seq};

    if (!buf_ok(rows, err) || !columns_add_rows(cols, buf_view(rows), err) ||
        !columns_join(cols, &joined, err))
        return false;
    seg.records = cols->rows;
    seg.bytes = buf_view(&joined);
    ++*seq;
    buf_clear(rows);
    columns_clear(cols);
    return bundle_segment(t->conf->writer, &seg, err);
}

static bool write_rows(struct tree *t, uint32_t stream, struct columns *cols, struct err *err)
{
    AUTO(buf) struct buf rows = {0};
    const struct node *nodes = t->nodes.at;
    uint64_t seq = 0;

    for (size_t i = 0; i < t->nodes.count; i++) {
        if (!nodes[i].left_out)
            add_row(t, &nodes[i], &rows);
        if (rows.len >= SEGMENT_TARGET && !flush(t, stream, &seq, &rows, cols, err))
            return false;
    }
    return flush(t, stream, &seq, &rows, cols, err);
}

bool files_write_catalog(struct tree *t, struct err *err)
{
    AUTO(free) char *name = stream_name("facts", "catalog", t->env->name);
    AUTO(json) json_t *columns = json_array();
    struct columns cols = {0};
    uint32_t stream = 0;

    for (size_t i = 0; i < COUNT(column_names); i++)
        json_array_append_new(columns, json_string(column_names[i]));
    AUTO(json) json_t *meta = json_pack("{s:O}", "columns", columns);
    if (!name || !meta)
        return err_memory(err);
    if (!bundle_stream(t->conf->writer, STREAM_COLUMNS, name, meta, &stream, err) ||
        !columns_init(&cols, COUNT(column_names), err))
        return false;
    bool ok = write_rows(t, stream, &cols, err);
    columns_done(&cols);
    return ok;
}
