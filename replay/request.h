/* A recorded request, made ready to be sent again.
 *
 * Changed: Host (unless kept), Origin and Referer to the same host; recorded cookies, tokens and
 * ids for those of the replay; Content-Length to fit. Left out: Expect (the body goes along at
 * once), Accept-Encoding (an encoded body cannot be compared by structure).
 * Where ids are looked for: path segments, query and form parameters, JSON bodies. Tokens also in
 * every header value.
 */
#ifndef REPLAY_REQUEST_H
#define REPLAY_REQUEST_H

#include "replay/plan.h"
#include "replay/session.h"

struct request_target {
    const char *host; /* value for Host: "127.0.0.1:8080" */
    bool keep_host;
};

/* Appends the request's bytes to `out`. `session` NULL: nothing is replaced. */
bool request_write(const struct plan_request *q, const struct request_target *target,
                   struct session *session, struct buf *out, struct err *err);

#endif
