/* A bounded queue of pointers between threads: a full one blocks the producer. */
#ifndef LIB_BASE_QUEUE_H
#define LIB_BASE_QUEUE_H

#include "lib/base/auto.h"
#include "lib/base/err.h"

struct queue;
bool queue_new(size_t capacity, struct queue **out, struct err *err);
void queue_free(struct queue *q); /* must be empty or its items owned elsewhere */
AUTO_PTR(queue, struct queue, queue_free)
bool queue_put(struct queue *q, void *item);  /* false once closed: the item stays the caller's */
bool queue_get(struct queue *q, void **item); /* false when closed and empty */
bool queue_try_get(struct queue *q, void **item); /* false when empty now */
void queue_close(struct queue *q);                /* wakes everybody */
size_t queue_len(struct queue *q);

#endif
