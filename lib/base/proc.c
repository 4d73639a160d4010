#include "lib/base/proc.h"

#include "lib/base/proc_child.h"

#include "lib/base/auto.h"
#include "lib/base/clock.h"
#include "lib/base/cmd.h"
#include "lib/base/vec.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define NS_PER_S   INT64_C(1000000000)
#define TICK_MS    100
#define STDERR_CAP 4096

/* What a program is called in messages: never its arguments, they may hold a secret. */
static const char *program(const struct proc_conf *conf)
{
    const char *slash = strrchr(conf->argv[0], '/');
    return slash ? slash + 1 : conf->argv[0];
}

bool proc_start(const struct proc_conf *conf, pid_t *pid, struct err *err)
{
    AUTO(fd) int out = -1;

    if (conf->stdout_path)
        out = open(conf->stdout_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    else
        out = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (out < 0)
        return err_sys(err, ERR_IO, "cannot open '%s'",
                       conf->stdout_path ? conf->stdout_path : "/dev/null");
    return child_fork(conf, out, out, pid, err);
}

/* ---- running to the end, with its output ------------------------------------------------------ */

struct run {
    const struct proc_conf *conf;
    pid_t pid;
    int out, err;        /* read ends; -1 once at their end */
    int64_t deadline_ns; /* 0: none */
    int status;
    bool exited;
    bool (*take)(void *ctx, struct span piece, struct err *err);
    void *ctx;
    char tail[STDERR_CAP]; /* the last of stderr */
    size_t tail_len;
};

static void keep_tail(struct run *r, const char *piece, size_t len)
{
    if (len >= STDERR_CAP) {
        piece += len - STDERR_CAP;
        len = STDERR_CAP;
    }
    size_t keep = r->tail_len + len > STDERR_CAP ? STDERR_CAP - len : r->tail_len;
    memmove(r->tail, r->tail + r->tail_len - keep, keep);
    memcpy(r->tail + keep, piece, len);
    r->tail_len = keep + len;
}

/* Reads what is there now. *more: the end was not reached. */
static bool drain(struct run *r, int *fd, bool *got, struct err *err)
{
    char piece[65536];
    ssize_t n = read(*fd, piece, sizeof(piece));

    *got = n > 0;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (n < 0)
        return err_sys(err, ERR_IO, "cannot read the output of '%s'", program(r->conf));
    if (n == 0) {
        close(*fd);
        *fd = -1;
        return true;
    }
    if (fd == &r->err) {
        keep_tail(r, piece, (size_t)n);
        return true;
    }
    return r->take(r->ctx, (struct span){piece, (size_t)n}, err);
}

static void reap(struct run *r)
{
    if (!r->exited && waitpid(r->pid, &r->status, WNOHANG) == r->pid)
        r->exited = true;
}

static bool in_time(struct run *r, struct err *err)
{
    if (!cmd_stop_check(err))
        return err_add(err, "'%s'", program(r->conf));
    if (!r->deadline_ns || clock_mono_ns() < r->deadline_ns)
        return true;
    return err_set(err, ERR_LOCK, "'%s' took too long and was stopped", program(r->conf));
}

/* Ends when the child has ended and its output is read. A daemon it left behind may hold the pipes
 * open for ever, so after the end of the child only what is there is read. */
static bool pump(struct run *r, struct err *err)
{
    while (r->out >= 0 || r->err >= 0 || !r->exited) {
        struct pollfd fds[2] = {{.fd = r->out, .events = POLLIN}, {.fd = r->err, .events = POLLIN}};
        bool idle = r->out < 0 && r->err < 0;
        bool got_out = false, got_err = false;

        reap(r);
        bool last = r->exited;
        poll(fds, 2, last ? 0 : idle ? 5 : TICK_MS);
        if (r->out >= 0 && !drain(r, &r->out, &got_out, err))
            return false;
        if (r->err >= 0 && !drain(r, &r->err, &got_err, err))
            return false;
        if (last && !got_out && !got_err)
            return true;
        if (!in_time(r, err))
            return false;
    }
    return true;
}

static bool pipe_for(int *parent, int *child, struct err *err)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_sys(err, ERR_IO, "cannot make a pipe");
    *parent = ends[0];
    *child = ends[1];
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    return true;
}

/* The last line of stderr that says something. */
static struct span last_line(const struct run *r)
{
    struct span rest = {r->tail, r->tail_len}, line, last = {0};

    while (span_split(&rest, '\n', &line)) {
        line = span_trim(line);
        if (line.len)
            last = line;
    }
    return last;
}

static bool judge(const struct run *r, struct err *err)
{
    struct span why = last_line(r);

    if (WIFEXITED(r->status) && WEXITSTATUS(r->status) == 0)
        return true;
    if (WIFSIGNALED(r->status))
        return err_set(err, ERR_FAILED, "'%s' was ended by signal %d (%s)%s%.*s", program(r->conf),
                       WTERMSIG(r->status), sigdescr_np(WTERMSIG(r->status)), why.len ? ": " : "",
                       (int)why.len, why.len ? why.at : "");
    if (!why.len)
        return err_set(err, ERR_FAILED, "'%s' ended with status %d", program(r->conf),
                       WEXITSTATUS(r->status));
    return err_set(err, ERR_FAILED, "'%s' failed: %.*s", program(r->conf), (int)why.len, why.at);
}

static bool run(struct run *r, struct err *err)
{
    AUTO(fd) int out = -1;
    AUTO(fd) int err_out = -1;
    AUTO(fd) int child_out = -1;
    AUTO(fd) int child_err = -1;

    if (!pipe_for(&out, &child_out, err) || !pipe_for(&err_out, &child_err, err) ||
        !child_fork(r->conf, child_out, child_err, &r->pid, err))
        return false;
    close(take_fd(&child_out));
    close(take_fd(&child_err));
    r->out = take_fd(&out);
    r->err = take_fd(&err_out);

    bool ok = pump(r, err);
    if (r->out >= 0)
        close(r->out);
    if (r->err >= 0)
        close(r->err);
    if (!r->exited)
        proc_stop(r->pid, SIGTERM, 2, NULL);
    return ok && judge(r, err);
}

struct sink {
    struct buf *out;
    const struct proc_conf *conf;
};

static bool take_into(void *ctx, struct span piece, struct err *err)
{
    struct sink *s = ctx;

    if (!s->out || buf_span(s->out, piece))
        return true;
    buf_ok(s->out, err);
    return err_add(err, "cannot keep the output of '%s'", program(s->conf));
}

bool proc_run(const struct proc_conf *conf, double timeout_s, struct buf *out, struct err *err)
{
    struct sink sink = {out, conf};
    struct run r = {.conf = conf, .take = take_into, .ctx = &sink};

    if (timeout_s > 0)
        r.deadline_ns = clock_mono_ns() + (int64_t)(timeout_s * (double)NS_PER_S);
    return run(&r, err);
}

bool proc_stream(const struct proc_conf *conf,
                 bool (*take)(void *ctx, struct span piece, struct err *err), void *ctx,
                 struct err *err)
{
    struct run r = {.conf = conf, .take = take, .ctx = ctx};
    return run(&r, err);
}
