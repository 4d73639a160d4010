#include "lib/ssh/session.h"

#include "lib/base/clock.h"
#include "lib/base/cmd.h"
#include "lib/ssh/auth.h"
#include "lib/ssh/known.h"

#include <errno.h>
#include <fcntl.h>
#include <libssh2.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#define SECOND_NS    ((int64_t)1000000000)
#define CONNECT_NS   (15 * SECOND_NS)
#define STOP_NS      (3 * SECOND_NS)
#define STEP_MS      250
#define KEEPALIVE_S  10
#define WINDOW_BYTES (4u << 20)
#define PACKET_BYTES 32768

struct ssh {
    LIBSSH2_SESSION *session;
    LIBSSH2_CHANNEL *channel;
    char *host;
    int fd;
    int64_t stop_ns; /* when it is over after a stop signal; 0: there was none */
};

/* ---- connecting ------------------------------------------------------------------------------*/

static void set_option(int fd, int level, int name, int value)
{
    /* Without it the connection is slower, or longer in noticing its end; no more. */
    (void)setsockopt(fd, level, name, &value, sizeof(value));
}

/* The kernel notices a dead peer also while nobody waits for it. */
static void tune(int fd)
{
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_S);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_S);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

/* errno says why not. */
static bool wait_connected(int fd)
{
    int64_t until = clock_mono_ns() + CONNECT_NS;
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int failed = 0;
    socklen_t len = sizeof(failed);

    while (poll(&p, 1, STEP_MS) <= 0) {
        errno = cmd_stopping() ? EINTR : ETIMEDOUT;
        if (cmd_stopping() || clock_mono_ns() > until)
            return false;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len) != 0)
        return false;
    errno = failed;
    return failed == 0;
}

static bool connect_to(const struct addrinfo *a, int *out)
{
    AUTO(fd)
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);

    if (fd < 0)
        return false;
    tune(fd);
    if (connect(fd, a->ai_addr, a->ai_addrlen) != 0 &&
        (errno != EINPROGRESS || !wait_connected(fd)))
        return false;
    *out = take_fd(&fd);
    return true;
}

static bool reach(const struct ssh_target *to, int *out, struct err *err)
{
    struct addrinfo wanted = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    char port[8];
    bool ok = false;

    snprintf(port, sizeof(port), "%u", to->port);
    int rc = getaddrinfo(to->host, port, &wanted, &found);
    if (rc != 0) {
        err_set(err, ERR_UNREACHABLE, "cannot look up host '%s': %s", to->host, gai_strerror(rc));
        return err_hint(err, "aliases of ~/.ssh/config are not read: write the host's own name");
    }
    for (const struct addrinfo *a = found; a && !ok && !cmd_stopping(); a = a->ai_next)
        ok = connect_to(a, out);
    int why = errno;
    freeaddrinfo(found);
    if (ok)
        return true;
    if (!cmd_stop_check(err))
        return false;
    errno = why;
    err_sys(err, ERR_UNREACHABLE, "cannot connect to '%s' port %u", to->host, to->port);
    return err_hint(err, "is sshd running there, and does no firewall stand before it?");
}

/* ---- the session -----------------------------------------------------------------------------*/

static bool failed_at(struct ssh *s, const char *what, struct err *err)
{
    char *text = NULL;

    libssh2_session_last_error(s->session, &text, NULL, 0);
    if (!cmd_stop_check(err))
        return false;
    return err_set(err, ERR_UNREACHABLE, "cannot %s '%s': %s", what, s->host,
                   text && *text ? text : "the connection was closed");
}

static bool log_in(struct ssh *s, const struct ssh_target *to, struct err *err)
{
    AUTO(known) struct known *known = NULL;

    if (!known_open(s->session, to, &known, err) || !known_prefer(known, err))
        return false;
    if (libssh2_session_handshake(s->session, s->fd) != 0)
        return failed_at(s, "agree on a cipher with", err);
    return known_check(known, err) && auth_run(s->session, to, err);
}

static void start_library(void)
{
    /* Its only failure is that of libcrypto, which every session meets again. */
    (void)libssh2_init(0);
}

bool ssh_open(const struct ssh_target *to, struct ssh **out, struct err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    AUTO(ssh) struct ssh *s = calloc(1, sizeof(*s));

    if (!s)
        return err_memory(err);
    s->fd = -1;
    s->host = strdup(to->host);
    pthread_once(&once, start_library);
    if (!s->host)
        return err_memory(err);
    if (!reach(to, &s->fd, err))
        return false;
    s->session = libssh2_session_init();
    if (!s->session)
        return err_memory(err);
    libssh2_session_set_timeout(s->session, SSH_TIMEOUT_S * 1000);
    if (!log_in(s, to, err))
        return false;
    libssh2_keepalive_config(s->session, 1, KEEPALIVE_S);
    libssh2_session_set_blocking(s->session, 0);
    *out = TAKE(s);
    return true;
}

/* Says no good-bye: it would wait for a server that may be gone, and none needs one. */
void ssh_close(struct ssh *s)
{
    if (!s)
        return;
    if (s->fd >= 0)
        shutdown(s->fd, SHUT_RDWR);
    if (s->channel)
        libssh2_channel_free(s->channel);
    if (s->session)
        libssh2_session_free(s->session);
    if (s->fd >= 0)
        close(s->fd);
    free(s->host);
    free(s);
}

/* ---- the channel -----------------------------------------------------------------------------*/

/* A stopped program still has the time to clear up behind itself. */
static bool in_time(struct ssh *s, int64_t since, struct err *err)
{
    int64_t now = clock_mono_ns();

    if (cmd_stopping() && s->stop_ns == 0)
        s->stop_ns = now + STOP_NS;
    if (s->stop_ns != 0 && now > s->stop_ns)
        return err_set(err, ERR_STOPPED, "stopped while waiting for '%s'", s->host);
    if (now - since > SSH_TIMEOUT_S * SECOND_NS)
        return err_set(err, ERR_UNREACHABLE, "'%s' has not answered for %d s", s->host,
                       SSH_TIMEOUT_S);
    return true;
}

static bool wait_turn(struct ssh *s, int64_t since, struct err *err)
{
    int turn = libssh2_session_block_directions(s->session), next;
    bool out = (turn & LIBSSH2_SESSION_BLOCK_OUTBOUND) != 0;
    struct pollfd p = {.fd = s->fd, .events = (short)(out ? POLLOUT : POLLIN)};

    if (out && (turn & LIBSSH2_SESSION_BLOCK_INBOUND))
        p.events |= POLLIN;
    /* A packet that is half sent must be ended before another one begins. */
    if (!out)
        (void)libssh2_keepalive_send(s->session, &next);
    if (poll(&p, 1, STEP_MS) < 0 && errno != EINTR)
        return err_sys(err, ERR_UNREACHABLE, "cannot wait for '%s'", s->host);
    return in_time(s, since, err);
}

bool ssh_subsystem(struct ssh *s, const char *name, struct err *err)
{
    int64_t since = clock_mono_ns();
    int rc;

    while (!s->channel) {
        s->channel = libssh2_channel_open_ex(s->session, "session", strlen("session"), WINDOW_BYTES,
                                             PACKET_BYTES, NULL, 0);
        if (s->channel)
            break;
        if (libssh2_session_last_errno(s->session) != LIBSSH2_ERROR_EAGAIN)
            return failed_at(s, "open a channel to", err);
        if (!wait_turn(s, since, err))
            return false;
    }
    while ((rc = libssh2_channel_subsystem(s->channel, name)) == LIBSSH2_ERROR_EAGAIN)
        if (!wait_turn(s, since, err))
            return false;
    if (rc == 0)
        return true;
    err_set(err, ERR_UNSUPPORTED, "'%s' has no subsystem '%s' for this user", s->host, name);
    return err_hint(err, "let sshd_config there say: Subsystem sftp internal-sftp");
}

bool ssh_send(struct ssh *s, struct span bytes, struct err *err)
{
    int64_t since = clock_mono_ns();

    while (bytes.len > 0) {
        ssize_t n = libssh2_channel_write(s->channel, bytes.at, bytes.len);

        /* 0: the server's window is full. */
        if (n < 0 && n != LIBSSH2_ERROR_EAGAIN)
            return failed_at(s, "send to", err);
        if (n > 0) {
            bytes = (struct span){bytes.at + n, bytes.len - (size_t)n};
            since = clock_mono_ns();
        } else if (!wait_turn(s, since, err)) {
            return false;
        }
    }
    return true;
}

bool ssh_recv(struct ssh *s, void *to, size_t max, size_t *got, struct err *err)
{
    int64_t since = clock_mono_ns();

    for (;;) {
        ssize_t n = libssh2_channel_read(s->channel, to, max);

        if (n > 0) {
            *got = (size_t)n;
            return true;
        }
        if (n < 0 && n != LIBSSH2_ERROR_EAGAIN)
            return failed_at(s, "receive from", err);
        if (n == 0 && libssh2_channel_eof(s->channel))
            return err_set(err, ERR_UNREACHABLE, "'%s' ended the session", s->host);
        if (!wait_turn(s, since, err))
            return false;
    }
}
