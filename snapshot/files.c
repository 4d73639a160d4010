#include "snapshot/files.h"

#include "lib/base/clock.h"
#include "lib/base/json.h"

#include <fcntl.h>
#include <unistd.h>

static struct tree *tree_of(struct source *s)
{
    return (struct tree *)s;
}

bool files_leave_out(struct tree *t, const char *path, const char *why, struct err *err)
{
    json_t *where = json_bytes(span_of(path));
    json_t *what =
        where ? json_sprintf("files/%s/%s", t->env->name, json_string_value(where)) : NULL;
    json_t *note = what ? json_pack("{s:o, s:s}", "what", what, "why", why) : NULL;

    json_decref(where);
    pthread_mutex_lock(&t->lock);
    bool ok = json_array_append_new(t->left_out, note) == 0;
    pthread_mutex_unlock(&t->lock);
    return ok || err_memory(err);
}

/* ---- open and close --------------------------------------------------------------------------*/

static void workers_free(struct tree *t)
{
    for (unsigned i = 0; t->workers && i < t->conf->jobs; i++) {
        struct files_worker *w = &t->workers[i];

        beneath_done(&w->dirs);
        tar_writer_close(w->tar);
        buf_done(&w->out);
        buf_done(&w->content);
        buf_done(&w->names);
        buf_done(&w->values);
        buf_done(&w->link);
        vec_done(&w->xattrs);
        vec_done(&w->regions);
    }
    free(t->workers);
}

static void tree_free(struct tree *t)
{
    if (!t)
        return;
    workers_free(t);
    unit_free(t, t->walk.unit);
    while (t->waiting) {
        struct unit *u = t->waiting;
        t->waiting = u->next;
        unit_free(t, u);
    }
    files_catalog_done(t);
    files_old_close(t->walk.old);
    vec_done(&t->walk.twins);
    links_done(&t->links);
    json_decref(t->left_out);
    pthread_cond_destroy(&t->moved);
    pthread_mutex_destroy(&t->lock);
    if (t->root >= 0)
        close(t->root);
    free(t);
}

AUTO_PTR(tree, struct tree, tree_free)

static void files_close(struct source *s)
{
    tree_free(tree_of(s));
}

static bool make_workers(struct tree *t, struct err *err)
{
    t->workers = calloc(t->conf->jobs, sizeof(*t->workers));
    if (!t->workers)
        return err_memory(err);
    for (unsigned i = 0; i < t->conf->jobs; i++) {
        t->workers[i].dirs = BENEATH(t->root);
        t->workers[i].xattrs = (struct vec)VEC(struct tar_xattr);
        t->workers[i].regions = (struct vec)VEC(struct tar_region);
    }
    return true;
}

static bool declare(struct tree *t, struct err *err)
{
    AUTO(free) char *name = stream_name("files", NULL, t->env->name);
    AUTO(json) json_t *path = json_bytes(span_of(t->env->path));
    AUTO(json) json_t *meta = json_pack("{s:O}", "path", path);

    if (!name || !meta)
        return err_memory(err);
    t->parent = bundle_parent_stream(t->conf->writer, name);
    return bundle_stream(t->conf->writer, STREAM_TAR, name, meta, &t->stream, err);
}

static bool files_open(const struct source_conf *conf, unsigned index, struct source **out,
                       struct err *err)
{
    AUTO(tree) struct tree *t = calloc(1, sizeof(*t));

    if (!t)
        return err_memory(err);
    t->base.ops = &source_files;
    t->conf = conf;
    t->env = &conf->env->files[index];
    t->root = -1;
    t->waiting_end = &t->waiting;
    t->left_out = json_array();
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->moved, NULL);
    if (!t->left_out)
        return err_memory(err);
    t->root = open(t->env->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (t->root < 0) {
        err_sys(err, ERR_IO, "cannot open file tree '%s' at '%s'", t->env->name, t->env->path);
        return err_hint(err, "see 'files' in the environment file");
    }
    if (!make_workers(t, err) || !declare(t, err))
        return false;
    struct tree *made = TAKE(t);
    *out = &made->base;
    return true;
}

/* ---- tasks -----------------------------------------------------------------------------------*/

static bool walk(void *ctx, void *arg, unsigned worker, struct err *err)
{
    (void)arg;
    return files_walk(ctx, worker, err);
}

/* How much it is, is known when it is done; about as much as last time is the best guess. A dry run
 * walks at once, and nobody reads what it finds. */
static bool files_plan(struct source *s, struct sched *sched, struct err *err)
{
    struct tree *t = tree_of(s);
    struct task task = {.run = walk, .ctx = t, .name = t->env->name};

    if (t->conf->dry_run && !files_walk(t, 0, err))
        return false;
    t->sched = sched;
    task.cost = t->conf->dry_run ? t->bytes : t->parent ? t->parent->raw_bytes : 0;
    return sched_add(sched, &task, NULL, 0, NULL, err);
}

/* ---- finish ----------------------------------------------------------------------------------*/

static bool say_excluded(struct tree *t, struct err *err)
{
    for (unsigned i = 0; i < t->env->exclude.count; i++)
        if (!files_leave_out(t, t->env->exclude.at[i], "excluded by the environment file", err))
            return false;
    return true;
}

static bool files_finish(struct source *s, struct err *err)
{
    struct tree *t = tree_of(s);
    char at[ISO_TIME];

    if (!say_excluded(t, err) || !files_catalog_end(t, err))
        return false;
    json_t *path = json_bytes(span_of(t->env->path));
    json_t *facts = json_pack("{s:{s:{s:o, s:s, s:I, s:I, s:I}}, s:O}", "trees", t->env->name,
                              "path", path, "started", clock_iso(t->started_ns, at), "entries",
                              (json_int_t)t->entries, "unread", (json_int_t)t->unread,
                              "content_bytes", (json_int_t)t->bytes, "left_out", t->left_out);
    return facts ? bundle_component(t->conf->writer, "files", facts, err) : err_memory(err);
}

const struct source_ops source_files = {
    .name = "files",
    .open = files_open,
    .plan = files_plan,
    .finish = files_finish,
    .close = files_close,
};
