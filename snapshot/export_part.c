#include "snapshot/export_part.h"

#include "lib/base/fd.h"
#include "lib/store/name.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

void part_done(struct part *p)
{
    if (p->ours && !p->whole)
        unlink(p->path);
    if (p->fd >= 0)
        close(p->fd);
    free(p->path);
    free(p->scratch);
}

static bool check_absent(const char *to, struct err *err)
{
    if (!path_exists(to))
        return true;
    err_set(err, ERR_EXISTS, "refusing to overwrite '%s'", to);
    return err_hint(err, "name another file, or remove this one");
}

/* ---- the file --------------------------------------------------------------------------------*/

/* It may have got its last name, or have been removed, before the lock was ours. */
static bool lock(struct part *p, struct stat *held, struct err *err)
{
    struct stat named;

    bool locked = flock(p->fd, LOCK_EX | LOCK_NB) == 0;
    if (!locked && errno != EWOULDBLOCK)
        return err_sys(err, ERR_IO, "cannot lock '%s'", p->path);
    p->ours = locked && fstat(p->fd, held) == 0 && lstat(p->path, &named) == 0 &&
              held->st_ino == named.st_ino && held->st_dev == named.st_dev;
    if (p->ours)
        return true;
    err_set(err, ERR_LOCK, "another export writes '%s' right now", p->path);
    return err_hint(err, "wait for it, or name another file");
}

static bool open_locked(struct part *p, struct stat *held, struct err *err)
{
    p->fd = open(p->path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    return p->fd < 0 ? err_sys(err, ERR_IO, "cannot write '%s'", p->path) : lock(p, held, err);
}

/* An export that was killed between the two steps of file_name() left a second name of a whole tar,
 * whatever that is called by now: it must not be written to. */
static bool leave_whole(struct part *p, struct stat *held, struct err *err)
{
    if (held->st_nlink < 2)
        return true;
    if (unlink(p->path) != 0)
        return err_sys(err, ERR_IO, "cannot remove '%s'", p->path);
    p->ours = false;
    close(p->fd);
    return open_locked(p, held, err);
}

/* ---- the scratch -----------------------------------------------------------------------------*/

static bool see_entry(void *ctx, const char *name, struct err *err)
{
    (void)err;
    if (strcmp(name, STORE_LAYOUT) != 0)
        store_entry_seen(ctx, span_of(name));
    return true;
}

static bool clear_scratch(const struct part *p, struct err *err)
{
    struct store_entries entries = {0};
    struct stat st;

    if (lstat(p->scratch, &st) != 0)
        return errno == ENOENT || err_sys(err, ERR_IO, "cannot look at '%s'", p->scratch);
    if (S_ISDIR(st.st_mode) && !dir_each(p->scratch, see_entry, &entries, err))
        return false;
    if (S_ISDIR(st.st_mode) && !entries.foreign)
        return dir_remove(p->scratch, err);
    err_set(err, ERR_EXISTS, "refusing to remove '%s': no export has left it", p->scratch);
    return err_hint(err, "move it away, or name another file");
}

bool part_open(struct part *p, const char *to, struct err *err)
{
    struct stat held = {0};

    p->to = to;
    if (!check_absent(to, err))
        return false;
    if (asprintf(&p->path, "%s.rehearse-part", to) < 0) {
        p->path = NULL;
        return err_memory(err);
    }
    if (asprintf(&p->scratch, "%s.rehearse-full", to) < 0) {
        p->scratch = NULL;
        return err_memory(err);
    }
    if (!open_locked(p, &held, err) || !leave_whole(p, &held, err))
        return false;
    if (ftruncate(p->fd, 0) != 0)
        return err_sys(err, ERR_IO, "cannot write '%s'", p->path);
    return check_absent(to, err) && clear_scratch(p, err);
}

/* ---- the name --------------------------------------------------------------------------------*/

bool part_finish(struct part *p, struct err *err)
{
    struct err why = {0};

    if (fsync(p->fd) != 0)
        return err_sys(err, ERR_IO, "cannot make '%s' durable", p->path);
    bool ok = file_name(p->path, p->to, &why);
    p->ours = !ok && path_exists(p->path); /* else the folder alone could not be made durable */
    p->whole = p->ours && why.code != ERR_SPACE;
    if (p->whole)
        err_hint(&why, "what was written is whole and stays: rename it yourself");
    return ok || err_pass(err, &why);
}
