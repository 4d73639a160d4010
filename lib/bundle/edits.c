#include "lib/bundle/edits.h"

#include "lib/bundle/columns.h"
#include "lib/bundle/scan.h"

/* Copies below that are as dear as what they copy; the second is for the distance of the copy before,
 * which costs next to nothing. */
#define COPY_MIN  12u
#define AGAIN_MIN 5u
/* New bytes are only packed by how often each occurs. Beyond this part of the heir, a search for
 * matches among them pays. */
#define FRESH_PART 64

struct maker {
    struct vec *edits;
    const char *base, *heir;
    size_t base_bytes;
    uint32_t fresh, back; /* that stand for the next edit; the last distance */
    size_t all_fresh;
};

static void skip_fresh(struct maker *m, size_t bytes)
{
    m->fresh += (uint32_t)bytes;
    m->all_fresh += bytes;
}

static bool add_copy(struct maker *m, const char *from, const char *to, size_t bytes,
                     struct err *err)
{
    uint32_t back = (uint32_t)(m->base_bytes + (size_t)(to - m->heir) - (size_t)(from - m->base));
    struct edit *last = m->edits->count ? (struct edit *)m->edits->at + m->edits->count - 1 : NULL;

    if (last && m->fresh == 0 && last->back == back) {
        last->copy += (uint32_t)bytes;
        return true;
    }
    if (bytes < (back == m->back ? AGAIN_MIN : COPY_MIN)) {
        skip_fresh(m, bytes);
        return true;
    }
    struct edit *edit = vec_add(m->edits, err);
    if (!edit)
        return false;
    *edit = (struct edit){m->fresh, (uint32_t)bytes, back};
    m->fresh = 0;
    m->back = back;
    return true;
}

static size_t same_bytes(const char *a, const char *b, size_t max)
{
    size_t n = 0;

    while (max - n >= SCAN_STEP) {
        unsigned same = scan_same(a + n, b + n);

        if (same != SCAN_ALL)
            return n + scan_first(~same);
        n += SCAN_STEP;
    }
    while (n < max && a[n] == b[n])
        n++;
    return n;
}

/* So many lines that both have, one by one; a line that differs is new behind what it has in common
 * with its like. */
static bool like_lines(struct maker *m, struct span from, struct span to, struct err *err)
{
    const char *a = from.at, *a_end = a + from.len, *b = to.at, *b_end = b + to.len;

    while (a < a_end && b < b_end) {
        size_t max = (size_t)(a_end - a < b_end - b ? a_end - a : b_end - b);
        size_t same = same_bytes(a, b, max);

        if (same && !add_copy(m, a, b, same, err))
            return false;
        a += same;
        b += same;
        if (same == max)
            break;
        const char *next = columns_skip(b, b_end, 1);
        skip_fresh(m, (size_t)(next - b));
        a = columns_skip(a, a_end, 1);
        b = next;
    }
    skip_fresh(m, (size_t)(b_end - b));
    return true;
}

static void pass(struct span *s, size_t bytes)
{
    *s = (struct span){s->at + bytes, s->len - bytes};
}

/* One column: what stands between the new rows is like the base. */
static bool like_column(struct maker *m, struct span *base, struct span *heir, uint64_t rows,
                        const struct vec *fresh, struct err *err)
{
    const uint32_t *row = fresh->at;
    uint64_t next = 0;

    for (size_t i = 0; i <= fresh->count; i++) {
        uint64_t lines = (i < fresh->count ? row[i] : rows) - next;
        const char *a = columns_skip(base->at, base->at + base->len, lines);
        const char *b = columns_skip(heir->at, heir->at + heir->len, lines);
        struct span from = {base->at, (size_t)(a - base->at)};
        struct span to = {heir->at, (size_t)(b - heir->at)};

        if (!like_lines(m, from, to, err))
            return false;
        pass(base, from.len);
        pass(heir, to.len);
        if (i == fresh->count)
            break;
        b = columns_skip(heir->at, heir->at + heir->len, 1);
        skip_fresh(m, (size_t)(b - heir->at));
        pass(heir, (size_t)(b - heir->at));
        next = row[i] + 1u;
    }
    return true;
}

static bool like_columns(struct maker *m, struct span base, struct span heir, unsigned columns,
                         const struct vec *fresh, struct err *err)
{
    uint64_t lines = columns_lines(heir);

    if (!columns || lines % columns || columns_lines(base) != lines - fresh->count * columns)
        return false;
    for (unsigned i = 0; i < columns; i++)
        if (!like_column(m, &base, &heir, lines / columns, fresh, err))
            return false;
    return true;
}

static bool ends_in_line(struct span s)
{
    return s.len && s.at[s.len - 1] == '\n';
}

bool edits_find(struct span base, struct span heir, unsigned columns, const struct vec *fresh,
                struct vec *edits, struct err *err)
{
    struct maker m = {.edits = edits, .base = base.at, .heir = heir.at, .base_bytes = base.len};

    edits->count = 0;
    if (!ends_in_line(base) || !ends_in_line(heir) ||
        !(fresh->count ? like_columns(&m, base, heir, columns, fresh, err)
                       : like_lines(&m, base, heir, err)) ||
        m.all_fresh > heir.len / FRESH_PART + FRESH_PART)
        return false;
    struct edit *last = m.fresh ? vec_add(edits, err) : NULL;
    if (last)
        *last = (struct edit){m.fresh, 0, 0};
    return !m.fresh || last;
}
