#include "replay/link.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <sys/epoll.h>

#include "lib/base/clock.h"
#include "replay/results.h"

#define TRIES_MAX    2
#define HELD_POLL_NS INT64_C(300000) /* another thread's answer is looked for this often */

static struct plan_request *request_at(const struct link *l, uint32_t i)
{
    return plan_request(l->env->shared->plan, ((const uint32_t *)l->conn->requests.at)[i]);
}

static struct outcome *outcome_at(const struct link *l, uint32_t i)
{
    return &l->env->shared->outcomes[((const uint32_t *)l->conn->requests.at)[i]];
}

static uint32_t count_of(const struct link *l)
{
    return (uint32_t)l->conn->requests.count;
}

static int64_t due_of(const struct link *l, uint32_t i)
{
    const struct replay_shared *s = l->env->shared;

    if (s->no_wait)
        return 0;
    return (int64_t)((double)(request_at(l, i)->at_ns - s->plan->first_ns) / s->speed);
}

bool link_init(struct link *l, struct link_env *env, size_t conn, struct err *err)
{
    const struct replay_shared *s = env->shared;
    const struct http_limits limits = {.body_max = s->body_max};

    *l = (struct link){.env = env, .conn = plan_conn(s->plan, conn), .fd = -1};
    l->to = targets_find(s->targets, l->conn->server.port);
    l->target = (struct request_target){.host = l->to->host, .keep_host = s->keep_host};
    if (count_of(l) == 0) {
        l->state = LINK_DONE;
        return true;
    }
    l->key_ns = due_of(l, 0);
    return http_in_new(HTTP_SIDE_RESPONSES, &limits, &l->in, err);
}

static void drop(struct link *l)
{
    if (l->fd >= 0) {
        close(l->fd);
        l->fd = -1;
        l->env->open--;
    }
    if (l->in)
        http_in_reset(l->in);
    buf_clear(&l->out);
    l->out_at = 0;
    if (l->state != LINK_DONE)
        l->state = LINK_CLOSED;
}

void link_done(struct link *l)
{
    drop(l);
    http_in_free(l->in);
    l->in = NULL;
    buf_done(&l->out);
}

/* ---- outcomes ---- */

static bool note(struct link *l, uint32_t i, const struct http_message *m, struct err *err)
{
    struct link_env *env = l->env;

    if (!env->shared->results)
        return true;
    if (!results_pack(&env->records, request_at(l, i), l->conn->number, outcome_at(l, i), m, err))
        return false;
    return env->records.len < RESULTS_CHUNK ||
           tape_out_put(env->shared->results, &env->records, false, err);
}

static bool give_up(struct link *l, uint32_t i, enum outcome_code code, int64_t now_ns,
                    struct err *err)
{
    struct outcome *o = outcome_at(l, i);

    o->last_ns = now_ns;
    if (code == OUTCOME_SKIPPED)
        l->env->counts.skipped++;
    else
        l->env->counts.errors++;
    if (o->sent_ns == 0)
        o->due_ns = o->ready_ns = o->sent_ns = due_of(l, i);
    atomic_store(&o->code, (uint8_t)code);
    return note(l, i, NULL, err);
}

/* The oldest request got no answer; those behind it on the same connection are sent anew. */
static bool fail_first(struct link *l, enum outcome_code code, int64_t now_ns, struct err *err)
{
    uint32_t i = l->first++;

    l->next = l->first;
    l->free_ns = now_ns;
    drop(l);
    return give_up(l, i, code, now_ns, err);
}

static bool learn(struct link *l, const struct plan_request *q, const struct http_message *m,
                  struct err *err)
{
    if (q->made.count == 0)
        return true;
    struct vec got = VEC(struct made);
    const struct made_source from = {.method = http_method(q->head),
                                     .target = http_target(q->head),
                                     .head = buf_view(&m->head),
                                     .body = buf_view(&m->body)};
    bool ok =
        made_find(&from, &got, err) && session_learn(l->env->shared->session, &q->made, &got, err);
    made_done(&got);
    return ok;
}

static bool answer(struct link *l, int64_t now_ns, struct err *err)
{
    struct http_message *m = http_in_message(l->in);
    uint32_t i = l->first;
    struct outcome *o = outcome_at(l, i);

    if (m->status / 100 == 1 && m->status != 101) {
        http_in_next(l->in);
        return true;
    }
    o->status = m->status;
    o->first_ns = m->first_ns;
    o->last_ns = now_ns;
    o->body_bytes = m->body_bytes;
    l->env->counts.answered++;
    if (!learn(l, request_at(l, i), m, err))
        return false;
    atomic_store(&o->code, OUTCOME_ANSWERED);
    if (!note(l, i, m, err))
        return false;
    l->first++;
    l->free_ns = now_ns;
    l->deadline_ns = now_ns + l->env->shared->timeout_ns;
    if (m->flags & (HTTP_CLOSES | HTTP_UPGRADED)) {
        l->next = l->first;
        drop(l);
    } else {
        http_in_next(l->in);
    }
    return true;
}

/* ---- connecting and sending ---- */

static bool connect_failed(struct link *l, int64_t now_ns, struct err *err)
{
    return fail_first(l, OUTCOME_CONNECT, now_ns, err);
}

static bool start_connect(struct link *l, int64_t now_ns, struct err *err)
{
    struct link_env *env = l->env;
    int one = 1, family = l->to->addr.ss_family;
    int64_t wanted = due_of(l, l->next);

    wanted = wanted > l->free_ns ? wanted : l->free_ns;
    wanted = wanted > l->released_ns ? wanted : l->released_ns;
    l->connect_late_ns = now_ns > wanted ? now_ns - wanted : 0;
    l->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0)
        return connect_failed(l, now_ns, err);
    env->open++;
    env->counts.connects++;
    setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(l->fd, (const struct sockaddr *)&l->to->addr, l->to->addr_len) != 0 &&
        errno != EINPROGRESS)
        return connect_failed(l, now_ns, err);
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = l};
    if (epoll_ctl(env->poll_fd, EPOLL_CTL_ADD, l->fd, &e) != 0)
        return err_sys(err, ERR_IO, "cannot watch a connection");
    l->state = LINK_CONNECTING;
    l->deadline_ns = now_ns + env->shared->timeout_ns;
    return true;
}

/* 1: written, or waits for room in the socket; 0: the connection is gone. */
static int write_out(struct link *l)
{
    while (l->out_at < l->out.len) {
        ssize_t n = send(l->fd, l->out.at + l->out_at, l->out.len - l->out_at, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN;
        l->out_at += (size_t)n;
    }
    buf_clear(&l->out);
    l->out_at = 0;
    return 1;
}

static void stamp(struct link *l, struct outcome *o, int64_t due_ns, int64_t now_ns)
{
    int64_t ready = due_ns > l->free_ns ? due_ns : l->free_ns;

    if (l->connected_ns > ready)
        ready = l->connected_ns - l->connect_late_ns;
    if (l->released_ns > ready)
        ready = l->released_ns;
    o->due_ns = l->env->shared->no_wait ? now_ns : due_ns;
    o->ready_ns = l->env->shared->no_wait ? now_ns : ready;
    o->sent_ns = now_ns;
    o->tries++;
}

static bool send_next(struct link *l, int64_t now_ns, struct err *err)
{
    struct plan_request *q = request_at(l, l->next);
    const struct replay_shared *s = l->env->shared;

    if (!request_write(q, &l->target, session_empty(s->session) ? NULL : s->session, &l->out, err))
        return false;
    stamp(l, outcome_at(l, l->next), due_of(l, l->next), now_ns);
    if (l->first == l->next)
        l->deadline_ns = now_ns + s->timeout_ns;
    l->next++;
    l->env->counts.sent++;
    /* A connection that is gone tells so by its end of file, which link_io() sees. */
    write_out(l);
    return true;
}

static bool may_send(const struct link *l)
{
    return l->first == l->next || request_at(l, l->next)->flags & HTTP_PIPELINED;
}

/* Whether an answer that the next request was made from, or that its session had seen, is still
 * to come. Not for longer than a response may take: with too few connections allowed, the one it
 * waits for might wait for its own. */
static bool held_back(struct link *l, int64_t now_ns)
{
    const struct plan_request *q = request_at(l, l->next);
    const uint32_t *after = q->after.at;
    bool held = false;

    for (size_t i = 0; i < q->after.count && !held; i++)
        held = atomic_load(&l->env->shared->outcomes[after[i]].code) == OUTCOME_NONE;
    if (!held || now_ns - due_of(l, l->next) > l->env->shared->timeout_ns) {
        if (l->held)
            l->released_ns = now_ns;
        l->held = false;
        return false;
    }
    l->held = true;
    return true;
}

static bool skip_broken(struct link *l, int64_t now_ns, struct err *err)
{
    while (l->first == l->next && l->next < count_of(l) && !request_at(l, l->next)->whole) {
        uint32_t i = l->next++;
        l->first = l->next;
        if (!give_up(l, i, OUTCOME_SKIPPED, now_ns, err))
            return false;
    }
    return true;
}

static void set_key(struct link *l, int64_t now_ns)
{
    bool waits = l->first < l->next || l->state == LINK_CONNECTING;

    l->key_ns = waits ? l->deadline_ns : INT64_MAX;
    if (l->next >= count_of(l) || l->state == LINK_CONNECTING || l->waits_for_room ||
        !may_send(l) || !request_at(l, l->next)->whole)
        return;
    int64_t due = l->held ? now_ns + HELD_POLL_NS : due_of(l, l->next);
    l->key_ns = due < l->key_ns ? due : l->key_ns;
}

static bool advance(struct link *l, int64_t now_ns, struct err *err)
{
    while (l->next < count_of(l)) {
        if (!skip_broken(l, now_ns, err))
            return false;
        bool due = l->next < count_of(l) && request_at(l, l->next)->whole && may_send(l) &&
                   due_of(l, l->next) <= now_ns;
        if (!due || l->state == LINK_CONNECTING || held_back(l, now_ns))
            return true;
        if (l->state == LINK_CLOSED) {
            l->waits_for_room = l->env->open >= l->env->shared->open_max;
            if (l->waits_for_room)
                return true;
            if (!start_connect(l, now_ns, err))
                return false;
            continue;
        }
        if (!send_next(l, now_ns, err))
            return false;
    }
    return true;
}

bool link_step(struct link *l, int64_t now_ns, struct err *err)
{
    bool waits = l->first < l->next || l->state == LINK_CONNECTING;

    if (waits && now_ns >= l->deadline_ns &&
        !fail_first(l, l->state == LINK_CONNECTING ? OUTCOME_CONNECT : OUTCOME_TIMEOUT, now_ns,
                    err))
        return false;
    if (!advance(l, now_ns, err))
        return false;
    if (l->first >= count_of(l)) {
        l->state = LINK_DONE;
        drop(l);
    }
    set_key(l, now_ns);
    return true;
}

/* ---- receiving ---- */

/* The server ended the connection. Before any byte of an answer that is the ordinary race with an
 * idle timeout, and a request that changes nothing is sent again (RFC 9110 9.2.2). */
static bool ended(struct link *l, int64_t now_ns, struct err *err)
{
    if (l->first == l->next) {
        drop(l);
        return true;
    }
    if (http_in_eof(l->in, now_ns) == HTTP_MESSAGE) {
        http_in_message(l->in)->flags |= HTTP_CLOSES;
        return answer(l, now_ns, err);
    }
    struct span method = http_method(request_at(l, l->first)->head);
    bool again = !http_in_begun(l->in) && (span_is(method, "GET") || span_is(method, "HEAD")) &&
                 outcome_at(l, l->first)->tries < TRIES_MAX;
    if (!again)
        return fail_first(l, OUTCOME_CLOSED, now_ns, err);
    l->env->counts.retries++;
    l->next = l->first;
    drop(l);
    return true;
}

static bool take(struct link *l, struct span data, int64_t now_ns, struct err *err)
{
    while (data.len && l->state == LINK_OPEN) {
        if (l->first == l->next) { /* an answer to nothing, as 408 before an idle close */
            drop(l);
            return true;
        }
        if (!http_in_headed(l->in))
            http_in_answers(l->in, http_method(request_at(l, l->first)->head));
        switch (http_in_feed(l->in, &data, now_ns)) {
        case HTTP_MORE:
            return true;
        case HTTP_BROKEN:
            return fail_first(l, OUTCOME_BROKEN, now_ns, err);
        case HTTP_MESSAGE:
            if (!answer(l, now_ns, err))
                return false;
            break;
        }
    }
    return true;
}

static bool receive(struct link *l, bool to_end, struct err *err)
{
    const struct replay_shared *s = l->env->shared;

    while (l->state == LINK_OPEN) {
        ssize_t n = recv(l->fd, l->env->input, LINK_INPUT, 0);
        int64_t now_ns = clock_mono_ns() - s->t0_ns;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return true;
        if (n <= 0)
            return ended(l, now_ns, err);
        if (!take(l, (struct span){l->env->input, (size_t)n}, now_ns, err))
            return false;
        if ((size_t)n < LINK_INPUT && !to_end)
            return true;
    }
    return true;
}

static bool connected(struct link *l, int64_t now_ns, struct err *err)
{
    int failed = 0;
    socklen_t len = sizeof(failed);

    if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &failed, &len) != 0 || failed)
        return connect_failed(l, now_ns, err);
    l->state = LINK_OPEN;
    l->connected_ns = now_ns;
    return true;
}

bool link_io(struct link *l, uint32_t events, int64_t now_ns, struct err *err)
{
    if (l->state == LINK_CONNECTING && events & (EPOLLOUT | EPOLLERR | EPOLLHUP) &&
        !connected(l, now_ns, err))
        return false;
    if (l->state == LINK_OPEN && l->out.len && events & EPOLLOUT)
        write_out(l);
    if (l->state == LINK_OPEN && events & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP) &&
        !receive(l, events & (EPOLLRDHUP | EPOLLERR | EPOLLHUP), err))
        return false;
    return link_step(l, clock_mono_ns() - l->env->shared->t0_ns, err);
}
