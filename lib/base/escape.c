#include "lib/base/escape.h"

static const char *escape_of(char c)
{
    switch (c) {
    case '\t':
        return "\\t";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\\':
        return "\\\\";
    case '\0':
        return "\\x00";
    default:
        return NULL;
    }
}

bool escape_add(struct buf *out, struct span s)
{
    if (!s.at)
        return buf_puts(out, "\\N");

    size_t plain = 0;
    for (size_t i = 0; i < s.len; i++) {
        const char *e = escape_of(s.at[i]);
        if (!e)
            continue;
        buf_add(out, s.at + plain, i - plain);
        buf_puts(out, e);
        plain = i + 1;
    }
    return buf_add(out, s.at + plain, s.len - plain);
}

/* The byte that the escape at `e` (behind the backslash) stands for; *used bytes of it are read. */
static bool unescape_one(const char *e, size_t left, char *byte, size_t *used)
{
    if (left == 0)
        return false;
    *used = 1;
    switch (e[0]) {
    case 't':
        *byte = '\t';
        return true;
    case 'n':
        *byte = '\n';
        return true;
    case 'r':
        *byte = '\r';
        return true;
    case '\\':
        *byte = '\\';
        return true;
    case 'x':
        *byte = '\0';
        *used = 3;
        return left >= 3 && e[1] == '0' && e[2] == '0';
    default:
        return false;
    }
}

bool escape_undo(char *at, size_t len, struct span *out)
{
    if (len == 2 && at[0] == '\\' && at[1] == 'N') {
        *out = (struct span){NULL, 0};
        return true;
    }

    size_t to = 0;
    for (size_t i = 0; i < len; i++) {
        char byte = at[i];
        if (byte == '\\') {
            size_t used = 0;
            if (!unescape_one(at + i + 1, len - i - 1, &byte, &used))
                return false;
            i += used;
        }
        at[to++] = byte;
    }
    *out = (struct span){at, to};
    return true;
}
