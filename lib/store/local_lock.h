/* Who may swap in a local store: flock() among the processes of this host, and the lock file of
 * lib/store/swap_lock.h, by which those exclude each other who come by SFTP to the same directory. */
#ifndef LIB_STORE_LOCAL_LOCK_H
#define LIB_STORE_LOCAL_LOCK_H

#include "lib/base/err.h"

struct local_lock {
    int dir; /* of the store; borrowed */
    int fd;  /* -1: not held */
    bool file;
};

#define LOCAL_LOCK ((struct local_lock){-1, -1, false})

/* `url` for the error. Never waits for ever: a stopped process may hold it. */
bool local_lock_take(int dir, const char *url, struct local_lock *out, struct err *err);
void local_lock_drop(struct local_lock *l);
static inline void auto_local_lock(struct local_lock *l)
{
    local_lock_drop(l);
}

#endif
