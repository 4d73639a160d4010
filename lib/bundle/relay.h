/* Bytes from one thread to another, through a few buffers that go round.
 *
 * One side reads and hashes while the other writes. The worker is a thread of the relay's own and
 * stands on either side:
 *   producer: relay_empty(), fill it, relay_send() ... relay_end()
 *   consumer: relay_next(), use it, relay_back() ... until it gives NULL
 * Who fails stops: relay_stop() makes the other side's next call give NULL.
 * Memory:  RELAY_PIECES buffers of RELAY_BYTES.
 * Errors:  relay_join() gives the worker's own.
 */
#ifndef LIB_BUNDLE_RELAY_H
#define LIB_BUNDLE_RELAY_H

#include "lib/base/auto.h"
#include "lib/base/err.h"

#include <stddef.h>

#define RELAY_BYTES  ((size_t)1 << 20)
#define RELAY_PIECES 8

struct piece {
    int what; /* between the two sides */
    size_t len;
    char *at; /* RELAY_BYTES */
};

struct relay;

bool relay_open(bool (*work)(void *ctx, struct relay *r, struct err *err), void *ctx,
                struct relay **out, struct err *err);
struct piece *relay_empty(struct relay *r);
void relay_send(struct relay *r, struct piece *p);
void relay_end(struct relay *r); /* nothing more comes */
struct piece *relay_next(struct relay *r);
void relay_back(struct relay *r, struct piece *p);
void relay_stop(struct relay *r);
/* Waits for the worker, after relay_end() or relay_stop(); false when it failed. */
bool relay_join(struct relay *r, struct err *err);
/* Stops and joins first, if that is not done. NULL is fine. */
void relay_close(struct relay *r);
AUTO_PTR(relay, struct relay, relay_close)

#endif
