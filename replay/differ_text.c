/* HTML, XML and text: lines, where a tag begins a line, white space does not count, and lines are
 * matched as diff(1) does (longest common subsequence) between what is common at both ends. */
#include <ctype.h>

#include "lib/base/vec.h"
#include "replay/differ.h"

#define LCS_MAX 300 /* lines that are left in the middle; more are paired by position */

/* Pieces between line ends and tags, trimmed, without empty ones. */
static bool split(struct span text, struct vec *lines, struct err *err)
{
    size_t start = 0;

    for (size_t i = 0; i <= text.len; i++) {
        bool cut = i == text.len || text.at[i] == '\n' || (text.at[i] == '<' && i > start);
        if (!cut)
            continue;
        struct span piece = span_trim((struct span){text.at + start, i - start});
        start = i < text.len && text.at[i] == '\n' ? i + 1 : i;
        if (piece.len == 0)
            continue;
        struct span *line = vec_add(lines, err);
        if (!line)
            return false;
        *line = piece;
    }
    return true;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '-' || c == '_';
}

/* The next word, or one other character; a run of white space counts as one blank. */
static bool next_token(struct span *rest, struct span *token)
{
    size_t n = 0;

    if (rest->len == 0)
        return false;
    if (isspace((unsigned char)*rest->at)) {
        while (n < rest->len && isspace((unsigned char)rest->at[n]))
            n++;
        *token = SPAN(" ");
    } else {
        while (n < rest->len && is_word(rest->at[n]))
            n++;
        n = n ? n : 1;
        *token = (struct span){rest->at, n};
    }
    *rest = (struct span){rest->at + n, rest->len - n};
    return true;
}

static bool same_line(const struct differ *d, struct span a, struct span b)
{
    struct span x, y;

    if (span_eq(a, b))
        return true;
    for (;;) {
        bool more = next_token(&a, &x);
        if (more != next_token(&b, &y))
            return false;
        if (!more)
            return true;
        if (!answers_same_value(d->old_side, x, d->new_side, y))
            return false;
    }
}

/* The line with its numbers as '#', so that all prices of a list are one place. */
static void line_where(struct span line, char out[DIFFER_WHERE_MAX])
{
    size_t len = (size_t)snprintf(out, DIFFER_WHERE_MAX, "line ");
    bool in_number = false, blank = false;

    for (size_t i = 0; i < line.len && len + 1 < DIFFER_WHERE_MAX; i++) {
        unsigned char c = (unsigned char)line.at[i];
        bool number = isdigit(c) || (in_number && (c == '.' || c == ','));
        if (isspace(c) && blank)
            continue;
        blank = isspace(c);
        if (!number || !in_number)
            out[len++] = (char)(number ? '#' : blank ? ' ' : c);
        in_number = number;
    }
    out[len] = '\0';
}

static bool tell(const struct differ *d, enum differ_kind kind, struct span old, struct span new,
                 struct err *err)
{
    char where[DIFFER_WHERE_MAX];

    line_where(kind == DIFFER_ADDED ? new : old, where);
    return d->fn(d->ctx, where, kind, old, new, err);
}

struct lines {
    const struct span *at;
    size_t count;
};

/* A run of lines of one side against a run of the other one. */
static bool tell_run(const struct differ *d, struct lines a, struct lines b, struct err *err)
{
    static const struct span none = {"", 0};

    for (size_t i = 0; i < a.count || i < b.count; i++) {
        bool ok = i >= b.count   ? tell(d, DIFFER_MISSING, a.at[i], none, err)
                  : i >= a.count ? tell(d, DIFFER_ADDED, none, b.at[i], err)
                                 : same_line(d, a.at[i], b.at[i]) ||
                                       tell(d, DIFFER_CHANGED, a.at[i], b.at[i], err);
        if (!ok)
            return false;
    }
    return true;
}

/* Walks the table of common lengths and tells each run between common lines. */
static bool tell_runs(const struct differ *d, struct lines a, struct lines b, const uint16_t *table,
                      struct err *err)
{
    size_t i = 0, k = 0, from_i = 0, from_k = 0, width = b.count + 1;

    while (i < a.count && k < b.count) {
        if (same_line(d, a.at[i], b.at[k])) {
            if (!tell_run(d, (struct lines){a.at + from_i, i - from_i},
                          (struct lines){b.at + from_k, k - from_k}, err))
                return false;
            from_i = ++i;
            from_k = ++k;
        } else if (table[(i + 1) * width + k] >= table[i * width + k + 1]) {
            i++;
        } else {
            k++;
        }
    }
    return tell_run(d, (struct lines){a.at + from_i, a.count - from_i},
                    (struct lines){b.at + from_k, b.count - from_k}, err);
}

static bool middle(const struct differ *d, struct lines a, struct lines b, struct err *err)
{
    if (a.count == 0 || b.count == 0 || a.count > LCS_MAX || b.count > LCS_MAX)
        return tell_run(d, a, b, err);
    size_t width = b.count + 1;
    AUTO(free) uint16_t *table = calloc((a.count + 1) * width, sizeof(*table));
    if (!table)
        return err_memory(err);
    for (size_t i = a.count; i-- > 0;) {
        for (size_t k = b.count; k-- > 0;) {
            uint16_t down = table[(i + 1) * width + k], right = table[i * width + k + 1];
            table[i * width + k] = same_line(d, a.at[i], b.at[k])
                                       ? (uint16_t)(table[(i + 1) * width + k + 1] + 1)
                                   : down > right ? down
                                                  : right;
        }
    }
    return tell_runs(d, a, b, table, err);
}

bool differ_text(const struct differ *d, struct span old, struct span new, struct err *err)
{
    AUTO(vec) struct vec old_lines = VEC(struct span);
    AUTO(vec) struct vec new_lines = VEC(struct span);

    if (!split(old, &old_lines, err) || !split(new, &new_lines, err))
        return false;
    struct lines a = {old_lines.at, old_lines.count}, b = {new_lines.at, new_lines.count};
    while (a.count && b.count && same_line(d, a.at[0], b.at[0])) {
        a = (struct lines){a.at + 1, a.count - 1};
        b = (struct lines){b.at + 1, b.count - 1};
    }
    while (a.count && b.count && same_line(d, a.at[a.count - 1], b.at[b.count - 1])) {
        a.count--;
        b.count--;
    }
    return middle(d, a, b, err);
}
