#include "lib/base/buf.h"

#include <stdio.h>
#include <stdlib.h>

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

void buf_done(struct buf *b)
{
    if (!b)
        return;
    free(b->at);
    *b = (struct buf){.max = b->max};
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->failed = false;
    if (b->at)
        b->at[0] = 0;
}

bool buf_reserve(struct buf *b, size_t more)
{
    size_t max = b->max ? b->max : BUF_MAX_DEFAULT;

    if (b->failed)
        return false;
    if (more > max || b->len > max - more) {
        b->failed = true;
        return false;
    }
    size_t need = b->len + more + 1;
    if (need <= b->cap)
        return true;

    size_t cap = b->cap < 64 ? 64 : b->cap;
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    if (cap > max + 1)
        cap = max + 1;
    char *at = realloc(b->at, cap);
    if (!at) {
        b->failed = true;
        return false;
    }
    b->at = at;
    b->cap = cap;
    b->at[b->len] = 0;
    return true;
}

bool buf_add(struct buf *b, const void *bytes, size_t len)
{
    if (!buf_reserve(b, len))
        return false;
    if (len)
        memcpy(b->at + b->len, bytes, len);
    b->len += len;
    b->at[b->len] = 0;
    return true;
}

bool buf_span(struct buf *b, struct span s)
{
    return buf_add(b, s.at, s.len);
}

bool buf_puts(struct buf *b, const char *s)
{
    return buf_add(b, s, strlen(s));
}

bool buf_putc(struct buf *b, char c)
{
    return buf_add(b, &c, 1);
}

bool buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    bool ok = buf_vprintf(b, fmt, ap);
    va_end(ap);
    return ok;
}

bool buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int len = vsnprintf(NULL, 0, fmt, again);
    va_end(again);

    if (len < 0)
        b->failed = true;
    if (len < 0 || !buf_reserve(b, (size_t)len))
        return false;
    vsnprintf(b->at + b->len, (size_t)len + 1, fmt, ap);
    b->len += (size_t)len;
    return true;
}

bool buf_ok(const struct buf *b, struct err *err)
{
    if (!b->failed)
        return true;
    return err_set(err, ERR_FAILED, "out of memory or over the limit of %zu bytes for one text",
                   b->max ? b->max : BUF_MAX_DEFAULT);
}

const char *buf_str(const struct buf *b)
{
    return b->at ? b->at : "";
}

struct span buf_view(const struct buf *b)
{
    return (struct span){buf_str(b), b->len};
}

char *buf_take(struct buf *b)
{
    if (!buf_reserve(b, 0)) {
        buf_done(b);
        return NULL;
    }
    char *at = b->at;
    *b = (struct buf){.max = b->max};
    return at;
}
