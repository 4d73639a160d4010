#include "lib/db/my_text.h"

#define LARGE ((size_t)1 << 16)

/* What follows the backslash; 0: the byte stands for itself. */
static const char escape_of[256] = {[0] = '0', ['\t'] = 't', ['\n'] = 'n', ['\\'] = '\\'};

/* Length of the start of s that needs no escape. */
static size_t clean_run(const char *at, size_t len)
{
    size_t i = 0;

    while (i < len && !escape_of[(unsigned char)at[i]])
        i++;
    return i;
}

static size_t escapes_in(struct span value)
{
    size_t count = 0;

    for (size_t i = 0; i < value.len; i++)
        count += escape_of[(unsigned char)value.at[i]] != 0;
    return count;
}

bool my_text_add(struct buf *out, struct span value)
{
    if (!value.at)
        return buf_add(out, "\\N", 2);
    /* Room once, so that the loop writes without asking: for the worst case, or, where that would
     * be a lot, for what is needed. */
    if (!buf_reserve(out, value.len + (value.len < LARGE ? value.len : escapes_in(value))))
        return false;

    char *to = out->at + out->len;
    while (value.len) {
        size_t run = clean_run(value.at, value.len);
        memcpy(to, value.at, run);
        to += run;
        if (run < value.len) {
            *to++ = '\\';
            *to++ = escape_of[(unsigned char)value.at[run++]];
        }
        value.at += run;
        value.len -= run;
    }
    *to = 0;
    out->len = (size_t)(to - out->at);
    return true;
}

bool my_text_plain(struct buf *out, struct span value)
{
    return value.at ? buf_span(out, value) : buf_add(out, "\\N", 2);
}

static char unescape(char c)
{
    switch (c) {
    case '0':
        return 0;
    case 'b':
        return '\b';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'Z':
        return 26;
    default:
        return c;
    }
}

bool my_text_value(struct span line, struct buf *out, bool *null)
{
    *null = span_is(line, "\\N");
    if (*null)
        return true;
    for (size_t i = 0; i < line.len; i++) {
        char c = line.at[i];
        if (c == '\\' && i + 1 < line.len)
            c = unescape(line.at[++i]);
        if (!buf_putc(out, c))
            return false;
    }
    return true;
}
