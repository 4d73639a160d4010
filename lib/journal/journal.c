#include "lib/journal/journal.h"

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/json.h"
#include "lib/journal/chain.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>

/* One line is written under flock, after looking whether another process has added some: two
 * programs may write one journal, and its chain stays whole. */
struct journal {
    char *path;
    int fd;
    pthread_mutex_t lock;
    struct chain chain;
    bool broken; /* a line could be neither written nor taken back */
};

static bool lock_file(struct journal *j, struct err *err)
{
    while (flock(j->fd, LOCK_EX) != 0)
        if (errno != EINTR)
            return err_sys(err, ERR_IO, "cannot lock '%s'", j->path);
    return true;
}

/* Takes in what others wrote and cuts off a torn line. The lock is held. */
static bool catch_up(struct journal *j, struct err *err)
{
    struct stat st;

    if (fstat(j->fd, &st) != 0)
        return err_sys(err, ERR_IO, "cannot read '%s'", j->path);
    if (st.st_size == j->chain.good_bytes)
        return true;
    if (st.st_size < j->chain.good_bytes)
        return err_set(err, ERR_DAMAGED, "'%s': lines were cut off while it was in use", j->path);
    if (!chain_read(&j->chain, j->fd, NULL, NULL, err))
        return err_add(err, "'%s'", j->path);
    if (j->chain.torn_bytes && ftruncate(j->fd, j->chain.good_bytes) != 0)
        return err_sys(err, ERR_IO, "cannot cut the torn line off '%s'", j->path);
    j->chain.torn_bytes = 0;
    return true;
}

/* The name of a new file is not safe before its directory is synced. */
static bool sync_parent(const char *path, struct err *err)
{
    const char *slash = strrchr(path, '/');
    AUTO(free)
    char *dir = slash ? span_dup((struct span){path, slash == path ? 1 : (size_t)(slash - path)})
                      : strdup(".");

    return dir ? dir_sync(dir, err) : err_memory(err);
}

static bool open_file(struct journal *j, struct err *err)
{
    struct stat st;

    j->fd = open(j->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
    if (j->fd < 0)
        return err_sys(err, ERR_IO, "cannot open journal '%s'", j->path);
    if (fstat(j->fd, &st) != 0 || !S_ISREG(st.st_mode))
        return err_set(err, ERR_CONFIG, "journal '%s' is not a regular file", j->path);
    if (!lock_file(j, err))
        return false;
    bool ok = catch_up(j, err);
    flock(j->fd, LOCK_UN);
    return ok && (st.st_size || sync_parent(j->path, err));
}

bool journal_open(const char *path, struct journal **out, struct err *err)
{
    AUTO(journal) struct journal *j = calloc(1, sizeof(*j));
    if (!j)
        return err_memory(err);
    j->fd = -1;
    pthread_mutex_init(&j->lock, NULL);
    j->path = strdup(path);
    if (!j->path)
        return err_memory(err);
    if (!open_file(j, err))
        return false;
    *out = TAKE(j);
    return true;
}

void journal_close(struct journal *j)
{
    if (!j)
        return;
    if (j->fd >= 0)
        close(j->fd);
    pthread_mutex_destroy(&j->lock);
    free(j->path);
    free(j);
}

const char *journal_path(const struct journal *j)
{
    return j ? j->path : NULL;
}

static bool is_reserved(const char *name)
{
    return strcmp(name, "n") == 0 || strcmp(name, "at") == 0 || strcmp(name, "event") == 0 ||
           strcmp(name, "prev") == 0;
}

/* Ours first and last, the event's own between them, in the order given: for people who read it. */
static json_t *build(const struct chain *c, const char *event, const struct field *fields)
{
    char now[ISO_TIME], prev[HASH_HEX];
    AUTO(json) json_t *own = fields_json(fields);
    AUTO(json)
    json_t *line = json_pack("{s:I,s:s,s:s}", "n", (json_int_t)(c->lines + 1), "at",
                             clock_iso(clock_wall_ns(), now), "event", event);

    digest_hex(&c->last, prev);
    if (!own || !line || json_object_update(line, own) != 0 ||
        json_object_set_new(line, "prev", json_string(prev)) != 0)
        return NULL;
    return TAKE(line);
}

/* With its newline. */
static bool build_line(const struct journal *j, const char *event, const struct field *fields,
                       struct buf *out, struct err *err)
{
    for (const struct field *f = fields; f->type != FIELD_END; f++)
        if (is_reserved(f->name))
            return err_set(err, ERR_FAILED, "a journal event cannot have a field '%s'", f->name);
    AUTO(json) json_t *value = build(&j->chain, event, fields);
    AUTO(free) char *text = value ? json_dumps(value, JSON_COMPACT | JSON_REALS) : NULL;
    if (!text)
        return err_memory(err);
    if (strlen(text) > CHAIN_LINE_MAX)
        return err_set(err, ERR_FAILED, "event '%s' is larger than %zu bytes", event,
                       CHAIN_LINE_MAX);
    buf_puts(out, text);
    buf_putc(out, '\n');
    return buf_ok(out, err);
}

/* A line that is not wholly on the disk is taken back, so that the next one fits. */
static bool write_line(struct journal *j, struct span line, struct err *err)
{
    if (fd_write_all(j->fd, line.at, line.len, err) &&
        (fdatasync(j->fd) == 0 || err_sys(err, ERR_IO, "cannot sync"))) {
        chain_extend(&j->chain, (struct span){line.at, line.len - 1});
        return true;
    }
    if (ftruncate(j->fd, j->chain.good_bytes) != 0)
        j->broken = true;
    return err_add(err, "cannot write to journal '%s'", j->path);
}

static bool event_locked(struct journal *j, const char *event, const struct field *fields,
                         struct err *err)
{
    AUTO(buf) struct buf line = {0};

    if (j->broken)
        return err_set(err, ERR_IO, "journal '%s' is cut short since an earlier write failed",
                       j->path);
    if (!lock_file(j, err))
        return false;
    bool ok = catch_up(j, err) && build_line(j, event, fields, &line, err) &&
              write_line(j, buf_view(&line), err);
    flock(j->fd, LOCK_UN);
    return ok;
}

bool journal_event(struct journal *j, const char *event, const struct field *fields,
                   struct err *err)
{
    if (!j)
        return true;
    pthread_mutex_lock(&j->lock);
    bool ok = event_locked(j, event, fields, err);
    pthread_mutex_unlock(&j->lock);
    return ok;
}

bool journal_read(const char *path, bool (*each)(void *ctx, const json_t *event, struct err *err),
                  void *ctx, struct err *err)
{
    struct chain chain = {0};
    struct stat st;
    AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0)
        return err_sys(err, ERR_IO, "cannot open journal '%s'", path);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return err_set(err, ERR_DAMAGED, "journal '%s' is not a regular file", path);
    return chain_read(&chain, fd, each, ctx, err) || err_add(err, "journal '%s'", path);
}

static bool append(void *ctx, const json_t *event, struct err *err)
{
    /* The array holds a reference; nobody changes the event through it. */
    AUTO(json) json_t *copy = json_copy((json_t *)(uintptr_t)event);
    return json_array_append(ctx, copy) == 0 || err_memory(err);
}

bool journal_load(const char *path, json_t **out, struct err *err)
{
    AUTO(json) json_t *events = json_array();

    if (!events)
        return err_memory(err);
    if (!journal_read(path, append, events, err))
        return false;
    *out = TAKE(events);
    return true;
}
