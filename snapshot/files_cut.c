/* Units: which entries become one segment, and whether it is one of the parent's as it was. */
#include "snapshot/files.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* What an entry costs in the tar besides its content: a pax record, its body, the header. */
#define ENTRY_BYTES ((uint64_t)3 * TAR_BLOCK)
#define CRUMB       (SEGMENT_TARGET / 4)
/* So little may be stored anew, if the rest of the unit can be a delta. */
#define SPLINTER (SEGMENT_TARGET / 64)

/* ---- units -----------------------------------------------------------------------------------*/

static void large_drop(struct tree *t, struct large *l)
{
    if (!l)
        return;
    pthread_mutex_lock(&t->lock);
    bool last = --l->users == 0;
    pthread_mutex_unlock(&t->lock);
    if (!last)
        return;
    vec_done(&l->regions);
    free(l);
}

void unit_free(struct tree *t, struct unit *u)
{
    if (!u)
        return;
    large_drop(t, u->large);
    buf_done(&u->text);
    buf_done(&u->rows);
    vec_done(&u->nodes);
    free(u);
}

static struct unit *unit_new(struct tree *t, struct err *err)
{
    struct unit *u = calloc(1, sizeof(*u));

    if (!u) {
        err_memory(err);
        return NULL;
    }
    u->seq = t->walk.units++;
    u->nodes = (struct vec)VEC(struct node);
    return u;
}

static void share(struct tree *t, struct unit *u, struct large *l)
{
    pthread_mutex_lock(&t->lock);
    l->users++;
    pthread_mutex_unlock(&t->lock);
    u->large = l;
}

/* ---- where units begin -----------------------------------------------------------------------*/

/* Whether an entry that the parent has in `seg` (NULL: nowhere) begins a new unit. */
static bool begins(const struct unit *u, const struct segment *seg, bool guessed)
{
    if (!u)
        return true;
    if (u->bytes >= (u->like ? 2 * SEGMENT_TARGET : SEGMENT_TARGET))
        return true;
    if (!seg || seg == u->like)
        return false;
    /* Files that were moved here and there must not leave a unit each. */
    if (guessed || u->guessed)
        return u->bytes >= CRUMB;
    bool small = u->bytes < CRUMB || seg->raw_bytes < CRUMB;
    return !small || u->bytes + seg->raw_bytes > SEGMENT_TARGET;
}

/* All entries of the parent's segment, and no others. */
static bool is_whole(const struct unit *u)
{
    return u->same && u->like && u->nodes.count == u->like->records;
}

/* ---- large files -----------------------------------------------------------------------------*/

/* The parent's pieces of the file whose head is the last entry of `head`. */
static size_t old_pieces(const struct tree *t, const struct segment *head, uint64_t *bytes)
{
    size_t count = 0;

    *bytes = 0;
    if (!head)
        return 0;
    const struct segment *end = t->parent->segments + t->parent->segment_count;
    for (const struct segment *s = head + 1; s < end && s->records == 0; s++, count++)
        *bytes += s->raw_bytes;
    return count;
}

/* The parent keeps zeros behind the last byte, up to a whole block. */
static bool pieces_fit(uint64_t stored, uint64_t in_parent)
{
    return (stored + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK == in_parent;
}

static bool piece_unit(struct tree *t, struct large *l, uint64_t offset, uint64_t len,
                       struct unit **out, struct err *err)
{
    struct unit *u = unit_new(t, err);

    if (!u)
        return false;
    share(t, u, l);
    u->offset = offset;
    u->bytes = u->len = len;
    *out = u;
    return true;
}

static bool cut_pieces(struct tree *t, struct large *l, const struct segment *head, bool same,
                       struct err *err)
{
    uint64_t old_bytes = 0;
    size_t old = old_pieces(t, head, &old_bytes);

    for (uint64_t at = 0; at < l->stored_bytes; at += SEGMENT_TARGET) {
        uint64_t left = l->stored_bytes - at;
        size_t number = (size_t)(at / SEGMENT_TARGET);
        struct unit *u = NULL;

        if (!piece_unit(t, l, at, left < SEGMENT_TARGET ? left : SEGMENT_TARGET, &u, err))
            return false;
        u->like = number < old ? head + 1 + number : NULL;
        u->same = same && u->like;
        if (!files_run(t, u, err))
            return false;
    }
    return true;
}

/* What the walk has to know of a file with holes; only that one is opened by it. */
static bool look_for_holes(const struct found *f, struct large *l, struct err *err)
{
    AUTO(fd) int fd = openat(f->dir, f->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0 && (errno == ENOENT || errno == ELOOP)) /* the readers will find out */
        return true;
    if (fd < 0)
        return err_sys(err, ERR_IO, "cannot open the file");
    return files_regions(fd, l->st.size, &l->regions, &l->stored_bytes, err);
}

static bool large_new(struct tree *t, const struct found *f, struct large **out, struct err *err)
{
    size_t len = strlen(f->path) + 1;
    struct large *l = calloc(1, sizeof(*l) + len);

    if (!l)
        return err_memory(err);
    l->users = 1;
    l->st = f->st;
    l->stored_bytes = f->st.size;
    l->regions = (struct vec)VEC(struct tar_region);
    memcpy(l->path, f->path, len);
    if (f->st.sparse && !look_for_holes(f, l, err)) {
        large_drop(t, l);
        return files_unreadable(t, f->path, err);
    }
    *out = l;
    return true;
}

/* ---- one entry after the other ---------------------------------------------------------------*/

/* A head that is kept without its pieces, or pieces without their head, would be a broken tar. */
static bool close_unit(struct tree *t, struct err *err)
{
    struct unit *u = TAKE(t->walk.unit);
    uint64_t bytes = 0;

    if (!u)
        return true;
    u->same = is_whole(u) && !old_pieces(t, u->like, &bytes);
    return files_run(t, u, err);
}

bool files_cut_last(struct tree *t, struct err *err)
{
    return close_unit(t, err);
}

static bool add_text(struct unit *u, const char *text, size_t *at, struct err *err)
{
    *at = u->text.len;
    return buf_add(&u->text, text, strlen(text) + 1) || buf_ok(&u->text, err);
}

static bool add_node(struct tree *t, struct unit *u, const struct found *f, const char *first,
                     const struct large *l, struct err *err)
{
    uint64_t stored = first ? 0 : l ? l->stored_bytes : f->st.size;
    struct node *n = vec_add(&u->nodes, err);

    if (!n || !add_text(u, f->path, &n->path, err))
        return false;
    if (first) {
        if (!add_text(u, first, &n->link, err))
            return false;
        n->link++;
    }
    n->st = f->st;
    n->stored_bytes = stored;
    n->large = l;
    u->bytes += ENTRY_BYTES + (l ? 0 : stored);
    pthread_mutex_lock(&t->lock);
    t->entries++;
    t->bytes += ENTRY_BYTES + stored;
    pthread_mutex_unlock(&t->lock);
    return true;
}

/* A large file ends its unit. Where its holes are stands in its head: the parent's pieces go with the
 * parent's head alone, unless there are no holes. */
static bool take_large(struct tree *t, const struct found *f, struct large *l,
                       const struct old_entry *old, struct err *err)
{
    struct unit *u = TAKE(t->walk.unit);
    uint64_t bytes = 0;
    const struct segment *head = old->large ? old->segment : NULL;
    bool fits = old_pieces(t, head, &bytes) && pieces_fit(l->stored_bytes, bytes);
    bool kept = is_whole(u) && fits;

    u->same = kept;
    share(t, u, l);
    return files_run(t, u, err) &&
           cut_pieces(t, l, head, old->unchanged && fits && (kept || !f->st.sparse), err);
}

static void become_heir(struct unit *u, const struct segment *seg, bool guessed)
{
    u->like = seg;
    u->guessed = guessed;
    u->same = !guessed;
}

/* Begins a new unit where one should, with the parent's segment that it descends from. */
static bool place(struct tree *t, const struct old_entry *old, struct err *err)
{
    struct unit *u = t->walk.unit;

    if (old->guessed && u && u->bytes < SPLINTER) {
        become_heir(u, old->segment, true);
        return true;
    }
    if (!begins(u, old->segment, old->guessed))
        return true;
    if (!close_unit(t, err) || !(t->walk.unit = unit_new(t, err)))
        return false;
    become_heir(t->walk.unit, old->segment, old->guessed);
    return true;
}

static bool meet_link(struct tree *t, const struct found *f, const char **first, struct err *err)
{
    *first = NULL;
    if (!files_state_linked(&f->st))
        return true;
    pthread_mutex_lock(&t->lock);
    bool ok = links_meet(&t->links, &f->st, f->path, first, err);
    pthread_mutex_unlock(&t->lock);
    return ok;
}

/* What the parent has of it, or of one like it. */
static bool look_back(struct tree *t, const struct found *f, const char *first,
                      struct old_entry *old, struct err *err)
{
    const struct unit *u = t->walk.unit;

    if (!t->walk.old)
        return true;
    if (!files_old_next(t->walk.old, f->path, &f->st, first, old, err))
        return false;
    if (!old->known && f->moved && !first && S_ISREG(f->st.mode))
        files_old_guess(t->walk.old, f->path, &f->st, u ? u->like : NULL, old);
    return true;
}

/* Twins stay apart as long as they are not small, so that later versions are cut alike. */
static bool stands_apart(const struct tree *t, const struct found *f, const struct old_entry *old)
{
    if (f->st.size > SEGMENT_TARGET)
        return true;
    return !f->st.sparse && f->st.size >= TWIN_MIN &&
           (old->large || files_is_twin(&t->walk.twins, f->path, f->st.size));
}

static bool add_found(struct tree *t, const struct found *f, const struct old_entry *old,
                      const char *first, struct large *l, struct err *err)
{
    struct unit *u = t->walk.unit;

    u->same = u->same && old->unchanged && old->segment == u->like;
    if (!add_node(t, u, f, first, l, err))
        return false;
    return !l || take_large(t, f, l, old, err);
}

/* Holes can leave so little of a file that it goes with the others. */
static bool make_large(struct tree *t, const struct found *f, const struct old_entry *old,
                       struct large **out, struct err *err)
{
    struct large *l = NULL;

    if (!stands_apart(t, f, old))
        return true;
    if (!large_new(t, f, &l, err) || !l)
        return false;
    if (l->stored_bytes <= SEGMENT_TARGET && f->st.sparse)
        large_drop(t, l);
    else
        *out = l;
    return true;
}

bool files_take(struct tree *t, const struct found *f, bool *known, struct err *err)
{
    struct old_entry old = {0};
    const char *first = NULL;
    struct large *l = NULL;

    if (!meet_link(t, f, &first, err) || !look_back(t, f, first, &old, err))
        return false;
    *known = old.known;
    if (!first && !make_large(t, f, &old, &l, err))
        return false;
    bool ok = place(t, &old, err) && add_found(t, f, &old, first, l, err);
    large_drop(t, l);
    return ok;
}
