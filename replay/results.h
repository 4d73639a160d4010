/* Results of a replay: what came back for every request, in the tape format, so that comparing
 * needs no server. */
#ifndef REPLAY_RESULTS_H
#define REPLAY_RESULTS_H

#include "lib/wire/http_msg.h"
#include "replay/outcome.h"
#include "replay/plan.h"
#include "replay/session.h"

#define RESULTS_CHUNK     ((size_t)128 << 10)
#define RESULTS_BODY_KEPT ((size_t)256 << 10) /* of each body; of longer ones the digest */
#define RESULTS_BODY_READ ((size_t)1 << 20)   /* so much of a body is hashed and learned from */

/* Appends the TAPE_RESULT record; `m` NULL: there was no response. */
bool results_pack(struct buf *out, const struct plan_request *q, uint64_t conn,
                  const struct outcome *o, const struct http_message *m, struct err *err);
/* Appends the session's mappings: which value stood for which. */
bool results_pack_session(struct buf *out, struct session *s, struct err *err);

#endif
