#include "restore/files.h"

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"

#include <fcntl.h>
#include <unistd.h>

static struct files_target *files_of(struct target *t)
{
    return (struct files_target *)t;
}

/* ---- open and close --------------------------------------------------------------------------*/

static void late_list_free(struct vec *list)
{
    struct late *all = list->at;

    for (size_t i = 0; i < list->count; i++)
        late_done(&all[i]);
    vec_done(list);
}

static void files_free(struct files_target *t)
{
    if (!t)
        return;
    for (size_t i = 0; t->groups && i < t->group_count; i++) {
        free(t->groups[i].big);
        free(t->groups[i].regions);
    }
    for (unsigned i = 0; t->workers && i < t->conf->jobs; i++) {
        beneath_done(&t->workers[i].dirs);
        buf_done(&t->workers[i].raw);
    }
    late_list_free(&t->dirs);
    late_list_free(&t->bigs);
    late_list_free(&t->links);
    free(t->groups);
    free(t->pieces);
    free(t->workers);
    pthread_mutex_destroy(&t->lock);
    if (t->root >= 0)
        close(t->root);
    free(t);
}

AUTO_PTR(files_target, struct files_target, files_free)

static void files_close(struct target *t)
{
    files_free(files_of(t));
}

static bool refuse_entry(void *ctx, const char *name, struct err *err)
{
    err_set(err, ERR_EXISTS, "'%s' is not empty: it holds '%s'", (const char *)ctx, name);
    return err_hint(err, "restore into a new directory");
}

static bool open_dir(struct files_target *t, struct err *err)
{
    const char *dir = t->conf->dir;
    AUTO(free) char *ctx = strdup(dir);

    if (!ctx)
        return err_memory(err);
    if (!dir_make(dir, 0700, err) || !dir_each(dir, refuse_entry, ctx, err))
        return false;
    t->root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return t->root >= 0 || err_sys(err, ERR_IO, "cannot open '%s'", dir);
}

static bool make_workers(struct files_target *t, struct err *err)
{
    t->workers = calloc(t->conf->jobs, sizeof(*t->workers));
    if (!t->workers)
        return err_memory(err);
    for (unsigned i = 0; i < t->conf->jobs; i++)
        t->workers[i].dirs = BENEATH(t->root);
    return true;
}

static bool files_open(const struct target_conf *conf, struct target **out, struct err *err)
{
    AUTO(files_target) struct files_target *t = calloc(1, sizeof(*t));

    if (!t)
        return err_memory(err);
    t->base.ops = &target_files;
    t->conf = conf;
    t->root = -1;
    t->as_root = geteuid() == 0;
    t->dirs = t->bigs = t->links = (struct vec)VEC(struct late);
    pthread_mutex_init(&t->lock, NULL);
    t->stream = bundle_find(conf->bundle, conf->component);
    if (!t->stream || t->stream->kind != STREAM_TAR)
        return err_set(err, ERR_MISSING, "the bundle has no file tree '%s'", conf->component);
    if (!open_dir(t, err) || !make_workers(t, err))
        return false;
    struct files_target *made = TAKE(t);
    *out = &made->base;
    return true;
}

/* ---- plan ------------------------------------------------------------------------------------*/

static bool run_group(void *ctx, void *arg, unsigned worker, struct err *err)
{
    struct files_target *t = ctx;
    struct group *g = arg;

    if (!files_make_entries(t, &t->workers[worker], g, err))
        return err_add(err, "cannot restore '%s'", t->conf->component);
    progress_add(t->conf->progress, g->head->raw_bytes);
    return true;
}

static bool run_piece(void *ctx, void *arg, unsigned worker, struct err *err)
{
    struct files_target *t = ctx;
    const struct piece *p = arg;

    if (!files_write_piece(t, &t->workers[worker], p, err))
        return err_add(err, "cannot restore '%s'", t->conf->component);
    progress_add(t->conf->progress, p->segment->raw_bytes);
    return true;
}

/* A segment in which no entry begins carries on with the last entry before it. */
static bool build_groups(struct files_target *t, struct err *err)
{
    const struct segment *segs = t->stream->segments;
    size_t count = t->stream->segment_count;

    t->groups = calloc(count + 1, sizeof(*t->groups));
    t->pieces = calloc(count + 1, sizeof(*t->pieces));
    if (!t->groups || !t->pieces)
        return err_memory(err);
    if (count && segs[0].records == 0)
        return err_set(err, ERR_DAMAGED, "'%s' begins in the middle of a file", t->stream->name);
    for (size_t i = 0; i < count; i++) {
        if (segs[i].records) {
            t->groups[t->group_count++].head = &segs[i];
            continue;
        }
        struct group *g = &t->groups[t->group_count - 1];
        t->pieces[t->piece_count++] = (struct piece){g, &segs[i], g->piece_bytes};
        g->piece_bytes += segs[i].raw_bytes;
        g->pieces++;
    }
    return true;
}

static bool add_group(struct files_target *t, struct sched *sched, struct group *g,
                      struct piece **pieces, struct err *err)
{
    struct task task = {.run = run_group,
                        .ctx = t,
                        .arg = g,
                        .cost = g->head->raw_bytes + g->piece_bytes,
                        .name = t->conf->component};
    task_id id = 0;

    if (!sched_add(sched, &task, NULL, 0, &id, err))
        return false;
    task.run = run_piece;
    for (size_t i = 0; i < g->pieces; i++) {
        task.arg = (*pieces)++;
        task.cost = ((const struct piece *)task.arg)->segment->raw_bytes;
        if (!sched_add(sched, &task, &id, 1, NULL, err))
            return false;
    }
    return true;
}

static bool files_plan(struct target *base, struct sched *sched, task_id *ready, struct err *err)
{
    struct files_target *t = files_of(base);
    struct piece *next;

    (void)ready;
    if (!build_groups(t, err))
        return false;
    next = t->pieces;
    for (size_t i = 0; i < t->group_count; i++)
        if (!add_group(t, sched, &t->groups[i], &next, err))
            return false;
    return true;
}

static bool files_finish(struct target *base, struct err *err)
{
    struct files_target *t = files_of(base);

    if (!files_complete(t, err))
        return false;
    if (t->refused)
        log_warn("some owners, attributes or devices were not restored",
                 f_str("component", t->conf->component), f_num("count", (int64_t)t->refused),
                 f_str("first", t->refused_first));
    return true;
}

const struct target_ops target_files = {
    .name = "files",
    .open = files_open,
    .plan = files_plan,
    .finish = files_finish,
    .close = files_close,
};
