/* A growing array of any plain type: struct vec v = VEC(struct thing). */
#ifndef LIB_BASE_VEC_H
#define LIB_BASE_VEC_H

#include "lib/base/err.h"

#include <stddef.h>

struct vec {
    void *at;
    size_t count, cap, item;
};
#define VEC(type)            \
    {                        \
        .item = sizeof(type) \
    }

void *vec_add(struct vec *v, struct err *err); /* a zeroed new last item; NULL with err */
void vec_done(struct vec *v);                  /* frees the array, not what items own */
static inline void auto_vec(struct vec *v)
{
    vec_done(v);
}

#endif
