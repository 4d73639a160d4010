/* What the box held before: moved into before/ inside the box while a restore replaces it.
 *
 * The folder's name tells how far a crash let it come; box.json is moved last:
 *   before.new without box.json   on the way in: moved back
 *   before.new with box.json      all in: renamed to before
 *   before                        all in; what stands beside it is the new box
 *   before.back                   on the way back, nothing of the new box is left: the rest is moved
 */
#include "lib/box/local.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fd.h"

#define BEFORE      "before"
#define BEFORE_NEW  "before.new"
#define BEFORE_BACK "before.back"
#define LOCK        "box.lock"

/* All that a box is made of; "box.json" and the lock apart. */
static const char *const box_parts[] = {
    ENV_FILE,    "files", "services", "pristine", "pristine.new", "pristine.old", "reset.new",
    "reset.old", "pg.*",  "my.*",     "journal*", BOX_LEDGER "*", TORN(BOX_FILE), TORN(ENV_FILE),
};

static bool is_part(const char *name)
{
    for (size_t i = 0; i < COUNT(box_parts); i++)
        if (fnmatch(box_parts[i], name, 0) == 0)
            return true;
    return false;
}

static bool is_ours(const char *name)
{
    static const char *const others[] = {BOX_FILE, LOCK, BEFORE, BEFORE_NEW, BEFORE_BACK};

    for (size_t i = 0; i < COUNT(others); i++)
        if (strcmp(others[i], name) == 0)
            return true;
    return is_part(name);
}

static bool check_entry(void *ctx, const char *name, struct err *err)
{
    const char *where = ctx;

    if (is_ours(name))
        return true;
    err_set(err, ERR_EXISTS, "'%s/%s' is not the box's", where, name);
    return err_hint(err, "move it away: only what is the box's is replaced or removed");
}

bool aside_check(const char *where, struct err *err)
{
    return dir_each(where, check_entry, (void *)(uintptr_t)where, err);
}

/* ---- moving ---------------------------------------------------------------------------------------*/

struct move {
    const char *from, *to;
};

static bool move_name(const struct move *m, const char *name, struct err *err)
{
    AUTO(free) char *a = path_join(m->from, name);
    AUTO(free) char *b = path_join(m->to, name);

    if (!a || !b)
        return err_memory(err);
    return rename(a, b) == 0 || errno == ENOENT || err_sys(err, ERR_IO, "cannot move '%s'", a);
}

static bool move_part(void *ctx, const char *name, struct err *err)
{
    return !is_part(name) || move_name(ctx, name, err);
}

static bool move_all(const char *from, const char *to, struct err *err)
{
    struct move m = {from, to};

    return dir_each(from, move_part, &m, err) && move_name(&m, BOX_FILE, err) &&
           dir_sync(to, err) && dir_sync(from, err);
}

static bool has_box(const char *dir)
{
    AUTO(free) char *path = path_join(dir, BOX_FILE);
    return path && path_exists(path);
}

bool aside_exists(const char *where)
{
    AUTO(free) char *before = path_join(where, BEFORE);
    return before && path_exists(before);
}

bool aside_keep(const char *where, struct err *err)
{
    AUTO(free) char *fresh = path_join(where, BEFORE_NEW);
    AUTO(free) char *before = path_join(where, BEFORE);

    if (!fresh || !before)
        return err_memory(err);
    if (!dir_make(fresh, 0711, err) || !move_all(where, fresh, err))
        return false;
    return rename(fresh, before) == 0 || err_sys(err, ERR_IO, "cannot keep what the box held");
}

static bool find_more(void *ctx, const char *name, struct err *err)
{
    static const char *const edge[] = {BOX_FILE, LOCK, TORN(BOX_FILE), TORN(ENV_FILE)};
    bool *found = ctx, known = false;

    (void)err;
    for (size_t i = 0; i < COUNT(edge); i++)
        known = known || fnmatch(edge[i], name, 0) == 0;
    *found = *found || !known;
    return true;
}

bool aside_is_bare(const char *where)
{
    struct err ignored = {0};
    bool found = false;

    return state_is_ours(where) && dir_each(where, find_more, &found, &ignored) && !found;
}

/* At every moment of a move, box.json lies in one of them. */
bool aside_any(const char *where, bool (*is)(const char *dir))
{
    static const char *const inside[] = {BEFORE, BEFORE_NEW, BEFORE_BACK};
    bool found = is(where);

    for (size_t i = 0; i < COUNT(inside) && !found; i++) {
        AUTO(free) char *dir = path_join(where, inside[i]);
        found = dir && is(dir);
    }
    return found;
}

/* ---- removing -------------------------------------------------------------------------------------*/

static bool remove_part(void *ctx, const char *name, struct err *err)
{
    const char *where = ctx;
    AUTO(free) char *path = path_join(where, name);

    if (!path)
        return err_memory(err);
    return !is_part(name) || strcmp(name, ENV_FILE) == 0 || dir_remove(path, err);
}

static bool remove_file(const char *where, const char *name, struct err *err)
{
    AUTO(free) char *path = path_join(where, name);

    if (!path)
        return err_memory(err);
    return unlink(path) == 0 || errno == ENOENT || err_sys(err, ERR_IO, "cannot remove '%s'", path);
}

/* What makes it a box goes last: cut off, it can be removed again. */
bool aside_remove(const char *where, struct err *err)
{
    return dir_each(where, remove_part, (void *)(uintptr_t)where, err) &&
           remove_file(where, ENV_FILE, err) && remove_file(where, BOX_FILE, err);
}

static bool move_back(const char *where, const char *from, struct err *err)
{
    if (!move_all(from, where, err))
        return false;
    return rmdir(from) == 0 || err_sys(err, ERR_IO, "cannot remove '%s'", from);
}

bool aside_bring_back(const char *where, struct err *err)
{
    AUTO(free) char *before = path_join(where, BEFORE);
    AUTO(free) char *back = path_join(where, BEFORE_BACK);

    if (!before || !back)
        return err_memory(err);
    if (!aside_remove(where, err))
        return false;
    if (rename(before, back) != 0)
        return err_sys(err, ERR_IO, "cannot rename '%s'", before);
    return move_back(where, back, err);
}

bool aside_drop(const char *where, struct err *err)
{
    AUTO(free) char *before = path_join(where, BEFORE);
    json_t *old = NULL;
    struct err ignored = {0};

    if (!before)
        return err_memory(err);
    if (!path_exists(before))
        return true;
    if (state_read(before, &old, &ignored)) {
        servers_remove_private(json_object_get(old, "servers"));
        json_decref(old);
    }
    return dir_remove(before, err);
}

bool aside_moving(const char *where)
{
    AUTO(free) char *fresh = path_join(where, BEFORE_NEW);
    AUTO(free) char *back = path_join(where, BEFORE_BACK);

    return (fresh && path_exists(fresh)) || (back && path_exists(back));
}

bool aside_recover(const char *where, struct err *err)
{
    AUTO(free) char *fresh = path_join(where, BEFORE_NEW);
    AUTO(free) char *before = path_join(where, BEFORE);
    AUTO(free) char *back = path_join(where, BEFORE_BACK);

    if (!fresh || !before || !back)
        return err_memory(err);
    if (path_exists(back))
        return move_back(where, back, err);
    if (!path_exists(fresh))
        return true;
    if (!has_box(fresh))
        return move_back(where, fresh, err);
    return rename(fresh, before) == 0 || err_sys(err, ERR_IO, "cannot rename '%s'", fresh);
}
