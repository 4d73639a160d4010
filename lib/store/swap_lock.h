/* What a lock file means: pure but for the clock; see lib/store/sftp_swap.c for the method. */
#ifndef LIB_STORE_SWAP_LOCK_H
#define LIB_STORE_SWAP_LOCK_H

#include "lib/base/hash.h"
#include "lib/store/store.h"

#define SWAP_LOCK     "swap.lock"
#define SWAP_LOCK_MAX 4096

struct swap_lock {
    char text[512]; /* what our lock file holds: who, since when, a token */
    int64_t taken_ns;
    int64_t asked_ns;   /* since when we wait */
    int64_t watched_ns; /* since when the other's content is the same */
    struct digest seen;
    uint32_t seen_mtime_s;
    char holder[128]; /* the other, for the error */
};

enum swap_lock_state { SWAP_LOCK_OURS, SWAP_LOCK_HELD, SWAP_LOCK_DEAD };

void swap_lock_init(struct swap_lock *l, const char *token);
void swap_lock_taken(struct swap_lock *l);
/* False when we hold it for so long that others may take it for dead. */
bool swap_lock_fresh(const struct swap_lock *l);
/* Whether the holder that the text names ran under this kernel and is gone. */
bool swap_lock_gone(struct span text);
enum swap_lock_state swap_lock_watch(struct swap_lock *l, struct span text, uint32_t mtime_s);
/* Where a dead one is moved: a name that is the same for all who saw the same. */
const char *swap_lock_grave(const struct swap_lock *l, char out[STORE_NAME_MAX]);
/* Sleeps *pause and makes it longer; false when it took too long or the program is stopped. */
bool swap_lock_wait(const struct swap_lock *l, const char *store, int64_t *pause, struct err *err);

#endif
