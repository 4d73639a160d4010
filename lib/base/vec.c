#include "lib/base/vec.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void *vec_add(struct vec *v, struct err *err)
{
    if (v->count == v->cap) {
        size_t cap = v->cap ? v->cap * 2 : 8;
        void *at = cap > v->cap && cap <= SIZE_MAX / v->item ? realloc(v->at, cap * v->item) : NULL;
        if (!at) {
            err_memory(err);
            return NULL;
        }
        v->at = at;
        v->cap = cap;
    }
    void *last = (char *)v->at + v->count++ * v->item;
    memset(last, 0, v->item);
    return last;
}

void vec_done(struct vec *v)
{
    free(v->at);
    *v = (struct vec){.item = v->item};
}
