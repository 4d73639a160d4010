#include "lib/bundle/diff.h"

#include "lib/base/json.h"
#include "lib/base/textdiff.h"
#include "lib/base/vec.h"

#define TEXT_MAX  ((size_t)16 << 20) /* of a schema: more is only said to differ */
#define DEPTH_MAX 32

struct diff {
    struct bundle *a, *b;
    const struct diff_conf *conf;
    json_t *files, *tables, *texts, *facts;
};

static const char *change_of(const void *a, const void *b)
{
    return !a ? "added" : !b ? "removed" : "changed";
}

static const char *name_of(const struct stream *a, const struct stream *b)
{
    return a ? a->name : b ? b->name : "";
}

static bool append(json_t *list, json_t *stolen, struct err *err)
{
    return json_array_append_new(list, stolen) == 0 || err_memory(err);
}

static bool same_content(const struct stream *a, const struct stream *b)
{
    if (a->segment_count != b->segment_count || a->raw_bytes != b->raw_bytes)
        return false;
    for (size_t i = 0; i < a->segment_count; i++)
        if (!digest_eq(&a->segments[i].raw, &b->segments[i].raw))
            return false;
    return true;
}

/* ---- tables ----------------------------------------------------------------------------------*/

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct digest));
}

/* Which part of the segments of `b` has no equal in `a`. */
static bool changed_share(const struct stream *a, const struct stream *b, double *out,
                          struct err *err)
{
    AUTO(free) struct digest *known = calloc(a->segment_count + 1, sizeof(*known));
    size_t fresh = 0;

    if (!known)
        return err_memory(err);
    for (size_t i = 0; i < a->segment_count; i++)
        known[i] = a->segments[i].raw;
    qsort(known, a->segment_count, sizeof(*known), by_bytes);
    for (size_t i = 0; i < b->segment_count; i++)
        fresh += !bsearch(&b->segments[i].raw, known, a->segment_count, sizeof(*known), by_bytes);
    *out = b->segment_count ? (double)fresh / (double)b->segment_count : a->segment_count ? 1 : 0;
    return true;
}

/* Where a table lay on its server is no difference: VACUUM FULL moves it. */
static bool same_table(const json_t *a, const json_t *b)
{
    static const char *const says[] = {"columns", "types", "copy", "load"};

    for (size_t i = 0; i < COUNT(says); i++) {
        const json_t *x = json_object_get(a, says[i]), *y = json_object_get(b, says[i]);

        if (x != y && !json_equal(x, y))
            return false;
    }
    return true;
}

static bool diff_table(struct diff *d, const struct stream *a, const struct stream *b,
                       struct err *err)
{
    double share = 1;

    if (a && b && same_content(a, b) && same_table(a->meta, b->meta))
        return true;
    if (a && b && !changed_share(a, b, &share, err))
        return false;
    return append(d->tables,
                  json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:f}", "stream", name_of(a, b),
                            "change", change_of(a, b), "rows_before",
                            (json_int_t)(a ? a->records : 0), "rows_after",
                            (json_int_t)(b ? b->records : 0), "bytes_before",
                            (json_int_t)(a ? a->raw_bytes : 0), "bytes_after",
                            (json_int_t)(b ? b->raw_bytes : 0), "changed_share", share),
                  err);
}

/* ---- texts -----------------------------------------------------------------------------------*/

/* Of accounts nobody sees how they are let in: what stands behind it in the line is cut as well. */
static bool hide_secrets(struct buf *text, struct err *err)
{
    static const char how[] = " IDENTIFIED ";
    struct span rest = buf_view(text), line;
    AUTO(buf) struct buf shown = {0};

    while (rest.len && span_split(&rest, '\n', &line)) {
        const char *at = memmem(line.at, line.len, how, sizeof(how) - 1);
        buf_add(&shown, line.at, at ? (size_t)(at - line.at) : line.len);
        buf_puts(&shown, at ? " IDENTIFIED [hidden]\n" : "\n");
    }
    if (!buf_ok(&shown, err))
        return false;
    buf_clear(text);
    return buf_span(text, buf_view(&shown)) || err_memory(err);
}

/* Nothing for NULL. */
static bool shown_text(struct bundle *b, const struct stream *s, struct buf *out, struct err *err)
{
    if (!s)
        return true;
    return bundle_read_text(b, s->name, out, err) &&
           (!span_ends(span_of(s->name), "/accounts.sql") || hide_secrets(out, err));
}

static bool diff_text(struct diff *d, const struct stream *a, const struct stream *b,
                      struct err *err)
{
    AUTO(buf) struct buf before = {0};
    AUTO(buf) struct buf after = {0};
    AUTO(buf) struct buf diff = {0};
    bool small = (!a || a->raw_bytes <= TEXT_MAX) && (!b || b->raw_bytes <= TEXT_MAX);

    if (a && b && same_content(a, b))
        return true;
    json_t *one = json_pack("{s:s, s:s}", "stream", name_of(a, b), "change", change_of(a, b));
    if (!append(d->texts, one, err))
        return false;
    if (!small)
        return true;
    if (!shown_text(d->a, a, &before, err) || !shown_text(d->b, b, &after, err) ||
        !textdiff(buf_view(&before), buf_view(&after), &diff, err))
        return false;
    return json_object_set_new(one, "diff", json_bytes(buf_view(&diff))) == 0 || err_memory(err);
}

/* ---- facts -----------------------------------------------------------------------------------*/

struct facts {
    struct diff *diff;
    const char *fact;
    struct buf path;
};

static bool diff_value(struct facts *f, json_t *a, json_t *b, unsigned depth, struct err *err);

static bool diff_member(struct facts *f, const char *key, json_t *a, json_t *b, unsigned depth,
                        struct err *err)
{
    size_t len = f->path.len;

    buf_printf(&f->path, "%s%s", len ? " " : "", key);
    bool ok = buf_ok(&f->path, err) && diff_value(f, a, b, depth + 1, err);
    f->path.len = len;
    if (f->path.at)
        f->path.at[len] = '\0';
    return ok;
}

static bool diff_objects(struct facts *f, json_t *a, json_t *b, unsigned depth, struct err *err)
{
    const char *key;
    json_t *value;

    json_object_foreach(a, key, value)
    {
        if (!diff_member(f, key, value, json_object_get(b, key), depth, err))
            return false;
    }
    json_object_foreach(b, key, value)
    {
        if (!json_object_get(a, key) && !diff_member(f, key, NULL, value, depth, err))
            return false;
    }
    return true;
}

static bool diff_value(struct facts *f, json_t *a, json_t *b, unsigned depth, struct err *err)
{
    if (a && b && json_equal(a, b))
        return true;
    if (json_is_object(a) && json_is_object(b) && depth < DEPTH_MAX)
        return diff_objects(f, a, b, depth, err);
    return append(f->diff->facts,
                  json_pack("{s:s, s:s, s:O?, s:O?}", "fact", f->fact, "path", buf_str(&f->path),
                            "before", a, "after", b),
                  err);
}

static bool diff_fact(struct diff *d, const struct stream *a, const struct stream *b,
                      struct err *err)
{
    AUTO(buf) struct buf before = {0};
    AUTO(buf) struct buf after = {0};
    AUTO(json) json_t *was = NULL;
    AUTO(json) json_t *is = NULL;

    if (a && b && same_content(a, b))
        return true;
    if (!a || !b || !bundle_read_text(d->a, a->name, &before, err) ||
        !bundle_read_text(d->b, b->name, &after, err))
        return !a || !b ? diff_text(d, a, b, err) : false;
    if (!json_parse(buf_view(&before), a->name, &was, NULL) ||
        !json_parse(buf_view(&after), b->name, &is, NULL))
        return diff_text(d, a, b, err);

    struct facts f = {.diff = d, .fact = strchr(a->name, '/') + 1};
    bool ok = diff_value(&f, was, is, 0, err);
    buf_done(&f.path);
    return ok;
}

/* ---- streams ---------------------------------------------------------------------------------*/

static bool diff_stream(struct diff *d, const struct stream *a, const struct stream *b,
                        struct err *err)
{
    const struct stream *s = a ? a : b;
    bool fact = strcmp(s->component, "facts") == 0;

    if (a && b && a->kind != b->kind)
        return diff_stream(d, a, NULL, err) && diff_stream(d, NULL, b, err);
    switch (s->kind) {
    case STREAM_TAR:
        return diff_tree(d->a, a, d->b, b, d->conf, d->files, err);
    case STREAM_COLUMNS: /* a fact with columns is the catalog of a tree, which is compared itself */
        return fact || diff_table(d, a, b, err);
    case STREAM_TEXT:
        return fact ? diff_fact(d, a, b, err) : diff_text(d, a, b, err);
    }
    return true;
}

/* Both are in the order of their names. */
static bool diff_streams(struct diff *d, struct err *err)
{
    size_t n = 0, m = 0, i = 0, j = 0;
    const struct stream *a = bundle_streams(d->a, &n), *b = bundle_streams(d->b, &m);

    while (i < n || j < m) {
        int order = i == n ? 1 : j == m ? -1 : strcmp(a[i].name, b[j].name);

        if (!diff_stream(d, order <= 0 ? &a[i] : NULL, order >= 0 ? &b[j] : NULL, err))
            return false;
        i += order <= 0;
        j += order >= 0;
    }
    return true;
}

bool bundle_diff(struct bundle *before, struct bundle *after, const struct diff_conf *conf,
                 json_t **out, struct err *err)
{
    AUTO(json)
    json_t *all = json_pack("{s:[], s:[], s:[], s:[]}", "files", "tables", "texts", "facts");
    struct diff d = {.a = before,
                     .b = after,
                     .conf = conf,
                     .files = json_object_get(all, "files"),
                     .tables = json_object_get(all, "tables"),
                     .texts = json_object_get(all, "texts"),
                     .facts = json_object_get(all, "facts")};

    if (!all)
        return err_memory(err);
    if (!diff_streams(&d, err))
        return err_add(err, "cannot compare the bundles");
    *out = TAKE(all);
    return true;
}
