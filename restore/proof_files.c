/* A box's tree of files against the bundle: segment by segment, then what is there besides. */
#include "restore/proof_files.h"

#include "lib/base/cmd.h"
#include "lib/base/fd.h"
#include "lib/base/json.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>

static void tree_close(struct proof_part *p)
{
    struct tree_proof *t = TAKE(p->own);

    for (unsigned i = 0; t->dirs && i < t->workers; i++)
        beneath_done(&t->dirs[i]);
    free(t->dirs);
    for (size_t i = 0; i < t->group_count; i++) {
        free(t->groups[i].big);
        vec_done(&t->groups[i].regions);
    }
    free(t->groups);
    free(t->pieces);
    vec_done(&t->names);
    vec_done(&t->rewritten);
    if (t->root >= 0)
        close(t->root);
    free(t->dir);
    free(t);
}

/* ---- names -------------------------------------------------------------------------------------*/

static struct tree_name name_of(struct span path)
{
    struct digest d = hash_of(path);
    struct tree_name n;

    memcpy(&n.a, d.at, sizeof(n.a));
    memcpy(&n.b, d.at + sizeof(n.a), sizeof(n.b));
    return n;
}

static int by_hash(const void *x, const void *y)
{
    const struct tree_name *a = x, *b = y;

    if (a->a != b->a)
        return a->a < b->a ? -1 : 1;
    return a->b < b->b ? -1 : a->b > b->b;
}

static bool keep_name(struct tree_proof *t, const char *path, struct err *err)
{
    struct tree_name n = name_of(span_of(path));

    pthread_mutex_lock(&t->part->lock);
    struct tree_name *to = vec_add(&t->names, err);
    if (to)
        *to = n;
    pthread_mutex_unlock(&t->part->lock);
    return to != NULL;
}

/* ---- tasks -------------------------------------------------------------------------------------*/

static bool compare_entries(struct tree_proof *t, struct tree_group *g, unsigned worker,
                            struct tar_reader *tar, struct err *err)
{
    struct tar_entry e;
    bool more = true;

    for (uint64_t i = 0; i < g->head->records; i++) {
        bool big = g->pieces && i + 1 == g->head->records;

        if (!cmd_stop_check(err) || !tar_next(tar, &e, &more, err))
            return false;
        if (!more)
            return err_set(err, ERR_DAMAGED, "a segment has fewer entries than the index says");
        if (!keep_name(t, e.path, err) || !entry_compare(t, worker, tar, &e, big ? g : NULL, err))
            return false;
        t->part->records++;
    }
    return true;
}

static void done_with(struct tree_proof *t, const struct segment *seg)
{
    t->part->bytes += seg->raw_bytes;
    progress_add(t->part->progress, seg->raw_bytes);
}

static bool run_group(void *ctx, void *arg, unsigned worker, struct err *err)
{
    struct tree_proof *t = ctx;
    struct tree_group *g = arg;
    AUTO(buf) struct buf raw = {0};
    AUTO(tar_reader) struct tar_reader *tar = NULL;

    if (!bundle_read(t->part->conf->bundle, g->head, &raw, err) ||
        !tar_reader_open(buf_view(&raw), &tar, err) || !compare_entries(t, g, worker, tar, err))
        return err_add(err, "cannot verify '%s'", t->part->component);
    done_with(t, g->head);
    return true;
}

static bool compare_piece(const struct tree_piece *p, int fd, struct span raw, bool *differs,
                          struct err *err)
{
    const struct tree_group *g = p->group;
    const struct tar_region *r = g->regions.at;
    uint64_t skip = p->offset, left = p->offset < g->stored ? g->stored - p->offset : 0;

    if (left > raw.len)
        left = raw.len;
    for (size_t i = 0; i < g->regions.count && left && !*differs; i++) {
        if (skip >= r[i].len) {
            skip -= r[i].len;
            continue;
        }
        size_t len = (size_t)(r[i].len - skip < left ? r[i].len - skip : left);
        struct content c = {.fd = fd, .at = r[i].offset + skip};
        if (!content_compare(&c, (struct span){raw.at, len}, c.at, err))
            return false;
        *differs = c.differs;
        raw.at += len;
        left -= len;
        skip = 0;
    }
    return true;
}

static bool check_piece(struct tree_proof *t, const struct tree_piece *p, unsigned worker,
                        struct span raw, struct err *err)
{
    char name[NAME_MAX + 1];
    bool differs = false;
    int dir = -1;

    if (!entry_find(t, worker, p->group->big, &dir, name, err))
        return false;
    AUTO(fd) int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return err_sys(err, ERR_IO, "cannot open it");
    if (!compare_piece(p, fd, raw, &differs, err))
        return false;
    pthread_mutex_lock(&t->part->lock);
    bool first = differs && !p->group->noted;
    p->group->noted |= differs;
    pthread_mutex_unlock(&t->part->lock);
    return !first || entry_content_differs(t, p->group->big, fd, err);
}

static bool run_piece(void *ctx, void *arg, unsigned worker, struct err *err)
{
    struct tree_proof *t = ctx;
    const struct tree_piece *p = arg;
    AUTO(buf) struct buf raw = {0};

    if (p->group->big && (!bundle_read(t->part->conf->bundle, p->segment, &raw, err) ||
                          !check_piece(t, p, worker, buf_view(&raw), err)))
        return err_add(err, "cannot verify '%s'", p->group->big);
    done_with(t, p->segment);
    return true;
}

/* ---- what is there besides ---------------------------------------------------------------------*/

struct walk {
    struct tree_proof *tree;
    struct beneath *dirs;
    struct vec pending; /* char *: directories */
};

static bool push(struct walk *w, char *path, struct err *err)
{
    char **at = path ? vec_add(&w->pending, err) : NULL;

    if (!at) {
        free(path);
        return err_memory(err);
    }
    *at = path;
    return true;
}

static bool look_at(struct walk *w, int dir, const char *parent, const char *name, struct err *err)
{
    const struct vec *names = &w->tree->names;
    AUTO(free) char *path = strcmp(parent, ".") == 0 ? strdup(name) : path_join(parent, name);
    struct stat st;

    if (!path)
        return err_memory(err);
    struct tree_name n = name_of(span_of(path));
    if (!names->count || !bsearch(&n, names->at, names->count, sizeof(n), by_hash))
        return proof_note_kind(w->tree->part, "file", span_of(path), "extra", err);
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
        return push(w, TAKE(path), err);
    return true;
}

static bool walk_dir(struct walk *w, const char *path, struct err *err)
{
    const struct dirent *d;
    int fd = -1;
    struct err why = {0};

    if (!beneath_dir(w->dirs, span_of(path), false, &fd, &why))
        return why.code == ERR_MISSING || err_pass(err, &why);
    int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = own >= 0 ? fdopendir(own) : NULL;
    if (!dir) {
        err_sys(err, ERR_IO, "cannot read directory '%s'", path);
        if (own >= 0)
            close(own);
        return false;
    }
    bool ok = true;
    while (ok && (d = readdir(dir)))
        if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
            ok = look_at(w, dirfd(dir), path, d->d_name, err);
    closedir(dir);
    return ok;
}

static bool run_besides(void *ctx, void *arg, unsigned worker, struct err *err)
{
    struct tree_proof *t = ctx;
    struct walk w = {.tree = t, .dirs = &t->dirs[worker], .pending = VEC(char *)};

    (void)arg;
    if (t->names.count)
        qsort(t->names.at, t->names.count, sizeof(struct tree_name), by_hash);
    bool ok = push(&w, strdup("."), err);
    while (ok && w.pending.count) {
        AUTO(free) char *path = ((char **)w.pending.at)[--w.pending.count];
        ok = cmd_stop_check(err) && walk_dir(&w, path, err);
    }
    for (size_t i = 0; i < w.pending.count; i++)
        free(((char **)w.pending.at)[i]);
    vec_done(&w.pending);
    return ok || err_add(err, "cannot verify '%s'", t->part->component);
}

/* ---- planning ----------------------------------------------------------------------------------*/

/* A segment in which no entry begins carries on with the last entry before it. */
static bool build_groups(struct tree_proof *t, struct err *err)
{
    const struct segment *segs = t->stream->segments;
    size_t count = t->stream->segment_count;
    uint64_t offset = 0;

    t->groups = calloc(count + 1, sizeof(*t->groups));
    t->pieces = calloc(count + 1, sizeof(*t->pieces));
    if (!t->groups || !t->pieces)
        return err_memory(err);
    for (size_t i = 0; i < count; i++) {
        if (segs[i].records) {
            t->groups[t->group_count++] =
                (struct tree_group){.head = &segs[i], .regions = VEC(struct tar_region)};
            offset = 0;
            continue;
        }
        if (!t->group_count)
            return err_set(err, ERR_DAMAGED, "'%s' begins in the middle of a file",
                           t->stream->name);
        struct tree_group *g = &t->groups[t->group_count - 1];
        t->pieces[t->piece_count++] = (struct tree_piece){g, &segs[i], offset};
        offset += segs[i].raw_bytes;
        g->pieces++;
    }
    return true;
}

static bool add_task(struct tree_proof *t, struct sched *sched, void *arg, uint64_t cost,
                     const task_id *after, task_id *id, struct err *err)
{
    struct task task = {.run = after ? run_piece : run_group,
                        .ctx = t,
                        .arg = arg,
                        .cost = cost,
                        .name = t->part->component};

    return sched_add(sched, &task, after, after ? 1 : 0, id, err);
}

static bool add_tasks(struct tree_proof *t, struct sched *sched, struct vec *heads, struct err *err)
{
    size_t next = 0;

    for (size_t i = 0; i < t->group_count; i++) {
        struct tree_group *g = &t->groups[i];
        task_id *id = vec_add(heads, err);

        if (!id || !add_task(t, sched, g, g->head->raw_bytes, NULL, id, err))
            return false;
        for (size_t j = 0; j < g->pieces; j++, next++)
            if (!add_task(t, sched, &t->pieces[next], t->pieces[next].segment->raw_bytes, id, NULL,
                          err))
                return false;
    }
    struct task task = {.run = run_besides, .ctx = t, .cost = 1, .name = t->part->component};
    return sched_add(sched, &task, heads->at, heads->count, NULL, err);
}

/* The files that the environment's rules change, as they are now. */
static bool find_rewritten(struct tree_proof *t, struct err *err)
{
    const struct env *env = t->part->conf->place.box->env;
    size_t len = strlen(t->part->name);

    for (unsigned i = 0; i < env->rewrite_count; i++) {
        const char *file = env->rewrite[i].file;
        struct stat st;
        if (strncmp(file, t->part->name, len) != 0 || file[len] != '/' ||
            fstatat(t->root, file + len + 1, &st, 0) != 0)
            continue;
        struct stat *to = vec_add(&t->rewritten, err);
        if (!to)
            return false;
        *to = st;
    }
    return true;
}

static bool open_tree(struct tree_proof *t, struct err *err)
{
    const struct proof_conf *conf = t->part->conf;

    t->stream = bundle_find(conf->bundle, t->part->component);
    if (!t->stream || t->stream->kind != STREAM_TAR)
        return err_set(err, ERR_MISSING, "the bundle has no file tree '%s'", t->part->component);
    t->dir = box_files(conf->place.box, t->part->name);
    if (!t->dir)
        return err_memory(err);
    t->root = open(t->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (t->root < 0)
        return err_sys(err, ERR_IO, "cannot open '%s'", t->dir);
    t->dirs = calloc(t->workers, sizeof(*t->dirs));
    if (!t->dirs)
        return err_memory(err);
    for (unsigned i = 0; i < t->workers; i++)
        t->dirs[i] = BENEATH(t->root);
    return true;
}

static bool tree_plan(struct proof_part *p, struct sched *sched, struct err *err)
{
    struct tree_proof *t = calloc(1, sizeof(*t));
    struct vec heads = VEC(task_id);

    if (!t)
        return err_memory(err);
    p->own = t;
    *t = (struct tree_proof){.part = p,
                             .root = -1,
                             .as_root = geteuid() == 0,
                             .workers = sched_jobs(sched),
                             .names = VEC(struct tree_name),
                             .rewritten = VEC(struct stat)};
    bool ok = open_tree(t, err) && build_groups(t, err) && find_rewritten(t, err) &&
              add_tasks(t, sched, &heads, err);
    vec_done(&heads);
    return ok;
}

const struct proof_ops proof_files = {.plan = tree_plan, .close = tree_close};
