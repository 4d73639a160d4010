/* Where the parent cut a file tree: cut there again, and the same entries make the same segments.
 *
 * Segments that begin with an entry are found by its path; the pieces of a large file by the path of
 * the file and their place in it. Whatever the parent says changes sizes only, never what is kept.
 */
#include "snapshot/files.h"

static int by_path(const void *a, const void *b)
{
    return span_cmp(((const struct files_old *)a)->path, ((const struct files_old *)b)->path);
}

static void sort(struct vec *all)
{
    if (all->count)
        qsort(all->at, all->count, sizeof(struct files_old), by_path);
}

bool files_old_read(struct tree *t, const char *stream, struct err *err)
{
    const struct stream *old = bundle_parent_stream(t->conf->writer, stream);
    struct files_old *pieces = NULL;

    for (size_t i = 0; old && i < old->segment_count; i++) {
        const struct segment *seg = &old->segments[i];

        if (!seg->records && pieces && span_eq(pieces->path, seg->key_from)) {
            pieces->count++;
            continue;
        }
        struct files_old *to = vec_add(seg->records ? &t->old_heads : &t->old_pieces, err);
        if (!to)
            return false;
        *to = (struct files_old){seg->key_from, seg, 1};
        pieces = seg->records ? NULL : to;
    }
    sort(&t->old_heads);
    sort(&t->old_pieces);
    return true;
}

static int find_path(const void *path, const void *old)
{
    return span_cmp(*(const struct span *)path, ((const struct files_old *)old)->path);
}

const struct files_old *files_old_find(const struct vec *all, const char *path)
{
    struct span wanted = span_of(path);

    return all->count ? bsearch(&wanted, all->at, all->count, sizeof(struct files_old), find_path)
                      : NULL;
}
