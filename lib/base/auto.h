/* Release at the end of the scope.
 *
 *   AUTO(buf) struct buf b = {0};              calls auto_buf(&b) on the way out
 *   return TAKE(p);                            hands p over and leaves NULL behind
 * A module that owns a type defines its cleaner with AUTO_PTR(name, type, free_function).
 */
#ifndef LIB_BASE_AUTO_H
#define LIB_BASE_AUTO_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define AUTO(name) __attribute__((cleanup(auto_##name)))

/* Defines auto_NAME for pointers to TYPE; FN must accept NULL. */
#define AUTO_PTR(name, type, fn)             \
    static inline void auto_##name(type **p) \
    {                                        \
        fn(*p);                              \
    }

#define TAKE(p)                    \
    (__extension__({               \
        __typeof__(p) take_ = (p); \
        (p) = NULL;                \
        take_;                     \
    }))

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MUST_USE     __attribute__((warn_unused_result))

/* AUTO(free) char *s: any heap pointer. */
static inline void auto_free(void *p)
{
    void *heap = *(void **)p;
    free(heap);
}

/* AUTO(fd) int fd = -1 */
static inline void auto_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static inline void auto_file(FILE **f)
{
    if (*f)
        fclose(*f);
}

static inline int take_fd(int *fd)
{
    int held = *fd;
    *fd = -1;
    return held;
}

#endif
