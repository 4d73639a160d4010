#include "lib/base/textdiff.h"

#include "lib/base/vec.h"

#include <stdlib.h>

#define CONTEXT   ((size_t)3)
#define CELLS_MAX ((size_t)4 << 20)

struct edit {
    char kind; /* ' ', '-' or '+' */
    struct span line;
    size_t a, b; /* lines of both texts in front of this one */
};

struct diffing {
    struct vec a, b; /* struct span: lines, each with its newline */
    struct vec edits;
    struct err *err;
};

static bool split(struct span text, struct vec *out, struct err *err)
{
    while (text.len) {
        const char *end = memchr(text.at, '\n', text.len);
        size_t len = end ? (size_t)(end - text.at) + 1 : text.len;
        struct span *to = vec_add(out, err);

        if (!to)
            return false;
        *to = (struct span){text.at, len};
        text.at += len;
        text.len -= len;
    }
    return true;
}

static struct span line(const struct vec *lines, size_t i)
{
    return ((const struct span *)lines->at)[i];
}

static bool add(struct diffing *d, char kind, size_t a, size_t b)
{
    struct edit *to = vec_add(&d->edits, d->err);

    if (to)
        *to = (struct edit){kind, kind == '+' ? line(&d->b, b) : line(&d->a, a), a, b};
    return to != NULL;
}

/* lengths[i][j]: the longest common subsequence of what is behind line i and line j. */
static void fill(const struct diffing *d, size_t from, size_t rows, size_t columns,
                 uint32_t *lengths)
{
    size_t wide = columns + 1;

    for (size_t i = rows; i-- > 0;) {
        for (size_t j = columns; j-- > 0;) {
            uint32_t down = lengths[(i + 1) * wide + j], right = lengths[i * wide + j + 1];

            if (span_eq(line(&d->a, from + i), line(&d->b, from + j)))
                lengths[i * wide + j] = lengths[(i + 1) * wide + j + 1] + 1;
            else
                lengths[i * wide + j] = down > right ? down : right;
        }
    }
}

/* The lines between the common beginning and the common end. */
static bool middle(struct diffing *d, size_t from, size_t rows, size_t columns)
{
    bool small = (rows + 1) <= CELLS_MAX / (columns + 1);
    size_t wide = columns + 1, i = 0, j = 0;
    AUTO(free) uint32_t *lengths = calloc(small ? (rows + 1) * wide : 1, sizeof(*lengths));

    if (!lengths)
        return err_memory(d->err);
    if (small)
        fill(d, from, rows, columns, lengths);
    while (i < rows || j < columns) {
        size_t a = from + i, b = from + j;
        char kind = '-';

        if (i < rows && j < columns && small && span_eq(line(&d->a, a), line(&d->b, b)))
            kind = ' ';
        else if (i == rows ||
                 (j < columns && small && lengths[i * wide + j + 1] > lengths[(i + 1) * wide + j]))
            kind = '+';
        if (!add(d, kind, a, b))
            return false;
        i += kind != '+';
        j += kind != '-';
    }
    return true;
}

static bool make_edits(struct diffing *d)
{
    size_t n = d->a.count, m = d->b.count, head = 0, tail = 0;

    while (head < n && head < m && span_eq(line(&d->a, head), line(&d->b, head)))
        head++;
    while (tail < n - head && tail < m - head &&
           span_eq(line(&d->a, n - 1 - tail), line(&d->b, m - 1 - tail)))
        tail++;
    for (size_t i = 0; i < head; i++)
        if (!add(d, ' ', i, i))
            return false;
    if (!middle(d, head, n - head - tail, m - head - tail))
        return false;
    for (size_t i = 0; i < tail; i++)
        if (!add(d, ' ', n - tail + i, m - tail + i))
            return false;
    return true;
}

static void print_range(struct buf *out, char sign, size_t before, size_t count)
{
    if (count == 1)
        buf_printf(out, " %c%zu", sign, before + 1);
    else
        buf_printf(out, " %c%zu,%zu", sign, count ? before + 1 : before, count);
}

static void print_hunk(const struct edit *all, size_t from, size_t to, struct buf *out)
{
    size_t removed = 0, added = 0;

    for (size_t i = from; i < to; i++) {
        removed += all[i].kind != '+';
        added += all[i].kind != '-';
    }
    buf_puts(out, "@@");
    print_range(out, '-', all[from].a, removed);
    print_range(out, '+', all[from].b, added);
    buf_puts(out, " @@\n");
    for (size_t i = from; i < to; i++) {
        buf_putc(out, all[i].kind);
        buf_span(out, all[i].line);
        if (all[i].line.at[all[i].line.len - 1] != '\n')
            buf_puts(out, "\n\\ No newline at end of file\n");
    }
}

/* Changes that are at most twice the context apart share a hunk. */
static void print_hunks(const struct vec *edits, struct buf *out)
{
    const struct edit *all = edits->at;
    size_t n = edits->count, at = 0;

    while (at < n) {
        while (at < n && all[at].kind == ' ')
            at++;
        if (at == n)
            return;
        size_t from = at > CONTEXT ? at - CONTEXT : 0, end = at;
        for (size_t same = 0; at < n && same <= 2 * CONTEXT; at++) {
            same = all[at].kind == ' ' ? same + 1 : 0;
            if (all[at].kind != ' ')
                end = at + 1;
        }
        size_t to = n - end > CONTEXT ? end + CONTEXT : n;
        print_hunk(all, from, to, out);
        at = to;
    }
}

bool textdiff(struct span before, struct span after, struct buf *out, struct err *err)
{
    struct diffing d = {
        .a = VEC(struct span), .b = VEC(struct span), .edits = VEC(struct edit), .err = err};
    bool ok = split(before, &d.a, err) && split(after, &d.b, err) && make_edits(&d);

    if (ok)
        print_hunks(&d.edits, out);
    vec_done(&d.a);
    vec_done(&d.b);
    vec_done(&d.edits);
    return ok && buf_ok(out, err);
}
