#include "snapshot/files_old.h"

#include "lib/base/clock.h"
#include "lib/base/escape.h"
#include "lib/base/log.h"
#include "lib/base/vec.h"
#include "snapshot/files_links.h"
#include "snapshot/files_twins.h"

#include <stdlib.h>

const char *const catalog_columns[CATALOG_COLUMNS] = {
    [CATALOG_PATH] = "path",      [CATALOG_MODE] = "mode",      [CATALOG_UID] = "uid",
    [CATALOG_GID] = "gid",        [CATALOG_SIZE] = "size",      [CATALOG_MTIME] = "mtime_ns",
    [CATALOG_CTIME] = "ctime_ns", [CATALOG_DEVICE] = "device",  [CATALOG_INODE] = "inode",
    [CATALOG_LINKS] = "links",    [CATALOG_SEGMENT] = "segment"};

struct row {
    const char *path; /* NUL-terminated, in the segment's bytes */
    struct file_state st;
    uint64_t segment;
};

/* A place in the catalog, and the row there. */
struct cursor {
    size_t segment; /* the next one */
    uint64_t left;  /* rows of this one behind the current */
    struct buf bytes;
    struct span column[CATALOG_COLUMNS]; /* what is left of each */
    struct row row;
    bool valid; /* the row; false: at the end */
};

/* Files of one name and size that are looked at for a guess. */
#define SAME_NAMES 1024

struct guess {
    uint32_t key;          /* of name and size */
    uint32_t segment : 31; /* by place in the tree */
    uint32_t large : 1;
    uint16_t inode, mtime; /* some bits of each: they tell those of one key apart */
};

struct files_old {
    const struct bundle_writer *writer;
    const struct stream *catalog, *tree;
    size_t place[CATALOG_COLUMNS]; /* of our columns among the stream's */
    unsigned columns;
    int64_t started_ns;
    bool believe;
    struct cursor at;
    struct links links;
    bool linked; /* the row's file was met under another name */
    struct buf linked_to;
    struct vec guesses; /* struct guess, by key; made when first needed */
    bool guessing;
};

/* ---- rows ------------------------------------------------------------------------------------*/

static bool next_line(struct span *rest, struct span *line)
{
    const char *nl = rest->len ? memchr(rest->at, '\n', rest->len) : NULL;

    if (!nl)
        return false;
    *line = (struct span){rest->at, (size_t)(nl - rest->at)};
    *rest = (struct span){nl + 1, rest->len - line->len - 1};
    return true;
}

static bool octal(struct span text, mode_t *out)
{
    mode_t value = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '7' || i > 9)
            return false;
        value = value * 8 + (mode_t)(text.at[i] - '0');
    }
    *out = value;
    return text.len > 0;
}

static bool number32(struct span text, uint32_t *out)
{
    uint64_t wide = 0;

    if (!span_u64(text, &wide) || wide > UINT32_MAX)
        return false;
    *out = (uint32_t)wide;
    return true;
}

/* The newline behind the path becomes its NUL: escape_undo() never makes it longer. */
static bool parse_path(struct span field, const char **out)
{
    char *at = (char *)(uintptr_t)field.at;
    struct span path;

    if (!escape_undo(at, field.len, &path) || !path.at || memchr(path.at, '\0', path.len))
        return false;
    at[path.len] = '\0';
    *out = at;
    return true;
}

static bool parse_row(const struct span f[CATALOG_COLUMNS], struct row *r)
{
    *r = (struct row){0};
    return parse_path(f[CATALOG_PATH], &r->path) && octal(f[CATALOG_MODE], &r->st.mode) &&
           number32(f[CATALOG_UID], &r->st.uid) && number32(f[CATALOG_GID], &r->st.gid) &&
           number32(f[CATALOG_LINKS], &r->st.links) && span_u64(f[CATALOG_SIZE], &r->st.size) &&
           span_u64(f[CATALOG_DEVICE], &r->st.device) && span_u64(f[CATALOG_INODE], &r->st.inode) &&
           span_i64(f[CATALOG_MTIME], &r->st.mtime_ns) &&
           span_i64(f[CATALOG_CTIME], &r->st.ctime_ns) && span_u64(f[CATALOG_SEGMENT], &r->segment);
}

/* Where each column begins: R lines further each. */
static bool split_columns(const struct files_old *old, struct cursor *c, uint64_t rows)
{
    struct span rest = buf_view(&c->bytes), line;

    for (unsigned col = 0; col < old->columns; col++) {
        for (size_t i = 0; i < CATALOG_COLUMNS; i++)
            if (old->place[i] == col)
                c->column[i] = rest;
        for (uint64_t i = 0; i < rows; i++)
            if (!next_line(&rest, &line))
                return false;
    }
    c->left = rows;
    return true;
}

static bool load_segment(const struct files_old *old, struct cursor *c, struct err *err)
{
    const struct segment *seg = &old->catalog->segments[c->segment++];

    return bundle_parent_read(old->writer, seg, &c->bytes, err) &&
           (split_columns(old, c, seg->records) ||
            err_set(err, ERR_DAMAGED, "the catalog has too few lines"));
}

/* The next row; at the end, or where it makes no sense, there is none any more. */
static void cursor_next(const struct files_old *old, struct cursor *c)
{
    struct span fields[CATALOG_COLUMNS];
    struct err why = {0};
    bool ok = true;

    c->valid = false;
    while (ok && c->left == 0 && c->segment < old->catalog->segment_count)
        ok = load_segment(old, c, &why);
    if (ok && c->left == 0)
        return;
    for (size_t i = 0; ok && i < CATALOG_COLUMNS; i++)
        ok = next_line(&c->column[i], &fields[i]);
    c->valid = ok && (parse_row(fields, &c->row) ||
                      err_set(&why, ERR_DAMAGED, "a row of the catalog makes no sense"));
    c->left--;
    if (c->valid)
        return;
    c->left = 0;
    c->segment = old->catalog->segment_count;
    log_warn("the parent's catalog cannot be read: all files are",
             f_str("stream", old->catalog->name), f_str("why", why.text));
}

/* ---- life ------------------------------------------------------------------------------------*/

static bool find_columns(struct files_old *old)
{
    const json_t *names = json_object_get(old->catalog->meta, "columns");

    old->columns = bundle_columns(old->catalog);
    for (size_t i = 0; i < CATALOG_COLUMNS; i++) {
        size_t at = 0;

        while (at < old->columns) {
            const char *name = json_string_value(json_array_get(names, at));
            if (name && strcmp(name, catalog_columns[i]) == 0)
                break;
            at++;
        }
        if (at == old->columns)
            return false;
        old->place[i] = at;
    }
    return true;
}

/* Sets old->linked_to by the names before; true but for memory. */
static bool meet_row(struct files_old *old, struct err *err)
{
    const char *first = NULL;

    old->linked = false;
    if (!old->at.valid || !files_state_linked(&old->at.row.st))
        return true;
    if (!links_meet(&old->links, &old->at.row.st, old->at.row.path, &first, err))
        return false;
    old->linked = first;
    buf_clear(&old->linked_to);
    if (first)
        buf_puts(&old->linked_to, first);
    return buf_ok(&old->linked_to, err);
}

static bool step(struct files_old *old, struct err *err)
{
    cursor_next(old, &old->at);
    return meet_row(old, err);
}

bool files_old_open(const struct bundle_writer *w, const struct stream *catalog,
                    const struct stream *tree, bool believe, struct files_old **out,
                    struct err *err)
{
    const json_t *started = catalog ? json_object_get(catalog->meta, CATALOG_STARTED) : NULL;

    *out = NULL;
    if (!tree || !json_is_integer(started))
        return true;
    AUTO(files_old) struct files_old *old = calloc(1, sizeof(*old));
    if (!old)
        return err_memory(err);
    old->writer = w;
    old->catalog = catalog;
    old->tree = tree;
    old->started_ns = json_integer_value(started);
    old->believe = believe && old->started_ns <= clock_wall_ns();
    old->guesses = (struct vec)VEC(struct guess);
    if (!find_columns(old))
        return true;
    if (!step(old, err))
        return false;
    *out = TAKE(old);
    return true;
}

static void cursor_done(struct cursor *c)
{
    buf_done(&c->bytes);
}

void files_old_close(struct files_old *old)
{
    if (!old)
        return;
    cursor_done(&old->at);
    links_done(&old->links);
    buf_done(&old->linked_to);
    vec_done(&old->guesses);
    free(old);
}

/* ---- along with the walk ---------------------------------------------------------------------*/

static int rank(char c)
{
    return c == '\0' ? 0 : c == '/' ? 1 : (unsigned char)c + 2;
}

int files_order(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return rank(*a) - rank(*b);
}

/* The root stands in front of everything, whatever its name. */
static int order(const char *a, const char *b)
{
    bool root_a = strcmp(a, ".") == 0, root_b = strcmp(b, ".") == 0;

    return root_a || root_b ? root_b - root_a : files_order(a, b);
}

static int by_seq(const void *seq, const void *segment)
{
    uint64_t a = *(const uint64_t *)seq, b = ((const struct segment *)segment)->seq;

    return (a > b) - (a < b);
}

static const struct segment *segment_of(const struct files_old *old, uint64_t seq)
{
    return old->tree->segment_count ? bsearch(&seq, old->tree->segments, old->tree->segment_count,
                                              sizeof(struct segment), by_seq)
                                    : NULL;
}

static bool has_pieces(const struct files_old *old, const struct segment *seg)
{
    const struct segment *end = old->tree->segments + old->tree->segment_count;

    return seg + 1 < end && seg[1].records == 0;
}

static bool same_link(const struct files_old *old, const char *first)
{
    return first ? old->linked && strcmp(first, buf_str(&old->linked_to)) == 0 : !old->linked;
}

static bool unchanged(const struct files_old *old, const struct file_state *st, const char *first)
{
    const struct file_state *was = &old->at.row.st;
    int64_t sure = old->started_ns - OLD_RACY_NS;

    return old->believe && files_state_same(st, was) && st->inode == was->inode &&
           st->device == was->device && st->mode == was->mode && st->uid == was->uid &&
           st->gid == was->gid && (S_ISDIR(st->mode) || st->links == was->links) &&
           st->ctime_ns < sure && st->mtime_ns < sure && same_link(old, first);
}

bool files_old_next(struct files_old *old, const char *path, const struct file_state *st,
                    const char *first, struct old_entry *out, struct err *err)
{
    *out = (struct old_entry){0};
    while (old->at.valid && order(old->at.row.path, path) < 0)
        if (!step(old, err))
            return false;
    if (!old->at.valid || strcmp(old->at.row.path, path) != 0)
        return true;
    uint64_t segment = old->at.row.segment;
    out->known = true;
    out->segment = segment_of(old, segment);
    out->unchanged = out->segment && unchanged(old, st, first);
    if (!step(old, err))
        return false;
    out->large = out->segment && has_pieces(old, out->segment) &&
                 (!old->at.valid || old->at.row.segment != segment);
    return true;
}

/* ---- guesses ---------------------------------------------------------------------------------*/

static struct guess guess_of(const char *path, const struct file_state *st)
{
    return (struct guess){.key = (uint32_t)(files_key(path, st->size) >> 32),
                          .inode = (uint16_t)(st->inode ^ st->device << 7),
                          .mtime = (uint16_t)(st->mtime_ns >> 10)};
}

static int by_key(const void *a, const void *b)
{
    const struct guess *x = a, *y = b;

    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return (x->segment > y->segment) - (x->segment < y->segment);
}

/* Room for one more; NULL: it cannot be one, or there is no memory. */
static struct guess *add_guess(struct files_old *old, const struct row *r)
{
    const struct segment *seg = r->st.size ? segment_of(old, r->segment) : NULL;
    size_t number = seg ? (size_t)(seg - old->tree->segments) : 0;
    struct guess *to = seg && number <= INT32_MAX ? vec_add(&old->guesses, NULL) : NULL;

    if (!to)
        return NULL;
    *to = guess_of(r->path, &r->st);
    to->segment = (uint32_t)number & INT32_MAX;
    return to;
}

/* Without memory there are fewer guesses. */
static void gather(struct files_old *old)
{
    struct cursor c = {0};
    struct guess *last = NULL; /* of the row before, whose segment has the number: */
    uint64_t segment = 0;

    cursor_next(old, &c);
    for (; c.valid && old->guesses.count < OLD_GUESSES; cursor_next(old, &c)) {
        if (last && c.row.segment != segment)
            last->large = has_pieces(old, &old->tree->segments[last->segment]);
        segment = c.row.segment;
        last = add_guess(old, &c.row);
    }
    if (last && !c.valid)
        last->large = has_pieces(old, &old->tree->segments[last->segment]);
    cursor_done(&c);
    if (old->guesses.count)
        qsort(old->guesses.at, old->guesses.count, sizeof(struct guess), by_key);
}

static size_t first_of(const struct vec *guesses, const struct guess *wanted)
{
    const struct guess *all = guesses->at;
    size_t lo = 0, hi = guesses->count;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (by_key(&all[mid], wanted) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* A file that was moved has its inode still, a faithful copy the mtime; of others, the one beside the
 * file before is as good as any. */
static unsigned likeness(const struct guess *g, const struct guess *wanted, bool near)
{
    return 4 * (g->inode == wanted->inode) + 2 * (g->mtime == wanted->mtime) + near;
}

void files_old_guess(struct files_old *old, const char *path, const struct file_state *st,
                     const struct segment *near, struct old_entry *out)
{
    const struct guess wanted = guess_of(path, st);
    const struct guess *best = NULL;
    unsigned most = 0;

    if (st->size == 0)
        return;
    if (!old->guessing)
        gather(old);
    old->guessing = true;
    const struct guess *all = old->guesses.at;
    size_t first = first_of(&old->guesses, &wanted), end = first;
    for (; end < old->guesses.count && end - first < SAME_NAMES; end++) {
        if (all[end].key != wanted.key)
            break;
        unsigned like =
            likeness(&all[end], &wanted, &old->tree->segments[all[end].segment] == near);
        if (like > most) {
            most = like;
            best = &all[end];
        }
    }
    if (end == first + 1)
        best = &all[first];
    if (best)
        *out = (struct old_entry){
            .segment = &old->tree->segments[best->segment], .large = best->large, .guessed = true};
}
