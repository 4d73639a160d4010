/* Ports of 127.0.0.1. They are chosen below the range that the kernel gives to outgoing
 * connections: a stopped box would otherwise lose its port to any client by chance. */
#include "lib/box/local.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT_FIRST 15000
#define PORT_COUNT 17000

static int bind_local(uint16_t port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    AUTO(fd) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;

    /* As servers do: a port whose last connections linger in TIME_WAIT is free. */
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0)
        return errno;
    return bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, 1) == 0 ? 0 : errno;
}

static bool in_list(const json_t *list, uint16_t port)
{
    size_t i;
    json_t *entry;

    json_array_foreach(list, i, entry) if (json_integer_value(json_object_get(entry, "port")) ==
                                           port) return true;
    return false;
}

static bool is_taken(const struct local *l, uint16_t port)
{
    const struct env *env = l->box.env;

    for (unsigned i = 0; i < env->databases_count; i++)
        if (env->databases[i].port == port)
            return true;
    for (unsigned i = 0; i < env->services_count; i++)
        if (env->services[i].port == port)
            return true;
    return in_list(local_servers(l), port) || in_list(local_services(l), port);
}

bool port_choose(const struct local *l, uint16_t *out, struct err *err)
{
    for (int tries = 0; tries < 1000; tries++) {
        uint16_t draw;

        if (getrandom(&draw, sizeof(draw), 0) != sizeof(draw))
            return err_sys(err, ERR_IO, "cannot draw a port");
        uint16_t port = (uint16_t)(PORT_FIRST + draw % PORT_COUNT);
        if (is_taken(l, port) || bind_local(port) != 0)
            continue;
        *out = port;
        return true;
    }
    return err_set(err, ERR_FAILED, "there is no free port on 127.0.0.1 between %d and %d",
                   PORT_FIRST, PORT_FIRST + PORT_COUNT);
}

bool port_check(uint16_t port, const char *what, struct err *err)
{
    int number = bind_local(port);

    if (number == 0)
        return true;
    if (number != EADDRINUSE) {
        errno = number;
        return err_sys(err, ERR_IO, "cannot listen on 127.0.0.1:%u for %s", port, what);
    }
    err_set(err, ERR_SERVICE, "port %u of %s is in use by another program", port, what);
    return err_hint(err, "end what listens there (ss -ltnp), or restore again with --replace for "
                         "new ports");
}

bool port_accepts(const char *host, uint16_t port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    char service[8];
    bool ok = false;

    snprintf(service, sizeof(service), "%u", port);
    if (getaddrinfo(host, service, &hints, &list) != 0)
        return false;
    for (const struct addrinfo *a = list; a && !ok; a = a->ai_next) {
        AUTO(fd) int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct timeval wait = {.tv_sec = 2};

        if (fd < 0)
            continue;
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)); /* bounds connect() too */
        ok = connect(fd, a->ai_addr, a->ai_addrlen) == 0;
    }
    freeaddrinfo(list);
    return ok;
}
