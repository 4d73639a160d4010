/* Ranges of blocks into column-wise segments. */
#include "lib/base/cmd.h"
#include "lib/base/feed.h"
#include "lib/base/json.h"
#include "lib/bundle/columns.h"
#include "snapshot/keep.h"
#include "snapshot/pg.h"

/* A task reads about this many segments: enough to pay for itself, small enough that the last ones
 * end together. */
#define SEGMENTS_PER_TASK 8
/* Parts of one range of blocks, when its rows turn out far larger than estimated. */
#define PARTS_MAX ((uint64_t)1 << 20)
#define BLOCK_END UINT64_MAX

struct range {
    struct pg_source *source;
    struct pg_table *table;
    uint64_t from, to;          /* blocks; to == BLOCK_END: as far as it goes */
    uint64_t step;              /* blocks for about one segment */
    bool whole;                 /* the table in one go */
    const struct pg_kept *kept; /* the steps, when they are the parent's */
    size_t kept_count;
};

struct reader {
    const struct range *range;
    struct room *room;
    uint64_t from, to, part; /* the blocks being read */
    const struct segment *like;
    uint64_t range_bytes;
};

/* ---- segments ----------------------------------------------------------------------------------*/

/* Keys are block numbers; a part of a range says which it is: "512+3". */
static void key_text(char *out, size_t size, uint64_t block, uint64_t part)
{
    if (block == BLOCK_END)
        snprintf(out, size, "end");
    else if (part)
        snprintf(out, size, "%llu+%llu", (unsigned long long)block, (unsigned long long)part);
    else
        snprintf(out, size, "%llu", (unsigned long long)block);
}

static bool flush(struct reader *r, struct err *err)
{
    struct pg_source *s = r->range->source;
    struct columns *cols = &r->room->cols;
    struct buf *joined = &r->room->joined;
    char from[48], to[48];

    if (!cols->rows)
        return true;
    if (r->part == PARTS_MAX)
        return err_set(err, ERR_UNSUPPORTED, "a block range has more than %llu segments",
                       (unsigned long long)PARTS_MAX);
    if (!columns_join(cols, joined, err))
        return false;
    key_text(from, sizeof(from), r->from, r->part);
    key_text(to, sizeof(to), r->to, 0);
    struct segment_raw seg = {.stream = r->range->table->stream,
                              .seq = r->from * PARTS_MAX + r->part++,
                              .records = cols->rows,
                              .bytes = buf_view(joined),
                              .key_from = span_of(from),
                              .key_to = span_of(to),
                              .like = r->like};
    if (!bundle_segment(s->conf.writer, &seg, err))
        return false;
    s->rows += cols->rows;
    s->bytes += joined->len;
    progress_add(s->conf.progress, joined->len);
    r->range_bytes += joined->len;
    columns_clear(cols);
    return lag_wait(s->conf.lag, err);
}

static bool take_rows(void *ctx, struct span rows, struct err *err)
{
    struct reader *r = ctx;

    if (!columns_add_rows(&r->room->cols, rows, err))
        return false;
    return r->room->cols.bytes < 2 * SEGMENT_TARGET || flush(r, err);
}

/* ---- reading -----------------------------------------------------------------------------------*/

static void range_sql(const struct reader *r, struct buf *sql)
{
    const struct pg_table *t = r->range->table;
    bool plain = r->range->whole && !t->condition;

    if (plain) {
        buf_printf(sql, "COPY %s%s%s%s TO STDOUT", t->qualified, *t->list ? " (" : "", t->list,
                   *t->list ? ")" : "");
        return;
    }
    buf_printf(sql, "COPY (SELECT %s FROM ONLY %s %s", t->list, t->qualified,
               t->condition ? t->condition : "");
    if (!r->range->whole)
        buf_printf(sql, " WHERE ctid >= '(%llu,0)'", (unsigned long long)r->from);
    if (!r->range->whole && r->to != BLOCK_END)
        buf_printf(sql, " AND ctid < '(%llu,0)'", (unsigned long long)r->to);
    buf_puts(sql, ") TO STDOUT");
}

static bool read_once(struct reader *r, struct db *db, struct err *err)
{
    AUTO(buf) struct buf sql = {0};

    r->part = 0;
    r->range_bytes = 0;
    range_sql(r, &sql);
    return buf_ok(&sql, err) && db->ops->copy_out(db, buf_view(&sql), take_rows, r, err) &&
           flush(r, err);
}

/* Rows of one table differ in size from end to end: each step is set by the one before. */
static uint64_t next_step(const struct reader *r, uint64_t step)
{
    if (!r->range_bytes)
        return step * 4;
    uint64_t want = step * SEGMENT_TARGET / r->range_bytes;

    if (want > step * 4)
        want = step * 4;
    return want ? want : 1;
}

static bool read_kept(struct reader *r, struct db *db, struct err *err)
{
    const struct range *g = r->range;

    for (size_t i = 0; i < g->kept_count; i++) {
        r->from = g->kept[i].from;
        r->to = g->kept[i].to;
        r->like = g->kept[i].like;
        if (!read_once(r, db, err) || !cmd_stop_check(err))
            return false;
    }
    return true;
}

static bool read_range(struct reader *r, struct db *db, struct err *err)
{
    const struct range *g = r->range;
    uint64_t blocks = g->table->heap_bytes / PG_BLOCK, step = g->step;

    if (g->whole) {
        r->to = BLOCK_END;
        return read_once(r, db, err);
    }
    if (g->kept_count)
        return read_kept(r, db, err);
    for (r->from = g->from; r->from < g->to; r->from = r->to) {
        r->to = r->from + step;
        /* A short rest joins the last step. Rows behind the known end cannot be in the snapshot,
         * but asking for them costs nothing. */
        if (r->to + step / 4 >= (g->to == BLOCK_END ? blocks : g->to))
            r->to = g->to;
        if (!read_once(r, db, err) || !cmd_stop_check(err))
            return false;
        step = next_step(r, step);
    }
    return true;
}

/* ---- locks of the worker's own -----------------------------------------------------------------*/

/* A session must not wait for a lock here: DDL that waits for the leader's lock would make it wait
 * for ever. Then the leader, which has the lock, reads in the worker's stead. */
static bool lock_own(struct pg_source *s, const struct pg_table *t, unsigned worker, struct db *db,
                     bool *held, struct err *err)
{
    size_t n = (size_t)(t - (const struct pg_table *)s->tables.at.at);
    unsigned char *byte = &s->locked[worker][n / 8], bit = (unsigned char)(1u << (n % 8));

    *held = true;
    if (*byte & bit)
        return true;
    if (db_exec(db, err, "LOCK TABLE ONLY %s IN ACCESS SHARE MODE NOWAIT", t->qualified)) {
        *byte |= bit;
        return true;
    }
    if (err && err->code != ERR_LOCK)
        return false;
    err_clear(err);
    *held = false;
    return pg_worker_again(s, worker, db, err);
}

static bool run_range(void *ctx, void *arg, unsigned worker, struct err *err)
{
    struct pg_source *s = ctx;
    struct range *g = arg;
    struct reader r = {.range = g};
    struct db *db = NULL;
    bool held = false;

    progress_note(s->conf.progress, g->table->name);
    bool ok = rooms_take(s->conf.rooms, (unsigned)g->table->columns.count, &r.room, err) &&
              pg_worker_take(s, worker, &db, err) && lock_own(s, g->table, worker, db, &held, err);
    if (ok && held) {
        ok = read_range(&r, db, err);
    } else if (ok) {
        pthread_mutex_lock(&s->leader_lock);
        ok = read_range(&r, s->leader, err);
        pthread_mutex_unlock(&s->leader_lock);
    }
    rooms_give(s->conf.rooms, r.room);
    return ok || pg_conflict(s, err) || err_add(err, "table %s", g->table->qualified);
}

/* ---- planning ----------------------------------------------------------------------------------*/

/* Blocks whose rows, with what is stored apart, come to about one segment. */
static uint64_t segment_blocks(const struct pg_table *t)
{
    uint64_t blocks = t->heap_bytes / PG_BLOCK;
    uint64_t step = t->all_bytes ? blocks * SEGMENT_TARGET / t->all_bytes : 1;

    return step ? step : 1;
}

/* A table that is cut into ranges, which are made as they are read. */
struct cutter {
    struct range next; /* from is where it begins; its kept is not set */
    uint64_t blocks;   /* of the table */
    size_t kept;       /* of the parent's ranges that were handed out */
};

/* Where the parent's ranges end and new ones begin; BLOCK_END: nowhere. New blocks are a segment of
 * their own, which later days refer to: in the last one they would be part of its delta every day. */
static void end_kept(struct pg_table *t)
{
    struct pg_kept *last = &t->kept[t->kept_count - 1];

    if (last->to + (last->to - last->from) / KEEP_GROWTH >= t->heap_bytes / PG_BLOCK)
        last->to = BLOCK_END;
}

static bool has_more(const struct cutter *c)
{
    return c->kept < c->next.table->kept_count ||
           (c->next.from < c->blocks && c->next.from != BLOCK_END);
}

/* The next of the parent's ranges, or else blocks that it did not have. */
static void cut(struct cutter *c, struct range *out)
{
    const struct pg_table *t = c->next.table;
    size_t left = t->kept_count - c->kept;
    uint64_t per_task = c->next.step * SEGMENTS_PER_TASK;

    *out = c->next;
    if (left) {
        out->kept = &t->kept[c->kept];
        out->kept_count = left < SEGMENTS_PER_TASK ? left : SEGMENTS_PER_TASK;
        out->from = out->kept[0].from;
        out->to = out->kept[out->kept_count - 1].to;
        c->kept += out->kept_count;
    } else {
        out->to = out->from + per_task;
        if (out->to + per_task / 2 >= c->blocks)
            out->to = BLOCK_END;
    }
    c->next.from = out->to;
}

static bool next_range(void *ctx, unsigned worker, void **item, struct err *err)
{
    struct cutter *c = ctx;

    (void)worker;
    if (!has_more(c))
        return true;
    struct range *r = malloc(sizeof(*r));
    if (!r)
        return err_memory(err);
    cut(c, r);
    spill_forget(&c->next.source->kept);
    *item = r;
    return true;
}

static bool run_next(void *ctx, void *item, unsigned worker, struct err *err)
{
    const struct cutter *c = ctx;

    return run_range(c->next.source, item, worker, err);
}

static bool plan_ranges(const struct range *first, struct sched *sched, struct err *err)
{
    const struct pg_table *t = first->table;
    struct cutter *c = malloc(sizeof(*c));

    if (!c)
        return err_memory(err);
    *c = (struct cutter){.next = *first, .blocks = t->heap_bytes / PG_BLOCK};
    const struct feed_conf feed = {.next = next_range,
                                   .run = run_next,
                                   .free_item = free,
                                   .free_ctx = free,
                                   .ctx = c,
                                   .cost = t->all_bytes,
                                   .name = t->name};
    return feed_add(sched, &feed, err);
}

static bool plan_whole(const struct range *whole, struct sched *sched, struct err *err)
{
    struct range *copy = malloc(sizeof(*copy));

    if (!copy)
        return err_memory(err);
    *copy = *whole;
    struct task task = {.run = run_range,
                        .free_arg = free,
                        .ctx = whole->source,
                        .arg = copy,
                        .cost = whole->table->all_bytes,
                        .name = whole->table->name};
    return sched_add(sched, &task, NULL, 0, NULL, err);
}

static bool plan_table(struct pg_source *s, struct pg_table *t, struct sched *sched,
                       struct err *err)
{
    bool ranges = t->heap && s->leader->version >= 140000 && !t->condition;
    struct range range = {.source = s, .table = t, .to = BLOCK_END, .step = segment_blocks(t)};

    if (ranges && !pg_keep_ranges(s, t, err))
        return false;
    range.whole =
        !t->kept_count && (!ranges || t->all_bytes <= SEGMENT_TARGET + SEGMENT_TARGET / 2);
    if (range.whole)
        return plan_whole(&range, sched, err);
    if (t->kept_count)
        end_kept(t);
    return plan_ranges(&range, sched, err);
}

static json_t *table_meta(const struct pg_table *t)
{
    const struct pg_column *c = t->columns.at;
    json_t *columns = json_array(), *types = json_array();
    AUTO(buf) struct buf copy = {0};

    for (size_t i = 0; i < t->columns.count; i++) {
        json_array_append_new(columns, json_string(c[i].name));
        json_array_append_new(types, json_string(c[i].type));
    }
    buf_printf(&copy, "COPY %s%s%s%s FROM stdin", t->qualified, *t->list ? " (" : "", t->list,
               *t->list ? ")" : "");
    return json_pack("{s:s, s:s, s:o, s:o, s:s, s:b, s:I, s:I}", "schema", t->schema, "table",
                     t->name, "columns", columns, "types", types, "copy", buf_str(&copy), "config",
                     t->is_config, "filenode", (json_int_t)t->filenode, "blocks",
                     (json_int_t)(t->heap_bytes / PG_BLOCK));
}

static bool declare(struct pg_source *s, struct pg_table *t, struct err *err)
{
    AUTO(free) char *name = stream_name(s->component, t->schema, t->name);
    AUTO(json) json_t *meta = table_meta(t);

    if (!name)
        return err_memory(err);
    if (!meta) {
        err_set(err, ERR_UNSUPPORTED, "a name in table %s is not UTF-8", t->qualified);
        return err_hint(err, "rename it; the database has no encoding (SQL_ASCII)");
    }
    t->captured = bundle_stream(s->conf.writer, STREAM_COLUMNS, name, meta, &t->stream, err);
    s->table_count += t->captured;
    return t->captured;
}

/* Why a table's rows are not read; NULL when they are. */
static const char *no_data_because(const struct pg_source *s, const struct pg_table *t)
{
    if (t->kind == 'f')
        return "a foreign table's rows live elsewhere";
    if (t->persistence == 'u' && s->standby)
        return "an unlogged table cannot be read on a standby";
    return NULL;
}

bool pg_data_plan(struct pg_source *s, struct sched *sched, struct err *err)
{
    struct pg_table *t = s->tables.at.at;

    for (size_t i = 0; i < s->tables.at.count; i++) {
        const char *why = no_data_because(s, &t[i]);
        AUTO(free) char *what = NULL;

        if (why && asprintf(&what, "rows of %s", t[i].qualified) < 0)
            return err_memory(err);
        if (why && !pg_leave_out(s, what, why, err))
            return false;
        if (why || t[i].kind != 'r')
            continue;
        if (!declare(s, &t[i], err) || !plan_table(s, &t[i], sched, err))
            return false;
    }
    return true;
}
