/* A table's rows as multisets: the bundle's segments on one side, the box's rows on the other. */
#include "restore/proof_part.h"

#include "lib/base/cmd.h"
#include "lib/bundle/columns.h"

#define SEGMENTS_PER_TASK 8

bool proof_table_init(struct proof_table *t, struct err *err)
{
    unsigned bits = bag_bits(t->stream->records);

    pthread_mutex_init(&t->lock, NULL);
    return bag_init(&t->bundle, bits, err) && bag_init(&t->box, bits, err);
}

void proof_table_done(struct proof_table *t)
{
    bag_done(&t->bundle);
    bag_done(&t->box);
    free(t->name);
    if (t->part)
        pthread_mutex_destroy(&t->lock);
}

bool proof_next_row(struct span *rows, struct span *row)
{
    const char *end = rows->len ? memchr(rows->at, '\n', rows->len) : NULL;

    if (!end)
        return false;
    *row = (struct span){rows->at, (size_t)(end - rows->at)};
    rows->at = end + 1;
    rows->len -= row->len + 1;
    return true;
}

bool proof_table_segments(struct proof_table *t, size_t from, size_t to, proof_take take, void *ctx,
                          struct err *err)
{
    AUTO(buf) struct buf raw = {0};
    AUTO(buf) struct buf rows = {0};

    for (size_t i = from; i < to; i++) {
        const struct segment *seg = &t->stream->segments[i];
        buf_clear(&rows);
        if (!cmd_stop_check(err) || !bundle_read(t->part->conf->bundle, seg, &raw, err) ||
            !columns_to_rows(buf_view(&raw), t->columns, seg->records, &rows, err) ||
            !take(ctx, buf_view(&rows), err))
            return false;
    }
    return true;
}

/* ---- sums --------------------------------------------------------------------------------------*/

struct summing {
    struct proof_table *table;
    struct hash *hash;
    struct bag bag;
    bool box;
};

static bool sum_rows(void *ctx, struct span rows, struct err *err)
{
    struct summing *s = ctx;
    struct proof_part *p = s->table->part;
    struct span row;

    progress_add(p->progress, rows.len);
    if (s->box)
        p->bytes += rows.len;
    while (proof_next_row(&rows, &row)) {
        struct digest d = bag_hash(s->hash, &p->key, row);
        bag_add(&s->bag, &d);
    }
    return cmd_stop_check(err);
}

static bool sum_up(struct proof_table *t, bool box, unsigned worker, size_t from, size_t to,
                   struct err *err)
{
    AUTO(hash) struct hash *hash = NULL;
    struct summing s = {.table = t, .box = box};

    if (!hash_open(&hash, err) || !bag_init(&s.bag, t->bundle.bits, err))
        return false;
    s.hash = hash;
    bool ok = box ? t->read(t, worker, from, sum_rows, &s, err)
                  : proof_table_segments(t, from, to, sum_rows, &s, err);
    if (ok) {
        pthread_mutex_lock(&t->lock);
        bag_merge(box ? &t->box : &t->bundle, &s.bag);
        pthread_mutex_unlock(&t->lock);
    }
    bag_done(&s.bag);
    return ok || err_add(err, "table %s", t->name);
}

/* ---- tasks -------------------------------------------------------------------------------------*/

struct range {
    struct proof_table *table;
    size_t from, to; /* segments; of the box: the piece */
};

static bool run_bundle(void *ctx, void *arg, unsigned worker, struct err *err)
{
    const struct range *r = arg;

    progress_note(r->table->part->progress, r->table->name);
    return sum_up(ctx, false, worker, r->from, r->to, err);
}

/* A table that cannot be read as it was captured is a difference and not the end of the proof. */
static bool run_box(void *ctx, void *arg, unsigned worker, struct err *err)
{
    struct proof_table *t = ctx;
    const struct range *r = arg;
    struct err why = {0};

    if (sum_up(t, true, worker, r->from, r->to, &why))
        return true;
    if (why.code != ERR_SQL && why.code != ERR_MISSING)
        return err_pass(err, &why);
    pthread_mutex_lock(&t->lock);
    bool first = !t->unreadable;
    t->unreadable = true;
    pthread_mutex_unlock(&t->lock);
    return !first ||
           proof_note_kind(t->part, "table", span_of(t->name), "cannot be read as captured", err);
}

static bool run_compare(void *ctx, void *arg, unsigned worker, struct err *err)
{
    struct proof_table *t = ctx;

    (void)arg;
    t->part->records += t->box.count;
    if (t->unreadable || bag_eq(&t->bundle, &t->box))
        return true;
    return proof_find(t, worker, err) || err_add(err, "table %s", t->name);
}

static bool add_range(struct proof_table *t, struct sched *sched, const struct range *range,
                      bool box, struct vec *ids, struct err *err)
{
    struct range *copy = malloc(sizeof(*copy));
    struct task task = {.run = box ? run_box : run_bundle,
                        .free_arg = free,
                        .ctx = t,
                        .arg = copy,
                        .cost = t->stream->raw_bytes / (t->pieces ? t->pieces : 1) + 1,
                        .name = t->name};
    task_id id = 0;

    if (!copy)
        return err_memory(err);
    *copy = *range;
    if (!sched_add(sched, &task, NULL, 0, &id, err))
        return false;
    task_id *at = vec_add(ids, err);
    if (at)
        *at = id;
    return at != NULL;
}

static bool add_ranges(struct proof_table *t, struct sched *sched, struct vec *ids, struct err *err)
{
    for (size_t i = 0; i < t->stream->segment_count; i += SEGMENTS_PER_TASK) {
        size_t to = i + SEGMENTS_PER_TASK;
        struct range r = {t, i, to < t->stream->segment_count ? to : t->stream->segment_count};
        if (!add_range(t, sched, &r, false, ids, err))
            return false;
    }
    if (t->pieces < 2)
        return add_range(t, sched, &(struct range){t, PROOF_WHOLE, 0}, true, ids, err);
    for (size_t i = 0; i < t->pieces; i++)
        if (!add_range(t, sched, &(struct range){t, i, 0}, true, ids, err))
            return false;
    return true;
}

bool proof_table_plan(struct proof_table *t, struct sched *sched, struct err *err)
{
    struct vec ids = VEC(task_id);
    struct task task = {.run = run_compare, .ctx = t, .cost = 1, .name = t->name};
    bool ok =
        add_ranges(t, sched, &ids, err) && sched_add(sched, &task, ids.at, ids.count, NULL, err);

    vec_done(&ids);
    return ok;
}
