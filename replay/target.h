/* Where a replay goes: `--to [RECORDED_PORT=]HOST:PORT`, resolved once. */
#ifndef REPLAY_TARGET_H
#define REPLAY_TARGET_H

#include <sys/socket.h>

#include "lib/base/opt.h"
#include "replay/plan.h"

#define TARGETS_MAX 64

struct target {
    uint16_t recorded; /* port; 0: any that no other target names */
    char host[300];    /* "127.0.0.1:8080", as for a Host header */
    struct sockaddr_storage addr;
    socklen_t addr_len;
};

struct targets {
    struct target at[TARGETS_MAX];
    size_t count;
};

bool targets_parse(const struct opt_list *list, struct targets *out, struct err *err);
/* NULL when no target was named for that port. */
const struct target *targets_find(const struct targets *t, uint16_t recorded_port);
/* Every recorded server has a target, and, unless `allow_source`, none is the server that was
 * recorded: replaying writes onto it is never meant. */
bool targets_check(const struct targets *t, const struct plan *plan, bool allow_source,
                   struct err *err);

#endif
