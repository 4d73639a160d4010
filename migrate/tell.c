#include "migrate/tell.h"

#include <stdio.h>

/* UTF-8 characters, one column each; a byte of none is a column of its own. */
static size_t columns_of(const char *name)
{
    struct span s = span_of(name);
    size_t columns = 0;

    for (; s.len; columns++) {
        size_t len = span_utf8(s);
        len = len ? len : 1;
        s = (struct span){s.at + len, s.len - len};
    }
    return columns;
}

static bool is_control(struct span s, size_t len)
{
    unsigned char c = (unsigned char)s.at[0];

    return len == 0 || c < 0x20 || c == 0x7f || (c == 0xc2 && (unsigned char)s.at[1] < 0xa0);
}

void tell_name(const char *name, size_t width)
{
    size_t columns = columns_of(name);
    struct span s = span_of(name);

    while (s.len) {
        size_t len = span_utf8(s);
        if (is_control(s, len)) {
            putchar('?');
            len = len ? len : 1;
        } else {
            fwrite(s.at, 1, len, stdout);
        }
        s = (struct span){s.at + len, s.len - len};
    }
    printf("%*s", columns < width ? (int)(width - columns) : 0, "");
}

size_t tell_width(const char *name, size_t max)
{
    size_t columns = columns_of(name);

    return columns < max ? columns : max;
}

bool tell_json(const json_t *doc, struct err *err)
{
    AUTO(free) char *text = json_pretty(doc);

    if (!text)
        return err_memory(err);
    puts(text);
    return true;
}
