#include "lib/bundle/rows.h"

#include "lib/base/auto.h"
#include "lib/bundle/columns.h"

#include <endian.h>
#include <string.h>

#define HEAD_MAGIC 0x184D2A50u
#define HEAD_BYTES 8u

/* Rows are known in at most 12 bytes for each of so many. Those of less than 8 bytes, of which more
 * may fit a segment, have little to gain. */
#define ROWS_MAX ((uint64_t)1 << 19)
/* Rows that are looked at to see how many columns tell rows apart, and how many may look the same. */
#define SAMPLE      512u
#define SAMPLE_SAME 16u

#define LIST_LEVEL 3
#define LIST_LINE  16u /* "-524288 524288" and its newline */

struct side {
    const char **at; /* the place in each column; NULL: not looked for yet */
    const char *end;
    uint64_t rows;
};

/* Rows by what they are known by. */
struct known {
    uint32_t *slot; /* number of a row, from 1; 0: empty */
    uint32_t *hash; /* of each row, from 1 */
    bool *taken;    /* each row */
    uint32_t mask;
};

struct run {
    uint32_t from, count; /* rows of the base, from 0 */
};

static bool side_open(struct side *s, struct span segment, unsigned columns, struct err *err)
{
    uint64_t lines = columns_lines(segment);

    *s = (struct side){.end = segment.at + segment.len, .rows = lines / columns};
    if (lines % columns || s->rows > ROWS_MAX || !segment.len || s->end[-1] != '\n')
        s->rows = 0;
    s->at = calloc(columns + 1u, sizeof(*s->at));
    if (!s->at)
        return err_memory(err);
    s->at[0] = segment.at;
    return true;
}

/* Where the columns up to this one begin; few are ever asked for. */
static void side_reach(struct side *s, unsigned column)
{
    unsigned known = column;

    while (!s->at[known])
        known--;
    for (; known < column; known++)
        s->at[known + 1] = columns_skip(s->at[known], s->end, s->rows);
}

/* The line at *at, behind which *at then stands, into the hash. */
static uint64_t hash_line(uint64_t hash, const char **at, const char *end)
{
    const char *p = *at, *stop = memchr(p, '\n', (size_t)(end - p));
    uint64_t word = 0;

    for (; stop - p >= 8; p += 8) {
        memcpy(&word, p, sizeof(word));
        hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
        hash ^= hash >> 29;
    }
    word = (uint64_t)(stop - p) + 1;
    for (; p < stop; p++)
        word = word << 8 | (unsigned char)*p;
    hash = (hash ^ word) * 0xD1B54A32D192ED03u;
    *at = stop + 1;
    return hash ^ hash >> 32;
}

static uint32_t next_row(struct side *s, unsigned columns)
{
    uint64_t hash = 0;

    for (unsigned i = 0; i < columns; i++)
        hash = hash_line(hash, &s->at[i], s->end);
    return (uint32_t)hash;
}

static bool known_open(struct known *k, uint64_t rows, struct err *err)
{
    uint32_t slots = 16;

    while (slots < 2 * rows)
        slots *= 2;
    *k = (struct known){.slot = calloc(slots, sizeof(*k->slot)),
                        .hash = malloc((rows + 2) * sizeof(*k->hash)),
                        .taken = calloc(rows + 2, sizeof(*k->taken)),
                        .mask = slots - 1};
    return (k->slot && k->hash && k->taken) || err_memory(err);
}

static void known_done(struct known *k)
{
    free(k->slot);
    free(k->hash);
    free(k->taken);
}

/* The row of that hash, or 0 with its place in *at. */
static uint32_t known_find(const struct known *k, uint32_t hash, uint32_t *at)
{
    uint32_t i = hash & k->mask;

    while (k->slot[i] && k->hash[k->slot[i]] != hash)
        i = (i + 1) & k->mask;
    *at = i;
    return k->slot[i];
}

/* False: a row of that hash is there already. */
static bool known_add(struct known *k, uint32_t row, uint32_t hash)
{
    uint32_t at;

    k->hash[row] = hash;
    if (known_find(k, hash, &at))
        return false;
    k->slot[at] = row;
    return true;
}

/* How many columns tell rows apart: keys stand in front. All of them, if nothing does. */
static bool find_key(struct side *s, unsigned columns, unsigned *key, struct err *err)
{
    uint64_t hash[SAMPLE] = {0};
    uint32_t rows = s->rows < SAMPLE ? (uint32_t)s->rows : SAMPLE, same = SAMPLE;
    struct known seen = {0};
    bool ok = known_open(&seen, SAMPLE, err);

    for (*key = 0; ok && *key < columns && same > SAMPLE_SAME; ++*key) {
        side_reach(s, *key + 1);
        const char *line = s->at[*key];

        memset(seen.slot, 0, (seen.mask + 1) * sizeof(*seen.slot));
        same = 0;
        for (uint32_t i = 0; i < rows; i++) {
            hash[i] = hash_line(hash[i], &line, s->end);
            same += !known_add(&seen, i + 1, (uint32_t)hash[i]);
        }
    }
    known_done(&seen);
    return ok;
}

static bool add_fresh(struct vec *fresh, uint64_t row, struct err *err)
{
    uint32_t *to = vec_add(fresh, err);

    if (to)
        *to = (uint32_t)row;
    return to;
}

/* The heir's rows that the base has, as runs of the base's, and those that it has not. Each row of the
 * base is taken once: rows that are there several times would make it grow. */
static bool find_runs(struct known *base, uint32_t base_rows, struct side *heir, unsigned key,
                      struct vec *runs, struct vec *fresh, struct err *err)
{
    struct run *r = NULL;
    uint32_t next = 1, at;

    for (uint64_t i = 0; i < heir->rows; i++) {
        uint32_t hash = next_row(heir, key);
        bool follows = next <= base_rows && base->hash[next] == hash;
        uint32_t row = follows ? next : known_find(base, hash, &at);

        if (!row || base->taken[row]) {
            if (!add_fresh(fresh, i, err))
                return false;
            continue;
        }
        if (!r || row != next) {
            if (!(r = vec_add(runs, err)))
                return false;
            *r = (struct run){row - 1, 0};
        }
        r->count++;
        base->taken[row] = true;
        next = row + 1;
    }
    return true;
}

/* The usual case of a key that keeps its place: no row came or went. */
static bool same_keys(const struct side *base, const struct side *heir, unsigned key)
{
    size_t len = (size_t)(base->at[key] - base->at[0]);

    return base->rows == heir->rows && (size_t)(heir->end - heir->at[0]) >= len &&
           memcmp(base->at[0], heir->at[0], len) == 0;
}

static bool compare(struct side *base, struct side *heir, unsigned key, struct vec *runs,
                    struct vec *fresh, struct err *err)
{
    struct known known = {0};
    bool ok = known_open(&known, base->rows, err);

    side_reach(heir, key);
    for (uint32_t i = 1; ok && i <= base->rows; i++)
        known_add(&known, i, next_row(base, key));
    ok = ok && find_runs(&known, (uint32_t)base->rows, heir, key, runs, fresh, err);
    known_done(&known);
    return ok;
}

static bool write_list(const struct vec *runs, uint64_t rows, struct rows_order *out,
                       struct err *err)
{
    const struct run *r = runs->at;
    uint64_t taken = 0;
    int64_t at = 0;

    for (size_t i = 0; i < runs->count; i++)
        taken += r[i].count;
    /* Of many short runs the list costs more than it gains. */
    if (runs->count == 0 || runs->count > rows / 4)
        return true;
    out->alike = true;
    if (runs->count == 1 && taken == rows)
        return true;
    for (size_t i = 0; i < runs->count; i++) {
        buf_printf(&out->list, "%lld %lu\n", (long long)((int64_t)r[i].from - at),
                   (unsigned long)r[i].count);
        at = (int64_t)r[i].from + r[i].count;
    }
    return buf_ok(&out->list, err);
}

static bool match(struct side *base, struct side *heir, unsigned columns, struct rows_order *out,
                  struct err *err)
{
    AUTO(vec) struct vec runs = VEC(struct run);
    unsigned key = 0;

    if (!base->rows || !heir->rows)
        return true;
    if (!find_key(base, columns, &key, err))
        return false;
    out->alike = same_keys(base, heir, key);
    return out->alike || (compare(base, heir, key, &runs, &out->fresh, err) &&
                          write_list(&runs, base->rows, out, err));
}

void rows_order_done(struct rows_order *o)
{
    buf_done(&o->list);
    vec_done(&o->fresh);
}

bool rows_match(struct span base, struct span heir, unsigned columns, struct rows_order *out,
                struct err *err)
{
    struct side old = {0}, young = {0};

    *out = (struct rows_order){.fresh = VEC(uint32_t)};
    if (!columns)
        return true;
    bool ok = side_open(&old, base, columns, err) && side_open(&young, heir, columns, err) &&
              match(&old, &young, columns, out, err);
    free(old.at);
    free(young.at);
    return ok;
}

static bool misfit(struct err *err)
{
    return err_set(err, ERR_DAMAGED, "a delta's list of rows does not fit its base");
}

static bool read_list(struct span list, uint64_t rows, struct vec *runs, struct err *err)
{
    struct span line, number;
    uint64_t taken = 0, count = 0;
    int64_t at = 0, skip = 0, all = (int64_t)rows;

    while (list.len && span_split(&list, '\n', &line)) {
        if (!span_split(&line, ' ', &number) || !span_i64(number, &skip) || !span_u64(line, &count))
            return misfit(err);
        if (skip < -at || skip > all - at || count == 0 || count > rows - taken)
            return misfit(err);
        at += skip;
        if (count > (uint64_t)(all - at))
            return misfit(err);
        struct run *r = vec_add(runs, err);
        if (!r)
            return false;
        *r = (struct run){(uint32_t)at, (uint32_t)count};
        at += (int64_t)count;
        taken += count;
    }
    return true;
}

/* Where each of the lines from *at on begins, and the last one ends. */
static void find_lines(const char **at, const char *end, uint64_t rows, uint32_t *start)
{
    const char *from = *at, *p = from;

    for (uint64_t i = 0; i < rows; i++) {
        start[i] = (uint32_t)(p - from);
        p = (const char *)memchr(p, '\n', (size_t)(end - p)) + 1;
    }
    start[rows] = (uint32_t)(p - from);
    *at = p;
}

/* No value may be taken so often that the base grows. */
static bool copy_runs(const char *column, const uint32_t *start, const struct vec *runs,
                      struct span base, struct buf *out, struct err *err)
{
    const struct run *r = runs->at;

    for (size_t i = 0; i < runs->count; i++) {
        uint32_t from = start[r[i].from], len = start[r[i].from + r[i].count] - from;

        if (len > base.len - out->len)
            return misfit(err);
        buf_add(out, column + from, len);
    }
    return buf_ok(out, err);
}

bool rows_arrange(struct span base, struct span list, unsigned columns, struct buf *out,
                  struct err *err)
{
    AUTO(vec) struct vec runs = VEC(struct run);
    AUTO(free) uint32_t *start = NULL;
    uint64_t lines = columns_lines(base), rows = columns ? lines / columns : 0;
    const char *at = base.at, *end = base.at + base.len;

    buf_clear(out);
    if (!columns || lines % columns || rows > ROWS_MAX || !base.len || end[-1] != '\n')
        return misfit(err);
    if (!read_list(list, rows, &runs, err))
        return false;
    start = malloc((rows + 1) * sizeof(*start));
    if (!start || !buf_reserve(out, base.len))
        return err_memory(err);
    for (unsigned i = 0; i < columns; i++) {
        const char *column = at;

        find_lines(&at, end, rows, start);
        if (!copy_runs(column, start, &runs, base, out, err))
            return false;
    }
    return true;
}

/* ---- in front of a delta -----------------------------------------------------------------------*/

bool rows_head(struct codec *c, struct span list, struct buf *out, struct err *err)
{
    struct span frame;
    uint32_t le[2];

    buf_clear(out);
    if (!list.len)
        return true;
    if (!codec_compress(c, LIST_LEVEL, list, &frame, err))
        return false;
    le[0] = htole32(HEAD_MAGIC);
    le[1] = htole32((uint32_t)frame.len);
    buf_add(out, le, sizeof(le));
    buf_span(out, frame);
    return buf_ok(out, err);
}

bool rows_read_head(struct codec *c, struct span *delta, uint64_t base_bytes, struct buf *list,
                    struct err *err)
{
    uint32_t le[2];
    uint64_t raw = 0;

    buf_clear(list);
    if (delta->len < HEAD_BYTES)
        return true;
    memcpy(le, delta->at, sizeof(le));
    if (le32toh(le[0]) != HEAD_MAGIC)
        return true;
    struct span frame = {delta->at + HEAD_BYTES, le32toh(le[1])};
    /* Of at most a run for each row, of two numbers below ROWS_MAX. */
    if (frame.len > delta->len - HEAD_BYTES || !codec_raw_bytes(frame, &raw) || raw == 0 ||
        raw > ROWS_MAX * LIST_LINE || raw > base_bytes * LIST_LINE)
        return misfit(err);
    if (!codec_decode(c, frame, (size_t)raw, list, err))
        return err_add(err, "a delta's list of rows");
    *delta = (struct span){frame.at + frame.len, delta->len - HEAD_BYTES - frame.len};
    return true;
}
