/* Reading the lines of a journal and holding each against the one before: for this module alone.
 *
 * A chain remembers where it stands, so that a writer can go on from there when another process has
 * added lines. Hostile files: a line is at most CHAIN_LINE_MAX bytes, nothing is trusted before its
 * hash and number fit.
 */
#ifndef LIB_JOURNAL_CHAIN_H
#define LIB_JOURNAL_CHAIN_H

#include "lib/base/hash.h"

#include <jansson.h>
#include <sys/types.h>

#define CHAIN_LINE_MAX ((size_t)16 << 20)

struct chain {
    uint64_t lines;     /* good ones so far */
    struct digest last; /* of the last good line, zeros before the first */
    off_t good_bytes;   /* where the last good line ends */
    off_t torn_bytes;   /* behind it: a line that a crash cut off */
};

typedef bool chain_each(void *ctx, const json_t *event, struct err *err);

/* Reads `fd` on from c->good_bytes to its end; `each` may be NULL. ERR_DAMAGED names the line. */
bool chain_read(struct chain *c, int fd, chain_each *each, void *ctx, struct err *err);
/* The line (without its newline) as the next one. */
void chain_extend(struct chain *c, struct span line);

#endif
