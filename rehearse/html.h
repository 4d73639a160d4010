/* Writing HTML: every text from outside passes html_text(). Failures stay in the buffer. */
#ifndef REHEARSE_HTML_H
#define REHEARSE_HTML_H

#include "lib/base/buf.h"

#include <jansson.h>

/* Escapes & < > " ' and shows control characters as U+FFFD. */
void html_text(struct buf *out, const char *s);
/* One element around escaped text: <tag class="cls">text</tag>; cls may be NULL. */
void html_el(struct buf *out, const char *tag, const char *cls, const char *text);
void html_cell(struct buf *out, const char *text);
void html_num(struct buf *out, double n); /* right-aligned cell, thousands grouped */
void html_ms(struct buf *out, double ms); /* right-aligned cell, as human_time */
void html_head_row(struct buf *out, const char *const *names); /* NULL-terminated */
/* Any JSON value as text: strings as they are, else compact JSON. Heap; NULL without memory. */
char *html_value(const json_t *value);

#endif
