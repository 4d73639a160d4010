/* Tables: made with their primary key alone, loaded, then given indexes and foreign keys. */
#include "restore/my_progress.h"

#include "lib/base/json.h"
#include "lib/sql/split.h"

/* What the server spends, in bytes of text that it could parse instead. Measured on 10.11: 16 ns a
 * byte and 1.3 us a row in LOAD DATA, 0.5 to 0.9 us a row for each index built later. */
#define ROW_COST   80
#define INDEX_COST 40

/* Cost of one LOAD DATA: large enough that its start and commit do not count, small enough that no
 * worker is left alone with the last one. */
#define LOAD_COST ((uint64_t)32 << 20)

char *my_meta_text(const json_t *meta, const char *key, size_t *len, struct err *err)
{
    const char *text = NULL;

    if (!json_want_str(meta, key, &text, err))
        return NULL;
    char *bytes = json_bytes_back(text, len);
    if (!bytes)
        err_memory(err);
    return bytes;
}

bool my_table_init(struct my_target_table *t, const struct stream *stream, struct err *err)
{
    const json_t *engine = json_object_get(stream->meta, "engine");

    *t = (struct my_target_table){.stream = stream};
    t->name = my_meta_text(stream->meta, "table", NULL, err);
    t->create = t->name ? my_meta_text(stream->meta, "create", NULL, err) : NULL;
    t->load = t->create ? my_meta_text(stream->meta, "load", NULL, err) : NULL;
    t->versioned = json_is_true(json_object_get(stream->meta, "versioned"));
    t->history = t->versioned && !json_is_false(json_object_get(stream->meta, "history"));
    t->innodb = json_is_string(engine) && !strcasecmp(json_string_value(engine), "InnoDB");
    return t->load || err_add(err, "stream '%s'", stream->name);
}

void my_table_done(struct my_target_table *t)
{
    free(t->name);
    free(t->create);
    free(t->load);
}

bool my_has_rows(const struct stream *s)
{
    static const char *const none[] = {"BLACKHOLE", "MRG_MyISAM", "MERGE"};
    const char *engine = json_string_value(json_object_get(s->meta, "engine"));

    for (size_t i = 0; engine && i < COUNT(none); i++)
        if (strcasecmp(engine, none[i]) == 0)
            return false;
    return engine != NULL;
}

/* ---- the steps of a table --------------------------------------------------------------------*/

struct work {
    struct my_target_table *table;
    size_t from, to; /* segments of a load */
};

static bool in_table(const struct work *w, bool ok, struct err *err)
{
    return ok || err_add(err, "table '%s'", w->table->name);
}

/* By the restore that this one goes on with. */
static bool is_done(const struct my_target *t, const struct work *w)
{
    return my_progress_has(t, "table", w->table->name);
}

static bool make_table(void *ctx, void *arg, unsigned worker, struct err *err)
{
    struct my_target *t = ctx;
    struct work *w = arg;
    struct db *db = NULL;
    AUTO(buf) struct buf create = {0};

    if (is_done(t, w))
        return true;
    return in_table(w,
                    my_worker(t, worker, &db, err) &&
                        my_here_table(&t->here, span_of(w->table->create), &create, err) &&
                        my_progress_drop(t, db, "TABLE", w->table->name, err) &&
                        my_run(db, buf_str(&create), create.len, err),
                    err);
}

static bool load_rows(void *ctx, void *arg, unsigned worker, struct err *err)
{
    struct my_target *t = ctx;
    struct work *w = arg;
    struct db *db = NULL;

    for (size_t i = w->from; is_done(t, w) && i < w->to; i++)
        progress_add(t->conf.progress, w->table->stream->segments[i].raw_bytes);
    return is_done(t, w) ||
           (my_worker(t, worker, &db, err) && my_load(t, w->table, db, w->from, w->to, err));
}

/* "ALTER TABLE t ADD one, ADD two" of a list in meta. */
struct alter {
    const struct my_target_table *table;
    const struct my_select *select; /* of foreign keys; else NULL */
    const struct my_here *here;
    struct db *db;
    struct buf sql;
};

static bool alter_run(struct alter *a, struct err *err)
{
    bool ok =
        !a->sql.len || (buf_ok(&a->sql, err) && my_run(a->db, buf_str(&a->sql), a->sql.len, err));
    buf_clear(&a->sql);
    return ok;
}

static bool alter_add(struct alter *a, const json_t *part, struct err *err)
{
    size_t len = 0;
    AUTO(free)
    char *text = json_is_string(part) ? json_bytes_back(json_string_value(part), &len) : NULL;

    if (!text)
        return err_set(err, ERR_DAMAGED, "an index is not a text");
    if (!a->sql.len) {
        buf_puts(&a->sql, "ALTER TABLE ");
        db_quote_name(a->db, a->table->name, &a->sql);
        buf_puts(&a->sql, " ADD ");
    } else {
        buf_puts(&a->sql, ", ADD ");
    }
    return my_here_table(a->here, (struct span){text, len}, &a->sql, err);
}

static bool is_fulltext(const json_t *part)
{
    return json_is_string(part) && !strncmp(json_string_value(part), "FULLTEXT", 8);
}

/* All in one pass over the rows; but InnoDB builds only one FULLTEXT index at a time. */
static bool add_parts(struct alter *a, const json_t *parts, struct err *err)
{
    bool fulltext = false;
    size_t i;
    json_t *part;

    json_array_foreach(parts, i, part)
    {
        if (!is_fulltext(part) && my_select_key(a->select, part) && !alter_add(a, part, err))
            return false;
    }
    json_array_foreach(parts, i, part)
    {
        if (!is_fulltext(part))
            continue;
        if ((fulltext && !alter_run(a, err)) || !alter_add(a, part, err))
            return false;
        fulltext = true;
    }
    return alter_run(a, err);
}

static bool add_list(struct my_target *t, const struct work *w, struct db *db, const char *list,
                     const struct my_select *select, struct err *err)
{
    struct alter a = {.table = w->table, .select = select, .here = &t->here, .db = db};
    bool ok = add_parts(&a, json_object_get(w->table->stream->meta, list), err);

    buf_done(&a.sql);
    return in_table(w, ok, err);
}

static bool add_indexes(void *ctx, void *arg, unsigned worker, struct err *err)
{
    struct db *db = NULL;

    return is_done(ctx, arg) ||
           (my_worker(ctx, worker, &db, err) && add_list(ctx, arg, db, "indexes", NULL, err));
}

/* All of a table's keys come in one statement, that a crash may have let through without its note. */
static bool drop_foreign(const struct work *w, struct db *db, struct err *err)
{
    const json_t *keys = json_object_get(w->table->stream->meta, "foreign_keys"), *key;
    AUTO(buf) struct buf table = {0};
    size_t i;

    db_quote_name(db, w->table->name, &table);
    json_array_foreach(keys, i, key)
    {
        AUTO(free) char *text = json_bytes_back(json_string_value(key), NULL);
        struct span rest = span_of(text), word = {0}, name = {0};
        if (!text || sql_token_next(SQL_MARIADB, &rest, &word) == SQL_END ||
            !span_is_nocase(word, "constraint") ||
            sql_token_next(SQL_MARIADB, &rest, &name) == SQL_END)
            continue;
        if (!db_exec(db, err, "ALTER TABLE %s DROP FOREIGN KEY IF EXISTS %.*s", buf_str(&table),
                     (int)name.len, name.at))
            return false;
    }
    return true;
}

static bool add_foreign(void *ctx, void *arg, unsigned worker, struct err *err)
{
    struct my_target *t = ctx;
    const struct work *w = arg;
    struct db *db = NULL;

    if (my_progress_has(t, "keys", w->table->name))
        return true;
    return my_worker(t, worker, &db, err) &&
           (!t->conf.resume || in_table(w, drop_foreign(w, db, err), err)) &&
           add_list(t, w, db, "foreign_keys", t->select, err) &&
           my_progress_note(t, db, "keys", w->table->name, err);
}

static bool count_rows(struct my_target *t, const struct work *w, struct db *db, struct err *err)
{
    AUTO(buf) struct buf count = {0};
    AUTO(buf) struct buf name = {0};
    uint64_t found = 0, expected = w->table->stream->records;

    if (!my_has_rows(w->table->stream))
        return true;
    db_quote_name(db, w->table->name, &name);
    if (!buf_ok(&name, err) ||
        !db_value(db, &count, err, "SELECT count(*) FROM %s%s", buf_str(&name),
                  w->table->history ? " FOR SYSTEM_TIME ALL" : ""))
        return false;
    span_u64(buf_view(&count), &found);
    atomic_fetch_add(&t->rows_expected, expected);
    atomic_fetch_add(&t->rows_found, found);
    return found == expected || err_set(err, ERR_DIFFERS, "%llu rows expected, %llu found",
                                        (unsigned long long)expected, (unsigned long long)found);
}

static bool settle(void *ctx, void *arg, unsigned worker, struct err *err)
{
    struct my_target *t = ctx;
    struct work *w = arg;
    AUTO(buf) struct buf name = {0};
    struct db *db = NULL;

    if (is_done(t, w)) {
        atomic_fetch_add(&t->rows_expected, w->table->stream->records);
        atomic_fetch_add(&t->rows_found, w->table->stream->records);
        return true;
    }
    if (!my_worker(t, worker, &db, err))
        return false;
    db_quote_name(db, w->table->name, &name);
    return in_table(w,
                    count_rows(t, w, db, err) &&
                        db_exec(db, err, "ANALYZE NO_WRITE_TO_BINLOG TABLE %s", buf_str(&name)) &&
                        (!atomic_load(&w->table->unseen) ||
                         my_progress_note(t, db, "unseen", w->table->name, err)) &&
                        my_progress_note(t, db, "table", w->table->name, err),
                    err);
}

/* ---- the plan --------------------------------------------------------------------------------*/

typedef bool (*table_step)(void *ctx, void *arg, unsigned worker, struct err *err);

struct planner {
    struct my_target *target;
    struct sched *sched;
};

static bool add_task(struct planner *p, table_step run, struct work work, uint64_t cost,
                     const struct vec *after, task_id *id, struct err *err)
{
    struct work *w = malloc(sizeof(*w));

    if (!w)
        return err_memory(err);
    *w = work;
    struct task task = {.run = run,
                        .free_arg = free,
                        .ctx = p->target,
                        .arg = w,
                        .cost = cost + 1,
                        .name = work.table->name};
    return sched_add(p->sched, &task, after->at, after->count, id, err);
}

static bool push(struct vec *ids, task_id id, struct err *err)
{
    task_id *slot = vec_add(ids, err);

    if (slot)
        *slot = id;
    return slot != NULL;
}

static uint64_t segment_cost(const struct segment *seg)
{
    return seg->raw_bytes + seg->records * ROW_COST;
}

static uint64_t load_cost(const struct stream *s)
{
    return s->raw_bytes + s->records * ROW_COST;
}

static uint64_t index_cost(const struct stream *s)
{
    return s->records * INDEX_COST * json_array_size(json_object_get(s->meta, "indexes"));
}

static bool plan_loads(struct planner *p, struct my_target_table *table, task_id made,
                       struct vec *loads, struct err *err)
{
    const struct stream *s = table->stream;
    AUTO(vec) struct vec after = VEC(task_id);

    if (!push(&after, made, err))
        return false;
    /* A load holds the lock of the AUTO_INCREMENT counter to its end, unless the server was started
     * with the interleaved mode: a second one would only keep a worker waiting. */
    bool counted = !p->target->interleaved && strstr(table->create, " AUTO_INCREMENT");
    bool split = table->innodb && !counted;
    for (size_t from = 0; from < s->segment_count;) {
        uint64_t cost = 0;
        size_t to = from;
        while (to < s->segment_count && (!split || cost < LOAD_COST))
            cost += segment_cost(&s->segments[to++]);
        task_id id;
        /* The dearer table goes first, and its pieces together: its indexes wait for the last. */
        if (!add_task(p, load_rows, (struct work){table, from, to}, load_cost(s) + index_cost(s),
                      &after, &id, err) ||
            !push(loads, id, err))
            return false;
        from = to;
    }
    return s->segment_count || push(loads, made, err);
}

/* Made, loaded, indexed, settled; *indexed and *settled are ids to wait for. */
static bool plan_table(struct planner *p, struct my_target_table *table, task_id after,
                       struct vec *indexed, struct vec *settled, struct err *err)
{
    struct work work = {.table = table};
    uint64_t cost = index_cost(table->stream), made = load_cost(table->stream) + UINT32_MAX;
    AUTO(vec) struct vec first = VEC(task_id), loads = VEC(task_id), index = VEC(task_id);
    task_id id;

    if (!push(&first, after, err) || !add_task(p, make_table, work, made, &first, &id, err) ||
        !plan_loads(p, table, id, &loads, err) ||
        !add_task(p, add_indexes, work, cost, &loads, &id, err) || !push(&index, id, err) ||
        !push(indexed, id, err))
        return false;
    return add_task(p, settle, work, cost / 8, &index, &id, err) && push(settled, id, err);
}

static bool nothing(void *ctx, void *arg, unsigned worker, struct err *err)
{
    (void)ctx;
    (void)arg;
    (void)worker;
    (void)err;
    return true;
}

static bool barrier(struct planner *p, const struct vec *after, task_id *id, struct err *err)
{
    struct task task = {.run = nothing, .name = "tables are ready"};

    return sched_add(p->sched, &task, after->at, after->count, id, err);
}

bool my_plan_tables(struct my_target *t, struct sched *sched, task_id after, task_id *done,
                    struct err *err)
{
    struct planner p = {t, sched};
    AUTO(vec) struct vec indexed = VEC(task_id), last = VEC(task_id), ready = VEC(task_id);
    task_id id;

    for (size_t i = 0; i < t->table_count; i++) {
        if (!plan_table(&p, &t->tables[i], after, &indexed, &last, err))
            return false;
    }
    /* A foreign key wants both tables with their indexes. */
    if (!push(&indexed, after, err) || !barrier(&p, &indexed, &id, err) || !push(&ready, id, err) ||
        !push(&last, id, err))
        return false;
    for (size_t i = 0; i < t->table_count; i++) {
        const json_t *keys = json_object_get(t->tables[i].stream->meta, "foreign_keys");
        if (!json_array_size(keys))
            continue;
        if (!add_task(&p, add_foreign, (struct work){.table = &t->tables[i]}, 1, &ready, &id,
                      err) ||
            !push(&last, id, err))
            return false;
    }
    return barrier(&p, &last, done, err);
}
