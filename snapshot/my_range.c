#include "snapshot/my_range.h"

#include <inttypes.h>

#define SIGN ((uint64_t)1 << 63)

struct walk {
    const struct my_bisect *b;
    struct vec *out;
    uint64_t pending; /* rows since the last bound */
};

/* A piece that is small enough: it is joined to the one before while both fit. */
static bool leaf(struct walk *w, uint64_t lo, uint64_t rows, struct err *err)
{
    if (w->pending && w->pending + rows > w->b->target + w->b->target / 2) {
        uint64_t *bound = vec_add(w->out, err);
        if (!bound)
            return false;
        *bound = lo;
        w->pending = 0;
    }
    w->pending += rows;
    return true;
}

/* lo inclusive, hi exclusive. The depth is at most 64: the width halves. */
static bool cut(struct walk *w, uint64_t lo, uint64_t hi, uint64_t rows, struct err *err)
{
    uint64_t mid = lo + (hi - lo) / 2, left = 0, right = 0;

    if (rows <= w->b->target + w->b->target / 2 || mid == lo)
        return leaf(w, lo, rows, err);
    return w->b->estimate(w->b->ctx, lo, mid, &left, err) &&
           w->b->estimate(w->b->ctx, mid, hi, &right, err) && cut(w, lo, mid, left, err) &&
           cut(w, mid, hi, right, err);
}

bool my_range_bounds(const struct my_bisect *b, struct vec *out, struct err *err)
{
    struct walk w = {b, out, 0};

    if (b->hi <= b->lo || !b->target)
        return true;
    return cut(&w, b->lo, b->hi, b->rows, err);
}

bool my_range_parse(struct span text, bool is_signed, uint64_t *out)
{
    int64_t n;

    if (!is_signed)
        return span_u64(text, out);
    if (!span_i64(text, &n))
        return false;
    *out = (uint64_t)n ^ SIGN;
    return true;
}

void my_range_text(uint64_t key, bool is_signed, char out[24])
{
    if (is_signed)
        snprintf(out, 24, "%" PRId64, (int64_t)(key ^ SIGN));
    else
        snprintf(out, 24, "%" PRIu64, key);
}
