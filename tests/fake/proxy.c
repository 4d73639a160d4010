#include "tests/fake/proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#define LINES 64
#define BLOCK ((size_t)32 << 10)

struct line {
    int client, server; /* -1: free */
    uint64_t carried;   /* to the server, since the last proxy_cut_after() */
    unsigned rule;      /* which that was */
};

struct proxy {
    int listener;
    unsigned port, server_port;
    pthread_t thread;
    atomic_bool over, answer, once;
    _Atomic uint64_t cut_after, bytes;
    atomic_uint rule, connections;
    struct line lines[LINES];
    char block[BLOCK];
};

static struct sockaddr_in address(unsigned port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void cut(struct line *l)
{
    if (l->client >= 0)
        close(l->client);
    if (l->server >= 0)
        close(l->server);
    *l = (struct line){-1, -1, 0, 0};
}

static void take(struct proxy *p)
{
    struct sockaddr_in to = address(p->server_port);
    int client = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC);
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    for (size_t i = 0; client >= 0 && server >= 0 && p->answer && i < LINES; i++) {
        if (p->lines[i].client >= 0)
            continue;
        if (connect(server, (struct sockaddr *)&to, sizeof(to)) != 0)
            break;
        p->connections++;
        p->lines[i] = (struct line){client, server, 0, p->rule};
        return;
    }
    close(client);
    close(server);
}

/* False at the end of either side. */
static bool carry(struct proxy *p, int from, int to, size_t *carried)
{
    ssize_t n = recv(from, p->block, BLOCK, 0);

    *carried = n > 0 ? (size_t)n : 0;
    for (ssize_t done = 0, sent; done < n; done += sent) {
        sent = send(to, p->block + done, (size_t)(n - done), MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
    }
    return n > 0;
}

static void serve(struct proxy *p, struct line *l, const struct pollfd *client,
                  const struct pollfd *server)
{
    uint64_t limit = p->cut_after;
    size_t n = 0;
    bool ok = p->answer;

    if (l->rule != p->rule) {
        l->rule = p->rule;
        l->carried = 0;
    }
    if (ok && client->revents) {
        ok = carry(p, l->client, l->server, &n);
        l->carried += n;
        p->bytes += n;
    }
    if (ok && server->revents)
        ok = carry(p, l->server, l->client, &n);
    if (ok && limit > 0 && l->carried >= limit) {
        ok = false;
        if (p->once)
            p->cut_after = 0;
    }
    if (!ok)
        cut(l);
}

static void *run(void *arg)
{
    struct proxy *p = arg;

    while (!p->over) {
        struct pollfd fds[1 + 2 * LINES];

        fds[0] = (struct pollfd){.fd = p->listener, .events = POLLIN};
        for (size_t i = 0; i < LINES; i++) {
            fds[1 + 2 * i] = (struct pollfd){.fd = p->lines[i].client, .events = POLLIN};
            fds[2 + 2 * i] = (struct pollfd){.fd = p->lines[i].server, .events = POLLIN};
        }
        (void)poll(fds, COUNT(fds), 20);
        for (size_t i = 0; i < LINES; i++)
            if (p->lines[i].client >= 0)
                serve(p, &p->lines[i], &fds[1 + 2 * i], &fds[2 + 2 * i]);
        if (fds[0].revents)
            take(p);
    }
    return NULL;
}

struct proxy *proxy_open(unsigned server_port)
{
    struct proxy *p = calloc(1, sizeof(*p));
    struct sockaddr_in here = address(0);
    socklen_t len = sizeof(here);

    if (!p)
        return NULL;
    for (size_t i = 0; i < LINES; i++)
        p->lines[i] = (struct line){-1, -1, 0, 0};
    p->server_port = server_port;
    p->answer = true;
    p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (p->listener < 0 || bind(p->listener, (struct sockaddr *)&here, len) != 0 ||
        listen(p->listener, LINES) != 0 ||
        getsockname(p->listener, (struct sockaddr *)&here, &len) != 0 ||
        pthread_create(&p->thread, NULL, run, p) != 0) {
        close(p->listener);
        free(p);
        return NULL;
    }
    p->port = ntohs(here.sin_port);
    return p;
}

void proxy_close(struct proxy *p)
{
    if (!p)
        return;
    p->over = true;
    pthread_join(p->thread, NULL);
    for (size_t i = 0; i < LINES; i++)
        cut(&p->lines[i]);
    close(p->listener);
    free(p);
}

unsigned proxy_port(const struct proxy *p)
{
    return p->port;
}

static void set_limit(struct proxy *p, uint64_t bytes, bool once)
{
    p->once = once;
    p->cut_after = bytes;
    p->rule++;
}

void proxy_cut_after(struct proxy *p, uint64_t bytes)
{
    set_limit(p, bytes, false);
}

void proxy_cut_once(struct proxy *p, uint64_t bytes)
{
    set_limit(p, bytes, true);
}

void proxy_answer(struct proxy *p, bool answer)
{
    p->answer = answer;
}

uint64_t proxy_bytes(const struct proxy *p)
{
    return p->bytes;
}

unsigned proxy_connections(const struct proxy *p)
{
    return p->connections;
}
