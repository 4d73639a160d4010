#include "lib/bundle/name.h"

#include "lib/base/buf.h"
#include "lib/bundle/bundle.h"

#include <ctype.h>

#define STREAM_NAME_MAX 4096

static bool plain(unsigned char c)
{
    return c < 128 && (isalnum(c) || c == '.' || c == '_' || c == '-');
}

static void encode(struct buf *out, const char *text, bool dots)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (plain(*p) && (dots || *p != '.'))
            buf_putc(out, (char)*p);
        else
            buf_printf(out, "%%%02X", *p);
    }
}

char *stream_name(const char *component, const char *schema, const char *name)
{
    struct buf out = {0};

    encode(&out, component, true);
    buf_putc(&out, '/');
    if (schema) {
        encode(&out, schema, false);
        buf_putc(&out, '.');
    }
    encode(&out, name, !schema); /* the dot between schema and name is the only one */
    char *text = buf_take(&out);
    buf_done(&out);
    return text;
}

bool stream_name_ok(struct span name)
{
    const char *slash = name.len ? memchr(name.at, '/', name.len) : NULL;

    if (!slash || slash == name.at || slash + 1 == name.at + name.len || name.len > STREAM_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (!plain((unsigned char)name.at[i]) && name.at[i] != '%' && name.at + i != slash)
            return false;
    return true;
}

bool tag_ok(struct span tag)
{
    if (tag.len == 0 || tag.len >= TAG_MAX || tag.at[0] == '.' || tag.at[0] == '-')
        return false;
    for (size_t i = 0; i < tag.len; i++)
        if (!plain((unsigned char)tag.at[i]))
            return false;
    return true;
}
