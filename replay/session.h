/* What stands for what: recorded values of sessions and the values that the replay got instead.
 *
 * Cookies are known by name and value, tokens by value, ids by noun and value (replay/made.h). A
 * mapping holds for the whole replay, not for one connection: browsers spread a session over
 * several, and the values are unique to their session anyway.
 * The first mapping of a value stays, and no two ids of a noun get the same replayed one.
 * Threads: any. A reader waits only while a writer adds.
 */
#ifndef REPLAY_SESSION_H
#define REPLAY_SESSION_H

#include "lib/base/buf.h"
#include "replay/made.h"

struct session;
bool session_new(struct session **out, struct err *err);
void session_free(struct session *s);
AUTO_PTR(session, struct session, session_free)
bool session_empty(const struct session *s);
/* Learns from the made-up values of the recorded and of the replayed response. */
bool session_learn(struct session *s, const struct vec *recorded, const struct vec *replayed,
                   struct err *err);
bool session_put(struct session *s, enum made_kind kind, struct span noun, struct span from,
                 struct span to, struct err *err);
/* Appends the replayed value for a recorded one; false and nothing when there is none. */
bool session_get(struct session *s, enum made_kind kind, struct span noun, struct span from,
                 struct buf *out);
/* `hit` is told the value of every session_get() that finds one. One thread only. */
void session_watch(struct session *s, void (*hit)(void *ctx, struct span to), void *ctx);
/* Every mapping, in no order. */
bool session_each(struct session *s,
                  bool (*each)(void *ctx, enum made_kind kind, struct span noun, struct span from,
                               struct span to, struct err *err),
                  void *ctx, struct err *err);
size_t session_count(const struct session *s);

#endif
