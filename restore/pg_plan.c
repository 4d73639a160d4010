/* Tasks and what they wait for. */
#include "restore/pg_progress.h"
#include "restore/pg_weight.h"

/* A table well above its fair share of all bytes is loaded by several sessions: without freezing
 * its rows, but with all cores. */
#define SPLIT_MIN      ((uint64_t)48 << 20)
#define SPLIT_SEGMENTS 12

struct planning {
    struct pg_target *target;
    struct sched *sched;
    task_id schema;
    uint64_t total;
    struct vec built;    /* task_id: every table's last ones */
    struct vec spanning; /* task_id: one at most */
    struct vec keyed;    /* task_id: foreign keys */
    task_id *touched;    /* per table: the last foreign key on it */
    bool *is_touched;
};

struct job {
    struct pg_target *target;
    struct pg_target_table *table;
    const struct pg_step *step;
    enum pg_step_kind kind;
    size_t from, to;
};

static bool add_id(struct vec *ids, task_id id, struct err *err)
{
    task_id *at = vec_add(ids, err);

    if (at)
        *at = id;
    return at != NULL;
}

static bool add_ids(struct vec *ids, const struct vec *more, struct err *err)
{
    const task_id *at = more->at;

    for (size_t i = 0; i < more->count; i++)
        if (!add_id(ids, at[i], err))
            return false;
    return true;
}

static bool add_job(struct planning *p,
                    bool (*run)(void *ctx, void *arg, unsigned worker, struct err *err),
                    struct job job, const char *name, uint64_t cost, const struct vec *after,
                    task_id *id, struct err *err)
{
    struct job *copy = malloc(sizeof(*copy));

    if (!copy)
        return err_memory(err);
    *copy = job;
    copy->target = p->target;
    struct task task = {
        .run = run, .free_arg = free, .ctx = p->target, .arg = copy, .cost = cost, .name = name};
    return sched_add(p->sched, &task, after->at, after->count, id, err);
}

/* ---- what the tasks do -------------------------------------------------------------------------*/

static bool run_schema(void *ctx, void *arg, unsigned worker, struct err *err)
{
    struct pg_target *t = ctx;
    struct db *db = NULL;

    (void)arg;
    if (t->done)
        return true;
    if (!pg_worker(t, worker, &db, err))
        return false;
    /* Every new database has it, and pg_dump does not say that it was dropped. */
    if (json_is_false(json_object_get(t->facts, "public_schema")) &&
        !db_exec(db, err, "DROP SCHEMA IF EXISTS public"))
        return false;
    return pg_script_run(db, "pre-data.sql", buf_view(&t->part.pre_data), err) &&
           pg_progress_begin(t, db, err);
}

static bool run_sequences(void *ctx, void *arg, unsigned worker, struct err *err)
{
    struct pg_target *t = ctx;
    struct db *db = NULL;

    (void)arg;
    return pg_worker(t, worker, &db, err) &&
           pg_script_run(db, "sequences.sql", buf_view(&t->part.sequences), err);
}

static bool run_load(void *ctx, void *arg, unsigned worker, struct err *err)
{
    struct pg_target *t = ctx;
    const struct job *j = arg;
    struct db *db = NULL;

    progress_note(t->conf.progress, j->table->name);
    if (!pg_worker(t, worker, &db, err))
        return false;
    if (j->table->large_objects)
        return pg_load_large(t, j->table, db, err);
    if (!j->table->config)
        return pg_load(t, j->table, db, j->from, j->to, !j->table->split, err);
    pg_config_quiet(db, true);
    bool ok = pg_load(t, j->table, db, j->from, j->to, false, err);
    pg_config_quiet(db, false);
    return ok;
}

static bool run_step(void *ctx, void *arg, unsigned worker, struct err *err)
{
    struct pg_target *t = ctx;
    const struct job *j = arg;
    struct db *db = NULL;

    if (j->step->table)
        progress_note(t->conf.progress, j->step->table->name);
    return pg_worker(t, worker, &db, err) && pg_progress_step(t, db, j->step, false, err);
}

static bool run_analyze(void *ctx, void *arg, unsigned worker, struct err *err)
{
    struct pg_target *t = ctx;
    const struct job *j = arg;
    struct db *db = NULL;

    return pg_worker(t, worker, &db, err) && db_exec(db, err, "ANALYZE %s", j->table->qualified);
}

/* All steps of a kind, in the order of the file. */
static bool run_kind(void *ctx, void *arg, unsigned worker, struct err *err)
{
    struct pg_target *t = ctx;
    const struct job *j = arg;
    const struct pg_step *step = t->steps.at;
    struct db *db = NULL;

    if (!pg_worker(t, worker, &db, err))
        return false;
    for (size_t i = 0; i < t->steps.count; i++)
        if (step[i].kind == j->kind && !pg_progress_step(t, db, &step[i], false, err))
            return false;
    return true;
}

/* All at once: each waits for the table's lock only for an instant. */
static bool run_constraints(void *ctx, void *arg, unsigned worker, struct err *err)
{
    struct pg_target *t = ctx;
    const struct job *j = arg;
    const struct pg_step *step = t->steps.at;
    struct db *db = NULL;

    if (!pg_worker(t, worker, &db, err))
        return false;
    for (size_t i = 0; i < t->steps.count; i++)
        if (step[i].table == j->table && step[i].constraint &&
            !pg_progress_step(t, db, &step[i], true, err))
            return false;
    return true;
}

/* ---- one table ---------------------------------------------------------------------------------*/

/* What is still to be done for a table once a task begins: the scheduler takes the longest way
 * first. In bytes; the least index reads and sorts about as long as loading an eighth of its rows. */
static uint64_t way_from(const struct pg_target_table *t, uint64_t index_weight)
{
    uint64_t raw = t->stream->raw_bytes;

    return raw / 8 * index_weight / PG_WEIGHT_ONE + raw / 16 + t->tail + 1;
}

static bool plan_load(struct planning *p, struct pg_target_table *t, struct vec *loads,
                      struct err *err)
{
    size_t count = t->stream->segment_count, step = t->split ? SPLIT_SEGMENTS : count;
    uint64_t cost = t->stream->raw_bytes + way_from(t, t->index_weight);
    struct vec after = VEC(task_id);
    bool ok = add_id(&after, p->schema, err);

    for (size_t from = 0; ok && from < count; from += step) {
        struct job job = {
            .table = t, .from = from, .to = from + step < count ? from + step : count};
        task_id id;
        ok = add_job(p, run_load, job, t->name, cost, &after, &id, err) && add_id(loads, id, err);
    }
    if (ok && !count)
        ok = add_id(loads, p->schema, err);
    vec_done(&after);
    return ok;
}

/* Keys one behind the other, since each locks its table against all; then indexes side by side. */
static bool plan_builds(struct planning *p, struct pg_target_table *t, enum pg_step_kind kind,
                        struct vec *after, struct err *err)
{
    const struct pg_step *step = p->target->steps.at;

    for (size_t i = 0; i < p->target->steps.count; i++) {
        struct job job = {.step = &step[i]};
        uint64_t weight = kind == PG_STEP_KEY ? t->index_weight : step[i].weight;
        task_id id;

        if (step[i].kind != kind || step[i].table != t)
            continue;
        if (!add_job(p, run_step, job, t->name, way_from(t, weight), after, &id, err) ||
            !add_id(&t->builds, id, err))
            return false;
        if (kind == PG_STEP_KEY) {
            after->count = 0;
            if (!add_id(after, id, err))
                return false;
        }
    }
    return true;
}

/* One task behind all builds so far. */
static bool plan_behind(struct planning *p, struct pg_target_table *t,
                        bool (*run)(void *ctx, void *arg, unsigned worker, struct err *err),
                        struct vec *after, struct err *err)
{
    struct job job = {.table = t};
    task_id id;

    return add_ids(after, &t->builds, err) &&
           add_job(p, run, job, t->name, t->stream->raw_bytes / 16 + t->tail + 1, after, &id,
                   err) &&
           add_id(&t->builds, id, err);
}

static bool plan_table(struct planning *p, struct pg_target_table *t, struct err *err)
{
    struct vec loads = VEC(task_id);

    t->split = !t->config && !t->large_objects && t->stream->raw_bytes > SPLIT_MIN &&
               t->stream->raw_bytes * p->target->conf.jobs * 2 > p->total * 3;
    bool ok = plan_load(p, t, &loads, err) && plan_builds(p, t, PG_STEP_KEY, &loads, err) &&
              plan_builds(p, t, PG_STEP_INDEX, &loads, err);
    ok = ok && (!t->late_keys || plan_behind(p, t, run_constraints, &loads, err));
    ok = ok && (t->large_objects || plan_behind(p, t, run_analyze, &loads, err));
    ok = ok && add_ids(&p->built, t->builds.count ? &t->builds : &loads, err);
    vec_done(&loads);
    return ok;
}

/* ---- what spans tables -------------------------------------------------------------------------*/

static bool touch(struct planning *p, struct pg_target_table *t, struct vec *after, struct err *err)
{
    size_t n = (size_t)(t - p->target->tables);

    return add_ids(after, &t->builds, err) &&
           (!p->is_touched[n] || add_id(after, p->touched[n], err));
}

static void touched_by(struct planning *p, const struct pg_target_table *t, task_id id)
{
    size_t n = (size_t)(t - p->target->tables);

    p->is_touched[n] = true;
    p->touched[n] = id;
}

/* A foreign key locks two tables: those that share one wait for each other here and not in the
 * server, where they could deadlock. Those of partitioned tables come one behind the other. */
static bool plan_foreign_key(struct planning *p, const struct pg_step *step, struct err *err)
{
    struct vec after = VEC(task_id);
    bool plain = step->table && step->other;
    bool ok = plain ? touch(p, step->table, &after, err) && touch(p, step->other, &after, err)
                    : add_ids(&after, &p->spanning, err) && add_ids(&after, &p->keyed, err);
    uint64_t cost = step->table ? step->table->tail + 1 : 1;
    task_id id = 0;

    ok = ok &&
         add_job(p, run_step, (struct job){.step = step}, "foreign key", cost, &after, &id, err);
    ok = ok && add_id(&p->keyed, id, err);
    if (ok && !plain)
        ok = add_id(&p->spanning, id, err);
    if (ok && plain) {
        touched_by(p, step->table, id);
        touched_by(p, step->other, id);
    }
    vec_done(&after);
    return ok;
}

/* Plain ones first: the others wait for them all. */
static bool plan_foreign_keys(struct planning *p, struct err *err)
{
    const struct pg_step *step = p->target->steps.at;

    for (int plain = 1; plain >= 0; plain--)
        for (size_t i = 0; i < p->target->steps.count; i++) {
            bool is_plain = step[i].table && step[i].other;
            if (step[i].kind == PG_STEP_FOREIGN_KEY && is_plain == plain &&
                !plan_foreign_key(p, &step[i], err))
                return false;
        }
    return true;
}

static bool plan_kind(struct planning *p, enum pg_step_kind kind, const char *name,
                      const struct vec *after, task_id *id, struct err *err)
{
    return add_job(p, run_kind, (struct job){.kind = kind}, name, 1, after, id, err);
}

static bool plan_rest(struct planning *p, struct err *err)
{
    struct vec after = VEC(task_id);
    task_id id;
    bool ok = plan_kind(p, PG_STEP_SPANNING, "partition indexes", &p->built, &id, err) &&
              add_id(&p->spanning, id, err) && plan_foreign_keys(p, err) &&
              add_ids(&after, &p->spanning, err) && add_ids(&after, &p->keyed, err) &&
              plan_kind(p, PG_STEP_REST, "triggers, rules, views", &after, &id, err);

    vec_done(&after);
    return ok;
}

static bool plan_all(struct planning *p, struct err *err)
{
    struct pg_target *t = p->target;
    struct vec none = VEC(task_id), after = VEC(task_id);
    struct job job = {0};
    task_id id;
    bool ok = add_job(p, run_schema, job, "schema", UINT64_MAX, &none, &p->schema, err) &&
              add_id(&after, p->schema, err) && add_id(&p->built, p->schema, err) &&
              add_job(p, run_sequences, job, "sequences", 1, &after, &id, err) &&
              add_id(&p->built, id, err);

    for (size_t i = 0; ok && i < t->table_count; i++)
        ok = plan_table(p, &t->tables[i], err);
    vec_done(&after);
    return ok && plan_rest(p, err);
}

bool pg_tasks_plan(struct pg_target *t, struct sched *sched, struct err *err)
{
    struct planning p = {.target = t,
                         .sched = sched,
                         .built = VEC(task_id),
                         .spanning = VEC(task_id),
                         .keyed = VEC(task_id),
                         .touched = calloc(t->table_count + 1, sizeof(task_id)),
                         .is_touched = calloc(t->table_count + 1, sizeof(bool))};

    for (size_t i = 0; i < t->table_count; i++)
        p.total += t->tables[i].stream->raw_bytes;
    bool ok = p.touched && p.is_touched ? plan_all(&p, err) : err_memory(err);
    vec_done(&p.built);
    vec_done(&p.spanning);
    vec_done(&p.keyed);
    free(p.touched);
    free(p.is_touched);
    return ok;
}
