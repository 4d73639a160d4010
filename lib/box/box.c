#include "lib/box/box.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/box/local.h"

/* The kinds of boxes. A plain path is a local one. */
static const struct box_ops *driver(void)
{
    return &box_local;
}

bool box_is(const char *where)
{
    return aside_any(where, state_exists);
}

bool box_create(const char *where, const struct env *env, bool force, struct box **out,
                struct err *err)
{
    return driver()->create(where, env, force, out, err);
}

bool box_open(const char *where, struct box **out, struct err *err)
{
    return driver()->open(where, out, err);
}

void box_close(struct box *b)
{
    if (b)
        b->ops->close(b);
}

bool box_start(struct box *b, struct err *err)
{
    if (!b->ops->databases(b, BOX_NORMAL, true, err))
        return false;
    if (b->ops->services(b, true, err))
        return true;
    struct err ignored = {0};
    b->ops->databases(b, BOX_NORMAL, false, &ignored);
    return false;
}

bool box_stop(struct box *b, struct err *err)
{
    struct err mine = {0};
    bool ok = b->ops->services(b, false, err);

    if (b->ops->databases(b, BOX_NORMAL, false, ok ? err : &mine))
        return ok;
    return false;
}

bool box_check_services(struct box *b, struct err *err)
{
    return services_check(local_of(b), err);
}

bool box_save(struct box *b, struct err *err)
{
    return b->ops->reset(b, true, err);
}

bool box_reset(struct box *b, struct err *err)
{
    return b->ops->reset(b, false, err);
}

bool box_destroy(struct box *b, struct err *err)
{
    return b->ops->destroy(b, false, err);
}

bool box_bring_back(struct box *b, struct err *err)
{
    if (!aside_exists(b->where))
        return err_set(err, ERR_MISSING, "the box '%s' held nothing before", b->where);
    return b->ops->destroy(b, true, err);
}

bool box_holds_before(struct box *b)
{
    return aside_exists(b->where);
}

/* ---- state ----------------------------------------------------------------------------------------*/

static void show_entries(json_t *list)
{
    size_t i;
    json_t *entry;

    json_array_foreach(list, i, entry)
    {
        json_object_del(entry, "password");
        json_object_set_new(entry, "alive", json_boolean(entry_alive(entry)));
    }
}

static bool is_busy(struct box *b)
{
    return local_of(b)->lock < 0 && lock_is_held(b->where);
}

bool box_show(struct box *b, json_t **out, struct err *err)
{
    AUTO(json) json_t *state = NULL;

    if (!state_read(b->where, &state, err))
        return false;
    show_entries(json_object_get(state, "servers"));
    show_entries(json_object_get(state, "services"));
    if (!entry_set_str(state, "where", b->where, err) ||
        json_object_set_new(state, "holds_before", json_boolean(aside_exists(b->where))) != 0 ||
        json_object_set_new(state, "busy", json_boolean(is_busy(b))) != 0)
        return err_memory(err);
    *out = TAKE(state);
    return true;
}

/* Loading ran without fsync: from here on a power cut must not take the data any more. */
static bool sync_box(const struct box *b, struct err *err)
{
    AUTO(fd) int fd = open(b->where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return (fd >= 0 && syncfs(fd) == 0) || err_sys(err, ERR_IO, "cannot sync '%s'", b->where);
}

bool box_set_state(struct box *b, const char *state, const char *bundle_digest, struct err *err)
{
    struct local *l = local_of(b);
    bool ready = strcmp(state, "ready") == 0;

    if (!local_lock(l, err) || (ready && !sync_box(b, err)))
        return false;
    if (bundle_digest && !entry_set_str(l->state, "bundle", bundle_digest, err))
        return false;
    return local_set(l, state, NULL, err) && (!ready || aside_drop(b->where, err));
}

bool box_set_restore(struct box *b, json_t *how, struct err *err)
{
    struct local *l = local_of(b);

    if (!local_lock(l, err))
        return false;
    if (!how)
        json_object_del(l->state, "restore");
    else if (json_object_set(l->state, "restore", how) != 0)
        return err_memory(err);
    return local_save(l, err);
}

bool box_set_broken(struct box *b, const char *why, struct err *err)
{
    struct local *l = local_of(b);

    return local_lock(l, err) && local_set(l, "broken", why, err);
}

/* ---- looking --------------------------------------------------------------------------------------*/

bool box_database(struct box *b, const char *name, struct box_database *out, struct err *err)
{
    struct local *l = local_of(b);
    const struct env_database *db = env_find_database(b->env, name);
    const json_t *server = server_of_database(l, name);

    if (!db || !server) {
        err_set(err, ERR_MISSING, "the box '%s' has no database '%s'", b->where, name);
        return err_hint(err, "name one of 'databases' in %s", b->env->path);
    }
    /* While loading there are no roles but the first one. */
    bool loading = strcmp(entry_str(server, "mode"), "loading") == 0;
    *out = (struct box_database){
        .name = db->name,
        .engine = db->engine,
        .socket = entry_str(server, "socket"),
        .user = loading || !db->user ? entry_str(server, "admin") : db->user,
        .database = db->database,
        .port = (uint16_t)json_integer_value(json_object_get(server, "port"))};
    return true;
}

char *box_files(struct box *b, const char *name)
{
    AUTO(free) char *files = path_join(b->where, "files");
    return files ? path_join(files, name) : NULL;
}
