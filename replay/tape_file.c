#include "replay/tape_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/queue.h"

#define CHUNKS_WAITING 128
#define ZSTD_LEVEL     1

struct chunk {
    struct buf records;
    bool sync;
};

struct tape_out {
    char *path, *part; /* part: the name while it grows, when that is another one */
    int fd;
    struct queue *queue;
    struct tape_writer *writer; /* the thread's, while it runs */
    pthread_t thread;
    bool running;
    _Atomic uint64_t bytes;
    struct err err; /* the thread's; read after it ended or `failed` */
    atomic_bool failed;
};

static void chunk_free(struct chunk *c)
{
    if (!c)
        return;
    buf_done(&c->records);
    free(c);
}

static bool write_fn(void *ctx, struct span bytes, struct err *err)
{
    struct tape_out *t = ctx;

    if (!fd_write_all(t->fd, bytes.at, bytes.len, err))
        return err_add(err, "tape '%s'", t->path);
    atomic_fetch_add(&t->bytes, bytes.len);
    return true;
}

static bool sync_tape(struct tape_out *t, struct err *err)
{
    if (!tape_writer_flush(t->writer, err))
        return false;
    return fdatasync(t->fd) == 0 || errno == EINVAL /* a pipe or a device */ ||
           err_sys(err, ERR_IO, "cannot sync tape '%s'", t->path);
}

static void *write_loop(void *arg)
{
    struct tape_out *t = arg;
    void *item = NULL;

    while (queue_get(t->queue, &item)) {
        struct chunk *c = item;
        bool ok = atomic_load(&t->failed) ||
                  (tape_writer_add(t->writer, buf_view(&c->records), &t->err) &&
                   (!c->sync || sync_tape(t, &t->err)));
        chunk_free(c);
        if (!ok) {
            /* Half a block would only be called damage. */
            if (ftruncate(t->fd, (off_t)atomic_load(&t->bytes)) != 0)
                log_debug("cannot shorten the tape", f_str("tape", t->path));
            atomic_store(&t->failed, true);
            queue_close(t->queue);
        }
    }
    return NULL;
}

static bool open_file(struct tape_out *t, enum tape_content content, struct err *err)
{
    const char *name = t->part ? t->part : t->path;
    int flags = content == TAPE_TRAFFIC ? O_EXCL : O_TRUNC;

    t->fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
    if (t->fd >= 0)
        return true;
    if (errno != EEXIST)
        return err_sys(err, ERR_IO, "cannot create tape '%s'", name);
    err_set(err, ERR_EXISTS, "tape '%s' exists already", name);
    err_hint(err, "name another file, or remove this one");
    return false;
}

bool tape_out_open(const char *path, enum tape_content content, struct tape_out **out,
                   struct err *err)
{
    AUTO(tape_out) struct tape_out *t = calloc(1, sizeof(*t));
    if (!t)
        return err_memory(err);
    t->fd = -1;
    t->path = strdup(path);
    struct buf part = {0};
    if (content == TAPE_RESULTS) {
        buf_printf(&part, "%s.part", path);
        t->part = buf_take(&part);
    }
    if (!t->path || (content == TAPE_RESULTS && !t->part))
        return err_memory(err);
    if (!queue_new(CHUNKS_WAITING, &t->queue, err) || !open_file(t, content, err) ||
        !tape_writer_new(content, ZSTD_LEVEL, write_fn, t, &t->writer, err))
        return false;
    int failed = pthread_create(&t->thread, NULL, write_loop, t);
    if (failed) {
        errno = failed;
        return err_sys(err, ERR_FAILED, "cannot start a thread");
    }
    t->running = true;
    *out = TAKE(t);
    return true;
}

static bool stopped_early(struct tape_out *t, struct err *err)
{
    if (err)
        *err = t->err;
    return false;
}

bool tape_out_put(struct tape_out *t, struct buf *records, bool sync, struct err *err)
{
    if (records->len == 0 && !sync)
        return true;
    struct chunk *c = calloc(1, sizeof(*c));
    if (!c)
        return err_memory(err);
    c->records = *records;
    c->sync = sync;
    *records = (struct buf){.max = c->records.max};
    if (queue_put(t->queue, c))
        return true;
    chunk_free(c);
    return stopped_early(t, err);
}

static void join(struct tape_out *t)
{
    void *item = NULL;

    if (t->running) {
        queue_close(t->queue);
        pthread_join(t->thread, NULL);
        t->running = false;
    }
    while (t->queue && queue_try_get(t->queue, &item))
        chunk_free(item);
}

bool tape_out_finish(struct tape_out *t, struct err *err)
{
    join(t);
    if (atomic_load(&t->failed))
        return stopped_early(t, err);
    if (!sync_tape(t, err))
        return false;
    if (!t->part)
        return true;
    if (rename(t->part, t->path) != 0)
        return err_sys(err, ERR_IO, "cannot rename '%s' to '%s'", t->part, t->path);
    free(t->part);
    t->part = NULL;
    return true;
}

void tape_out_close(struct tape_out *t)
{
    if (!t)
        return;
    join(t);
    if (t->part && t->fd >= 0)
        unlink(t->part);
    if (t->fd >= 0)
        close(t->fd);
    queue_free(t->queue);
    tape_writer_free(t->writer);
    free(t->path);
    free(t->part);
    free(t);
}

uint64_t tape_out_bytes(const struct tape_out *t)
{
    return atomic_load(&t->bytes);
}

/* ---- reading ---- */

struct tape_in {
    char *path;
    int fd;
    struct tape_reader *reader;
};

static bool read_fn(void *ctx, void *to, size_t len, size_t *got, struct err *err)
{
    struct tape_in *t = ctx;

    for (;;) {
        ssize_t n = read(t->fd, to, len);
        if (n >= 0) {
            *got = (size_t)n;
            return true;
        }
        if (errno != EINTR)
            return err_sys(err, ERR_IO, "cannot be read");
    }
}

bool tape_in_open(const char *path, struct tape_in **out, struct err *err)
{
    AUTO(tape_in) struct tape_in *t = calloc(1, sizeof(*t));
    if (!t)
        return err_memory(err);
    t->fd = -1;
    t->path = strdup(path);
    if (!t->path)
        return err_memory(err);
    t->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (t->fd < 0)
        return err_sys(err, ERR_IO, "cannot open tape '%s'", path);
    if (!tape_reader_new(read_fn, t, &t->reader, err))
        return err_add(err, "tape '%s'", path);
    *out = TAKE(t);
    return true;
}

void tape_in_close(struct tape_in *t)
{
    if (!t)
        return;
    if (t->fd >= 0)
        close(t->fd);
    tape_reader_free(t->reader);
    free(t->path);
    free(t);
}

struct tape_reader *tape_in_reader(struct tape_in *t)
{
    return t->reader;
}

bool tape_in_each(struct tape_in *t,
                  bool (*each)(void *ctx, const struct tape_record *r, struct err *err), void *ctx,
                  struct err *damage, struct err *err)
{
    struct tape_record r;
    bool end = false;

    for (;;) {
        struct err why = {0};
        if (!tape_reader_next(t->reader, &r, &end, &why)) {
            err_add(&why, "tape '%s'", t->path);
            if (why.code == ERR_DAMAGED) {
                *damage = why;
                return true;
            }
            if (err)
                *err = why;
            return false;
        }
        if (end)
            return true;
        if (!each(ctx, &r, err))
            return false;
    }
}
