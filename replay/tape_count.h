/* How often each endpoint of a tape was asked, and what it answered.
 *
 * Bounds: ENDPOINTS_MAX names; a response counts for the endpoint of the request of its number when
 * that one stood before it on the tape, and is not far above what the tape held until then.
 */
#ifndef REPLAY_TAPE_COUNT_H
#define REPLAY_TAPE_COUNT_H

#include <jansson.h>

#include "lib/wire/tape.h"

struct tape_count;
bool tape_count_new(struct tape_count **out, struct err *err);
void tape_count_free(struct tape_count *t);
AUTO_PTR(tape_count, struct tape_count, tape_count_free)

/* Takes TAPE_REQUEST, TAPE_RESPONSE and TAPE_RESULT. */
bool tape_count_add(struct tape_count *t, const struct tape_record *r, struct err *err);
/* Array of {endpoint, requests, errors, status: {"200": n}}, the most requests first. New; NULL
 * without memory. */
json_t *tape_count_endpoints(const struct tape_count *t);
/* Of all: {"200": n}. Borrowed. */
json_t *tape_count_status(struct tape_count *t);
uint64_t tape_count_errors(const struct tape_count *t);

#endif
