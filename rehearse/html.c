#include "rehearse/html.h"

#include "lib/base/auto.h"
#include "lib/base/clock.h"
#include "lib/base/json.h"

#include <math.h>

void html_text(struct buf *out, const char *s)
{
    for (; *s; s++) {
        switch (*s) {
        case '&':
            buf_puts(out, "&amp;");
            break;
        case '<':
            buf_puts(out, "&lt;");
            break;
        case '>':
            buf_puts(out, "&gt;");
            break;
        case '"':
            buf_puts(out, "&quot;");
            break;
        case '\'':
            buf_puts(out, "&#39;");
            break;
        default:
            if ((unsigned char)*s < 0x20 && *s != '\n' && *s != '\t')
                buf_puts(out, "\xEF\xBF\xBD");
            else
                buf_putc(out, *s);
        }
    }
}

void html_el(struct buf *out, const char *tag, const char *cls, const char *text)
{
    buf_printf(out, "<%s", tag);
    if (cls)
        buf_printf(out, " class=\"%s\"", cls);
    buf_putc(out, '>');
    html_text(out, text);
    buf_printf(out, "</%s>", tag);
}

void html_cell(struct buf *out, const char *text)
{
    html_el(out, "td", NULL, text);
}

void html_num(struct buf *out, double n)
{
    char text[ISO_TIME];

    if (n < 0 || n > 9e15 || floor(n) < n)
        snprintf(text, sizeof(text), "%.4g", n);
    else
        human_count((uint64_t)n, text);
    html_el(out, "td", "n", text);
}

void html_ms(struct buf *out, double ms)
{
    char text[ISO_TIME];
    html_el(out, "td", "n", human_time((int64_t)(ms * 1e6), text));
}

void html_head_row(struct buf *out, const char *const *names)
{
    buf_puts(out, "<tr>");
    for (; *names; names++)
        html_el(out, "th", NULL, *names);
    buf_puts(out, "</tr>\n");
}

char *html_value(const json_t *value)
{
    if (!value || json_is_null(value))
        return strdup("");
    if (json_is_string(value))
        return strdup(json_string_value(value));
    return json_text(value);
}
