#include "lib/bundle/edits.h"

#include "lib/base/auto.h"
#include "lib/bundle/columns.h"
#include "lib/bundle/scan.h"

/* Copies below that are as dear as what they copy; unless their distance is that of the copy before,
 * which costs next to nothing: those only need to be matches. */
#define COPY_MIN 12u
/* New bytes are only packed by how often each occurs. Beyond this part of the heir, a search for
 * matches among them pays. */
#define FRESH_PART 64

struct maker {
    struct vec *edits;
    const char *heir;
    /* The piece of the base at hand: its first byte, and where that comes to lie. */
    const char *piece;
    size_t piece_at;
    uint32_t fresh;          /* bytes that stand for the next edit */
    uint32_t back;           /* the last distance */
    size_t all_fresh, limit; /* new bytes */
};

static bool skip_fresh(struct maker *m, size_t bytes)
{
    m->fresh += (uint32_t)bytes;
    m->all_fresh += bytes;
    return m->all_fresh <= m->limit;
}

/* Distances are counted as if the base had no length, until that is known. */
static bool add_copy(struct maker *m, const char *from, const char *to, size_t bytes,
                     struct err *err)
{
    uint32_t back = (uint32_t)((size_t)(to - m->heir) - m->piece_at - (size_t)(from - m->piece));
    struct edit *last = m->edits->count ? (struct edit *)m->edits->at + m->edits->count - 1 : NULL;

    if (last && m->fresh == 0 && last->back == back) {
        last->copy += (uint32_t)bytes;
        return true;
    }
    if (bytes < (last && back == m->back ? EDIT_COPY_MIN : COPY_MIN))
        return skip_fresh(m, bytes);
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

/* Behind the next line; a last one without a newline ends where all does. */
static const char *next_line(const char *p, const char *end)
{
    const char *next = columns_skip(p, end, 1);

    return next ? next : end;
}

/* The lines of a piece of the base, one by one, and as many of the heir's; a line that differs is new
 * behind what it has in common with its like. */
static bool like_lines(struct maker *m, struct span piece, const char **heir, const char *heir_end,
                       struct err *err)
{
    const char *a = piece.at, *a_end = a + piece.len, *b = *heir;

    while (a < a_end && b < heir_end) {
        size_t max = (size_t)(a_end - a < heir_end - b ? a_end - a : heir_end - b);
        size_t same = same_bytes(a, b, max);

        if (same && !add_copy(m, a, b, same, err))
            return false;
        a += same;
        b += same;
        if (same == max)
            break;
        const char *next = next_line(b, heir_end);
        if (!skip_fresh(m, (size_t)(next - b)))
            return false;
        a = next_line(a, a_end);
        b = next;
    }
    *heir = b;
    return true;
}

/* One column, whose lines in the base begin at `start`. */
static bool like_column(struct maker *m, const char *column, const uint32_t *start,
                        const struct vec *runs, const char **heir, const char *heir_end,
                        struct err *err)
{
    const struct rows_run *r = runs->at;

    for (size_t i = 0; i < runs->count; i++) {
        if (r[i].from == ROWS_FRESH) {
            const char *next = columns_skip(*heir, heir_end, r[i].count);

            if (!next || !skip_fresh(m, (size_t)(next - *heir)))
                return false;
            *heir = next;
            continue;
        }
        uint32_t from = start[r[i].from], to = start[r[i].from + r[i].count];
        m->piece = column + from;
        if (!like_lines(m, (struct span){m->piece, to - from}, heir, heir_end, err))
            return false;
        m->piece_at += to - from;
    }
    return true;
}

static bool like_columns(struct maker *m, struct span base, struct span heir, unsigned columns,
                         const struct rows_order *order, struct err *err)
{
    AUTO(free) uint32_t *start = malloc((order->base_rows + 1) * sizeof(*start));
    const char *a = base.at, *b = heir.at;

    if (!start)
        return err_memory(err);
    for (unsigned i = 0; i < columns; i++) {
        const char *column = a;

        a = columns_index(column, base.at + base.len, order->base_rows, start);
        if (!a || !like_column(m, column, start, &order->runs, &b, heir.at + heir.len, err))
            return false;
    }
    return b == heir.at + heir.len;
}

static bool like_all(struct maker *m, struct span base, struct span heir, struct err *err)
{
    const char *b = heir.at, *end = heir.at + heir.len;

    m->piece = base.at;
    if (!like_lines(m, base, &b, end, err))
        return false;
    m->piece_at = base.len;
    return skip_fresh(m, (size_t)(end - b));
}

static bool ends_in_line(struct span s)
{
    return s.len && s.at[s.len - 1] == '\n';
}

bool edits_find(struct span base, struct span heir, unsigned columns,
                const struct rows_order *order, struct vec *edits, struct err *err)
{
    struct maker m = {.edits = edits, .heir = heir.at, .limit = heir.len / FRESH_PART + FRESH_PART};

    edits->count = 0;
    if (!ends_in_line(base) || !ends_in_line(heir) ||
        !(order->runs.count ? like_columns(&m, base, heir, columns, order, err)
                            : like_all(&m, base, heir, err)))
        return false;
    struct edit *e = edits->at;
    for (size_t i = 0; i < edits->count; i++)
        e[i].back += (uint32_t)m.piece_at;
    struct edit *last = m.fresh ? vec_add(edits, err) : NULL;
    if (last)
        *last = (struct edit){m.fresh, 0, 0};
    return !m.fresh || last;
}
