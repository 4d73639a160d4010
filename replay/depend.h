/* Which answers a request must not overtake.
 *
 * Users act on what they saw. A request that carries a value which an earlier response made up (a
 * cookie, a token, an id) waits in a replay until that response has come; and the requests of one
 * session, known by its cookie, wait for those of the session that were answered before they were
 * sent, also when they use other connections. So a slower release is not asked for what it has not
 * made yet. The time spent waiting counts as blocked, not as the sender's lateness.
 */
#ifndef REPLAY_DEPEND_H
#define REPLAY_DEPEND_H

#include "replay/plan.h"

#define DEPEND_MAX 8 /* answers that one request waits for, the latest ones */

bool depend_find(struct plan *p, struct err *err);

#endif
