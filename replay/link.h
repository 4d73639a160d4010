/* One replayed connection: connecting, sending what is due, taking the answers. Used by worker.c
 * alone, which owns the clock, the poll set and the order. */
#ifndef REPLAY_LINK_H
#define REPLAY_LINK_H

#include "lib/wire/http_msg.h"
#include "replay/request.h"
#include "replay/worker.h"

enum link_state { LINK_CLOSED, LINK_CONNECTING, LINK_OPEN, LINK_DONE };

/* What all links of a worker use. */
struct link_env {
    const struct replay_shared *shared;
    struct worker_counts counts;
    struct buf records; /* results on their way */
    int poll_fd;
    size_t open;
    char *input; /* LINK_INPUT bytes, for receiving */
};
#define LINK_INPUT ((size_t)128 << 10)

struct link {
    struct link_env *env;
    const struct plan_conn *conn;
    struct request_target target;
    const struct target *to;
    enum link_state state;
    int fd;
    uint32_t first, next; /* of conn->requests: oldest without an answer, next to send */
    struct http_in *in;
    struct buf out;
    size_t out_at;
    int64_t free_ns; /* the last answer, since t0 */
    int64_t connected_ns, connect_late_ns;
    int64_t released_ns; /* when what the next request waits for was there */
    int64_t deadline_ns;
    bool held;           /* the next request waits for another one's answer */
    bool waits_for_room; /* too many connections are open */
    int64_t key_ns;      /* when to look at it again */
    size_t heap_at;
};

bool link_init(struct link *l, struct link_env *env, size_t conn, struct err *err);
void link_done(struct link *l);
/* Does what is due at `now_ns` (since t0) and sets key_ns. */
bool link_step(struct link *l, int64_t now_ns, struct err *err);
/* The poll set says something about it. */
bool link_io(struct link *l, uint32_t events, int64_t now_ns, struct err *err);

#endif
