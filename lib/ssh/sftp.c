#include "lib/ssh/sftp.h"

#include "lib/ssh/session.h"
#include "lib/ssh/sftp_link.h"

/* ---- opening ---------------------------------------------------------------------------------*/

static bool greet(struct sftp *s, struct err *err)
{
    struct sftp_packet p;
    uint32_t version = 0;

    /* The one packet whose number is no id. */
    sftp_begin(&s->out, SFTP_INIT, SFTP_VERSION);
    if (!link_send(s, err) || !link_next(s, &p, err))
        return false;
    if (p.type != SFTP_VERSION_IS || !sftp_take_version(p.whole, &version, &s->extensions))
        return link_break(s, err, "no SFTP server answers");
    if (version < SFTP_VERSION)
        return err_set(err, ERR_UNSUPPORTED, "the server speaks SFTP %u, which is too old",
                       version);
    return true;
}

bool sftp_open_io(const struct sftp_io *io, struct sftp **out, struct err *err)
{
    AUTO(sftp) struct sftp *s = calloc(1, sizeof(*s));

    if (!s) {
        if (io->close)
            io->close(io->ctx);
        return err_memory(err);
    }
    s->io = *io;
    s->in = malloc(LINK_IN);
    if (!s->in)
        return err_memory(err);
    if (!greet(s, err))
        return false;
    *out = TAKE(s);
    return true;
}

static bool ssh_io_send(void *ctx, struct span bytes, struct err *err)
{
    return ssh_send(ctx, bytes, err);
}

static bool ssh_io_recv(void *ctx, void *to, size_t max, size_t *got, struct err *err)
{
    return ssh_recv(ctx, to, max, got, err);
}

static void ssh_io_close(void *ctx)
{
    ssh_close(ctx);
}

bool sftp_open(const struct ssh_target *to, struct sftp **out, struct err *err)
{
    AUTO(ssh) struct ssh *ssh = NULL;

    if (!ssh_open(to, &ssh, err) || !ssh_subsystem(ssh, "sftp", err))
        return false;
    struct sftp_io io = {ssh_io_send, ssh_io_recv, ssh_io_close, TAKE(ssh)};
    return sftp_open_io(&io, out, err) || err_add(err, "cannot use SFTP on '%s'", to->host);
}

void sftp_close(struct sftp *s)
{
    if (!s)
        return;
    if (s->io.close)
        s->io.close(s->io.ctx);
    buf_done(&s->out);
    free(s->in);
    free(s);
}

bool sftp_broken(const struct sftp *s)
{
    return s->broken;
}

const struct sftp_extensions *sftp_extensions(const struct sftp *s)
{
    return &s->extensions;
}

/* ---- one request, one answer -----------------------------------------------------------------*/

/* Begins a request on a path. */
static uint32_t begin_on(struct sftp *s, enum sftp_type type, const char *path)
{
    uint32_t id = ++s->last_id;

    sftp_begin(&s->out, type, id);
    sftp_str(&s->out, span_of(path));
    return id;
}

static uint32_t begin_extended(struct sftp *s, const char *name)
{
    return begin_on(s, SFTP_EXTENDED, name);
}

static bool ask(struct sftp *s, uint32_t id, struct sftp_packet *answer, struct err *err)
{
    return link_send(s, err) && link_await(s, id, answer, err);
}

/* An answer of type `wanted`, or the error that its status tells. */
static bool want(struct sftp *s, uint32_t id, enum sftp_type wanted, struct sftp_packet *answer,
                 struct err *err)
{
    if (!ask(s, id, answer, err))
        return false;
    if (answer->type == wanted)
        return true;
    if (answer->type == SFTP_STATUS && link_status(s, answer, err))
        return link_break(s, err, "the server says OK where it should give something");
    return answer->type == SFTP_STATUS ? false
                                       : link_break(s, err, "the server gave another answer");
}

static bool want_ok(struct sftp *s, uint32_t id, struct err *err)
{
    struct sftp_packet p;

    if (!ask(s, id, &p, err))
        return false;
    if (p.type != SFTP_STATUS)
        return link_break(s, err, "the server gave no status");
    return link_status(s, &p, err);
}

static bool want_attr(struct sftp *s, uint32_t id, struct sftp_attr *out, struct err *err)
{
    struct sftp_packet p;

    return want(s, id, SFTP_ATTRS, &p, err) &&
           (sftp_take_attr(&p.body, out) || link_break(s, err, "the server gave cut attributes"));
}

bool sftp_stat(struct sftp *s, const char *path, struct sftp_attr *out, struct err *err)
{
    return want_attr(s, begin_on(s, SFTP_LSTAT, path), out, err) ||
           err_add(err, "cannot find '%s'", path);
}

bool sftp_mkdir(struct sftp *s, const char *path, uint32_t mode, struct err *err)
{
    uint32_t id = begin_on(s, SFTP_MKDIR, path);

    sftp_mode(&s->out, mode);
    return want_ok(s, id, err) || err_add(err, "cannot make directory '%s'", path);
}

bool sftp_remove(struct sftp *s, const char *path, struct err *err)
{
    return want_ok(s, begin_on(s, SFTP_REMOVE, path), err) ||
           err_add(err, "cannot remove '%s'", path);
}

bool sftp_replace(struct sftp *s, const char *from, const char *to, struct err *err)
{
    if (!s->extensions.posix_rename)
        return err_set(err, ERR_UNSUPPORTED, "the server cannot replace a file in one step");

    uint32_t id = begin_extended(s, "posix-rename@openssh.com");
    sftp_str(&s->out, span_of(from));
    sftp_str(&s->out, span_of(to));
    return want_ok(s, id, err) || err_add(err, "cannot rename '%s' to '%s'", from, to);
}

bool sftp_rename(struct sftp *s, const char *from, const char *to, struct err *err)
{
    uint32_t id = begin_on(s, SFTP_RENAME, from);

    sftp_str(&s->out, span_of(to));
    return want_ok(s, id, err) || err_add(err, "cannot rename '%s' to '%s'", from, to);
}

bool sftp_space(struct sftp *s, const char *path, uint64_t *bytes, bool *files, struct err *err)
{
    struct sftp_packet p;
    uint64_t field[11]; /* as struct statvfs, from f_bsize to f_namemax */

    if (!s->extensions.statvfs)
        return err_set(err, ERR_UNSUPPORTED, "the server does not tell its space");
    uint32_t id = begin_extended(s, "statvfs@openssh.com");
    sftp_str(&s->out, span_of(path));
    if (!want(s, id, SFTP_EXTENDED_REPLY, &p, err))
        return err_add(err, "cannot ask for the space in '%s'", path);
    for (size_t i = 0; i < COUNT(field); i++)
        if (!sftp_take_u64(&p.body, &field[i]))
            return link_break(s, err, "the server gave a cut answer");
    *bytes = field[1] && field[4] > UINT64_MAX / field[1] ? UINT64_MAX : field[1] * field[4];
    /* Some file systems have no such count: both are 0. */
    *files = field[5] == 0 || field[7] > 0;
    return true;
}

/* ---- directories -----------------------------------------------------------------------------*/

struct listing {
    bool (*each)(void *ctx, struct span name, const struct sftp_attr *attr, struct err *err);
    void *ctx;
};

static bool list_packet(struct sftp *s, struct sftp_packet *p, const struct listing *list,
                        struct err *err)
{
    uint32_t count;

    if (!sftp_take_u32(&p->body, &count))
        return link_break(s, err, "the server gave a cut list");
    while (count-- > 0) {
        struct span name;
        struct sftp_attr attr;

        if (!sftp_take_name(&p->body, &name, &attr))
            return link_break(s, err, "the server gave a damaged list");
        if (!span_is(name, ".") && !span_is(name, "..") && !list->each(list->ctx, name, &attr, err))
            return false;
    }
    return true;
}

static bool list_all(struct sftp *s, struct span handle, const struct listing *list,
                     struct err *err)
{
    for (;;) {
        struct sftp_packet p;
        uint32_t id = ++s->last_id;

        sftp_begin(&s->out, SFTP_READDIR, id);
        sftp_str(&s->out, handle);
        if (!ask(s, id, &p, err))
            return false;
        if (p.type == SFTP_STATUS && link_is_eof(&p))
            return true;
        if (p.type == SFTP_STATUS)
            return link_status(s, &p, err) && link_break(s, err, "the server gave no list");
        if (p.type != SFTP_NAME)
            return link_break(s, err, "the server gave another answer");
        if (!list_packet(s, &p, list, err))
            return false;
    }
}

static bool want_handle(struct sftp *s, uint32_t id, struct sftp_file *out, struct err *err)
{
    struct sftp_packet p;
    struct span handle;

    if (!want(s, id, SFTP_HANDLE, &p, err))
        return false;
    if (!sftp_take_str(&p.body, &handle) || handle.len == 0 || handle.len > sizeof(out->handle))
        return link_break(s, err, "the server gave a damaged handle");
    *out = (struct sftp_file){.handle_len = handle.len};
    memcpy(out->handle, handle.at, handle.len);
    return true;
}

bool sftp_list(struct sftp *s, const char *path,
               bool (*each)(void *ctx, struct span name, const struct sftp_attr *attr,
                            struct err *err),
               void *ctx, struct err *err)
{
    struct listing list = {each, ctx};
    struct sftp_file dir;

    if (!want_handle(s, begin_on(s, SFTP_OPENDIR, path), &dir, err))
        return err_add(err, "cannot list '%s'", path);
    bool ok = list_all(s, (struct span){dir.handle, dir.handle_len}, &list, err);
    struct err ignored = {0};
    if (!s->broken)
        (void)sftp_file_close(s, &dir, ok ? err : &ignored);
    return ok;
}

/* ---- files -----------------------------------------------------------------------------------*/

bool sftp_file_open(struct sftp *s, const char *path, uint32_t flags, uint32_t mode,
                    struct sftp_file *out, struct err *err)
{
    uint32_t id = begin_on(s, SFTP_OPEN, path);

    sftp_u32(&s->out, flags);
    sftp_mode(&s->out, mode);
    return want_handle(s, id, out, err) || err_add(err, "cannot open '%s'", path);
}

static uint32_t begin_handle(struct sftp *s, enum sftp_type type, const struct sftp_file *f)
{
    uint32_t id = ++s->last_id;

    sftp_begin(&s->out, type, id);
    sftp_str(&s->out, (struct span){f->handle, f->handle_len});
    return id;
}

bool sftp_file_stat(struct sftp *s, struct sftp_file *f, struct sftp_attr *out, struct err *err)
{
    return want_attr(s, begin_handle(s, SFTP_FSTAT, f), out, err);
}

static bool send_read(struct sftp *s, const struct sftp_file *f, struct slot *slot, struct err *err)
{
    slot->id = begin_handle(s, SFTP_READ, f);
    sftp_u64(&s->out, slot->offset);
    sftp_u32(&s->out, slot->len);
    return link_send(s, err);
}

bool sftp_file_read(struct sftp *s, struct sftp_file *f, uint64_t offset, void *to, size_t len,
                    struct err *err)
{
    struct sftp_transfer job = {0};
    char *at = to;

    /* A piece that came short is asked for again by link_pump() through its slot. */
    while (len > 0 && job.err.code == ERR_NONE) {
        struct slot *slot = link_slot(s, &job, err);
        uint32_t piece = (uint32_t)(len < SFTP_PIECE ? len : SFTP_PIECE);

        if (!slot)
            return false;
        slot->file = f;
        slot->to = at;
        slot->offset = offset;
        slot->len = piece;
        if (!send_read(s, f, slot, err))
            return false;
        at += piece;
        offset += piece;
        len -= piece;
    }
    return link_settle(s, &job, err);
}

bool sftp_file_write(struct sftp *s, struct sftp_file *f, uint64_t offset, const void *from,
                     size_t len, struct err *err)
{
    const char *at = from;

    while (len > 0) {
        size_t piece = len < SFTP_PIECE ? len : SFTP_PIECE;
        struct slot *slot = link_slot(s, &f->writes, err);

        if (!slot)
            return false;
        slot->id = begin_handle(s, SFTP_WRITE, f);
        sftp_u64(&s->out, offset);
        sftp_str(&s->out, (struct span){at, piece});
        if (!link_send(s, err))
            return false;
        at += piece;
        offset += piece;
        len -= piece;
    }
    return f->writes.err.code == ERR_NONE || err_pass(err, &f->writes.err);
}

bool sftp_file_sync(struct sftp *s, struct sftp_file *f, struct err *err)
{
    if (!s->extensions.fsync)
        return true;

    struct slot *slot = link_slot(s, &f->writes, err);
    if (!slot)
        return false;
    slot->id = begin_extended(s, "fsync@openssh.com");
    sftp_str(&s->out, (struct span){f->handle, f->handle_len});
    return link_send(s, err);
}

bool sftp_file_settle(struct sftp *s, struct sftp_file *f, struct err *err)
{
    return link_settle(s, &f->writes, err);
}

bool sftp_file_close(struct sftp *s, struct sftp_file *f, struct err *err)
{
    struct err ignored = {0};

    if (f->handle_len == 0)
        return true;
    bool ok = link_settle(s, &f->writes, err);
    if (!s->broken)
        ok = want_ok(s, begin_handle(s, SFTP_CLOSE, f), ok ? err : &ignored) && ok;
    f->handle_len = 0;
    return ok;
}
