/* Cuts tables into ranges of their key.
 *
 * An integer key is cut by bisection of the server's estimates before anything is read. Any other
 * key is walked: who is free to read finds the bound so many rows further on, and reads what lies
 * before it. A table without a usable key is one task.
 */
#include "snapshot/my.h"
#include "snapshot/my_range.h"

#include "lib/base/feed.h"
#include "lib/db/my_text.h"

/* Of the server's data pages per range: some four segments, so that the last one of a range,
 * which is smaller, weighs little. */
#define RANGE_BYTES ((uint64_t)16 << 20)

void my_range_free(void *arg)
{
    struct my_range *r = arg;

    if (!r)
        return;
    free(r->where);
    free(r);
}

static uint64_t rows_per_range(const struct my_table *t)
{
    uint64_t row = t->rows ? t->bytes / t->rows : 0;

    return RANGE_BYTES / (row < 32 ? 32 : row) + 1;
}

/* `where` is taken over. `how` says when to close a segment, and what it descends from. */
static bool make_range(struct my_source *s, struct my_table *t, struct buf *where,
                       const struct my_range *how, struct my_range **out, struct err *err)
{
    struct my_range *r = calloc(1, sizeof(*r));

    if (!r || !buf_ok(where, err)) {
        free(r);
        return r ? false : err_memory(err);
    }
    *r = (struct my_range){.source = s,
                           .table = t,
                           .where = buf_take(where),
                           .segment_bytes = how->segment_bytes,
                           .like = how->like};
    if (!r->where) {
        my_range_free(r);
        return err_memory(err);
    }
    r->number = (uint32_t)atomic_fetch_add(&t->ranges, 1);
    if (!t->transactional && s->server->locker)
        atomic_fetch_add(&s->server->locked, 1);
    *out = r;
    return true;
}

static const struct my_range fresh = {.segment_bytes = SEGMENT_TARGET};

static bool plan_whole(struct my_source *s, struct my_table *t, struct sched *sched,
                       struct err *err)
{
    AUTO(buf) struct buf whole = {0};
    struct my_range *r = NULL;

    if (!make_range(s, t, &whole, &fresh, &r, err))
        return false;
    struct task task = {.run = my_read_range,
                        .free_arg = my_range_free,
                        .ctx = s,
                        .arg = r,
                        .cost = t->bytes + 1,
                        .name = t->name};
    return sched_add(sched, &task, NULL, 0, NULL, err);
}

/* ---- tables in ranges ------------------------------------------------------------------------*/

/* A table that is cut into ranges, which are made as they are read. */
struct cutter {
    struct my_source *source;
    struct my_table *table;
    bool over; /* the last range was made */

    /* Integer keys: the bounds between the ranges. */
    bool is_integer, is_signed;
    struct vec bounds; /* uint64_t */
    size_t at;

    /* Others: where the next range begins. */
    struct my_bound from;
    struct my_kept *kept; /* the parent's ranges; NULL: none are left */
};

static void cutter_free(void *arg)
{
    struct cutter *c = arg;

    if (!c)
        return;
    vec_done(&c->bounds);
    my_bound_done(&c->from);
    vec_done(&c->from.literals);
    my_kept_close(c->kept);
    free(c);
}

AUTO_PTR(cutter, struct cutter, cutter_free)

/* ---- integer keys ----------------------------------------------------------------------------*/

struct estimate {
    struct my_source *source;
    const struct my_table *table;
    const struct my_column *column;
    bool is_signed;
};

static const struct my_column *key_column(const struct my_table *t, size_t at)
{
    return (const struct my_column *)t->columns.at + ((const unsigned *)t->key.at)[at];
}

/* " WHERE key >= lo AND key < hi"; either may be absent. */
static bool between(struct db *db, const struct my_column *c, const char *lo, const char *hi,
                    struct buf *out)
{
    const char *sep = " WHERE ";

    if (lo) {
        buf_puts(out, sep);
        db_quote_name(db, c->name, out);
        buf_printf(out, " >= %s", lo);
        sep = " AND ";
    }
    if (hi) {
        buf_puts(out, sep);
        db_quote_name(db, c->name, out);
        buf_printf(out, " < %s", hi);
    }
    return !out->failed;
}

static bool take_rows(void *ctx, const struct db_row *row, struct err *err)
{
    (void)err;
    /* "rows" is the last but one column; MySQL has "filtered" behind it. */
    if (row->count >= 10)
        span_u64(row->value[row->count - (row->count > 10 ? 3 : 2)], ctx);
    return true;
}

static bool estimate_rows(void *ctx, uint64_t lo, uint64_t hi, uint64_t *rows, struct err *err)
{
    struct estimate *e = ctx;
    struct db *db = e->source->main;
    AUTO(buf) struct buf sql = {0};
    char from[24], to[24];

    my_range_text(lo, e->is_signed, from);
    my_range_text(hi, e->is_signed, to);
    buf_puts(&sql, "EXPLAIN SELECT 1 FROM ");
    db_quote_name(db, e->table->name, &sql);
    buf_puts(&sql, " FORCE INDEX (");
    db_quote_name(db, e->table->key_name, &sql);
    buf_puts(&sql, ")");
    between(db, e->column, from, to, &sql);
    *rows = 0;
    return buf_ok(&sql, err) && db->ops->query(db, buf_view(&sql), take_rows, rows, NULL, err);
}

struct extremes {
    bool is_signed, found;
    uint64_t lo, hi;
};

static bool take_extremes(void *ctx, const struct db_row *row, struct err *err)
{
    struct extremes *x = ctx;

    (void)err;
    x->found = row->value[0].at && my_range_parse(row->value[0], x->is_signed, &x->lo) &&
               my_range_parse(row->value[1], x->is_signed, &x->hi);
    return true;
}

static bool find_bounds(struct my_source *s, struct my_table *t, struct vec *bounds, bool is_signed,
                        struct err *err)
{
    const struct my_column *c = key_column(t, 0);
    struct extremes x = {.is_signed = is_signed};
    struct db *db = s->main;
    AUTO(buf) struct buf sql = {0};
    AUTO(buf) struct buf key = {0};

    db_quote_name(db, c->name, &key);
    buf_printf(&sql, "SELECT min(%s), max(%s) FROM ", buf_str(&key), buf_str(&key));
    db_quote_name(db, t->name, &sql);
    if (!buf_ok(&sql, err) || !db->ops->query(db, buf_view(&sql), take_extremes, &x, NULL, err))
        return false;
    struct estimate e = {s, t, c, is_signed};
    struct my_bisect b = {.lo = x.lo,
                          .hi = x.hi,
                          .rows = t->rows,
                          .target = rows_per_range(t),
                          .estimate = estimate_rows,
                          .ctx = &e};
    return !x.found || my_range_bounds(&b, bounds, err);
}

/* What lies before the next bound. */
static bool cut_integers(struct cutter *c, struct buf *where)
{
    const uint64_t *at = c->bounds.at;
    char lo[24], hi[24];
    bool last = c->at == c->bounds.count;

    if (c->at)
        my_range_text(at[c->at - 1], c->is_signed, lo);
    if (!last)
        my_range_text(at[c->at], c->is_signed, hi);
    c->over = last;
    return between(c->source->main, key_column(c->table, 0), c->at++ ? lo : NULL, last ? NULL : hi,
                   where);
}

/* ---- other keys ------------------------------------------------------------------------------*/

bool my_literal(const struct my_column *c, struct span value, struct buf *out)
{
    static const char hex[] = "0123456789ABCDEF";

    if (c->key == MY_KEY_INTEGER)
        return buf_span(out, value);
    /* The other kinds hold digits, signs and letters only. */
    if (c->key == MY_KEY_TEXT)
        return buf_putc(out, '\'') && buf_span(out, value) && buf_putc(out, '\'');
    if (c->key == MY_KEY_CHARS)
        buf_printf(out, "_%s ", c->charset);
    buf_puts(out, "x'");
    for (size_t i = 0; i < value.len; i++) {
        unsigned char byte = (unsigned char)value.at[i];
        buf_putc(out, hex[byte >> 4]);
        buf_putc(out, hex[byte & 15]);
    }
    return buf_putc(out, '\'');
}

void my_bound_done(struct my_bound *b)
{
    char **at = b->literals.at;

    for (size_t i = 0; i < b->literals.count; i++)
        free(at[i]);
    b->literals.count = 0;
}

static bool take_bound(void *ctx, const struct db_row *row, struct err *err)
{
    struct my_bound *b = ctx;

    my_bound_done(b);
    for (unsigned i = 0; i < row->count; i++) {
        AUTO(buf) struct buf text = {0};
        char **slot = vec_add(&b->literals, err);
        if (!slot)
            return false;
        my_literal(key_column(b->table, i), row->value[i], &text);
        *slot = buf_take(&text);
        if (!*slot)
            return err_memory(err);
    }
    return true;
}

/* (k1 > a OR (k1 = a AND (k2 > b))), which the server reads as one range of the index; `last` is
 * the comparison of the last column. */
static bool beyond(struct db *db, const struct my_bound *b, const char *less_more, const char *last,
                   struct buf *out)
{
    char *const *at = b->literals.at;
    size_t count = b->literals.count;

    for (size_t i = 0; i < count; i++) {
        AUTO(buf) struct buf name = {0};
        db_quote_name(db, key_column(b->table, i)->name, &name);
        if (i + 1 == count)
            buf_printf(out, "(%s %s %s", buf_str(&name), last, at[i]);
        else
            buf_printf(out, "(%s %s %s OR (%s = %s AND ", buf_str(&name), less_more, at[i],
                       buf_str(&name), at[i]);
    }
    for (size_t i = 0; i + 1 < count * 2; i++)
        buf_putc(out, ')');
    return !out->failed;
}

/* " WHERE beyond `from` AND not beyond `to`"; a bound without literals is open. */
static bool between_bounds(struct db *db, const struct my_bound *from, const struct my_bound *to,
                           struct buf *out)
{
    const char *sep = " WHERE ";

    if (from->literals.count) {
        buf_puts(out, sep);
        beyond(db, from, ">", ">", out);
        sep = " AND ";
    }
    if (to->literals.count) {
        buf_puts(out, sep);
        beyond(db, to, "<", "<=", out);
    }
    return !out->failed;
}

/* The key `rows` rows further on, into *to; it stays without literals behind the end. */
static bool next_bound(struct db *db, struct my_table *t, const struct my_bound *from,
                       struct my_bound *to, struct err *err)
{
    struct my_bound open = MY_BOUND(t);
    AUTO(buf) struct buf names = {0};
    AUTO(buf) struct buf sql = {0};

    for (size_t i = 0; i < t->key.count; i++) {
        buf_puts(&names, i ? ", " : "");
        db_quote_name(db, key_column(t, i)->name, &names);
    }
    buf_printf(&sql, "SELECT %s FROM ", buf_str(&names));
    db_quote_name(db, t->name, &sql);
    buf_puts(&sql, " FORCE INDEX (");
    db_quote_name(db, t->key_name, &sql);
    buf_puts(&sql, ")");
    between_bounds(db, from, &open, &sql);
    buf_printf(&sql, " ORDER BY %s LIMIT 1 OFFSET %llu", buf_str(&names),
               (unsigned long long)rows_per_range(t));
    return buf_ok(&names, err) && buf_ok(&sql, err) &&
           db->ops->query(db, buf_view(&sql), take_bound, to, NULL, err);
}

/* What the parent had, then what the server finds. */
static bool find_end(struct cutter *c, struct db *db, struct my_bound *to, struct my_range *how,
                     struct err *err)
{
    if (c->kept) {
        if (!my_kept_next(c->kept, to, how, err))
            return false;
        if (to->literals.count)
            return true;
        my_kept_close(TAKE(c->kept));
    }
    *how = fresh;
    return next_bound(db, c->table, &c->from, to, err);
}

static bool cut_others(struct cutter *c, struct db *db, struct buf *where, struct my_range *how,
                       struct err *err)
{
    struct my_bound to = MY_BOUND(c->table);
    bool ok = find_end(c, db, &to, how, err) &&
              (between_bounds(db, &c->from, &to, where) || buf_ok(where, err));

    c->over = to.literals.count == 0;
    my_bound_done(&c->from);
    vec_done(&c->from.literals);
    c->from = to;
    return ok;
}

static bool make_next(struct cutter *c, struct db *db, struct my_range **out, struct err *err)
{
    AUTO(buf) struct buf where = {0};
    struct my_range how = fresh;
    bool ok = c->is_integer ? cut_integers(c, &where) || buf_ok(&where, err)
                            : cut_others(c, db, &where, &how, err);

    return ok && make_range(c->source, c->table, &where, &how, out, err);
}

static bool next_range(void *ctx, unsigned worker, void **item, struct err *err)
{
    struct cutter *c = ctx;
    struct my_source *s = c->source;
    struct my_range *made = NULL;
    struct db *db = NULL;

    /* The cutter itself was counted too, so that the tables stay locked until it is over. */
    if (c->over)
        return c->table->transactional || my_lock_release(s, err);
    if (!my_session(s, worker, &db, err) || !make_next(c, db, &made, err))
        return err_add(err, "table '%s'", c->table->name);
    *item = made;
    return true;
}

static bool run_next(void *ctx, void *item, unsigned worker, struct err *err)
{
    const struct cutter *c = ctx;

    return my_read_range(c->source, item, worker, err);
}

/* Takes the cutter. */
static bool plan_ranges(struct cutter *c, struct sched *sched, struct err *err)
{
    const struct feed_conf feed = {.next = next_range,
                                   .run = run_next,
                                   .free_item = my_range_free,
                                   .free_ctx = cutter_free,
                                   .ctx = c,
                                   .cost = c->table->bytes + 1,
                                   .name = c->table->name};

    if (!c->table->transactional && c->source->server->locker)
        atomic_fetch_add(&c->source->server->locked, 1);
    return feed_add(sched, &feed, err);
}

static bool plan(struct my_source *s, struct my_table *t, struct sched *sched, struct err *err)
{
    AUTO(cutter) struct cutter *c = calloc(1, sizeof(*c));

    if (!c)
        return err_memory(err);
    *c = (struct cutter){.source = s, .table = t, .bounds = VEC(uint64_t), .from = MY_BOUND(t)};
    if (!my_kept_open(s, t, &c->kept, err))
        return false;
    if (!c->kept && (!t->key.count || t->bytes <= RANGE_BYTES * 2 || t->rows <= 1))
        return plan_whole(s, t, sched, err);
    if (!c->kept && key_column(t, 0)->key == MY_KEY_INTEGER) {
        c->is_integer = true;
        c->is_signed = !strstr(key_column(t, 0)->full, "unsigned");
        if (!find_bounds(s, t, &c->bounds, c->is_signed, err))
            return false;
    }
    return plan_ranges(TAKE(c), sched, err);
}

bool my_plan_table(struct my_source *s, struct my_table *t, struct sched *sched, struct err *err)
{
    return !t->has_data || plan(s, t, sched, err) || err_add(err, "table '%s'", t->name);
}
