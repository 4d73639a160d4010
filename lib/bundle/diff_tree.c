/* File trees: entries that lie in segments which the other bundle does not have. */
#include "lib/bundle/diff.h"

#include "lib/base/cmd.h"
#include "lib/base/json.h"
#include "lib/base/textdiff.h"
#include "lib/base/vec.h"
#include "lib/bundle/tar.h"

#include <sys/stat.h>

/* A segment that begins with an entry, and those that carry its last entry on. */
struct unit {
    const struct segment *segments;
    size_t count;
    struct digest id; /* of all their content */
};

struct file {
    char *path, *link;
    mode_t mode;
    uid_t uid;
    gid_t gid;
    int64_t mtime_s;
    long mtime_ns;
    uint64_t size;
    struct digest content, xattrs;
    size_t unit;
};

struct side {
    struct bundle *bundle;
    struct vec units; /* struct unit */
    struct vec ids;   /* struct digest of the units, sorted */
    struct vec files; /* struct file, of the units that the other has not; sorted by path */
};

static void side_done(struct side *s)
{
    struct file *files = s->files.at;

    for (size_t i = 0; i < s->files.count; i++) {
        free(files[i].path);
        free(files[i].link);
    }
    vec_done(&s->files);
    vec_done(&s->units);
    vec_done(&s->ids);
}

/* ---- units -----------------------------------------------------------------------------------*/

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct digest));
}

static bool split_units(struct side *s, const struct stream *stream, struct err *err)
{
    AUTO(hash) struct hash *h = NULL;

    if (!hash_open(&h, err))
        return false;
    for (size_t i = 0; stream && i < stream->segment_count;) {
        const struct segment *first = &stream->segments[i];
        struct unit *u = vec_add(&s->units, err);
        struct digest *id = u ? vec_add(&s->ids, err) : NULL;

        if (!id)
            return false;
        u->segments = first;
        do {
            hash_add(h, stream->segments[i].raw.at, sizeof(struct digest));
            u->count++;
            i++;
        } while (i < stream->segment_count && stream->segments[i].records == 0);
        *id = u->id = hash_end(h);
    }
    if (s->ids.count)
        qsort(s->ids.at, s->ids.count, sizeof(struct digest), by_bytes);
    return true;
}

static bool has_unit(const struct side *s, const struct digest *id)
{
    return s->ids.count &&
           bsearch(id, s->ids.at, s->ids.count, sizeof(struct digest), by_bytes) != NULL;
}

/* ---- entries ---------------------------------------------------------------------------------*/

static struct digest hash_xattrs(struct hash *h, const struct tar_entry *e)
{
    for (size_t i = 0; i < e->xattr_count; i++) {
        hash_add(h, e->xattrs[i].name, strlen(e->xattrs[i].name) + 1);
        hash_add(h, &e->xattrs[i].value.len, sizeof(e->xattrs[i].value.len));
        hash_add(h, e->xattrs[i].value.at, e->xattrs[i].value.len);
    }
    return hash_end(h);
}

/* The content of an entry that goes on in further segments is known by their hashes: a large file is
 * cut at the same offsets every time. */
static bool hash_content(struct hash *h, struct tar_reader *r, const struct tar_entry *e,
                         const struct unit *u, bool last, struct digest *out, struct err *err)
{
    struct span piece;
    uint64_t offset = 0;

    hash_add(h, e->regions, e->region_count * sizeof(*e->regions));
    if (last && u->count > 1) {
        for (size_t i = 1; i < u->count; i++)
            hash_add(h, u->segments[i].raw.at, sizeof(struct digest));
    } else if (S_ISREG(e->mode) && !e->hardlink) {
        do {
            if (!tar_content(r, &piece, &offset, err))
                return false;
            hash_add(h, piece.at, piece.len);
        } while (piece.len);
    }
    *out = hash_end(h);
    return true;
}

static bool keep_entry(struct side *s, struct hash *h, struct tar_reader *r,
                       const struct tar_entry *e, size_t unit, bool last, struct err *err)
{
    const struct unit *u = &((const struct unit *)s->units.at)[unit];
    const char *link = e->link ? e->link : e->hardlink;
    struct file *f = vec_add(&s->files, err);

    if (!f)
        return false;
    *f = (struct file){.path = strdup(e->path),
                       .link = link ? strdup(link) : NULL,
                       .mode = e->mode,
                       .uid = e->uid,
                       .gid = e->gid,
                       .mtime_s = e->mtime_s,
                       .mtime_ns = e->mtime_ns,
                       .size = e->size,
                       .xattrs = hash_xattrs(h, e),
                       .unit = unit};
    if (!f->path || (link && !f->link))
        return err_memory(err);
    return hash_content(h, r, e, u, last, &f->content, err);
}

static bool read_unit(struct side *s, size_t unit, struct buf *raw, struct hash *h, struct err *err)
{
    const struct unit *u = &((const struct unit *)s->units.at)[unit];
    AUTO(tar_reader) struct tar_reader *r = NULL;
    struct tar_entry e;
    bool more = true;

    if (!cmd_stop_check(err) || !bundle_read(s->bundle, u->segments, raw, err) ||
        !tar_reader_open(buf_view(raw), &r, err))
        return false;
    for (uint64_t n = 1; n <= u->segments->records; n++) {
        if (!tar_next(r, &e, &more, err))
            return false;
        if (!more)
            return err_set(err, ERR_DAMAGED, "a segment of files holds too few entries");
        if (!keep_entry(s, h, r, &e, unit, n == u->segments->records, err))
            return false;
    }
    return true;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct file *)a)->path, ((const struct file *)b)->path);
}

static bool read_side(struct side *s, const struct side *other, struct err *err)
{
    const struct unit *units = s->units.at;
    AUTO(buf) struct buf raw = {0};
    AUTO(hash) struct hash *h = NULL;

    if (!hash_open(&h, err))
        return false;
    for (size_t i = 0; i < s->units.count; i++)
        if (!has_unit(other, &units[i].id) && !read_unit(s, i, &raw, h, err))
            return false;
    if (s->files.count)
        qsort(s->files.at, s->files.count, sizeof(struct file), by_path);
    return true;
}

/* ---- text ------------------------------------------------------------------------------------*/

static bool is_small_text(const struct file *f)
{
    return f && S_ISREG(f->mode) && f->size <= DIFF_TEXT_MAX && !f->link;
}

static bool read_small(struct side *s, const struct file *f, struct buf *out, struct err *err)
{
    const struct unit *u = &((const struct unit *)s->units.at)[f->unit];
    AUTO(tar_reader) struct tar_reader *r = NULL;
    AUTO(buf) struct buf raw = {0};
    struct tar_entry e;
    struct span piece;
    uint64_t offset = 0;
    bool more = true;

    if (!bundle_read(s->bundle, u->segments, &raw, err) ||
        !tar_reader_open(buf_view(&raw), &r, err))
        return false;
    do {
        if (!tar_next(r, &e, &more, err))
            return false;
    } while (more && strcmp(e.path, f->path) != 0);
    do {
        if (!more || !tar_content(r, &piece, &offset, err))
            return false;
        buf_span(out, piece);
    } while (piece.len && out->len <= DIFF_TEXT_MAX);
    return buf_ok(out, err);
}

static bool show_text(struct side *a, const struct file *fa, struct side *b, const struct file *fb,
                      json_t *one, struct err *err)
{
    AUTO(buf) struct buf before = {0};
    AUTO(buf) struct buf after = {0};
    AUTO(buf) struct buf diff = {0};

    if (!is_small_text(fa) || !is_small_text(fb))
        return true;
    if (!read_small(a, fa, &before, err) || !read_small(b, fb, &after, err))
        return false;
    if (memchr(buf_str(&before), '\0', before.len) || memchr(buf_str(&after), '\0', after.len))
        return true;
    return textdiff(buf_view(&before), buf_view(&after), &diff, err) &&
           (json_object_set_new(one, "diff", json_bytes(buf_view(&diff))) == 0 || err_memory(err));
}

/* ---- comparing -------------------------------------------------------------------------------*/

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static json_t *kinds_of(const struct file *a, const struct file *b)
{
    const struct {
        const char *name;
        bool differs;
    } kinds[] = {
        {"type", (a->mode & S_IFMT) != (b->mode & S_IFMT)},
        {"content", !digest_eq(&a->content, &b->content)},
        {"size", a->size != b->size},
        {"mode", (a->mode & 07777) != (b->mode & 07777)},
        {"owner", a->uid != b->uid || a->gid != b->gid},
        {"mtime", a->mtime_s != b->mtime_s || a->mtime_ns != b->mtime_ns},
        {"link", !same_text(a->link, b->link)},
        {"xattrs", !digest_eq(&a->xattrs, &b->xattrs)},
    };
    json_t *list = json_array();

    for (size_t i = 0; i < COUNT(kinds); i++)
        if (kinds[i].differs)
            json_array_append_new(list, json_string(kinds[i].name));
    return list;
}

struct comparing {
    struct side a, b;
    const char *tree;
    bool text;
    json_t *out;
};

static void set_size(json_t *one, const char *key, const struct file *f)
{
    if (f)
        json_object_set_new(one, key, json_integer((json_int_t)f->size));
}

static bool report(struct comparing *c, const struct file *a, const struct file *b, struct err *err)
{
    AUTO(json) json_t *kinds = a && b ? kinds_of(a, b) : json_array();
    const char *path = a ? a->path : b ? b->path : "";

    if (a && b && json_array_size(kinds) == 0) /* the same entry in another segment */
        return true;
    const char *change = !a ? "added" : !b ? "removed" : "changed";
    json_t *one = json_pack("{s:s, s:o, s:s, s:O}", "tree", c->tree, "path",
                            json_bytes(span_of(path)), "change", change, "kinds", kinds);
    set_size(one, "before", a);
    set_size(one, "after", b);
    if (json_array_append_new(c->out, one) != 0)
        return err_memory(err);
    bool content = a && b && !digest_eq(&a->content, &b->content);
    return !c->text || !content || show_text(&c->a, a, &c->b, b, one, err);
}

static bool compare(struct comparing *c, struct err *err)
{
    const struct file *a = c->a.files.at, *b = c->b.files.at;
    size_t i = 0, j = 0, n = c->a.files.count, m = c->b.files.count;

    while (i < n || j < m) {
        int order = i == n ? 1 : j == m ? -1 : strcmp(a[i].path, b[j].path);

        if (!report(c, order <= 0 ? &a[i] : NULL, order >= 0 ? &b[j] : NULL, err))
            return false;
        i += order <= 0;
        j += order >= 0;
    }
    return true;
}

bool diff_tree(struct bundle *before, const struct stream *a, struct bundle *after,
               const struct stream *b, const struct diff_conf *conf, json_t *out, struct err *err)
{
    const char *name = a ? a->name : b ? b->name : "/";
    const char *tree = strchr(name, '/') + 1;
    const struct side empty = {
        .units = VEC(struct unit), .ids = VEC(struct digest), .files = VEC(struct file)};
    struct comparing c = {.a = empty,
                          .b = empty,
                          .tree = tree,
                          .text = conf->text || strcmp(tree, "config") == 0,
                          .out = out};

    c.a.bundle = before;
    c.b.bundle = after;
    bool ok = split_units(&c.a, a, err) && split_units(&c.b, b, err) &&
              read_side(&c.a, &c.b, err) && read_side(&c.b, &c.a, err) && compare(&c, err);
    side_done(&c.a);
    side_done(&c.b);
    return ok || err_add(err, "tree '%s'", tree);
}
