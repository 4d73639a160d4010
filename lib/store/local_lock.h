/* Who may swap in a local store: flock() among the processes of this host, and the lock file of
 * lib/store/swap_lock.h, by which those exclude each other who come by SFTP to the same directory. */
#ifndef LIB_STORE_LOCAL_LOCK_H
#define LIB_STORE_LOCAL_LOCK_H

#include "lib/store/swap_lock.h"

#define LOCAL_LOCK_WAIT_NS (60 * (int64_t)1000000000)

struct local_lock {
    int dir; /* of the store; borrowed */
    int fd;  /* -1: not held */
    bool file;
    struct swap_lock swap;
};

#define LOCAL_LOCK ((struct local_lock){.dir = -1, .fd = -1})

/* `url` for the error. Waits so long for processes of this host: a stopped one may hold it. */
bool local_lock_take(int dir, const char *url, int64_t wait_ns, struct local_lock *out,
                     struct err *err);
/* To be asked before what it guards is changed: ERR_LOCK when it was held for so long that a writer
 * elsewhere may have taken it for dead, or has. ERR_IO when that cannot be seen. */
bool local_lock_held(const struct local_lock *l, const char *url, struct err *err);
/* The lock file of somebody else is left alone. */
void local_lock_drop(struct local_lock *l);
static inline void auto_local_lock(struct local_lock *l)
{
    local_lock_drop(l);
}

#endif
