#include "lib/ssh/sftp_packet.h"

enum { HAS_SIZE = 1, HAS_IDS = 2, HAS_MODE = 4, HAS_TIMES = 8 };
#define HAS_EXTENDED 0x80000000u

/* ---- writing ---------------------------------------------------------------------------------*/

void sftp_u32(struct buf *out, uint32_t n)
{
    unsigned char bytes[4] = {(unsigned char)(n >> 24), (unsigned char)(n >> 16),
                              (unsigned char)(n >> 8), (unsigned char)n};

    buf_add(out, bytes, sizeof(bytes));
}

void sftp_u64(struct buf *out, uint64_t n)
{
    sftp_u32(out, (uint32_t)(n >> 32));
    sftp_u32(out, (uint32_t)n);
}

void sftp_str(struct buf *out, struct span s)
{
    sftp_u32(out, (uint32_t)s.len);
    buf_add(out, s.at, s.len);
}

void sftp_mode(struct buf *out, uint32_t mode)
{
    sftp_u32(out, HAS_MODE);
    sftp_u32(out, mode);
}

void sftp_begin(struct buf *out, enum sftp_type type, uint32_t id)
{
    buf_clear(out);
    sftp_u32(out, 0);
    buf_putc(out, (char)type);
    sftp_u32(out, id);
}

void sftp_end(struct buf *out)
{
    if (out->failed)
        return;

    size_t n = out->len - 4;
    for (int i = 3; i >= 0; i--, n >>= 8)
        out->at[i] = (char)(n & 0xff);
}

/* ---- reading ---------------------------------------------------------------------------------*/

bool sftp_take_u32(struct span *from, uint32_t *out)
{
    if (from->len < 4)
        return false;
    *out = 0;
    for (size_t i = 0; i < 4; i++)
        *out = *out << 8 | (unsigned char)from->at[i];
    *from = (struct span){from->at + 4, from->len - 4};
    return true;
}

bool sftp_take_u64(struct span *from, uint64_t *out)
{
    uint32_t high, low;

    if (from->len < 8 || !sftp_take_u32(from, &high) || !sftp_take_u32(from, &low))
        return false;
    *out = (uint64_t)high << 32 | low;
    return true;
}

bool sftp_take_str(struct span *from, struct span *out)
{
    struct span rest = *from;
    uint32_t len;

    if (!sftp_take_u32(&rest, &len) || len > rest.len)
        return false;
    *out = (struct span){rest.at, len};
    *from = (struct span){rest.at + len, rest.len - len};
    return true;
}

static bool take_extended(struct span *from)
{
    struct span name, data;
    uint32_t count;

    if (!sftp_take_u32(from, &count))
        return false;
    while (count-- > 0)
        if (!sftp_take_str(from, &name) || !sftp_take_str(from, &data))
            return false;
    return true;
}

bool sftp_take_attr(struct span *from, struct sftp_attr *out)
{
    struct sftp_attr a = {0};
    uint32_t has, ignored;

    if (!sftp_take_u32(from, &has))
        return false;
    a.has_bytes = has & HAS_SIZE;
    a.has_mtime = has & HAS_TIMES;
    if ((a.has_bytes && !sftp_take_u64(from, &a.bytes)) ||
        ((has & HAS_IDS) && (!sftp_take_u32(from, &ignored) || !sftp_take_u32(from, &ignored))) ||
        ((has & HAS_MODE) && !sftp_take_u32(from, &a.mode)) ||
        (a.has_mtime && (!sftp_take_u32(from, &ignored) || !sftp_take_u32(from, &a.mtime_s))) ||
        ((has & HAS_EXTENDED) && !take_extended(from)))
        return false;
    *out = a;
    return true;
}

bool sftp_take_name(struct span *from, struct span *name, struct sftp_attr *out)
{
    struct span as_listed;

    return sftp_take_str(from, name) && sftp_take_str(from, &as_listed) &&
           sftp_take_attr(from, out) && name->len > 0 && !memchr(name->at, '/', name->len) &&
           !memchr(name->at, '\0', name->len);
}

bool sftp_take_version(struct span body, uint32_t *version, struct sftp_extensions *out)
{
    struct span name, data;

    *out = (struct sftp_extensions){0};
    if (!sftp_take_u32(&body, version))
        return false;
    while (body.len > 0) {
        if (!sftp_take_str(&body, &name) || !sftp_take_str(&body, &data))
            return false;
        /* Both versions in use are these; another number would be another call. */
        out->posix_rename |= span_is(name, "posix-rename@openssh.com") && span_is(data, "1");
        out->fsync |= span_is(name, "fsync@openssh.com") && span_is(data, "1");
        out->statvfs |= span_is(name, "statvfs@openssh.com") && span_is(data, "2");
    }
    return true;
}
