/* What the mark of an unfinished put says: pure; see lib/store/sftp_put.c for the method. */
#ifndef LIB_STORE_PUT_MARK_H
#define LIB_STORE_PUT_MARK_H

#include "lib/base/hash.h"
#include "lib/store/store.h"

#define PUT_MARK_LEN ((size_t)768) /* always: it is written over itself */
#define PUT_SALT     33            /* 32 hex digits and a NUL */

struct put_mark {
    uint64_t bytes;        /* of the file, which are durable */
    struct digest digest;  /* of those */
    char file[PUT_SALT];   /* what lies below "tmp/" */
    char handle[PUT_SALT]; /* of the writer's store: a program may have several puts */
};

/* `holder`: the text of a struct swap_lock. */
bool put_mark_encode(const struct put_mark *m, const char *holder, char out[PUT_MARK_LEN],
                     struct err *err);
/* False when it is none of ours. *holder: borrowed of text. */
bool put_mark_parse(struct span text, struct put_mark *out, struct span *holder);

#endif
