#include "lib/bundle/columns.h"

#include "lib/bundle/bundle.h"
#include "lib/bundle/scan.h"

#include <stdlib.h>

bool columns_init(struct columns *c, unsigned count, struct err *err)
{
    *c = (struct columns){0};
    return columns_reshape(c, count, err);
}

bool columns_reshape(struct columns *c, unsigned count, struct err *err)
{
    if (count > c->room || !c->cols) {
        unsigned room = count ? count : 1;
        struct buf *cols = reallocarray(c->cols, room, sizeof(*cols));

        if (!cols)
            return err_memory(err);
        c->cols = cols;
        for (; c->room < room; c->room++)
            buf_init(&cols[c->room], SEGMENT_RAW_MAX);
    }
    c->count = count;
    columns_clear(c);
    return true;
}

size_t columns_memory(const struct columns *c)
{
    size_t bytes = 0;

    for (unsigned i = 0; i < c->room; i++)
        bytes += c->cols[i].cap;
    return bytes;
}

void columns_done(struct columns *c)
{
    if (!c)
        return;
    for (unsigned i = 0; i < c->room; i++)
        buf_done(&c->cols[i]);
    free(c->cols);
    *c = (struct columns){0};
}

void columns_clear(struct columns *c)
{
    for (unsigned i = 0; i < c->count; i++)
        buf_clear(&c->cols[i]);
    c->rows = 0;
    c->bytes = 0;
}

/* Where values end in the next bytes, up to SCAN_WIDE of them. */
static inline uint64_t value_ends(const char *p, const char *end)
{
    char room[SCAN_WIDE] = {0};

    if ((size_t)(end - p) < SCAN_WIDE)
        p = memcpy(room, p, (size_t)(end - p));
    return scan_wide(p, '\t', '\n');
}

/* Appends a value as a line; false without memory. A step copies more than the value: what is too much
 * is overwritten by the next one. `end` is that of all rows. */
static inline bool add_value(struct buf *col, const char *from, size_t len, const char *end)
{
    if (col->cap < col->len + len + 2 * SCAN_STEP && !buf_reserve(col, len + 2 * SCAN_STEP))
        return false;

    char *to = col->at + col->len;
    if (len > SCAN_STEP || (size_t)(end - from) < SCAN_STEP)
        memcpy(to, from, len);
    else
        memcpy(to, from, SCAN_STEP);
    to[len] = '\n';
    col->len += len + 1;
    return true;
}

static bool row_damaged(const struct columns *c, struct err *err)
{
    for (unsigned i = 0; i < c->count; i++)
        if (!buf_ok(&c->cols[i], err))
            return false;
    return err_set(err, ERR_DAMAGED, "row %llu does not have %u values",
                   (unsigned long long)c->rows + 1, c->count);
}

/* Ends are found before what they end is copied, many at a time: how long a value is then holds up
 * nothing. */
static bool add_values(struct columns *c, struct span rows)
{
    const char *from = rows.at, *end = rows.at + rows.len;
    struct buf *first = c->cols, *last = first + c->count - 1, *col = first;

    for (const char *p = from; p < end; p += SCAN_WIDE) {
        for (uint64_t ends = value_ends(p, end); ends; ends &= ends - 1) {
            const char *at = p + __builtin_ctzll(ends);

            if (*at != (col == last ? '\n' : '\t') ||
                !add_value(col, from, (size_t)(at - from), end))
                return false;
            from = at + 1;
            if (col++ == last) {
                col = first;
                c->rows++;
            }
        }
    }
    return from == end && col == first;
}

static bool add_empty_rows(struct columns *c, struct span rows)
{
    for (size_t i = 0; i < rows.len; i++, c->rows++)
        if (rows.at[i] != '\n')
            return false;
    return true;
}

bool columns_add_rows(struct columns *c, struct span rows, struct err *err)
{
    if (rows.len > SEGMENT_RAW_MAX - c->bytes)
        return err_set(err, ERR_UNSUPPORTED, "more than %zu bytes of rows for one segment",
                       SEGMENT_RAW_MAX);
    if (!(c->count ? add_values(c, rows) : add_empty_rows(c, rows)))
        return row_damaged(c, err);
    c->bytes += rows.len;
    return true;
}

bool columns_join(const struct columns *c, struct buf *out, struct err *err)
{
    buf_clear(out);
    if (!buf_reserve(out, c->bytes))
        return buf_ok(out, err);
    for (unsigned i = 0; i < c->count; i++)
        buf_add(out, c->cols[i].at, c->cols[i].len);
    for (uint64_t row = 0; c->count == 0 && row < c->rows; row++)
        buf_putc(out, '\n');
    return buf_ok(out, err);
}

/* What stands behind `lines` newlines; NULL when there are fewer. */
const char *columns_skip(const char *p, const char *end, uint64_t lines)
{
    while (lines >= SCAN_FAR && (size_t)(end - p) >= SCAN_FAR) {
        lines -= scan_far(p, '\n');
        p += SCAN_FAR;
    }
    while (lines && (size_t)(end - p) >= SCAN_STEP) {
        unsigned mask = scan_mask(p, '\n'), found = scan_count(mask);

        if (found >= lines) {
            while (--lines)
                mask &= mask - 1;
            return p + scan_first(mask) + 1;
        }
        lines -= found;
        p += SCAN_STEP;
    }
    while (lines && p < end)
        lines -= *p++ == '\n';
    return lines ? NULL : p;
}

const char *columns_index(const char *p, const char *end, uint64_t lines, uint32_t *start)
{
    const char *from = p;
    uint64_t found = 0;

    start[0] = 0;
    for (; found < lines && (size_t)(end - p) >= SCAN_STEP; p += SCAN_STEP)
        for (unsigned mask = scan_mask(p, '\n'); mask && found < lines; mask &= mask - 1)
            start[++found] = (uint32_t)(p - from) + scan_first(mask) + 1;
    for (; found < lines && p < end; p++)
        if (*p == '\n')
            start[++found] = (uint32_t)(p - from) + 1;
    return found == lines ? from + start[lines] : NULL;
}

uint64_t columns_lines(struct span segment)
{
    const char *p = segment.at, *end = segment.at + segment.len;
    uint64_t lines = 0;

    for (; (size_t)(end - p) >= SCAN_FAR; p += SCAN_FAR)
        lines += scan_far(p, '\n');
    for (; p < end; p++)
        lines += *p == '\n';
    return lines;
}

/* Copies one line without its newline; both sides end at or before their ends because the lines
 * were counted and the output is as long as the input. */
static inline void copy_line(const char **from, const char *end, char **to, const char *to_end)
{
    const char *p = *from;
    char *t = *to;

    while ((size_t)(end - p) >= SCAN_STEP && (size_t)(to_end - t) >= SCAN_STEP) {
        unsigned mask = scan_copy(t, p, '\n', '\n');

        if (mask) {
            unsigned k = scan_first(mask);

            *from = p + k + 1;
            *to = t + k;
            return;
        }
        p += SCAN_STEP;
        t += SCAN_STEP;
    }
    while (*p != '\n')
        *t++ = *p++;
    *from = p + 1;
    *to = t;
}

bool columns_starts(struct span segment, unsigned count, uint64_t rows, const char **starts)
{
    const char *p = segment.at, *end = segment.at + segment.len;

    for (unsigned i = 0; i < count; i++) {
        starts[i] = p;
        p = columns_skip(p, end, rows);
        if (!p)
            return false;
    }
    return p == end;
}

static bool lines_damaged(unsigned count, uint64_t rows, struct err *err)
{
    return err_set(err, ERR_DAMAGED, "the segment is not %llu rows of %u columns",
                   (unsigned long long)rows, count);
}

bool columns_to_rows(struct span segment, unsigned count, uint64_t rows, struct buf *out,
                     struct err *err)
{
    const char *end = segment.at + segment.len;

    buf_clear(out);
    if (!buf_reserve(out, segment.len))
        return buf_ok(out, err);
    if (count == 0 || rows == 0) {
        if (segment.len != (count ? 0 : rows) || columns_lines(segment) != segment.len)
            return lines_damaged(count, rows, err);
        return buf_add(out, segment.at, segment.len) || buf_ok(out, err);
    }

    AUTO(free) const char **starts = calloc(count, sizeof(*starts));
    if (!starts)
        return err_memory(err);
    if (!columns_starts(segment, count, rows, starts))
        return lines_damaged(count, rows, err);

    char *to = out->at;
    const char *to_end = to + segment.len;
    for (uint64_t row = 0; row < rows; row++) {
        for (unsigned i = 0; i < count; i++) {
            copy_line(&starts[i], end, &to, to_end);
            *to++ = i + 1 == count ? '\n' : '\t';
        }
    }
    out->len = segment.len;
    out->at[out->len] = '\0';
    return true;
}
