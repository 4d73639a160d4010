#include "lib/bundle/rows.h"

#include "lib/base/auto.h"
#include "lib/bundle/columns.h"
#include "lib/bundle/scan.h"

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

static bool side_open(struct side *s, struct span segment, unsigned columns, uint64_t rows,
                      struct err *err)
{
    *s = (struct side){.end = segment.at + segment.len, .rows = rows};
    if (rows > ROWS_MAX || !segment.len || s->end[-1] != '\n')
        s->rows = 0;
    s->at = calloc(columns + 1u, sizeof(*s->at));
    if (!s->at)
        return err_memory(err);
    s->at[0] = segment.at;
    return true;
}

/* 0: they are no rows of so many columns. */
static uint64_t count_rows(struct span segment, unsigned columns)
{
    uint64_t lines = columns_lines(segment);

    return lines % columns ? 0 : lines / columns;
}

/* Where the columns up to this one begin; few are ever asked for. False: there are not so many. */
static bool side_reach(struct side *s, unsigned column)
{
    unsigned known = column;

    while (!s->at[known])
        known--;
    for (; known < column && s->at[known]; known++)
        s->at[known + 1] = columns_skip(s->at[known], s->end, s->rows);
    return s->at[column];
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
    return hash ^ hash >> 29;
}

/* The last bytes of a line, less than 16, and how many they are. */
static uint64_t mix_end(uint64_t hash, uint64_t low, uint64_t high, size_t len)
{
    if (len > 8)
        hash = mix(hash, low);
    hash = mix(hash, len > 8 ? high : low) + len;
    hash *= 0xD1B54A32D192ED03u;
    return hash ^ hash >> 32;
}

/* So many bytes, less than 8, of a word as it lies in memory. */
static uint64_t first_bytes(uint64_t word, size_t len)
{
    return htole64(le64toh(word) & (((uint64_t)1 << 8 * len) - 1));
}

/* The line at *at, behind which *at then stands, into the hash. */
static uint64_t hash_line(uint64_t hash, const char **at, const char *end)
{
    const char *p = *at;
    uint64_t word[2] = {0, 0};
    unsigned mask = 0;
    size_t len = 0;

    for (; (size_t)(end - p) >= SCAN_STEP; p += SCAN_STEP) {
        memcpy(word, p, sizeof(word));
        if ((mask = scan_mask(p, '\n')))
            break;
        hash = mix(mix(hash, word[0]), word[1]);
    }
    if (mask) {
        len = scan_first(mask);
    } else {
        while (p[len] != '\n')
            len++;
        word[0] = word[1] = 0;
        memcpy(word, p, len);
    }
    *at = p + len + 1;
    if (len < 8)
        word[0] = first_bytes(word[0], len);
    else if (len > 8)
        word[1] = first_bytes(word[1], len - 8);
    return mix_end(hash, word[0], word[1], len);
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
        if (!side_reach(s, *key + 1))
            break;
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

/* One more row of the heir's, which the base has there or not at all. */
static bool add_row(struct vec *runs, uint32_t from, struct err *err)
{
    struct rows_run *last = runs->count ? (struct rows_run *)runs->at + runs->count - 1 : NULL;

    if (last && from == (last->from == ROWS_FRESH ? ROWS_FRESH : last->from + last->count)) {
        last->count++;
        return true;
    }
    struct rows_run *to = vec_add(runs, err);
    if (to)
        *to = (struct rows_run){from, 1};
    return to;
}

/* Each row of the base is taken once: rows that are there several times would make it grow. */
static bool find_runs(struct known *base, uint32_t base_rows, struct side *heir, unsigned key,
                      struct vec *runs, struct err *err)
{
    uint32_t next = 1, at;

    for (uint64_t i = 0; i < heir->rows; i++) {
        uint32_t hash = next_row(heir, key);
        bool follows = next <= base_rows && base->hash[next] == hash;
        uint32_t row = follows ? next : known_find(base, hash, &at);

        if (!row || base->taken[row]) {
            if (!add_row(runs, ROWS_FRESH, err))
                return false;
            continue;
        }
        if (!add_row(runs, row - 1, err))
            return false;
        base->taken[row] = true;
        next = row + 1;
    }
    return true;
}

/* The usual case of a key that keeps its place: no row came or went. */
static bool same_keys(const struct side *base, const struct side *heir, unsigned key)
{
    size_t len = (size_t)(heir->at[key] - heir->at[0]);

    return (size_t)(base->end - base->at[0]) >= len && memcmp(base->at[0], heir->at[0], len) == 0;
}

static bool compare(struct side *base, struct side *heir, unsigned key, struct vec *runs,
                    struct err *err)
{
    struct known known = {0};
    bool ok = known_open(&known, base->rows, err);

    for (uint32_t i = 1; ok && i <= base->rows; i++)
        known_add(&known, i, next_row(base, key));
    ok = ok && find_runs(&known, (uint32_t)base->rows, heir, key, runs, err);
    known_done(&known);
    return ok;
}

/* Runs of the base between which there are new rows only are one for the list. */
static bool write_list(const struct vec *runs, uint64_t rows, struct rows_order *out,
                       struct err *err)
{
    const struct rows_run *r = runs->at;
    struct rows_run line = {0};
    uint64_t taken = 0, lines = 0;
    int64_t at = 0;

    for (size_t i = 0; i <= runs->count; i++) {
        if (i < runs->count && r[i].from == ROWS_FRESH)
            continue;
        if (i < runs->count && r[i].from == line.from + line.count && line.count) {
            line.count += r[i].count;
            continue;
        }
        if (line.count)
            buf_printf(&out->list, "%lld %lu\n", (long long)((int64_t)line.from - at),
                       (unsigned long)line.count);
        lines += line.count > 0;
        taken += line.count;
        at = (int64_t)line.from + line.count;
        if (i < runs->count)
            line = r[i];
    }
    /* Of many short runs the list costs more than it gains. */
    out->alike = lines > 0 && lines <= rows / 4;
    if (!out->alike || (lines == 1 && taken == rows))
        buf_clear(&out->list);
    return buf_ok(&out->list, err);
}

static bool match(struct side *base, struct side *heir, unsigned columns, struct rows_order *out,
                  struct err *err)
{
    unsigned key = 0;

    out->base_rows = base->rows;
    if (!base->rows || !heir->rows)
        return true;
    if (!find_key(base, columns, &key, err))
        return false;
    if (!side_reach(heir, key))
        return true;
    out->alike = base->rows == heir->rows && same_keys(base, heir, key);
    return out->alike || (compare(base, heir, key, &out->runs, err) &&
                          write_list(&out->runs, base->rows, out, err));
}

void rows_order_done(struct rows_order *o)
{
    buf_done(&o->list);
    vec_done(&o->runs);
}

bool rows_match(struct span base, struct span heir, unsigned columns, uint64_t rows,
                struct rows_order *out, struct err *err)
{
    struct side old = {0}, young = {0};

    *out = (struct rows_order){.runs = VEC(struct rows_run)};
    if (!columns)
        return true;
    bool ok = side_open(&old, base, columns, count_rows(base, columns), err) &&
              side_open(&young, heir, columns, rows, err) && match(&old, &young, columns, out, err);
    free(old.at);
    free(young.at);
    return ok;
}

bool rows_alike(struct span base, struct span heir, unsigned columns, uint64_t rows)
{
    const struct side old = {.at = &base.at, .end = base.at + base.len};
    struct side young = {0};
    unsigned key = 0;
    bool alike = columns && side_open(&young, heir, columns, rows, NULL) && young.rows &&
                 find_key(&young, columns, &key, NULL) && key && side_reach(&young, key) &&
                 same_keys(&old, &young, key);

    free(young.at);
    return alike;
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
        struct rows_run *r = vec_add(runs, err);
        if (!r)
            return false;
        *r = (struct rows_run){(uint32_t)at, (uint32_t)count};
        at += (int64_t)count;
        taken += count;
    }
    return true;
}

/* No value may be taken so often that the base grows. */
static bool copy_runs(const char *column, const uint32_t *start, const struct vec *runs,
                      struct span base, struct buf *out, struct err *err)
{
    const struct rows_run *r = runs->at;

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
    AUTO(vec) struct vec runs = VEC(struct rows_run);
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

        at = columns_index(at, end, rows, start);
        if (!at || !copy_runs(column, start, &runs, base, out, err))
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
