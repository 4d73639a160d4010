#include "restore/resume.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/fd.h"

#define DONE_FILE "journal.restore"
#define DONE_MAX  ((size_t)1 << 20)
#define BOOT_FILE "/proc/sys/kernel/random/boot_id"

static bool read_boot(struct buf *out, struct err *err)
{
    return file_read(BOOT_FILE, 128, out, err) || err_add(err, "cannot tell this boot of the host");
}

bool resume_begin(struct box *b, const struct selection *what, unsigned jobs, struct err *err)
{
    AUTO(json) json_t *how = NULL;
    AUTO(buf) struct buf boot = {0};

    if (!selection_keep(what, &how, err) || !read_boot(&boot, err))
        return false;
    if (json_object_set_new(how, "jobs", json_integer(jobs)) != 0 ||
        json_object_set_new(how, "boot", json_bytes(span_trim(buf_view(&boot)))) != 0)
        return err_memory(err);
    return box_set_restore(b, how, err);
}

bool resume_read(const json_t *shown, struct chosen *what, uint64_t *jobs, struct err *err)
{
    const json_t *how = json_object_get(shown, "restore");
    const char *state = json_string_value(json_object_get(shown, "state"));
    const char *boot = json_string_value(json_object_get(how, "boot"));
    AUTO(buf) struct buf now = {0};

    bool half = state && (strcmp(state, "broken") == 0 || strcmp(state, "restoring") == 0);
    if ((half && !boot) || (state && strcmp(state, "new") == 0)) {
        err_set(err, ERR_FAILED, "the restore ended before anything was loaded");
        return err_hint(err, "remove the box with box destroy, and restore without --resume");
    }
    if (!half) {
        err_set(err, ERR_FAILED, "the box is %s: there is no restore to go on with",
                state ? state : "of no state");
        return err_hint(err, "restore without --resume");
    }
    if (json_is_true(json_object_get(shown, "holds_before"))) {
        err_set(err, ERR_FAILED, "a restore that replaces a box cannot be gone on with");
        return err_hint(err, "begin it anew with --replace: the box before stands until then");
    }
    if (!read_boot(&now, err))
        return false;
    if (!span_is(span_trim(buf_view(&now)), boot)) {
        err_set(err, ERR_FAILED, "the host was restarted since: what was loaded cannot be trusted");
        return err_hint(err, "begin anew with --replace");
    }
    selection_take(how, what);
    *jobs = (uint64_t)json_integer_value(json_object_get(how, "jobs"));
    return true;
}

bool resume_refuse(const char *option, const char *mend, struct err *err)
{
    err_set(err, ERR_USAGE, "--resume goes on as the restore was begun: no other --%s", option);
    return err_hint(err, "%s", mend);
}

/* ---- components --------------------------------------------------------------------------------*/

bool resume_done(const struct box *b, json_t **out, struct err *err)
{
    AUTO(free) char *path = path_join(b->where, DONE_FILE);
    AUTO(buf) struct buf text = {0};
    AUTO(json) json_t *done = json_object();
    struct span rest, line;

    if (!path || !done)
        return err_memory(err);
    if (path_exists(path) && !file_read(path, DONE_MAX, &text, err))
        return false;
    rest = buf_view(&text);
    while (rest.len && span_split(&rest, '\n', &line)) {
        AUTO(free) char *name = span_dup(line);
        /* A line that a crash has torn has no end. */
        if (rest.at && line.len && (!name || json_object_set_new(done, name, json_true()) != 0))
            return err_memory(err);
    }
    *out = TAKE(done);
    return true;
}

bool resume_add(const struct box *b, const char *component, struct err *err)
{
    AUTO(free) char *path = path_join(b->where, DONE_FILE);
    AUTO(buf) struct buf line = {0};

    buf_printf(&line, "%s\n", component);
    if (!path || line.failed)
        return err_memory(err);
    AUTO(fd) int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    return (fd >= 0 || err_sys(err, ERR_IO, "cannot write '%s'", path)) &&
           fd_write_all(fd, line.at, line.len, err);
}

bool resume_remove(const struct box *b, const char *component, struct err *err)
{
    AUTO(free) char *path = path_join(b->where, DONE_FILE);
    AUTO(json) json_t *done = NULL;
    AUTO(buf) struct buf text = {0};
    const char *name;
    json_t *value;

    if (!path || !resume_done(b, &done, err))
        return path ? false : err_memory(err);
    buf_puts(&text, "");
    json_object_foreach(done, name, value)
    {
        if (strcmp(name, component) != 0)
            buf_printf(&text, "%s\n", name);
    }
    return buf_ok(&text, err) && file_replace(path, buf_view(&text), 0600, err);
}

bool resume_end(const struct box *b, struct err *err)
{
    AUTO(free) char *path = path_join(b->where, DONE_FILE);

    if (!path)
        return err_memory(err);
    return unlink(path) == 0 || errno == ENOENT || err_sys(err, ERR_IO, "cannot remove '%s'", path);
}
