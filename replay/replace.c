#include "replay/replace.h"

#include <ctype.h>

static bool nothing(const struct session *s)
{
    return !s || session_empty(s);
}

/* A whole value under a known noun: a token, or an id of that noun. */
static bool replace_value(struct session *s, struct span noun, struct span value, struct buf *out)
{
    return session_get(s, MADE_TOKEN, SPAN(""), value, out) ||
           (noun.len && session_get(s, MADE_ID, noun, value, out));
}

static void copy_or_replace(struct session *s, struct span noun, struct span value, struct buf *out)
{
    if (!value.len || !replace_value(s, noun, value, out))
        buf_span(out, value);
}

/* ---- targets and parameters ---- */

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '~';
}

/* "17.json": the id is the part before the point, unless the whole is known. */
static void replace_segment(struct session *s, struct span before, struct span segment,
                            struct buf *out)
{
    char text[NOUN_MAX];
    struct span noun = span_of(made_noun(before, text));
    size_t n = 0;

    if (segment.len && replace_value(s, noun, segment, out))
        return;
    while (n < segment.len && is_word(segment.at[n]))
        n++;
    struct span word = {segment.at, n};
    if (n < segment.len)
        copy_or_replace(s, noun, word, out);
    else
        buf_span(out, word);
    buf_add(out, segment.at + n, segment.len - n);
}

static void replace_path(struct session *s, struct span path, struct buf *out)
{
    struct span segment, before = {"", 0};

    for (bool first = true; span_split(&path, '/', &segment); first = false) {
        if (!first)
            buf_putc(out, '/');
        replace_segment(s, before, segment, out);
        before = segment;
    }
}

static void parameter_noun(struct span name, const char *plain, char out[NOUN_MAX])
{
    if (span_is_nocase(name, "id") || span_is_nocase(name, "ids"))
        snprintf(out, NOUN_MAX, "%s", plain);
    else
        made_noun(name, out);
}

void replace_parameters(struct session *s, struct span text, const char *noun, struct buf *out)
{
    struct span pair, name;
    char own[NOUN_MAX];

    if (nothing(s)) {
        buf_span(out, text);
        return;
    }
    for (bool first = true; span_split(&text, '&', &pair); first = false) {
        if (!first)
            buf_putc(out, '&');
        if (!span_split(&pair, '=', &name))
            continue;
        buf_span(out, name);
        if (!pair.at)
            continue;
        buf_putc(out, '=');
        parameter_noun(name, noun, own);
        copy_or_replace(s, span_of(own), pair, out);
    }
}

void replace_target(struct session *s, struct span target, struct buf *out)
{
    const char *mark = target.len ? memchr(target.at, '?', target.len) : NULL;
    char noun[NOUN_MAX];

    if (nothing(s)) {
        buf_span(out, target);
        return;
    }
    if (!mark) {
        replace_path(s, target, out);
        return;
    }
    struct span path = {target.at, (size_t)(mark - target.at)};
    replace_path(s, path, out);
    buf_putc(out, '?');
    replace_parameters(s, (struct span){mark + 1, target.len - path.len - 1},
                       made_path_noun(path, noun), out);
}

/* ---- headers ---- */

void replace_cookies(struct session *s, struct span value, struct buf *out)
{
    struct span pair, name;

    if (nothing(s)) {
        buf_span(out, value);
        return;
    }
    for (bool first = true; span_split(&value, ';', &pair); first = false) {
        buf_puts(out, first ? "" : "; ");
        pair = span_trim(pair);
        struct span content = pair;
        if (!span_split(&content, '=', &name) || !content.at) {
            buf_span(out, pair);
            continue;
        }
        buf_span(out, name);
        buf_putc(out, '=');
        if (!session_get(s, MADE_COOKIE, name, content, out) &&
            !session_get(s, MADE_TOKEN, SPAN(""), content, out))
            buf_span(out, content);
    }
}

void replace_words(struct session *s, struct span text, struct buf *out)
{
    if (nothing(s)) {
        buf_span(out, text);
        return;
    }
    while (text.len) {
        size_t n = 0;
        while (n < text.len && !strchr(" ,;\"", text.at[n] ? text.at[n] : ' '))
            n++;
        copy_or_replace(s, SPAN(""), (struct span){text.at, n}, out);
        if (n < text.len)
            buf_putc(out, text.at[n++]);
        text = (struct span){text.at + n, text.len - n};
    }
}

/* ---- JSON, by its text, so that all else stays as the client wrote it ---- */

#define DEPTH_MAX 64

struct scan {
    struct session *s;
    struct buf *out;
    const char *top; /* noun of an `id` at the top */
    struct span left;
    int depth;
    struct span key[DEPTH_MAX]; /* that the object or array at this depth is the value of */
    bool object[DEPTH_MAX];
    struct span now; /* key of the value that comes next */
};

static struct span take_string(struct scan *j)
{
    size_t n = 1;

    while (n < j->left.len && j->left.at[n] != '"')
        n += j->left.at[n] == '\\' ? 2 : 1;
    n = n < j->left.len ? n + 1 : j->left.len;
    struct span s = {j->left.at, n};
    j->left = (struct span){j->left.at + n, j->left.len - n};
    return s;
}

static struct span inside(struct span quoted)
{
    bool closed = quoted.len >= 2 && quoted.at[quoted.len - 1] == '"';

    return (struct span){quoted.at + 1, quoted.len - 1 - closed};
}

static const char *value_noun(const struct scan *j, char out[NOUN_MAX])
{
    if (!span_is_nocase(j->now, "id") && !span_is_nocase(j->now, "ids"))
        return made_noun(j->now, out);
    if (j->depth > 0 && j->key[j->depth].len)
        return made_noun(j->key[j->depth], out);
    snprintf(out, NOUN_MAX, "%s", j->top);
    return out;
}

static void scan_string(struct scan *j)
{
    struct span quoted = take_string(j), text = inside(quoted);
    size_t blank = 0;
    char noun[NOUN_MAX];

    while (blank < j->left.len && isspace((unsigned char)j->left.at[blank]))
        blank++;
    if (j->object[j->depth] && blank < j->left.len && j->left.at[blank] == ':') {
        j->now = text;
        buf_span(j->out, quoted);
        return;
    }
    buf_putc(j->out, '"');
    copy_or_replace(j->s, span_of(value_noun(j, noun)), text, j->out);
    buf_add(j->out, text.at + text.len, quoted.len - 1 - text.len);
}

static void scan_number(struct scan *j)
{
    size_t n = 0;
    char noun[NOUN_MAX];

    while (n < j->left.len && strchr("+-.eE0123456789", j->left.at[n] ? j->left.at[n] : ' '))
        n++;
    copy_or_replace(j->s, span_of(value_noun(j, noun)), (struct span){j->left.at, n}, j->out);
    j->left = (struct span){j->left.at + n, j->left.len - n};
}

static void scan_bracket(struct scan *j, char c)
{
    if (c == '{' || c == '[') {
        if (j->depth + 1 < DEPTH_MAX) {
            j->depth++;
            /* Objects in a list belong to the list's key. */
            j->key[j->depth] = j->now;
            j->object[j->depth] = c == '{';
        }
    } else if (j->depth > 0) {
        j->now = j->key[j->depth];
        j->depth--;
    }
}

void replace_json(struct session *s, struct span text, const char *noun, struct buf *out)
{
    struct scan j = {.s = s, .out = out, .top = noun, .left = text};

    if (nothing(s)) {
        buf_span(out, text);
        return;
    }
    while (j.left.len) {
        char c = *j.left.at;
        if (c == '"') {
            scan_string(&j);
            continue;
        }
        if (c == '-' || isdigit((unsigned char)c)) {
            scan_number(&j);
            continue;
        }
        if (c && strchr("{}[]", c))
            scan_bracket(&j, c);
        buf_putc(out, c);
        j.left = (struct span){j.left.at + 1, j.left.len - 1};
    }
}

void replace_body(struct session *s, struct span type, struct span target, struct span body,
                  struct buf *out)
{
    char noun[NOUN_MAX];

    made_path_noun(target, noun);
    if (type.at && memmem(type.at, type.len, "json", 4))
        replace_json(s, body, noun, out);
    else if (type.at && memmem(type.at, type.len, "x-www-form-urlencoded", 21))
        replace_parameters(s, body, noun, out);
    else
        buf_span(out, body);
}
