#include "replay/target.h"

#include <netdb.h>
#include <netinet/in.h>
#include <unistd.h>

static bool bad(const char *text, struct err *err)
{
    err_set(err, ERR_USAGE, "'%s' is no target", text);
    return err_hint(err, "[RECORDED_PORT=]HOST:PORT, as in 8080=127.0.0.1:18080");
}

/* "[::1]:80" or "host:80" into host and port texts. */
static bool split_host(struct span text, char host[256], char port[8])
{
    size_t colon = text.len;

    while (colon > 0 && text.at[colon - 1] != ':')
        colon--;
    if (colon < 2)
        return false;
    struct span h = {text.at, colon - 1}, p = {text.at + colon, text.len - colon};
    uint64_t number = 0;
    if (!span_u64(p, &number) || number == 0 || number > 65535)
        return false;
    if (h.at[0] == '[' && h.at[h.len - 1] == ']')
        h = (struct span){h.at + 1, h.len - 2};
    if (h.len == 0 || h.len > 255)
        return false;
    snprintf(host, 256, "%.*s", (int)h.len, h.at);
    snprintf(port, 8, "%u", (unsigned)number);
    return true;
}

static bool resolve(struct target *t, const char *host, const char *port, struct err *err)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *all = NULL;
    int code = getaddrinfo(host, port, &hints, &all);

    if (code != 0)
        return err_set(err, ERR_UNREACHABLE, "cannot find host '%s': %s", host, gai_strerror(code));
    memcpy(&t->addr, all->ai_addr, all->ai_addrlen);
    t->addr_len = all->ai_addrlen;
    freeaddrinfo(all);
    return true;
}

static bool parse_one(const char *text, struct target *t, struct err *err)
{
    struct span rest = span_of(text);
    const char *sign = strchr(text, '=');
    char host[256], port[8];

    if (sign) {
        uint64_t recorded = 0;
        struct span before = {text, (size_t)(sign - text)};
        if (!span_u64(before, &recorded) || recorded == 0 || recorded > 65535)
            return bad(text, err);
        t->recorded = (uint16_t)recorded;
        rest = span_of(sign + 1);
    }
    if (!split_host(rest, host, port))
        return bad(text, err);
    snprintf(t->host, sizeof(t->host), strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
    return resolve(t, host, port, err);
}

bool targets_parse(const struct opt_list *list, struct targets *out, struct err *err)
{
    *out = (struct targets){0};
    if (list->count == 0) {
        err_set(err, ERR_USAGE, "no target to replay to");
        return err_hint(err, "--to [RECORDED_PORT=]HOST:PORT");
    }
    for (size_t i = 0; i < list->count && out->count < TARGETS_MAX; i++)
        if (!parse_one(list->at[i], &out->at[out->count++], err))
            return false;
    return true;
}

const struct target *targets_find(const struct targets *t, uint16_t recorded_port)
{
    const struct target *any = NULL;

    for (size_t i = 0; i < t->count; i++) {
        if (t->at[i].recorded == recorded_port)
            return &t->at[i];
        if (t->at[i].recorded == 0)
            any = &t->at[i];
    }
    return any;
}

static bool same_place(const struct target *t, const struct tcp_end *server)
{
    const struct sockaddr_in *v4 = (const void *)&t->addr;
    const struct sockaddr_in6 *v6 = (const void *)&t->addr;

    if (t->addr.ss_family == AF_INET)
        return server->family == 4 && ntohs(v4->sin_port) == server->port &&
               memcmp(&v4->sin_addr, server->ip, 4) == 0;
    return server->family == 6 && ntohs(v6->sin6_port) == server->port &&
           memcmp(&v6->sin6_addr, server->ip, 16) == 0;
}

/* Another host's 127.0.0.1 is another place. */
static bool recorded_here(const struct plan *plan, const struct tcp_end *server)
{
    const char *host = json_string_value(json_object_get(plan->meta, "host"));
    char ours[256] = "";

    if (!tcp_end_loopback(server) || !host)
        return true;
    gethostname(ours, sizeof(ours) - 1);
    return strcmp(host, ours) == 0;
}

bool targets_check(const struct targets *t, const struct plan *plan, bool allow_source,
                   struct err *err)
{
    for (size_t i = 0; i < plan->conns.count; i++) {
        const struct tcp_end *server = &plan_conn(plan, i)->server;
        const struct target *to = targets_find(t, server->port);
        if (!to) {
            err_set(err, ERR_USAGE, "no target for recorded port %u", server->port);
            return err_hint(err, "--to %u=HOST:PORT", server->port);
        }
        if (!allow_source && same_place(to, server) && recorded_here(plan, server)) {
            err_set(err, ERR_USAGE, "refusing to replay onto '%s', where the tape was recorded",
                    to->host);
            return err_hint(err, "replay to a box; --allow-source if it is one");
        }
    }
    return true;
}
