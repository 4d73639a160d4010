/* The local driver: a box is a directory on this host. */
#include "lib/box/local.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"

#define ENV_MAX ((size_t)1 << 20)

static void local_close(struct box *b)
{
    struct local *l = (struct local *)b;

    if (!l)
        return;
    if (l->lock >= 0)
        close(l->lock);
    json_decref(l->state);
    env_free(b->env);
    free(b->where);
    free(l);
}

static inline void auto_local(struct local **l)
{
    local_close((struct box *)*l);
}

static struct local *local_new(char *where)
{
    struct local *l = calloc(1, sizeof(*l));

    if (l)
        *l = (struct local){.box = {.ops = &box_local, .where = where}, .lock = -1};
    else
        free(where);
    return l;
}

/* ---- refusing -------------------------------------------------------------------------------------*/

static bool is_below(const char *path, const char *dir)
{
    size_t len = strlen(dir);

    while (len > 1 && dir[len - 1] == '/')
        len--;
    return strncmp(path, dir, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

/* What the environment itself is made of must never become the box, nor hold it. */
static bool check_apart(const char *where, const struct env *env, struct err *err)
{
    for (unsigned i = 0; i < env->files_count; i++) {
        AUTO(free) char *real = realpath(env->files[i].path, NULL);
        if (real && (is_below(where, real) || is_below(real, where))) {
            err_set(err, ERR_CONFIG, "the box '%s' and the environment's files '%s' overlap", where,
                    env->files[i].path);
            return err_hint(err, "choose another directory for the box");
        }
    }
    for (unsigned i = 0; i < env->databases_count; i++) {
        const struct env_database *db = &env->databases[i];
        const char *path = db->socket ? db->socket : db->host;
        AUTO(free) char *real = path && *path == '/' ? realpath(path, NULL) : NULL;
        if (real && is_below(real, where)) {
            err_set(err, ERR_CONFIG, "the environment's database '%s' lies in the box '%s'",
                    db->name, where);
            return err_hint(err, "choose another directory for the box");
        }
    }
    return true;
}

static bool refuse_entry(void *ctx, const char *name, struct err *err)
{
    const char *where = ctx;

    if (strcmp(name, "box.lock") == 0 || fnmatch(TORN(BOX_FILE), name, 0) == 0)
        return true; /* a restore that was cut off right at its beginning */
    err_set(err, ERR_EXISTS, "'%s' is not empty and not a box", where);
    return err_hint(err, "choose an empty or a new directory");
}

/* ---- making room ----------------------------------------------------------------------------------*/

static bool local_open(const char *where, struct box **out, struct err *err);

/* Stops and keeps aside the box that is there; the lock comes and goes with *lock. */
static bool keep_old(const char *where, int *lock, struct err *err)
{
    struct box *old = NULL;

    if (!local_open(where, &old, err))
        return err_add(err, "cannot replace the box '%s'", where);
    struct local *l = local_of(old);
    l->lock = *lock;
    bool ok = services_down(l, err) && servers_down(l, err) &&
              (strcmp(local_state(l), "running") != 0 || local_set(l, "ready", NULL, err));
    sweep(l);
    l->lock = -1;
    box_close(old);
    return ok && aside_keep(where, err);
}

static bool has_file(const char *where, const char *name)
{
    AUTO(free) char *path = path_join(where, name);
    return path && path_exists(path);
}

/* A replacing restore that was cut off left two boxes: what it had built is no box yet. */
static bool settle_old(const char *where, struct err *err)
{
    AUTO(json) json_t *state = NULL;
    struct err ignored = {0};
    bool stands = false;

    if (!aside_recover(where, err))
        return false;
    if (!aside_exists(where))
        return !aside_is_bare(where) || aside_remove(where, err);
    if (state_read(where, &state, &ignored)) {
        const char *word = entry_str(state, "state");
        stands = strcmp(word, "ready") == 0 || strcmp(word, "running") == 0;
        if (!stands)
            servers_remove_private(json_object_get(state, "servers"));
    }
    return stands ? aside_drop(where, err) : aside_bring_back(where, err);
}

static bool stop_half(const char *where, struct err *err)
{
    struct box *half = NULL;
    struct err ignored = {0};

    if (!aside_exists(where) || !local_open(where, &half, &ignored))
        return true;
    struct local *l = local_of(half);
    bool ok = services_down(l, err) && servers_down(l, err);
    sweep(l);
    box_close(half);
    return ok;
}

static bool make_room(const char *where, bool force, int *lock, struct err *err)
{
    if (!box_is(where)) {
        return dir_each(where, refuse_entry, (void *)(uintptr_t)where, err) &&
               lock_take(where, lock, err);
    }
    if (!force) {
        err_set(err, ERR_EXISTS, "there is a box in '%s' already", where);
        return err_hint(err, "--replace puts a new one in its place, box destroy removes it");
    }
    AUTO(json) json_t *state = NULL;
    if (!aside_check(where, err) ||
        (!aside_any(where, state_is_ours) && !state_read(where, &state, err)) ||
        !lock_take(where, lock, err) || !stop_half(where, err) || !settle_old(where, err))
        return false;
    return keep_old(where, lock, err);
}

/* ---- making ---------------------------------------------------------------------------------------*/

static bool new_state(struct local *l, struct err *err)
{
    unsigned char bytes[16];
    char id[2 * sizeof(bytes) + 1], now[ISO_TIME];

    if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
        return err_sys(err, ERR_IO, "cannot draw an identity");
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(id + 2 * i, 3, "%02x", bytes[i]);
    l->state = json_pack("{s:s, s:s, s:[], s:[]}", "rehearse_box", "1", "kind", "local", "servers",
                         "services");
    if (!l->state)
        return err_memory(err);
    return entry_set_str(l->state, "id", id, err) &&
           entry_set_str(l->state, "name", l->box.env->name, err) &&
           entry_set_str(l->state, "created", clock_iso(clock_wall_ns(), now), err) &&
           entry_set_str(l->state, "environment", l->box.env->path, err) &&
           local_set(l, "new", NULL, err);
}

static bool save_env(const struct local *l, struct err *err)
{
    AUTO(free) char *path = local_path(l, ENV_FILE);

    return path ? file_replace(path, span_of(l->box.env->text), 0600, err) : err_memory(err);
}

/* Production's trees may be kept from others by the folder above them; here files/ does that. */
static bool make_dirs(const struct local *l, struct err *err)
{
    const struct env *env = l->box.env;
    AUTO(free) char *files = local_path(l, "files");
    AUTO(free) char *services = local_path(l, "services");
    const char *user = env->services_count ? user_of_service(&env->services[0]) : NULL;
    mode_t mode = geteuid() == 0 ? 0710 : 0700;
    uid_t uid;
    gid_t gid;

    if (!files || !services)
        return err_memory(err);
    for (unsigned i = 1; i < env->services_count; i++)
        if (env->services[i].user || env->services[0].user)
            mode = 0711;
    return user_ids(user, &uid, &gid, err) && user_dir(files, NULL, gid, mode, err) &&
           user_dir(services, NULL, (gid_t)-1, 0700, err);
}

static bool build(struct local *l, const struct env *env, struct err *err)
{
    if (!env_parse(span_of(env->text), env->path, &l->box.env, err) || !new_state(l, err))
        return false;
    return save_env(l, err) && make_dirs(l, err) && services_create(l, err) &&
           servers_create(l, err) && local_save(l, err);
}

/* Leaves the directory as it was found. */
static void unbuild(struct local *l, bool made)
{
    struct err ignored = {0};

    if (l->state) {
        servers_remove_private(local_servers(l));
        sweep(l);
    }
    if (aside_exists(l->box.where))
        aside_bring_back(l->box.where, &ignored);
    else
        aside_remove(l->box.where, &ignored);
    AUTO(free) char *lock = local_path(l, "box.lock");
    if (lock && !box_is(l->box.where))
        unlink(lock);
    if (made)
        rmdir(l->box.where);
}

static bool local_create(const char *where, const struct env *env, bool force, struct box **out,
                         struct err *err)
{
    AUTO(local) struct local *l = NULL;
    bool made = !path_exists(where);
    struct stat st;

    if (made && (!dir_make(where, 0711, err) || chmod(where, 0711) != 0))
        return err_sys(err, ERR_IO, "cannot make the box '%s'", where);
    if (stat(where, &st) != 0 || !S_ISDIR(st.st_mode))
        return err_set(err, ERR_EXISTS, "'%s' is not a directory", where);
    char *real = realpath(where, NULL);
    if (!real)
        return err_sys(err, ERR_IO, "cannot find '%s'", where);
    l = local_new(real);
    if (!l)
        return err_memory(err);
    bool ok = check_apart(l->box.where, env, err) && make_room(l->box.where, force, &l->lock, err);
    if (!ok) {
        if (made)
            rmdir(l->box.where);
        return false;
    }
    if (!build(l, env, err)) {
        unbuild(l, made);
        return err_add(err, "cannot make the box '%s'", where);
    }
    *out = (struct box *)TAKE(l);
    return true;
}

/* A crash at the beginning of a restore, or between the moves of a replacing one. Only of what is ours
 * for certain: who looks at a folder does not know what it holds. */
static bool mend(const char *where, struct err *err)
{
    AUTO(fd) int lock = -1;

    if (!aside_any(where, state_is_ours) ||
        (has_file(where, BOX_FILE) && has_file(where, ENV_FILE) && !aside_moving(where)))
        return true;
    return lock_take(where, &lock, err) && settle_old(where, err);
}

static bool local_open(const char *where, struct box **out, struct err *err)
{
    AUTO(local) struct local *l = NULL;
    AUTO(buf) struct buf text = {0};
    char *real = realpath(where, NULL);

    if (!real) {
        err_set(err, ERR_MISSING, "there is no box in '%s'", where);
        return err_hint(err, "rehearse box ls DIR shows the boxes in DIR");
    }
    l = local_new(real);
    if (!l)
        return err_memory(err);
    if (!mend(l->box.where, err) || !state_read(l->box.where, &l->state, err))
        return false;
    AUTO(free) char *path = local_path(l, ENV_FILE);
    if (!path)
        return err_memory(err);
    if (!file_read(path, ENV_MAX, &text, err)) {
        err_add(err, "cannot read the environment of the box '%s'", where);
        return err_hint(err, "restore it again with --replace");
    }
    if (!env_parse(buf_view(&text), entry_str(l->state, "environment"), &l->box.env, err))
        return err_add(err, "cannot read the environment of the box '%s'", where);
    *out = (struct box *)TAKE(l);
    return true;
}

/* ---- running --------------------------------------------------------------------------------------*/

static bool any_alive(const json_t *list)
{
    size_t i;
    json_t *entry;

    json_array_foreach(list, i, entry) if (entry_alive(entry)) return true;
    return false;
}

static bool is_state(const struct local *l, const char *word)
{
    return strcmp(local_state(l), word) == 0;
}

/* A box runs when anything of it does; one that is being restored or broken stays that. */
static bool note_running(struct local *l, struct err *err)
{
    bool up = any_alive(local_servers(l)) || any_alive(local_services(l));

    if (!is_state(l, "ready") && !is_state(l, "running"))
        return true;
    return is_state(l, up ? "running" : "ready") ||
           local_set(l, up ? "running" : "ready", NULL, err);
}

static bool check_startable(const struct local *l, enum box_load mode, struct err *err)
{
    if (is_state(l, "ready") || is_state(l, "running") || is_state(l, "restoring") ||
        (mode == BOX_LOADING && is_state(l, "new")))
        return true;
    err_set(err, ERR_FAILED, "the box '%s' is %s%s%s", l->box.where, local_state(l),
            *entry_str(l->state, "why") ? ": " : "", entry_str(l->state, "why"));
    return err_hint(err, "restore it again with --replace, or remove it with box destroy");
}

static bool local_databases(struct box *b, enum box_load mode, bool up, struct err *err)
{
    struct local *l = local_of(b);

    if (!local_lock(l, err) || (up && !check_startable(l, mode, err)))
        return false;
    /* Noted before: a crash in between is then seen as what it is. */
    if (up && is_state(l, "ready") && !local_set(l, "running", NULL, err))
        return false;
    bool ok = up ? servers_up(l, mode, err) : servers_down(l, err);
    struct err ignored = {0};
    return note_running(l, ok ? err : &ignored) && ok;
}

static bool local_services_op(struct box *b, bool up, struct err *err)
{
    struct local *l = local_of(b);

    if (!local_lock(l, err) || (up && !check_startable(l, BOX_NORMAL, err)))
        return false;
    if (up && is_state(l, "ready") && !local_set(l, "running", NULL, err))
        return false;
    bool ok = up ? services_up(l, err) : services_down(l, err);
    struct err ignored = {0};
    return note_running(l, ok ? err : &ignored) && ok;
}

static bool local_reset(struct box *b, bool save, struct err *err)
{
    struct local *l = local_of(b);

    if (!local_lock(l, err) || !services_down(l, err) || !servers_down(l, err) ||
        !note_running(l, err))
        return false;
    return save ? reset_save(l, err) : check_startable(l, BOX_NORMAL, err) && reset_back(l, err);
}

static bool local_destroy(struct box *b, bool bring_back, struct err *err)
{
    struct local *l = local_of(b);
    AUTO(free) char *lock = local_path(l, "box.lock");

    if (!lock)
        return err_memory(err);
    if (l->lock < 0 && !lock_take(b->where, &l->lock, err))
        return false;
    json_t *state = NULL;
    if (!state_read(b->where, &state, err))
        return false;
    json_decref(l->state);
    l->state = state;
    if (!aside_check(b->where, err) || !services_down(l, err) || !servers_down(l, err))
        return false;
    sweep(l);
    servers_remove_private(local_servers(l));
    if (bring_back)
        return aside_bring_back(b->where, err);
    if (!aside_drop(b->where, err) || !aside_remove(b->where, err))
        return false;
    if (unlink(lock) != 0 || (rmdir(b->where) != 0 && errno != EBUSY))
        return err_sys(err, ERR_IO, "cannot remove '%s'", b->where);
    return true;
}

const struct box_ops box_local = {
    .kind = "local",
    .create = local_create,
    .open = local_open,
    .close = local_close,
    .databases = local_databases,
    .services = local_services_op,
    .exec = local_exec,
    .reset = local_reset,
    .destroy = local_destroy,
};
