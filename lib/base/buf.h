/* A byte buffer that grows up to a maximum.
 *
 * The first failure (no memory, or over `max`) is remembered: later writes do nothing, and the user
 * asks once at the end with buf_ok(). So building a text needs one check, not one per line.
 * Ownership: the holder; `{0}` is a valid start with max = BUF_MAX_DEFAULT. buf_done() releases.
 * Always NUL-terminated behind `len` once anything was written (buf_str gives "" before).
 */
#ifndef LIB_BASE_BUF_H
#define LIB_BASE_BUF_H

#include "lib/base/err.h"
#include "lib/base/span.h"

#include <stdarg.h>

#define BUF_MAX_DEFAULT ((size_t)1 << 30)

struct buf {
    char *at;
    size_t len;
    size_t cap;
    size_t max; /* 0: BUF_MAX_DEFAULT */
    bool failed;
};

void buf_init(struct buf *b, size_t max);
void buf_done(struct buf *b);
static inline void auto_buf(struct buf *b)
{
    buf_done(b);
}
void buf_clear(struct buf *b); /* keeps the memory, forgets the failure */
bool buf_reserve(struct buf *b, size_t more);
bool buf_add(struct buf *b, const void *bytes, size_t len);
bool buf_span(struct buf *b, struct span s);
bool buf_puts(struct buf *b, const char *s);
bool buf_putc(struct buf *b, char c);
bool buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool buf_vprintf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
bool buf_ok(const struct buf *b, struct err *err); /* false with ERR_FAILED "out of memory ..." */
const char *buf_str(const struct buf *b);
struct span buf_view(const struct buf *b);
char *buf_take(struct buf *b); /* heap string, the buffer starts anew; NULL when failed */

#endif
