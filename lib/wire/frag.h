/* IP datagrams put together from fragments.
 *
 * Memory:  at most FRAG_DATAGRAMS unfinished datagrams of FRAG_BYTES_MAX; the oldest goes first.
 * Rules:   the first copy of a byte wins, and a datagram whose pieces contradict each other in
 *          length is thrown away (RFC 5722).
 */
#ifndef LIB_WIRE_FRAG_H
#define LIB_WIRE_FRAG_H

#include "lib/base/auto.h"
#include "lib/base/err.h"
#include "lib/wire/packet.h"

#define FRAG_DATAGRAMS 64
#define FRAG_BYTES_MAX 65535
#define FRAG_AGE_NS    (30 * INT64_C(1000000000))

struct frag;
bool frag_new(struct frag **out, struct err *err);
void frag_free(struct frag *f);
AUTO_PTR(frag, struct frag, frag_free)
/* Adds the piece in `p` (of kind PACKET_PIECE). When it was the last one, *whole holds the payload
 * until the next call, and true comes back. */
bool frag_add(struct frag *f, const struct packet *p, int64_t at_ns, struct span *whole);
/* Datagrams that were given up, each with lost bytes. */
uint64_t frag_lost(const struct frag *f);

#endif
