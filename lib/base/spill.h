/* Bytes that are added one behind the other and read at any place, and need little memory.
 *
 * Up to SPILL_MEMORY they are in memory; one that cannot grow beyond it is a plain piece of the heap.
 * Beyond that they lie in a file without a name, in $TMPDIR or
 * /var/tmp, and are mapped: what was not read for a while the kernel takes away, and spill_forget()
 * makes it do so. The file has no name from the moment it is made, and mode 0600: it goes with the
 * process, however that ends. It is not encrypted (docs/security.md).
 * Places:    what was added never moves: pointers into it hold until spill_done().
 * Memory:    address space for `most` bytes; a file of what was added.
 * Ownership: the holder; `{0}` is an empty one that holds nothing. Threads: one adds; any read, and may
 *            forget at the same time. Errors: ERR_SPACE when the disk is full, before anything is
 *            written; a disk that fails while it is read is a SIGBUS, as with any mapped file.
 */
#ifndef LIB_BASE_SPILL_H
#define LIB_BASE_SPILL_H

#include "lib/base/err.h"
#include "lib/base/span.h"

#include <stddef.h>

#define SPILL_MEMORY ((size_t)1 << 20)
#define SPILL_PIECE  ((size_t)1 << 20)

struct spill {
    char *at;
    size_t len;
    size_t room; /* that can be written without asking anybody */
    size_t most;
    int file;  /* + 1; 0: in memory */
    bool heap; /* for good */
};

/* `most`, or a sixteenth of what `ulimit -v` allows if that is less: for who cannot know better. */
size_t spill_share(size_t most);
bool spill_open(struct spill *s, size_t most, struct err *err);
/* Where they lie; NULL with err: ERR_SPACE, or ERR_UNSUPPORTED beyond `most`. `bytes` may be NULL: zeros. */
void *spill_add(struct spill *s, const void *bytes, size_t len, struct err *err);
/* All of it may go out of memory; it comes back when it is read. */
void spill_forget(const struct spill *s);
void spill_done(struct spill *s);
/* All of it in pieces of SPILL_PIECE bytes, the last one of what is left; *at starts at 0. What was read
 * before is forgotten. False: there is no more. */
bool spill_next(const struct spill *s, size_t *at, struct span *piece);
/* Bytes of somebody else's, to be read as a spill; it needs no spill_done(). */
static inline struct spill spill_of(struct span bytes)
{
    return (struct spill){.at = (char *)(uintptr_t)bytes.at, .len = bytes.len};
}
static inline void auto_spill(struct spill *s)
{
    spill_done(s);
}

#endif
