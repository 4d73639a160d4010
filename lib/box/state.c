/* box.json, the lock, and the processes that box.json remembers. */
#include "lib/box/local.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "lib/base/fd.h"
#include "lib/base/proc.h"

#define STATE_MAX ((size_t)1 << 20)

/* Other programs have a file of this name, too. One that is no JSON may be a damaged one of ours. */
bool state_exists(const char *where)
{
    AUTO(free) char *path = path_join(where, BOX_FILE);
    AUTO(buf) struct buf text = {0};
    AUTO(json) json_t *state = NULL;
    struct err ignored = {0};

    if (!path || !path_exists(path))
        return false;
    return !file_read(path, STATE_MAX, &text, &ignored) ||
           !json_parse(buf_view(&text), path, &state, &ignored) ||
           json_is_string(json_object_get(state, "rehearse_box"));
}

bool state_is_ours(const char *where)
{
    AUTO(json) json_t *state = NULL;
    struct err ignored = {0};

    return state_read(where, &state, &ignored);
}

bool state_read(const char *where, json_t **out, struct err *err)
{
    AUTO(free) char *path = path_join(where, BOX_FILE);
    AUTO(buf) struct buf text = {0};
    AUTO(json) json_t *state = NULL;
    const char *kind = NULL;
    json_t *list = NULL;

    if (!path)
        return err_memory(err);
    if (!state_exists(where)) {
        err_set(err, ERR_MISSING, "there is no box in '%s'", where);
        return err_hint(err, "rehearse box ls DIR shows the boxes in DIR");
    }
    if (!file_read(path, STATE_MAX, &text, err) ||
        !json_parse(buf_view(&text), path, &state, err) ||
        !json_want_str(state, "rehearse_box", &kind, err) ||
        !json_want_str(state, "state", &kind, err) ||
        !json_want_arr(state, "servers", &list, err) ||
        !json_want_arr(state, "services", &list, err)) {
        err_add(err, "cannot read the box '%s'", where);
        return err_hint(err, "if it is rehearse's: end what runs in it, and remove the directory "
                             "yourself");
    }
    *out = TAKE(state);
    return true;
}

char *local_path(const struct local *l, const char *name)
{
    return path_join(l->box.where, name);
}

bool local_save(struct local *l, struct err *err)
{
    AUTO(free) char *path = local_path(l, BOX_FILE);
    AUTO(free) char *text = json_pretty(l->state);

    if (!path || !text)
        return err_memory(err);
    return file_replace(path, span_of(text), 0600, err) || err_add(err, "cannot note the state");
}

const char *local_state(const struct local *l)
{
    return entry_str(l->state, "state");
}

bool local_set(struct local *l, const char *state, const char *why, struct err *err)
{
    if (why) {
        if (!entry_set_str(l->state, "why", why, err))
            return false;
    } else {
        json_object_del(l->state, "why");
    }
    return entry_set_str(l->state, "state", state, err) && local_save(l, err);
}

json_t *local_servers(const struct local *l)
{
    return json_object_get(l->state, "servers");
}

json_t *local_services(const struct local *l)
{
    return json_object_get(l->state, "services");
}

/* ---- the lock -------------------------------------------------------------------------------------*/

static bool lock_held_by(int fd, const char *where, struct err *err)
{
    char pid[32] = "";
    ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);

    pid[n > 0 ? n : 0] = '\0';
    pid[strspn(pid, "0123456789")] = '\0';
    err_set(err, ERR_LOCK, "process %s works on the box '%s'", *pid ? pid : "?", where);
    return err_hint(err, "wait for it, or stop it");
}

bool lock_take(const char *where, int *out, struct err *err)
{
    AUTO(free) char *path = path_join(where, "box.lock");
    char pid[32];

    if (!path)
        return err_memory(err);
    AUTO(fd) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return err_sys(err, ERR_IO, "cannot lock the box '%s'", where);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            return lock_held_by(fd, where, err);
        return err_sys(err, ERR_IO, "cannot lock the box '%s'", where);
    }
    int len = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
    /* Who it is, others like to know; on a full disk a box is to be stopped or removed all the same. */
    if (ftruncate(fd, 0) == 0)
        fd_pwrite_all(fd, pid, (size_t)len, 0, NULL);
    *out = take_fd(&fd);
    return true;
}

static bool reread(struct local *l, struct err *err)
{
    json_t *state = NULL;

    if (!state_read(l->box.where, &state, err))
        return false;
    json_decref(l->state);
    l->state = state;
    return true;
}

/* Nobody holds the lock, so whoever was restoring is gone: what stood before stands again. */
static bool end_restore(struct local *l, struct err *err)
{
    const char *state = local_state(l);

    if (strcmp(state, "saving") == 0) /* the last step of a restore, or of nothing */
        state = entry_str(l->state, "held");
    if (strcmp(state, "new") != 0 && strcmp(state, "restoring") != 0 &&
        strcmp(state, "broken") != 0)
        return aside_drop(l->box.where, err);
    if (!services_down(l, err) || !servers_down(l, err))
        return false;
    if (!aside_exists(l->box.where))
        return strcmp(state, "broken") == 0 ||
               local_set(l, "broken", "its restore was interrupted", err);
    servers_remove_private(local_servers(l));
    return aside_bring_back(l->box.where, err) && reread(l, err);
}

bool local_lock(struct local *l, struct err *err)
{
    if (l->lock >= 0)
        return true;
    /* Read again: another process may have changed it between our look and our lock. */
    if (!lock_take(l->box.where, &l->lock, err) || !reread(l, err))
        return false;
    sweep(l);
    return end_restore(l, err) && reset_recover(l, err);
}

bool lock_is_held(const char *where)
{
    AUTO(free) char *path = path_join(where, "box.lock");
    AUTO(fd) int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;

    return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

/* ---- entries --------------------------------------------------------------------------------------*/

const char *entry_str(const json_t *entry, const char *key)
{
    const char *s = json_string_value(json_object_get(entry, key));
    return s ? s : "";
}

bool entry_set_str(json_t *entry, const char *key, const char *value, struct err *err)
{
    return json_object_set_new(entry, key, json_bytes(span_of(value))) == 0 || err_memory(err);
}

bool entry_set_num(json_t *entry, const char *key, int64_t n, struct err *err)
{
    return json_object_set_new(entry, key, json_integer(n)) == 0 || err_memory(err);
}

static pid_t entry_pid(const json_t *entry)
{
    return (pid_t)json_integer_value(json_object_get(entry, "pid"));
}

static uint64_t entry_ticks(const json_t *entry)
{
    return (uint64_t)json_integer_value(json_object_get(entry, "ticks"));
}

bool entry_alive(const json_t *entry)
{
    pid_t pid = entry_pid(entry);
    return pid > 1 && entry_ticks(entry) && proc_alive(pid, entry_ticks(entry));
}

bool entry_started(struct local *l, json_t *entry, pid_t pid, struct err *err)
{
    return entry_set_num(entry, "pid", pid, err) &&
           entry_set_num(entry, "ticks", (int64_t)proc_start_ticks(pid), err) && local_save(l, err);
}

bool entry_up(const json_t *entry)
{
    return entry_alive(entry) && !json_is_true(json_object_get(entry, "stopping"));
}

/* Noted first: killed behind the signal, we would else take what is on its way down for up. Where it
 * cannot be noted, as on a full disk, it is stopped all the same. */
static void note_stopping(struct local *l, json_t *entry)
{
    struct err ignored = {0};

    if (json_object_set_new(entry, "stopping", json_true()) == 0)
        local_save(l, &ignored);
}

void entry_stop_begin(struct local *l, json_t *entry, int sig)
{
    if (!entry_alive(entry))
        return;
    note_stopping(l, entry);
    kill(-entry_pid(entry), sig);
}

static bool end_entry(struct local *l, json_t *entry, int sig, double grace_s, struct err *err)
{
    note_stopping(l, entry);
    return proc_stop(entry_pid(entry), sig, grace_s, err);
}

/* A number that stays noted does no harm: the process's start time goes with it. */
bool entry_stop(struct local *l, json_t *entry, int sig, double grace_s, struct err *err)
{
    struct err ignored = {0};

    if (entry_alive(entry) && !end_entry(l, entry, sig, grace_s, err))
        return err_add(err, "cannot stop '%s'", entry_str(entry, "name"));
    if (!json_object_get(entry, "pid"))
        return true;
    json_object_del(entry, "stopping");
    json_object_del(entry, "pid");
    json_object_del(entry, "ticks");
    local_save(l, &ignored);
    return true;
}
