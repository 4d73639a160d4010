#include "replay/worker.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/prctl.h>

#include "lib/base/clock.h"
#include "lib/base/cmd.h"
#include "replay/link.h"

#define EVENTS     256
#define LOOK_UP_NS INT64_C(100000000) /* a stop signal is seen this soon */

struct worker {
    struct link_env env;
    struct link *links; /* made when it runs; the heap points into it */
    struct link **heap; /* by key_ns, the smallest first */
    size_t live;
    struct vec conns; /* size_t */
    size_t waiting;   /* links that wait for room */
};

bool worker_new(const struct replay_shared *shared, struct worker **out, struct err *err)
{
    AUTO(worker) struct worker *w = calloc(1, sizeof(*w));
    if (!w)
        return err_memory(err);
    w->env.shared = shared;
    w->conns = (struct vec)VEC(size_t);
    w->env.poll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (w->env.poll_fd < 0)
        return err_sys(err, ERR_IO, "cannot make a poll set");
    w->env.input = malloc(LINK_INPUT);
    if (!w->env.input)
        return err_memory(err);
    *out = TAKE(w);
    return true;
}

void worker_free(struct worker *w)
{
    if (!w)
        return;
    for (size_t i = 0; w->links && i < w->conns.count; i++)
        link_done(&w->links[i]);
    if (w->env.poll_fd > 0)
        close(w->env.poll_fd);
    free(w->links);
    free(w->heap);
    free(w->env.input);
    buf_done(&w->env.records);
    vec_done(&w->conns);
    free(w);
}

bool worker_add(struct worker *w, size_t conn, struct err *err)
{
    size_t *at = vec_add(&w->conns, err);

    if (at)
        *at = conn;
    return at != NULL;
}

struct worker_counts worker_counts(const struct worker *w)
{
    return w->env.counts;
}

/* ---- the heap ---- */

static void place(struct worker *w, size_t at, struct link *l)
{
    w->heap[at] = l;
    l->heap_at = at;
}

static void sift_up(struct worker *w, size_t at)
{
    struct link *l = w->heap[at];

    while (at > 0 && w->heap[(at - 1) / 2]->key_ns > l->key_ns) {
        place(w, at, w->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    place(w, at, l);
}

static void sift_down(struct worker *w, size_t at)
{
    struct link *l = w->heap[at];

    for (size_t child; (child = at * 2 + 1) < w->live; at = child) {
        if (child + 1 < w->live && w->heap[child + 1]->key_ns < w->heap[child]->key_ns)
            child++;
        if (w->heap[child]->key_ns >= l->key_ns)
            break;
        place(w, at, w->heap[child]);
    }
    place(w, at, l);
}

/* After a link's key changed, or it is done. */
static void settle(struct worker *w, struct link *l)
{
    size_t at = l->heap_at;

    if (l->state == LINK_DONE) {
        struct link *last = w->heap[--w->live];
        if (last == l)
            return;
        place(w, at, last);
        l = last;
    }
    sift_up(w, l->heap_at);
    sift_down(w, l->heap_at);
}

/* ---- the loop ---- */

static bool prepare(struct worker *w, struct err *err)
{
    size_t n = w->conns.count;

    w->links = calloc(n ? n : 1, sizeof(*w->links));
    w->heap = calloc(n ? n : 1, sizeof(*w->heap));
    if (!w->links || !w->heap)
        return err_memory(err);
    for (size_t i = 0; i < n; i++)
        w->links[i].fd = -1;
    for (size_t i = 0; i < n; i++) {
        struct link *l = &w->links[i];
        if (!link_init(l, &w->env, ((const size_t *)w->conns.at)[i], err))
            return false;
        if (l->state == LINK_DONE)
            continue;
        w->heap[w->live] = l;
        sift_up(w, w->live++);
    }
    return true;
}

static int64_t now_of(const struct worker *w)
{
    return clock_mono_ns() - w->env.shared->t0_ns;
}

/* Links that found too many connections open, once there is room; the one due first goes first
 * because the links lie in the order of their first request. */
static bool let_in(struct worker *w, struct err *err)
{
    const struct replay_shared *s = w->env.shared;

    for (size_t i = 0; w->waiting && i < w->conns.count && w->env.open < s->open_max; i++) {
        struct link *l = &w->links[i];
        if (!l->waits_for_room)
            continue;
        l->waits_for_room = false;
        w->waiting--;
        if (!link_step(l, now_of(w), err))
            return false;
        w->waiting += l->waits_for_room;
        settle(w, l);
    }
    return true;
}

static bool step(struct worker *w, struct link *l, int64_t now_ns, struct err *err)
{
    bool waited = l->waits_for_room;

    if (!link_step(l, now_ns, err))
        return false;
    w->waiting += l->waits_for_room && !waited;
    settle(w, l);
    return true;
}

static bool run_due(struct worker *w, struct err *err)
{
    int64_t now = now_of(w);

    while (w->live && w->heap[0]->key_ns <= now)
        if (!step(w, w->heap[0], now_of(w), err))
            return false;
    return true;
}

static int wait_events(struct worker *w, struct epoll_event *events)
{
    int64_t now = now_of(w), until = now + LOOK_UP_NS;

    if (w->live && w->heap[0]->key_ns < until)
        until = w->heap[0]->key_ns;
    int64_t ns = until > now ? until - now : 0;
    const struct timespec t = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    return epoll_pwait2(w->env.poll_fd, events, EVENTS, &t, NULL);
}

static bool run_events(struct worker *w, struct err *err)
{
    struct epoll_event events[EVENTS];
    int n = wait_events(w, events);

    if (n < 0 && errno != EINTR)
        return err_sys(err, ERR_IO, "cannot wait for connections");
    for (int i = 0; i < n; i++) {
        struct link *l = events[i].data.ptr;
        bool waited = l->waits_for_room;
        if (l->state == LINK_DONE)
            continue;
        if (!link_io(l, events[i].events, now_of(w), err))
            return false;
        w->waiting += l->waits_for_room && !waited;
        settle(w, l);
    }
    return true;
}

/* The default slack of 50 us would be added to every sleep. And where other work runs on this host,
 * the server's included, it must not be what makes the sender late, nor should every send() hand
 * the processor to the server that it wakes (measured: six times the switches). The sender sleeps
 * whenever nothing is due or all connections wait, so going first costs the others little; the
 * kernel keeps 5 % for them in any case. Without the right to it, it is a neighbour like any
 * other, and the lateness is measured anyway. */
static void keep_time(void)
{
    const struct sched_param first = {.sched_priority = 1};

    prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0);
    pthread_setschedparam(pthread_self(), SCHED_RR, &first);
}

bool worker_run(struct worker *w, struct err *err)
{
    keep_time();
    if (!prepare(w, err))
        return false;
    while (w->live) {
        if (!cmd_stop_check(err))
            return false;
        if (!run_due(w, err) || !let_in(w, err) || !run_events(w, err))
            return false;
    }
    return !w->env.shared->results ||
           tape_out_put(w->env.shared->results, &w->env.records, false, err);
}
