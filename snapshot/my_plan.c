/* Cuts tables into ranges of their key, one task each.
 *
 * An integer key is cut by bisection of the server's estimates before anything is read. Any other
 * key is walked: the task that walks finds a bound every so many rows and hands the range before it
 * to the others while it goes on. A table without a usable key is one task.
 */
#include "snapshot/my.h"
#include "snapshot/my_range.h"

#include "lib/base/clock.h"
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
static bool add_like(struct my_source *s, struct my_table *t, struct buf *where, uint64_t cost,
                     const struct my_range *how, struct sched *sched, struct err *err)
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
    r->number = (uint32_t)atomic_fetch_add(&t->ranges, 1);
    if (!r->where) {
        my_range_free(r);
        return err_memory(err);
    }
    if (s->server->locker && !t->transactional)
        atomic_fetch_add(&s->server->locked, 1);
    struct task task = {.run = my_read_range,
                        .free_arg = my_range_free,
                        .ctx = s,
                        .arg = r,
                        .cost = cost + 1,
                        .name = t->name};
    return sched_add(sched, &task, NULL, 0, NULL, err);
}

static bool add_range(struct my_source *s, struct my_table *t, struct buf *where, uint64_t cost,
                      struct sched *sched, struct err *err)
{
    const struct my_range fresh = {.segment_bytes = SEGMENT_TARGET};

    return add_like(s, t, where, cost, &fresh, sched, err);
}

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

static bool plan_integers(struct my_source *s, struct my_table *t, struct sched *sched,
                          struct err *err)
{
    const struct my_column *c = key_column(t, 0);
    bool is_signed = !strstr(c->full, "unsigned");
    AUTO(vec) struct vec bounds = VEC(uint64_t);
    char lo[24], hi[24];

    if (!find_bounds(s, t, &bounds, is_signed, err))
        return false;
    const uint64_t *at = bounds.at;
    for (size_t i = 0; i <= bounds.count; i++) {
        AUTO(buf) struct buf where = {0};
        if (i)
            my_range_text(at[i - 1], is_signed, lo);
        if (i < bounds.count)
            my_range_text(at[i], is_signed, hi);
        between(s->main, c, i ? lo : NULL, i < bounds.count ? hi : NULL, &where);
        if (!add_range(s, t, &where, t->bytes / (bounds.count + 1), sched, err))
            return false;
    }
    return true;
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
    struct my_bound open = {t, VEC(char *)};
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

bool my_plan_between(struct my_source *s, struct my_table *t, const struct my_bound *from,
                     const struct my_bound *to, const struct my_range *how, struct sched *sched,
                     struct err *err)
{
    AUTO(buf) struct buf where = {0};

    between_bounds(s->main, from, to, &where);
    return add_like(s, t, &where, how->like ? how->like->raw_bytes : 0, how, sched, err);
}

struct walker {
    struct my_source *source;
    struct my_table *table;
    struct sched *sched;
    struct my_bound from;
};

static void walker_free(void *arg)
{
    struct walker *w = arg;

    my_bound_done(&w->from);
    vec_done(&w->from.literals);
    free(w);
}

static bool walk(void *ctx, void *arg, unsigned worker, struct err *err)
{
    struct walker *w = arg;
    struct my_source *s = ctx;
    struct my_bound pair[2] = {{w->table, w->from.literals}, {w->table, VEC(char *)}};
    const struct my_range how = {.segment_bytes = SEGMENT_TARGET};
    struct db *db = NULL;
    bool ok = my_session(s, worker, &db, err), more = true;

    w->from.literals = (struct vec)VEC(char *);
    for (unsigned i = 0; ok && more; i ^= 1) {
        struct my_bound *from = &pair[i], *to = &pair[i ^ 1];
        AUTO(buf) struct buf where = {0};
        my_bound_done(to);
        ok = next_bound(db, w->table, from, to, err);
        more = to->literals.count > 0;
        ok = ok && between_bounds(db, from, to, &where) &&
             add_like(s, w->table, &where, RANGE_BYTES, &how, w->sched, err);
    }
    for (unsigned i = 0; i < 2; i++) {
        my_bound_done(&pair[i]);
        vec_done(&pair[i].literals);
    }
    if (!ok)
        return err_add(err, "table '%s'", w->table->name);
    /* The walk itself was counted too, so that the tables stay locked until it is over. */
    return w->table->transactional || my_lock_release(s, err);
}

bool my_plan_walk(struct my_source *s, struct my_table *t, struct my_bound *from,
                  struct sched *sched, struct err *err)
{
    struct walker *w = calloc(1, sizeof(*w));

    if (!w)
        return err_memory(err);
    *w = (struct walker){s, t, sched, {t, from->literals}};
    from->literals = (struct vec)VEC(char *);
    if (s->server->locker && !t->transactional)
        atomic_fetch_add(&s->server->locked, 1);
    /* Dearer than any range: it feeds the others. */
    struct task task = {.run = walk,
                        .free_arg = walker_free,
                        .ctx = s,
                        .arg = w,
                        .cost = t->bytes + UINT32_MAX,
                        .name = t->name};
    return sched_add(sched, &task, NULL, 0, NULL, err);
}

bool my_plan_table(struct my_source *s, struct my_table *t, struct sched *sched, struct err *err)
{
    AUTO(buf) struct buf whole = {0};
    struct my_bound open = {t, VEC(char *)};
    bool done = false;

    if (!t->has_data)
        return true;
    if (!my_keep_ranges(s, t, sched, &done, err))
        return err_add(err, "table '%s'", t->name);
    if (done)
        return true;
    if (t->key.count && t->bytes > RANGE_BYTES * 2 && t->rows > 1) {
        bool integer = key_column(t, 0)->key == MY_KEY_INTEGER;
        bool ok = integer ? plan_integers(s, t, sched, err) : my_plan_walk(s, t, &open, sched, err);
        return ok || err_add(err, "table '%s'", t->name);
    }
    return add_range(s, t, &whole, t->bytes, sched, err);
}
