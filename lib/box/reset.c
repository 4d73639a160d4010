/* The pristine state: kept after a restore, brought back by a reset.
 *
 * A copy is built beside and takes its place by renames, so a crash leaves the old or the new, and
 * box.json says how far it was:
 *   saving               pristine.new is being built: thrown away
 *   resetting            reset.new is being built: built again
 *   resetting, "swap"    reset.new is whole: the renames go on
 */
#include "lib/box/local.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/sched.h"

#define PRISTINE     "pristine"
#define PRISTINE_NEW "pristine.new"
#define PRISTINE_OLD "pristine.old"
#define RESET_NEW    "reset.new"
#define RESET_OLD    "reset.old"

/* One thing that a reset brings back: where it lives, and its name in pristine/. */
struct part {
    char *live, *name;
};

static inline void auto_part(struct part *p)
{
    free(p->live);
    free(p->name);
}

/* Part 0 is the files, the others are the servers' data. */
static bool part_at(const struct local *l, size_t i, struct part *out, struct err *err)
{
    if (i == 0) {
        out->live = local_path(l, "files");
        out->name = strdup("files");
    } else {
        const char *server = entry_str(json_array_get(local_servers(l), i - 1), "name");
        AUTO(free) char *dir = local_path(l, server);
        out->live = dir ? path_join(dir, "data") : NULL;
        out->name = strdup(server);
    }
    return (out->live && out->name) || err_memory(err);
}

static size_t part_count(const struct local *l)
{
    return 1 + json_array_size(local_servers(l));
}

static bool remove_dir(const struct local *l, const char *name, struct err *err)
{
    AUTO(free) char *path = local_path(l, name);
    return path ? dir_remove(path, err) : err_memory(err);
}

static bool move(const char *from, const char *to, struct err *err)
{
    return rename(from, to) == 0 || err_sys(err, ERR_IO, "cannot rename '%s'", from);
}

static bool move_dir(const struct local *l, const char *from, const char *to, struct err *err)
{
    AUTO(free) char *a = local_path(l, from);
    AUTO(free) char *b = local_path(l, to);

    return a && b ? move(a, b, err) : err_memory(err);
}

static bool has(const struct local *l, const char *name)
{
    AUTO(free) char *path = local_path(l, name);
    return path && path_exists(path);
}

/* Removes what an earlier try left and makes it empty. */
static bool fresh_dir(const struct local *l, const char *name, struct err *err)
{
    AUTO(free) char *path = local_path(l, name);

    if (!path)
        return err_memory(err);
    return dir_remove(path, err) && dir_make(path, 0711, err);
}

/* ---- saving ---------------------------------------------------------------------------------------*/

static bool copy_out(const struct local *l, const char *into, struct err *err)
{
    AUTO(free) char *dir = local_path(l, into);

    for (size_t i = 0; i < part_count(l); i++) {
        AUTO(part) struct part p = {0};
        if (!dir || !part_at(l, i, &p, err))
            return err_memory(err);
        AUTO(free) char *to = path_join(dir, p.name);
        if (!to)
            return err_memory(err);
        if (!copy_tree(p.live, to, jobs_or_cores(0), err))
            return false;
    }
    return true;
}

static bool put_pristine(const struct local *l, struct err *err)
{
    return (!has(l, PRISTINE) || move_dir(l, PRISTINE, PRISTINE_OLD, err)) &&
           move_dir(l, PRISTINE_NEW, PRISTINE, err) && remove_dir(l, PRISTINE_OLD, err);
}

/* Back to the state before a save that did not end. */
static bool undo_save(struct local *l, struct err *err)
{
    if (!has(l, PRISTINE) && has(l, PRISTINE_OLD) && !move_dir(l, PRISTINE_OLD, PRISTINE, err))
        return false;
    return remove_dir(l, PRISTINE_NEW, err) && remove_dir(l, PRISTINE_OLD, err);
}

bool reset_save(struct local *l, struct err *err)
{
    AUTO(free) char *held = strdup(local_state(l));

    if (!held)
        return err_memory(err);
    if (!entry_set_str(l->state, "held", held, err) || !local_set(l, "saving", NULL, err))
        return false;
    if (fresh_dir(l, PRISTINE_NEW, err) && remove_dir(l, PRISTINE_OLD, err) &&
        copy_out(l, PRISTINE_NEW, err) && put_pristine(l, err))
        return local_set(l, held, NULL, err);
    struct err ignored = {0};
    if (undo_save(l, &ignored))
        local_set(l, held, NULL, &ignored);
    return err_add(err, "cannot keep the pristine state");
}

/* ---- going back -----------------------------------------------------------------------------------*/

static bool copy_in(const struct local *l, struct err *err)
{
    AUTO(free) char *from = local_path(l, PRISTINE);
    AUTO(free) char *to = local_path(l, RESET_NEW);

    for (size_t i = 0; i < part_count(l); i++) {
        AUTO(part) struct part p = {0};
        if (!from || !to || !part_at(l, i, &p, err))
            return err_memory(err);
        AUTO(free) char *a = path_join(from, p.name);
        AUTO(free) char *b = path_join(to, p.name);
        if (!a || !b)
            return err_memory(err);
        if (!copy_tree(a, b, jobs_or_cores(0), err))
            return false;
    }
    return true;
}

/* Each part on its own; done before, it is not there any more and is passed over. */
static bool swap_parts(const struct local *l, struct err *err)
{
    AUTO(free) char *fresh = local_path(l, RESET_NEW);
    AUTO(free) char *old = local_path(l, RESET_OLD);

    for (size_t i = 0; i < part_count(l); i++) {
        AUTO(part) struct part p = {0};
        if (!fresh || !old || !part_at(l, i, &p, err))
            return err_memory(err);
        AUTO(free) char *a = path_join(fresh, p.name);
        AUTO(free) char *b = path_join(old, p.name);
        if (!a || !b)
            return err_memory(err);
        if (!path_exists(a))
            continue;
        if ((path_exists(p.live) && !move(p.live, b, err)) || !move(a, p.live, err))
            return false;
    }
    return true;
}

/* What it speaks of is undone with the swap. */
static bool forget_ledger(const struct local *l, struct err *err)
{
    AUTO(free) char *path = local_path(l, BOX_LEDGER);

    if (!path)
        return err_memory(err);
    return unlink(path) == 0 || errno == ENOENT || err_sys(err, ERR_IO, "cannot remove '%s'", path);
}

static bool finish_swap(struct local *l, struct err *err)
{
    if (!swap_parts(l, err) || !forget_ledger(l, err))
        return false;
    json_object_del(l->state, "step");
    return local_set(l, "ready", NULL, err) && remove_dir(l, RESET_OLD, err) &&
           remove_dir(l, RESET_NEW, err);
}

bool reset_back(struct local *l, struct err *err)
{
    if (!has(l, PRISTINE)) {
        err_set(err, ERR_MISSING, "the box '%s' has no pristine state to go back to", l->box.where);
        return err_hint(err, "restore it again without --no-pristine");
    }
    if (!local_set(l, "resetting", NULL, err))
        return false;
    if (!fresh_dir(l, RESET_OLD, err) || !fresh_dir(l, RESET_NEW, err) || !copy_in(l, err)) {
        struct err ignored = {0}; /* nothing of the present state is touched yet */
        if (remove_dir(l, RESET_NEW, &ignored) && remove_dir(l, RESET_OLD, &ignored))
            local_set(l, "ready", NULL, &ignored);
        return err_add(err, "cannot reset");
    }
    return entry_set_str(l->state, "step", "swap", err) && local_save(l, err) &&
           finish_swap(l, err);
}

bool reset_recover(struct local *l, struct err *err)
{
    const char *state = local_state(l);

    if (strcmp(state, "saving") == 0)
        return undo_save(l, err) && local_set(l, "ready", NULL, err); /* else: state.c's part */
    if (strcmp(state, "resetting") != 0)
        return true;
    if (strcmp(entry_str(l->state, "step"), "swap") == 0)
        return finish_swap(l, err);
    return reset_back(l, err);
}
