#include "lib/store/put_mark.h"

#include "lib/base/buf.h"

bool put_mark_encode(const struct put_mark *m, const char *holder, char out[PUT_MARK_LEN],
                     struct err *err)
{
    AUTO(buf) struct buf text = {0};
    char hex[HASH_HEX];

    digest_hex(&m->digest, hex);
    buf_printf(&text, "%020llu %s\n%s\n%s\n%s", (unsigned long long)m->bytes, hex, m->file,
               m->handle, holder);
    if (!buf_ok(&text, err))
        return false;
    if (text.len > PUT_MARK_LEN)
        return err_set(err, ERR_FAILED, "a mark of %zu bytes is too long", text.len);
    memset(out, '\n', PUT_MARK_LEN);
    memcpy(out, text.at, text.len);
    return true;
}

/* 32 hex digits: never a path. */
static bool is_salt(struct span s, char out[PUT_SALT])
{
    for (size_t i = 0; i < s.len; i++)
        if (!strchr("0123456789abcdef", s.at[i]) || !s.at[i])
            return false;
    if (s.len != PUT_SALT - 1)
        return false;
    memcpy(out, s.at, s.len);
    out[s.len] = '\0';
    return true;
}

bool put_mark_parse(struct span text, struct put_mark *out, struct span *holder)
{
    struct put_mark m = {0};
    struct span bytes, hex, file, handle;

    if (text.len != PUT_MARK_LEN || !span_split(&text, ' ', &bytes) ||
        !span_split(&text, '\n', &hex) || !span_split(&text, '\n', &file) ||
        !span_split(&text, '\n', &handle) || !span_u64(bytes, &m.bytes) ||
        !digest_parse(hex, &m.digest) || !is_salt(file, m.file) || !is_salt(handle, m.handle))
        return false;
    *out = m;
    *holder = text;
    return true;
}
