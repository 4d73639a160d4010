/* Units on their way: found by the walk, read by whoever is free, stored, noted in the catalog.
 *
 * The oldest is read first. Workers that find nothing to do leave, so that other sources get them,
 * and the walk asks for new ones. With too much waiting the walk reads too, which bounds what is in
 * memory and needs no second thread to get anywhere.
 */
#include "lib/base/cmd.h"
#include "snapshot/files.h"

/* Units waiting per job. */
#define WAITING_PER_JOB 2

/* ---- one unit --------------------------------------------------------------------------------*/

static struct span first_key(const struct unit *u)
{
    return span_of(u->nodes.count ? node_path(u, u->nodes.at) : u->large->path);
}

static struct span last_key(const struct unit *u)
{
    const struct node *nodes = u->nodes.at;

    return u->nodes.count ? span_of(node_path(u, &nodes[u->nodes.count - 1])) : first_key(u);
}

static bool keep(struct tree *t, struct unit *u, struct err *err)
{
    const struct segment_raw seg = {.stream = t->stream,
                                    .seq = u->seq,
                                    .key_from = first_key(u),
                                    .key_to = last_key(u),
                                    .like = u->like};

    pthread_mutex_lock(&t->lock);
    t->unread += u->nodes.count;
    pthread_mutex_unlock(&t->lock);
    return bundle_keep(t->conf->writer, &seg, err);
}

static bool read_unit(struct tree *t, struct unit *u, unsigned worker, struct err *err)
{
    struct files_worker *w = &t->workers[worker];
    struct segment_raw seg = {.stream = t->stream, .seq = u->seq, .like = u->like};

    if (!w->tar && !tar_writer_open(&w->tar, err))
        return false;
    buf_clear(&w->out);
    if (u->nodes.count ? !files_read_entries(t, w, u, &seg.records, err)
                       : !files_read_piece(t, w, u, err))
        return false;
    seg.bytes = buf_view(&w->out);
    seg.key_from = first_key(u);
    seg.key_to = last_key(u);
    return bundle_segment(t->conf->writer, &seg, err);
}

/* Takes the unit. */
static bool run_unit(struct tree *t, struct unit *u, unsigned worker, struct err *err)
{
    uint64_t bytes = u->bytes;
    bool ok = u->same ? keep(t, u, err) : read_unit(t, u, worker, err);

    if (ok)
        ok = files_catalog_add(t, u, err);
    else
        unit_free(t, u);
    if (ok) {
        progress_add(t->conf->progress, bytes);
        return true;
    }
    pthread_mutex_lock(&t->lock);
    if (!atomic_load(&t->failed))
        t->why = *err;
    atomic_store(&t->failed, true);
    pthread_cond_broadcast(&t->moved);
    pthread_mutex_unlock(&t->lock);
    return false;
}

/* ---- the queue -------------------------------------------------------------------------------*/

static struct unit *take_waiting(struct tree *t)
{
    pthread_mutex_lock(&t->lock);
    struct unit *u = t->waiting;
    if (u) {
        t->waiting = u->next;
        t->waiting_count--;
        if (!t->waiting)
            t->waiting_end = &t->waiting;
        u->next = NULL;
    }
    pthread_mutex_unlock(&t->lock);
    return u;
}

static bool help(void *ctx, void *arg, unsigned worker, struct err *err)
{
    struct tree *t = ctx;
    struct unit *u = NULL;
    bool ok = true;

    (void)arg;
    while (ok && !atomic_load(&t->failed) && cmd_stop_check(err) && (u = take_waiting(t)))
        ok = run_unit(t, u, worker, err);
    pthread_mutex_lock(&t->lock);
    t->helpers--;
    pthread_mutex_unlock(&t->lock);
    return ok && cmd_stop_check(err);
}

static bool ask_for_help(struct tree *t, struct err *err)
{
    const struct task task = {.run = help, .ctx = t, .name = t->env->name};

    pthread_mutex_lock(&t->lock);
    bool more = t->helpers + 1 < t->conf->jobs;
    t->helpers += more;
    pthread_mutex_unlock(&t->lock);
    return !more || sched_add(t->sched, &task, NULL, 0, NULL, err);
}

static void wait_in_line(struct tree *t, struct unit *u)
{
    pthread_mutex_lock(&t->lock);
    *t->waiting_end = u;
    t->waiting_end = &u->next;
    t->waiting_count++;
    pthread_mutex_unlock(&t->lock);
}

/* Whoever comes first, the reason is that of the unit that failed. */
static bool go_on(struct tree *t, struct err *err)
{
    if (!atomic_load(&t->failed))
        return cmd_stop_check(err);
    pthread_mutex_lock(&t->lock);
    err_pass(err, &t->why);
    pthread_mutex_unlock(&t->lock);
    return false;
}

/* Under the lock: nothing to do but to wait for the others. */
static void wait_for_room(struct tree *t)
{
    pthread_mutex_lock(&t->lock);
    while (files_catalog_crowded(t) && !t->waiting_count && !atomic_load(&t->failed))
        pthread_cond_wait(&t->moved, &t->lock);
    pthread_mutex_unlock(&t->lock);
}

static bool has_room(struct tree *t)
{
    pthread_mutex_lock(&t->lock);
    bool room = t->waiting_count <= WAITING_PER_JOB * t->conf->jobs && !files_catalog_crowded(t);
    pthread_mutex_unlock(&t->lock);
    return room;
}

static bool make_room(struct tree *t, struct err *err)
{
    while (!has_room(t)) {
        struct unit *oldest = take_waiting(t);

        if (oldest && !run_unit(t, oldest, t->walk.worker, err))
            return false;
        if (!oldest)
            wait_for_room(t);
        if (!go_on(t, err))
            return false;
    }
    return true;
}

bool files_run(struct tree *t, struct unit *u, struct err *err)
{
    if (!t->sched) { /* only counted */
        unit_free(t, u);
        return true;
    }
    if (!go_on(t, err)) {
        unit_free(t, u);
        return false;
    }
    if (u->same)
        return run_unit(t, u, t->walk.worker, err) && make_room(t, err);
    wait_in_line(t, u);
    return ask_for_help(t, err) && make_room(t, err);
}

bool files_run_rest(struct tree *t, struct err *err)
{
    struct unit *u = NULL;

    while (go_on(t, err) && (u = take_waiting(t)))
        if (!run_unit(t, u, t->walk.worker, err))
            return false;
    return !u && go_on(t, err);
}
